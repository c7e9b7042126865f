#!/usr/bin/python3
"""Writes the seeds of fuzz/corpus/interpreter, or with --check compares them.

A seed is a tape of choices for fuzz_interpreter.c; the bytes follow from its
number, so that they are the same everywhere.
"""
import hashlib
import pathlib
import sys

SEEDS = 24
FOLDER = pathlib.Path(__file__).parent / "corpus" / "interpreter"


def tape(number):
    length = 8 + 11 * number
    blocks = range(length // 32 + 1)
    out = b"".join(
        hashlib.sha256(b"tape %d %d" % (number, block)).digest()
        for block in blocks
    )[:length]
    # Odd numbers have a dependency; 255 in front would be no tape.
    return bytes([number % 2]) + out[1:]


def main():
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit("usage: make_seeds.py [--check]")
    wanted = {"tape-%02d" % n: tape(n) for n in range(SEEDS)}
    if check:
        there = {f.name: f.read_bytes() for f in FOLDER.iterdir()}
        if there != wanted:
            sys.exit("fuzz/corpus/interpreter is not what make_seeds.py writes")
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, content in wanted.items():
        (FOLDER / name).write_bytes(content)


main()
