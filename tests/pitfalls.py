#!/usr/bin/env python3
"""Every row of docs/pitfalls.md names tests, and every test that it names
exists. Where the list of mistakes is at hand, each of its entries has a row.

In the last cell of a row `name()` is a case: a RUN(name) of a test program
that CMake builds, or a function of a Python test. `group/name` is a row of
tests/vectors/group/vectors.jsonl, with * for any characters. Any other name is
a test of CTest.

usage: pitfalls.py SOURCE_DIR [MISTAKES]
"""
import fnmatch
import glob
import json
import os
import re
import sys


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as f:
        return f.read()


def sources(root, pattern):
    for path in glob.glob(os.path.join(root, "tests", "**", pattern),
                          recursive=True):
        yield os.path.relpath(path, root), read(path)


def cases(root):
    """Names of cases that run: of files that some CMakeLists.txt names."""
    built = "".join(text for _, text in sources(root, "CMakeLists.txt"))
    built += "".join(text for _, text in sources(root, "*.cmake"))
    names = set()
    for path, text in sources(root, "*.c"):
        if os.path.basename(path) in built:
            names.update(re.findall(r"^\s+RUN\((\w+)\);", text, re.M))
    for _, text in sources(root, "*.py"):
        names.update(re.findall(r"^\s*def (\w+)\(", text, re.M))
    return names


def vectors(root):
    names = set()
    for path in glob.glob(os.path.join(root, "tests/vectors/*/vectors.jsonl")):
        group = os.path.basename(os.path.dirname(path))
        for line in read(path).splitlines():
            names.add(group + "/" + json.loads(line)["id"])
    return names


def ctests(root):
    text = "".join(text for _, text in sources(root, "CMakeLists.txt"))
    return set(re.findall(r"add_test\(NAME ([\w-]+)", text)) | set(
        re.findall(r"pst_test\(([\w-]+)", text))


def rows(page):
    """(section, its mistake, its tests) of each row."""
    section = ""
    for line in page.splitlines():
        if line.startswith("## "):
            section = line[3:].strip()
        cells = [c.strip() for c in line.split("|")]
        if not line.startswith("| ") or cells[1] in ("mistake", "---"):
            continue
        yield section, cells[1], re.findall(r"`([^`]+)`", cells[-2])


def entries(mistakes):
    """How many entries each section of the list has."""
    count, section = {}, ""
    for line in mistakes.splitlines():
        if line.startswith("## "):
            section = line[3:].strip()
        elif line.startswith("- "):
            count[section] = count.get(section, 0) + 1
    return count


def faults(root, mistakes):
    known_cases, known_vectors = cases(root), vectors(root)
    known_ctests = ctests(root)
    count = {}
    for section, what, tests in rows(read(root, "docs/pitfalls.md")):
        count[section] = count.get(section, 0) + 1
        if not tests:
            yield "no test: " + what
        for name in tests:
            if name.endswith("()"):
                found = name[:-2] in known_cases
            elif "/" in name:
                found = fnmatch.filter(known_vectors, name)
            else:
                found = name in known_ctests
            if not found:
                yield "no such test: " + name
    if not count:
        yield "no rows"
    if mistakes is None:
        print("skip: the list of mistakes is not here")
        return
    for section, want in entries(mistakes).items():
        if count.get(section, 0) < want:
            yield "%s: %d rows for %d mistakes" % (
                section, count.get(section, 0), want)


def main():
    root = sys.argv[1]
    mistakes = None
    if len(sys.argv) > 2 and os.path.exists(sys.argv[2]):
        mistakes = read(sys.argv[2])
    found = list(faults(root, mistakes))
    for fault in found:
        print("docs/pitfalls.md:", fault)
    return 1 if found else 0


sys.exit(main())
