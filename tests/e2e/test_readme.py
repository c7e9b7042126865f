"""Runs the tour of the README: every block, in order, in one shell."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile

top = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
build = os.path.abspath(os.environ.get("POSTERN_BUILD",
                                       os.path.join(top, "build")))
with open(os.path.join(top, "README.md"), encoding="utf-8") as text:
    blocks = re.findall(r"^```sh\n(.*?)^```$", text.read(), re.M | re.S)
if len(blocks) < 5:
    sys.exit("the README has no tour")
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
# The port of the text may be taken, and the build may be elsewhere.
script = "\n".join(blocks).replace("127.0.0.1:8085", "127.0.0.1:%d" % port)
script = script.replace("$PWD/build", build)
with tempfile.TemporaryDirectory(prefix="postern-tour-") as folder:
    with subprocess.Popen(
            ["bash", "-xeuo", "pipefail", "-c",
             "trap 'kill $(jobs -p) 2>/dev/null || :; wait' EXIT\n" + script],
            cwd=top, env=dict(os.environ, TMPDIR=folder),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True) as shell:
        try:
            out = shell.communicate(timeout=300)[0].decode("utf-8", "replace")
        except subprocess.TimeoutExpired:
            os.killpg(shell.pid, signal.SIGKILL)
            raise
print("\n".join(line[:200] for line in out.splitlines()))
for expected in ("nothing there, as it should be",
                 "hello from version 1",
                 "gone, as it should be"):
    if expected not in out:
        sys.exit("the tour did not say: " + expected)
sys.exit(shell.returncode)
