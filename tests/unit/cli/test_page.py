#!/usr/bin/env python3
"""docs/manifests.md as its reader takes it: every block, in order.

usage: test_page.py PROGRAM SOURCE_DIR
"""
import os
import re
import subprocess
import sys
import tempfile

program, source = (os.path.abspath(p) for p in sys.argv[1:3])
with open(os.path.join(source, "docs", "manifests.md"), encoding="utf-8") as f:
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", f.read(), re.M | re.S)
ran = 0
with tempfile.TemporaryDirectory(prefix="postern-page-") as folder:
    env = dict(os.environ, PATH=os.path.dirname(program) + ":" +
               os.environ["PATH"])
    for kind, text in blocks:
        if kind == "yaml":
            name = re.match(r"# ([\w.-]+\.yaml): ", text)
            if name is None:
                sys.exit("a block without the name of its file:\n" + text)
            with open(os.path.join(folder, name.group(1)), "w") as f:
                f.write(text)
            continue
        r = subprocess.run(["bash", "-euo", "pipefail", "-c", text], env=env,
                           cwd=folder, timeout=120, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT)
        if r.returncode != 0:
            sys.exit("%s\n%s" % (text, r.stdout.decode("utf-8", "replace")))
        ran += 1
if ran < 6:
    sys.exit("the page has no tour")
