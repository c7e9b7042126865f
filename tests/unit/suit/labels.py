#!/usr/bin/env python3
"""Every label of the SUIT drafts has a row in docs/suit-conformance.md, and
every test that a row names exists.

The numbers are those of the CDDL of draft-ietf-suit-manifest-37,
draft-ietf-suit-trust-domains-11, draft-ietf-suit-update-management-14 and
draft-ietf-suit-firmware-encryption-24, which agree with their IANA sections.

usage: labels.py SOURCE_DIR
"""
import fnmatch
import glob
import json
import os
import re
import sys

# In the page a label stands alone under the heading of its registry, or with
# the registry's name before it ("common 1").
LABELS = {
    "envelope": {
        1: "delegation", 2: "authentication-wrapper", 3: "manifest",
        14: "coswid", 15: "dependency-resolution", 16: "payload-fetch",
        18: "candidate-verification", 20: "install", 23: "text"},
    "manifest": {
        1: "manifest-version", 2: "manifest-sequence-number", 3: "common",
        4: "reference-uri", 5: "manifest-component-id", 6: "set-version",
        7: "validate", 8: "load", 9: "invoke", 14: "coswid",
        15: "dependency-resolution", 16: "payload-fetch",
        18: "candidate-verification", 20: "install", 23: "text",
        24: "uninstall"},
    "common": {1: "dependencies", 2: "components", 4: "shared-sequence"},
    "dependency": {1: "dependency-prefix"},
    "condition": {
        1: "vendor-identifier", 2: "class-identifier", 3: "image-match",
        4: "use-before", 5: "component-slot", 6: "check-content",
        7: "dependency-integrity", 8: "is-dependency", 14: "abort",
        24: "device-identifier", 25: "image-not-match",
        26: "minimum-battery", 27: "update-authorized", 28: "version"},
    "directive": {
        11: "process-dependency", 12: "set-component-index", 15: "try-each",
        18: "write", 19: "set-parameters", 20: "override-parameters",
        21: "fetch", 22: "copy", 23: "invoke", 29: "wait", 31: "swap",
        32: "run-sequence", 33: "unlink", 34: "override-multiple",
        35: "copy-params"},
    "parameter": {
        1: "vendor-identifier", 2: "class-identifier", 3: "image-digest",
        4: "use-before", 5: "component-slot", 12: "strict-order",
        13: "soft-failure", 14: "image-size", 18: "content",
        19: "encryption-info", 21: "uri", 22: "source-component",
        23: "invoke-args", 24: "device-identifier", 25: "fetch-arguments",
        26: "minimum-battery", 27: "update-priority", 28: "version",
        29: "wait-info", 30: "component-metadata"},
    "comparison": {
        1: "greater", 2: "greater-equal", 3: "equal", 4: "lesser-equal",
        5: "lesser"},
    "event": {
        1: "authorization", 2: "power", 3: "network",
        4: "other-device-version", 5: "time", 6: "time-of-day",
        7: "day-of-week", 8: "time-of-day-utc", 9: "day-of-week-utc"},
    "metadata": {
        1: "default-permissions", 2: "user-permissions",
        3: "group-permissions", 4: "role-permissions", 5: "file-type",
        6: "modification-time", 7: "creation-time", 8: "creator"},
    "text": {
        1: "manifest-description", 2: "update-description",
        3: "manifest-json-source", 4: "manifest-yaml-source"},
    "report": {
        2: "nonce", 3: "records", 4: "result", 5: "result-code",
        6: "result-record", 7: "result-reason", 8: "capability-report",
        99: "reference"},
    "record": {
        0: "manifest-id", 1: "manifest-section", 2: "section-offset",
        3: "component-index", 4: "properties"},
    "reason": {
        0: "ok", 1: "cbor-parse", 2: "cose-unsupported", 3: "alg-unsupported",
        4: "unauthorised", 5: "command-unsupported",
        6: "component-unsupported", 7: "component-unauthorised",
        8: "parameter-unsupported", 9: "severing-unsupported",
        10: "condition-failed", 11: "operation-failed", 12: "invoke-pending"},
    "capability": {
        1: "component", 2: "command", 3: "parameters", 4: "crypt-algo",
        5: "envelope", 6: "manifest", 7: "common", 8: "text",
        9: "text-component", 10: "dependency"},
    "component-text": {
        1: "vendor-name", 2: "model-name", 3: "vendor-domain",
        4: "model-info", 5: "component-description", 6: "component-version",
        7: "version-required", 8: "current-version"},
}
HEADINGS = {
    "Envelope": "envelope", "Manifest and common": "manifest",
    "Conditions": "condition", "Directives": "directive",
    "Parameters": "parameter", "Structures of update management": None,
    "Text": None, "Reports": None}


def numbers(cell):
    """'4, 26 to 30' -> 4, 26, 27 ... 30"""
    for part in cell.split(","):
        m = re.fullmatch(r"\s*(\d+)(?: to (\d+))?\s*", part)
        if m:
            yield from range(int(m[1]), int(m[2] or m[1]) + 1)


def rows(page):
    """(registry, label cell, row) of each row of a table of labels."""
    default = None
    for line in page.split("\n"):
        if line.startswith("## "):
            default = HEADINGS.get(line[3:].strip(), "")
        if not line.startswith("| ") or default == "":
            continue
        cell = line.split("|")[1].strip()
        m = re.match(r"([a-z-]+) (?=\d)", cell)
        if m and m[1] in LABELS:
            yield m[1], cell[m.end():], line
        elif default:
            yield default, cell, line


def missing_labels(page):
    seen = set()
    for registry, cell, _ in rows(page):
        seen.update((registry, n) for n in numbers(cell))
    for registry, labels in LABELS.items():
        for number, name in labels.items():
            if (registry, number) not in seen:
                yield "%s %d (%s) has no row" % (registry, number, name)


def missing_tests(page, root):
    """Tests that are named and do not exist; '…' and published ones are
    words, no names."""
    with open(os.path.join(root, "tests/vectors/suit/vectors.jsonl")) as f:
        vectors = {json.loads(line)["id"] for line in f}
    sources = "".join(open(p).read() for p in glob.glob(
        os.path.join(root, "tests/unit/*/*.c")))
    for registry, _, line in rows(page):
        tests = re.sub(r"published[^|;]*", "", line.split("|")[-2])
        for name in re.findall(r"`([^`]+)`", tests):
            if name.endswith("()"):
                found = re.search(
                    r"^%s\(void\)" % re.escape(name[:-2]).replace(
                        r"\*", r"\w*"), sources, re.M)
            else:
                found = fnmatch.filter(vectors, name)
            if not found:
                yield "%s: no test %s" % (registry, name)


def main():
    root = sys.argv[1]
    with open(os.path.join(root, "docs/suit-conformance.md")) as f:
        page = f.read()
    faults = list(missing_labels(page)) + list(missing_tests(page, root))
    for fault in faults:
        print("docs/suit-conformance.md:", fault)
    return 1 if faults else 0


sys.exit(main())
