#!/usr/bin/env python3
"""The source of a manifest: everything it expresses, and back.

usage: test_manifest.py PROGRAM SHARED_DIR SOURCE_DIR [TEST]...
"""
import hashlib
import json
import os
import pty
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import unittest

import cbor2
import jsonschema
import yaml

PROGRAM, SHARED, SOURCE = (os.path.abspath(p) for p in sys.argv[1:4])
PUBLISHED = os.path.join(SHARED, "vectors", "suit")
OWN = os.path.join(SOURCE, "tests", "vectors", "suit")
DOCS = os.path.join(SOURCE, "docs", "manifests.md")
TEMPLATES = os.path.join(SOURCE, "cli", "templates")
UUID = "8d82573a-926d-4754-9353-32dc29997f74"


def run(*args, stdin=b"", cwd=None):
    return subprocess.run([PROGRAM, *args], input=stdin, cwd=cwd,
                          capture_output=True, timeout=120)


class Texts(yaml.SafeLoader):
    """As editors load it: a time is a text, and so is a key."""

    def construct_mapping(self, node, deep=False):
        return {str(k) if not isinstance(k, bool) else k: v for k, v in
                super().construct_mapping(node, deep=deep).items()}


Texts.yaml_implicit_resolvers = {
    c: [r for r in rs if r[0] != "tag:yaml.org,2002:timestamp"]
    for c, rs in yaml.SafeLoader.yaml_implicit_resolvers.items()}


def load(text):
    return yaml.load(text, Loader=Texts)


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir)

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, content):
        with open(self.path(name), "wb" if isinstance(content, bytes)
                  else "w") as f:
            f.write(content)
        return self.path(name)

    def read(self, name):
        with open(os.path.join(self.dir, name), "rb") as f:
            return f.read()

    def ok(self, *args, stdin=b""):
        r = run(*args, stdin=stdin, cwd=self.dir)
        self.assertEqual(r.returncode, 0, (args, r.stderr))
        return r.stdout

    def refused(self, source, *says):
        self.write("m.yaml", source)
        r = run("manifest", "create", "m.yaml", cwd=self.dir)
        self.assertEqual(r.returncode, 1, (source, r.stdout, r.stderr))
        self.assertEqual(r.stdout, b"")
        for text in says:
            self.assertIn(text, r.stderr.decode())
        return r.stderr.decode()

    def create(self, source):
        self.write("m.yaml", source)
        return self.ok("manifest", "create", "m.yaml")

    def manifest(self, source):
        """The manifest's map, decoded by another library."""
        env = cbor2.loads(self.create(source))
        self.assertEqual(env.tag, 107)
        return cbor2.loads(env.value[3])

    def sequence(self, *commands, components=3):
        """What a list of commands, as YAML, is encoded to."""
        text = "sequence: 1\ncomponents: [%s]\ninstall:\n" % ", ".join(
            "c%d" % i for i in range(components))
        m = self.manifest(text + "".join("  - %s\n" % c for c in commands))
        return cbor2.loads(m[20])

    def parameter(self, text):
        (_, value), = self.sequence("override-parameters: {%s}" %
                                    text)[1].items()
        return value

    def signed(self, source, name):
        if not os.path.exists(self.path("s.pem")):
            self.ok("key", "generate", "-o", "s.pem")
            self.ok("key", "public", "-o", "s.pub", "s.pem")
        self.write(name, self.create(source))
        self.ok("manifest", "sign", "--key", "s.pem", name)


class Expresses(Case):
    """Expected values are written down here or made by cbor2."""

    def test_every_command(self):
        with_policy = {
            "check-vendor-id": 1, "check-class-id": 2, "image-match": 3,
            "check-use-before": 4, "check-component-slot": 5,
            "check-content": 6, "dependency-integrity": 7,
            "is-dependency": 8, "process-dependency": 11, "abort": 14,
            "write": 18, "fetch": 21, "copy": 22, "invoke": 23,
            "check-device-id": 24, "image-not-match": 25,
            "check-minimum-battery": 26, "check-update-authorized": 27,
            "check-version": 28, "wait": 29, "swap": 31, "unlink": 33}
        for name, label in with_policy.items():
            self.assertEqual(
                self.sequence(name, name + ": none", name + ": all",
                              name + ": 5", name + ": [record-success, "
                              "sysinfo-failure]"),
                [label, 2, label, 0, label, 15, label, 5, label, 9])
        others = {
            "set-component-index: 1": [12, 1],
            "set-component-index: all": [12, True],
            "set-component-index: [2, c0]": [12, [2, 0]],
            "set-parameters: {uri: x}": [19, {21: "x"}],
            "override-multiple: {c1: {uri: x}, 0: {image-size: 3}}":
                [34, {0: {14: 3}, 1: {21: "x"}}],
            "copy-params: {2: [uri, image-size, -300]}":
                [35, {2: [21, 14, -300]}],
            "-257: null": [-257, None],
            "-258: \"h'00'\"": [-258, b"\0"],
            "77: {raw: '[1, 2]'}": [77, [1, 2]],
        }
        for text, expected in others.items():
            self.assertEqual(self.sequence(text), expected, text)
        seq = cbor2.dumps([21, 2])
        self.assertEqual(self.sequence("run-sequence: [fetch]"), [32, seq])
        self.assertEqual(
            self.sequence("try-each: [[fetch], [fetch], null]"),
            [15, [seq, seq, None]])

    def test_every_parameter(self):
        self.write("f", b"content")
        info = cbor2.dumps(cbor2.CBORTag(96, [b"", {}, None, []]))
        self.write("info", info)
        digest = hashlib.sha256(b"content").digest()
        uuid = bytes.fromhex(UUID.replace("-", ""))
        d = cbor2.dumps
        for text, expected in {
                "vendor-id: " + UUID: uuid,
                "vendor-id: {raw: \"112(h'01')\"}": cbor2.CBORTag(112, b"\1"),
                "class-id: " + UUID: uuid,
                "device-id: " + UUID: uuid,
                "image-digest: {file: f}": d([-16, digest]),
                "image-digest: sha-256:" + digest.hex(): d([-16, digest]),
                "image-digest: sha-384:" + 48 * "ab":
                    d([-43, 48 * b"\xab"]),
                "image-digest: sha-512:" + 64 * "ab":
                    d([-44, 64 * b"\xab"]),
                "image-digest: shake128:" + 32 * "ab":
                    d([-18, 32 * b"\xab"]),
                "image-digest: shake256:" + 64 * "ab":
                    d([-45, 64 * b"\xab"]),
                "use-before: 2027-01-31T12:00:00Z": 1801396800,
                "use-before: 5": 5,
                "component-slot: 7": 7,
                "strict-order: false": False,
                "soft-failure: true": True,
                "image-size: {file: f}": 7,
                "image-size: 18446744073709551615": 2 ** 64 - 1,
                "content: {file: f}": b"content",
                "content: content": b"content",
                "content: hex:00ff": b"\0\xff",
                "content: {cbor: '{1: [2]}'}": d({1: [2]}),
                "encryption-info: {file: info}": info,
                "encryption-info: {cbor: \"96([h'', {}, null, []])\"}": info,
                "uri: 'https://example.com/ü'": "https://example.com/ü",
                "source-component: c2": 2,
                "source-component: 1": 1,
                "invoke-args: run": b"run",
                "fetch-arguments: hex:01": b"\1",
                "minimum-battery: 20": 20,
                "update-priority: -1": -1,
                "version: '>=1.2-rc.1'": d([2, [1, 2, -1, 1]]),
                "wait-info: {authorization: 1, time: 9, day-of-week-utc: 6, "
                "power: 2, network: 3, time-of-day: 4, day-of-week: 5, "
                "time-of-day-utc: 8, other-device-version: {device: x, "
                "versions: ['>1', '<3']}}":
                    d({1: 1, 2: 2, 3: 3, 4: [b"x", [[1, [1]], [5, [3]]]],
                       5: 9, 6: 4, 7: 5, 8: 8, 9: 6}),
                "component-metadata: {default-permissions: [list_read, "
                "delete], file-type: regular, creator: uuid:" + UUID +
                ", modification-time: 5, creation-time: 6, "
                "user-permissions: {'1': all}, group-permissions: {staff: "
                "none}, role-permissions: {'hex:aa': sync}}":
                    d({1: 1 << 2 | 1 << 10, 2: {1: (1 << 14) - 1},
                       3: {"staff": 0}, 4: {b"\xaa": 1 << 11}, 5: 1,
                       6: cbor2.CBORTag(1, 5), 7: cbor2.CBORTag(1, 6),
                       8: cbor2.CBORTag(37, uuid)}),
                "-300: true": True}.items():
            self.assertEqual(self.parameter(text), expected, text)

    def test_every_member_of_the_manifest(self):
        seq = cbor2.dumps([33, 2])
        self.write("swid", b"\xa0")
        m = self.manifest("""
sequence: 9
manifest-version: 1
reference-uri: https://example.com/m.suit
manifest-id: a/uuid:%s/hex:00
set-version: 1.2-beta.3
components: [a, b/hex:ff]
dependencies: {1: {prefix: x/y}, a: {-5: 1}}
shared-sequence: [unlink]
validate: [unlink]
load: [unlink]
invoke: [unlink]
dependency-resolution: [unlink]
payload-fetch: [unlink]
candidate-verification: [unlink]
install: [unlink]
uninstall: [unlink]
coswid: {file: swid}
text:
  de-CH:
    manifest-description: Grüße
    update-description: u
    json-source: j
    yaml-source: y
    -9: '"7"'
    components:
      b/hex:ff: {vendor-name: 1, model-name: 2, vendor-domain: 3,
        model-info: 4, component-description: 5, component-version: 6,
        version-required: 7, current-version: 8}
  en: {manifest-description: e}
-300: [1, "x"]
""".replace('[1, "x"]', "'[1, \"x\"]'") % UUID)
        uuid = bytes.fromhex(UUID.replace("-", ""))
        self.assertEqual(cbor2.loads(m.pop(3)), {
            1: {0: {-5: 1}, 1: {1: [b"x", b"y"]}},
            2: [[b"a"], [b"b", b"\xff"]], 4: seq})
        text = cbor2.loads(m.pop(23))
        self.assertEqual(text, {
            "en": {1: "e"},
            "de-CH": {1: "Grüße", 2: "u", 3: "j", 4: "y", -9: "7",
                      (b"b", b"\xff"): {n: str(n) for n in range(1, 9)}}})
        for label in (7, 8, 9, 15, 16, 18, 20, 24):
            self.assertEqual(m.pop(label), seq)
        self.assertEqual(m, {
            1: 1, 2: 9, 4: "https://example.com/m.suit",
            5: [b"a", uuid, b"\0"], 6: cbor2.dumps([1, 2, -2, 3]),
            14: b"\xa0", -300: [1, "x"]})

    def test_severable_sections_move(self):
        source = """sequence: 1
components: [a]
install: [unlink]
coswid: hex:a0
text: {en: {manifest-description: e}}
severable: [install, coswid, text]
digest-algorithm: sha-512
"""
        env = cbor2.loads(self.create(source)).value
        m = cbor2.loads(env[3])
        for label in (14, 20, 23):
            digest = hashlib.sha512(cbor2.dumps(env[label])).digest()
            self.assertEqual(m[label], [-44, digest])
        wrapper = cbor2.loads(cbor2.loads(env[2])[0])
        self.assertEqual(wrapper, [
            -44, hashlib.sha512(cbor2.dumps(env[3])).digest()])
        # What is not here can be named by its digest.
        m = self.manifest("sequence: 1\ncomponents: [a]\ninstall: {digest: "
                          "sha-256:%s}\n" % (32 * "ab"))
        self.assertEqual(m[20], [-16, 32 * b"\xab"])

    def test_what_a_device_refuses_is_warned_about(self):
        for install, warned in (("[{set-component-index: a}, unlink]", False),
                                ("[unlink]", True), ("[]", True),
                                ("[{set-component-index: 2}]", True),
                                ("[{77: '1'}]", True)):
            self.write("m.yaml", "sequence: 1\ncomponents: [a, b]\n"
                       "install: %s\n" % install)
            r = run("manifest", "create", "-o", "m.suit", "m.yaml",
                    cwd=self.dir)
            self.assertEqual(r.returncode, 0, r.stderr)
            self.assertEqual(b"a device refuses" in r.stderr, warned, install)

    def test_the_envelope(self):
        self.write("p", b"payload")
        env = cbor2.loads(self.create("""sequence: 1
components: [a]
tagged: false
integrated: {"#b": {file: p}, "#": hex:00}
authentication: {digest: "sha-256:%s", blocks: [hex:d2, x]}
envelope: {30: h'01'}
""" % (32 * "cd")))
        self.assertEqual(env["#b"], b"payload")
        self.assertEqual(env["#"], b"\0")
        self.assertEqual(env[30], b"\1")
        self.assertEqual(list(env), [2, 3, 30, "#", "#b"])
        self.assertEqual(cbor2.loads(env[2]), [
            cbor2.dumps([-16, 32 * b"\xcd"]), b"\xd2", b"x"])

    def test_the_order_of_keys_does_not_matter(self):
        lines = ["sequence: 1", "components: [a]", "reference-uri: x",
                 "install: [{override-parameters: {uri: u, image-size: 1, "
                 "-300: 1, vendor-id: %s}}]" % UUID,
                 "text: {en: {update-description: u, manifest-description: "
                 "m}, a: {}}"]
        first = self.create("\n".join(lines))
        lines.reverse()
        lines[1] = ("install: [{override-parameters: {vendor-id: %s, -300: 1,"
                    " image-size: 1, uri: u}}]" % UUID)
        lines[0] = ("text: {a: {}, en: {manifest-description: m, "
                    "update-description: u}}")
        self.assertEqual(self.create("\n".join(lines)), first)

    def test_sections_replace_what_is_generated(self):
        self.write("p", b"payload")
        source = "sequence: 1\ncomponent: a/b\npayload: p\n"
        plain = self.manifest(source)
        own = self.manifest(source + "validate: [abort]\n-300: 'true'\n"
                            "uninstall: [abort]\ninvoke: [invoke]\n")
        for label in (7, 24):
            self.assertEqual(own.pop(label), cbor2.dumps([14, 2]))
            plain.pop(label)
        self.assertEqual(own.pop(9), cbor2.dumps([23, 2]))
        self.assertIs(own.pop(-300), True)
        self.assertEqual(own, plain)

    def test_a_dependency_in_a_word(self):
        self.write("p", b"payload")
        self.signed("sequence: 1\ncomponent: d/x\npayload: p\n", "dep.suit")
        dep = cbor2.loads(self.read("dep.suit")).value
        digest = cbor2.loads(cbor2.loads(dep[2])[0])
        for uri in ("", "    uri: https://example.com/dep.suit\n"):
            env = cbor2.loads(self.create(
                "sequence: 1\nmanifest-id: top\ncomponents:\n"
                "  - component: dep\n    dependency: dep.suit\n"
                "    prefix: sub\n" + uri +
                "  - component: own\n    payload: p\n")).value
            m = cbor2.loads(env[3])
            common = cbor2.loads(m[3])
            self.assertEqual(common[1], {0: {1: [b"sub"]}})
            shared = cbor2.loads(common[4])
            self.assertEqual(shared[:2], [12, 0])
            self.assertEqual(cbor2.loads(shared[3][3]), digest)
            self.assertEqual(shared[3][14], len(self.read("dep.suit")))
            name = "https://example.com/dep.suit" if uri else "#dependency"
            self.assertEqual(cbor2.loads(m[15]),
                             [12, 0, 20, {21: name}, 21, 2, 7, 2])
            self.assertEqual(cbor2.loads(m[20])[:6], [12, 0, 7, 2, 11, 2])
            self.assertEqual(cbor2.loads(m[7]),
                             [12, 0, 7, 2, 11, 2, 12, [1], 3, 14])
            self.assertEqual(cbor2.loads(m[24]),
                             [12, 0, 7, 2, 11, 2, 12, True, 33, 2])
            self.assertEqual("#dependency" in env, not uri)

    def test_an_encrypted_payload_in_a_word(self):
        self.write("plain", b"secret")
        self.write("cipher", b"xxxxxx")
        info = cbor2.dumps(cbor2.CBORTag(96, [b"", {}, None, []]))
        self.write("info", info)
        env = cbor2.loads(self.create(
            "sequence: 1\ncomponent: a\npayload: cipher\nplaintext: plain\n"
            "encryption-info: info\nname: https://x/c\n")).value
        self.assertEqual(env["https://x/c"], b"xxxxxx")
        m = cbor2.loads(env[3])
        self.assertEqual(cbor2.loads(m[20]), [
            20, {19: info, 21: "https://x/c"}, 21, 2, 3, 14])
        known = cbor2.loads(cbor2.loads(m[3])[4])[1]
        self.assertEqual(cbor2.loads(known[3]),
                         [-16, hashlib.sha256(b"secret").digest()])
        self.assertNotIn(b"secret", self.create(
            "sequence: 1\ncomponent: a\npayload: cipher\nplaintext: plain\n"
            "encryption-info: info\n"))


class Refuses(Case):
    def test_with_line_column_and_suggestion(self):
        head = "sequence: 1\ncomponents: [a]\n"
        for text, line, column, says in (
                ("instal: []", 3, 1, "did you mean install?"),
                ("install: [ftch]", 3, 11, "did you mean fetch?"),
                ("install: [zzz]", 3, 11, "unknown command: zzz"),
                ("install:\n  - override-parameters:\n      urri: x", 5, 7,
                 "did you mean uri?"),
                ("install:\n  - override-parameters:\n      uri: x\n"
                 "      uri: y", 6, 7, "uri occurs twice"),
                ("install: [override-parameters]", 3, 11, "an argument"),
                ("install: [{image-match: 1, fetch: 2}]", 3, 11,
                 "one command"),
                ("install: [{image-match: sometimes}]", 3, 25, "known names"),
                ("install: [{image-match: [sometimes]}]", 3, 26,
                 "unknown name"),
                ("install: [{set-component-index: b}]", 3, 33,
                 "one of the components"),
                ("install: [{set-parameters: {image-size: -1}}]", 3, 41,
                 "0 or more"),
                ("install: [{set-parameters: {image-digest: md5:00}}]", 3, 43,
                 "a digest"),
                ("install: [{set-parameters: {image-digest: {file: no}}}]", 3,
                 50, "not read"),
                ("install: [{set-parameters: {vendor-id: 1}}]", 3, 40, "UUID"),
                ("install: [{set-parameters: {-300: '[1'}}]", 3, 35,
                 "notation"),
                ("install: x", 3, 10, "a list of commands"),
                ("install: {raw: '[1,'}", 3, 16, "notation"),
                ("severable: [install]", 3, 13, "no such section"),
                ("severable: [validate]", 3, 13, "severable"),
                ("text: {en: x}", 3, 12, "a mapping"),
                ("text: {en: {desc: x}}", 3, 13, "unknown key"),
                ("set-version: x", 3, 14, "a version"),
                ("manifest-id: a//b", 3, 14, "identifier"),
                ("digest-algorithm: md5", 3, 19, "known name"),
                ("tagged: perhaps", 3, 9, "true or false"),
                ("authentication: {block: []}", 3, 18,
                 "did you mean blocks?"),
                ("dependencies: {b: {}}", 3, 16, "one of the components"),
                ("dependencies: {0: {prefx: a}}", 3, 20,
                 "did you mean prefix?"),
                ("integrated: {x: {flie: y}}", 3, 17, "{file: PATH}"),
                ("payload: x", 2, 14, "expected a mapping"),
                ("- x", 3, 1, "m.yaml")):
            self.refused(head + text + "\n", says,
                         "m.yaml:%d:%d:" % (line, column) if says != "m.yaml"
                         else "m.yaml:")

    def test_a_second_document(self):
        self.create("sequence: 1\ncomponents: [a]\n...\n")
        for more in ("---\nx: 1\n", "---\n", "--- [\n"):
            self.refused("sequence: 1\ncomponents: [a]\n" + more, "m.yaml:")
        self.refused("sequence: 1\ncomponents: [a]\n---\nx: 1\n",
                     "m.yaml:3:1: one document was expected")

    def test_what_an_identifier_looks_like(self):
        self.write("p", b"payload")
        for name in ("hex:a", "/a", "uuid:1"):
            self.refused("sequence: 1\ncomponent: %s\npayload: p\n" % name,
                         "m.yaml:2:12:", "elements joined by /")

    def test_a_uri_beyond_the_limit(self):
        self.write("p", b"payload")
        source = "sequence: 1\ncomponent: a\nfile: p\nuri: coap://%s\n"
        self.create(source % ("x" * 2041))
        self.refused(source % ("x" * 2042), "m.yaml:4:6:",
                     "longer than 2048 bytes")

    def test_what_is_no_file_is_written_to_and_not_replaced(self):
        source = self.write("m.yaml", "sequence: 1\ncomponents: [a]\n")
        expected = self.ok("manifest", "create", source)
        pipe = self.path("pipe")
        os.mkfifo(pipe)
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        self.ok("manifest", "create", "-o", "pipe", source)
        self.assertEqual(os.read(reader, len(expected) + 1), expected)
        self.assertTrue(stat.S_ISFIFO(os.lstat(pipe).st_mode))
        self.ok("key", "generate", "--alg", "a128kw", "-o", "k")
        r = run("manifest", "encrypt", "--to", "k", "--out", "pipe",
                "--force", source, cwd=self.dir)
        self.assertEqual(r.returncode, 1)
        self.assertIn(b"pipe is no regular file", r.stderr)
        self.assertTrue(stat.S_ISFIFO(os.lstat(pipe).st_mode))

    def slowly(self, *options):
        """Encrypt what comes slowly, with a terminal as standard error; what
        is written there."""
        ours, theirs = pty.openpty()
        p = subprocess.Popen(
            [PROGRAM, "manifest", "encrypt", "--to", "k", "--out", "c",
             "--info", "i", "--force", *options, "-"], cwd=self.dir,
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=theirs)
        os.close(theirs)
        p.stdin.write(bytes(1 << 20))
        p.stdin.flush()
        time.sleep(0.7)
        p.stdin.write(bytes(1 << 20))
        p.stdin.close()
        self.assertEqual(p.wait(60), 0)
        said = b""
        try:
            while part := os.read(ours, 65536):
                said += part
        except OSError:  # its last writer is gone
            pass
        os.close(ours)
        return said

    def test_progress_is_for_a_terminal_and_leaves_nothing(self):
        self.ok("key", "generate", "--alg", "a128kw", "-o", "k")
        said = self.slowly()
        self.assertRegex(said, rb"^\r\x1b\[K-: [12]\.[0-9] MiB")
        self.assertTrue(said.endswith(b"\r\x1b[K"), said)
        self.assertEqual(self.slowly("--json"), b"")

    def test_a_file_that_is_no_envelope(self):
        self.write("m", b"\x01")
        for command in (("show",), ("sever",)):
            r = run("manifest", *command, "m", cwd=self.dir)
            self.assertEqual(r.returncode, 1)
            self.assertIn(b"m: not a SUIT envelope: ", r.stderr)

    def test_names_at_the_wrong_place(self):
        self.write("p", b"p")
        head = "sequence: 1\ncomponent: a\n"
        self.refused(head + "payload: p\nprefix: x\n", "only with dependency")
        self.refused(head + "payload: p\nplaintext: p\n",
                     "only with encryption-info")
        self.refused(head + "content: p\nname: x\n", "envelope")
        self.refused(head + "payload: p\nencryption-info: p\n",
                     "a file of the image is needed")
        self.refused(head + "payload: p\nplaintext: p\nencryption-info: p\n",
                     "COSE_Encrypt")
        self.refused(head + "dependency: p\n", "not a manifest")
        self.refused("sequence: 1\n", "components are needed")

    def test_files_that_are_larger_than_they_look(self):
        head = "sequence: 1\ncomponents: [a]\n"
        self.refused(head + "install: &x [{run-sequence: *x}]\n", "nested")
        deep = "fetch"
        for _ in range(60):
            deep = "{run-sequence: [%s]}" % deep
        self.refused(head + "install: [%s]\n" % deep, "nested")
        aliases = "install:\n  - run-sequence: &b0 [fetch, fetch, fetch]\n"
        for i in range(1, 24):
            aliases += "  - run-sequence: &b%d [%s]\n" % (i, ", ".join(
                4 * ["{run-sequence: *b%d}" % (i - 1)]))
        r = self.refused(head + aliases)
        self.assertTrue("repeated" in r or "too large" in r, r)


class RoundTrip(Case):
    def again(self, path, *options):
        r = run("manifest", "show", "--yaml", *options, path, cwd=self.dir)
        if r.returncode != 0:
            self.assertEqual(r.returncode, 1)
            self.assertTrue(r.stderr.startswith(b"postern: "))
            return None, None
        self.write("again.yaml", r.stdout)
        return r.stdout.decode(), self.ok("manifest", "create", "again.yaml")

    def check(self, path, plain):
        with open(path, "rb") as f:
            content = f.read()
        text, again = self.again(path, "--authentication")
        if text is None:
            return None
        self.assertEqual(again, content, path)
        VALIDATOR.validate(load(text))
        self.assertNotRegex(text, r"[^\n -~\u00a1-\U000effff]")
        if plain:
            self.assertNotIn("raw-envelope", text, path)
            self.assertFalse(re.search("(?m)^manifest:", text), path)
        text, again = self.again(path)
        a, b = cbor2.loads(again), cbor2.loads(content)
        a, b = (x.value if isinstance(x, cbor2.CBORTag) else x
                for x in (a, b))
        if "raw-envelope" not in text:
            a.pop(2), b.pop(2)
        self.assertEqual(a, b, path)
        return text

    def test_every_published_vector(self):
        if not os.path.exists(PUBLISHED):
            self.skipTest("no published vectors")
        done = 0
        for name in sorted(os.listdir(PUBLISHED)):
            if not name.endswith(".cbor"):
                continue
            envelope = not re.search("encinfo|kdf|truncated", name)
            text = self.check(os.path.join(PUBLISHED, name),
                              envelope and name != "derived-dup-label.cbor")
            self.assertEqual(text is not None, envelope, name)
            if envelope and not re.search("legacy|dup-label", name):
                # By names, all of it: the newest labels.
                self.assertNotIn("raw:", text.replace(
                    "{raw: \"112", ""), name)
            done += envelope
        self.assertEqual(done, 38)

    def test_every_vector_of_our_own(self):
        with open(os.path.join(OWN, "vectors.jsonl")) as f:
            rows = [json.loads(line) for line in f]
        refused = 0
        # All of them are replayed by the fuzz target; here some, as a user.
        for row in rows[::int(os.environ.get("STEP", "10"))]:
            text = self.check(os.path.join(OWN, row["file"]),
                              row["authenticate"] == 0)
            refused += text is None
            if row["authenticate"] == 0:
                self.assertIsNotNone(text, row["id"])
        self.assertLess(refused, len(rows) // 10)

    def test_payloads_in_files(self):
        self.write("p", os.urandom(5000))
        self.signed("sequence: 1\nmanifest-id: m\ncomponents:\n"
                    "  - {component: a, payload: p}\n"
                    "  - {component: b, payload: p, name: '../x/\u00fc'}\n",
                    "m.suit")
        os.mkdir(self.path("out"))
        text, again = self.again("m.suit", "--authentication", "--payloads",
                                 "out")
        self.assertEqual(again, self.read("m.suit"))
        self.assertLess(len(text), 3000)
        self.assertEqual(sorted(os.listdir(self.path("out"))),
                         ["0-_tc", "1-.._x___"])
        r = run("manifest", "show", "--yaml", "--payloads", "absent",
                "m.suit", cwd=self.dir)
        self.assertEqual((r.returncode, r.stdout), (1, b""))

    def test_odd_encodings(self):
        """Well-formed, and not as we would write them."""
        def envelope(manifest, *members):
            digest = cbor2.dumps([-16, hashlib.sha256(
                cbor2.dumps(manifest)).digest()])
            body = cbor2.dumps(2) + cbor2.dumps(cbor2.dumps([digest])) + \
                cbor2.dumps(3) + cbor2.dumps(manifest) + b"".join(members)
            return bytes([0xa2 + len(members) // 2]) + body

        d = cbor2.dumps
        common = d({2: [[b"a"]]})
        for manifest in (
                b"", b"\0", b"\xff", b"\xa1\x01",
                d({1: 1, 2: 1, 3: common})[:-1],
                # order, width, indefinite length, duplicates, depth
                b"\xa3\x02\x01\x01\x01\x03" + d(common),
                b"\xa3\x01\x18\x01\x02\x01\x03" + d(common),
                b"\xbf\x01\x01\x02\x01\x03" + d(common) + b"\xff",
                b"\xa4\x01\x01\x02\x01\x02\x01\x03" + d(common),
                d({1: 1, 2: 1, 3: common, 20: 3}),
                d({1: 1, 2: 1, 3: common, 20: b"\x83\0\0\0"}),
                d({1: 1, 2: 1, 3: common, 20: b"\x82\x14\xbf\xff"}),
                d({1: 1, 2: 1, 3: common, 20: d([20, {14: "x"}])}),
                d({1: 1, 2: 1, 3: common, 20: d([20, {21: "a\0b"}])}),
                d({1: 1, 2: 1, 3: common, 20: d([20, {21: "\u202e\x1b"}])}),
                d({1: 1, 2: 1, 3: common, 20: d([20, {18: b"hex:"}])}),
                d({1: 1, 2: 1, 3: common, 20: d([20, {18: b""}])}),
                d({1: 1, 2: 1, 3: common, 20: d([20, {30: d({2: {
                    "raw": 1, "7": 2, b"x": 3}})}])}),
                d({1: 1, 2: 1, 3: common, 20: d([20, {28: d([1, []])}])}),
                d({1: 1, 2: 1, 3: common, 6: d([-9, 1])}),
                d({1: 1, 2: 1, 3: common, 23: d({"raw": {1: "x"}})}),
                d({1: 1, 2: 1, 3: common, 23: d({"digest": {1: "x"}})}),
                d({1: 1, 2: 1, 3: common, 23: d({"no": {1: " x"}})}),
                d({1: 1, 2: 1, 3: common, -2 ** 64: 1}),
                d({1: 1, 2: 2 ** 64 - 1, 3: common, "x": 1}),
                d({1: 1, 2: 1, 3: d({2: []})}),
                d({1: 1, 2: 1, 3: d({2: [[]]})}),
                d({1: 1, 2: 1, 3: d({4: b"", 2: [[b"a"]]})}),
                d({1: 2, 2: 1, 3: d({9: 1, 2: [[b"a"]]})})):
            if manifest == b"":
                continue
            for members in ((), (d(20), d(b"\x80")),
                            (d("#\x1b"), d(b"\x1b[31m"))):
                path = self.write("odd", envelope(manifest, *members))
                self.assertIsNotNone(self.check(path, False), manifest.hex())


class Schema(Case):
    def test_it_is_the_one_that_is_shipped(self):
        with open(os.path.join(SOURCE, "docs", "manifest.schema.json")) as f:
            self.assertEqual(json.load(f), SCHEMA)

    def test_examples_and_templates_validate(self):
        jsonschema.Draft7Validator.check_schema(SCHEMA)
        texts = sources_of_the_page()
        for name in os.listdir(TEMPLATES):
            with open(os.path.join(TEMPLATES, name)) as f:
                texts.append(f.read())
        self.assertGreater(len(texts), 10)
        for text in texts:
            VALIDATOR.validate(load(text))

    def test_mistakes_do_not(self):
        for text in ("sequence: 1\ncomponents: [a]\ninstal: []",
                     "components: [a]",
                     "sequence: x\ncomponents: [a]",
                     "sequence: 1\ncomponents: [{component: a, paylod: x}]",
                     "sequence: 1\ncomponents: [a]\ninstall: [ftch]",
                     "sequence: 1\ncomponents: [a]\n"
                     "install: [{fetch: maybe}]",
                     "sequence: 1\ncomponents: [a]\n"
                     "install: [{set-parameters: {urri: x}}]"):
            with self.assertRaises(jsonschema.ValidationError, msg=text):
                VALIDATOR.validate(load(text))

    def places(self):
        """Where a property of each definition can stand in a source."""
        head = "sequence: 1\ncomponents: [a]\n"
        wait = head + "install: [{set-parameters: {%s}}]\n"
        return {
            "source": "%s\n",
            "component-source": "sequence: 1\ncomponents: [{%s}]\n",
            "encrypt": "sequence: 1\ncomponent: a\npayload: m.yaml\n"
                       "encrypt: {%s}\n",
            "parameters": wait,
            "commands": head + "install: [{%s}]\n",
            "wait-info": wait % "wait-info: {%s}",
            "component-metadata": wait % "component-metadata: {%s}",
            "dependency": head + "dependencies: {0: {%s}}\n",
            "common": "sequence: 1\ncommon: {%s}\n",
            "language-text": head + "text: {en: {%s}}\n",
            "component-text": head + "text: {en: {components: {a: {%s}}}}\n",
            "authentication": head + "authentication: {%s}\n",
            "members": head + "envelope: {%s}\n",
        }

    def properties(self, definition):
        found = dict(definition.get("properties", {}))
        for one in definition.get("anyOf", []):
            found.update(one.get("properties", {}))
        items = definition.get("items", {})
        for one in items.get("anyOf", []) if isinstance(items, dict) else []:
            found.update(one.get("properties", {}))
        for small in ("raw", "file", "cbor", "manifest", "digest"):
            if definition.get("anyOf"):
                found.pop(small, None)
        return found

    def test_every_property_is_known_and_no_other(self):
        places = self.places()
        for name, definition in SCHEMA["definitions"].items():
            found = self.properties(definition)
            if name in ("raw",) or not found:
                continue
            place = places.pop(name)
            for key in found:
                self.write("m.yaml", place % (key + ": {zz: {}}"))
                r = run("manifest", "create", "m.yaml", cwd=self.dir)
                self.assertNotRegex(
                    r.stderr.decode(), r"unknown \w+: %s\b" % key, (name, key))
            self.write("m.yaml", place % "no-such-name: {}")
            r = run("manifest", "create", "m.yaml", cwd=self.dir)
            self.assertRegex(r.stderr.decode(),
                             r"unknown \w+: no-such-name", name)
        self.assertEqual(list(places), ["members"])

    def test_every_name_of_the_page_is_a_property(self):
        with open(DOCS) as f:
            page = f.read()
        known = set()
        for definition in SCHEMA["definitions"].values():
            known |= set(self.properties(definition))
        for row in re.findall(r"(?m)^\| (`.*?`) \|", page):
            for key in re.findall(r"`([a-z][a-z-]+)`", row):
                self.assertIn(key, known, row)
        named = set(re.findall(r"`([a-z][a-z-]+)`", page))
        for key in self.properties(SCHEMA["definitions"]["source"]):
            self.assertIn(key, named)
        for key in self.properties(SCHEMA["definitions"]["parameters"]):
            self.assertIn(key, named)
        for key in self.properties(SCHEMA["definitions"]["commands"]):
            self.assertIn(key, named)


class Shows(Case):
    def shown(self, name, *options, status=0):
        r = run("manifest", "show", *options, name, cwd=self.dir)
        self.assertEqual(r.returncode, status, r.stderr)
        text = r.stdout.decode()
        self.assertNotRegex(text, "[\x00-\x09\x0b-\x1f\x7f-\x9f]")
        return text

    def test_who_signed_it(self):
        self.write("p", b"payload")
        self.signed("sequence: 1\ncomponent: a\npayload: p\n", "m.suit")
        self.ok("key", "generate", "--alg", "ed25519", "-o", "t.pem")
        self.ok("key", "public", "-o", "t.pub", "t.pem")
        self.assertIn("not checked: see --key", self.shown("m.suit"))
        self.assertIn("signed by s.pub\n",
                      self.shown("m.suit", "--key", "s.pub"))
        self.assertIn("signed by none",
                      self.shown("m.suit", "--key", "t.pub", status=1))
        self.ok("manifest", "sign", "--key", "t.pem", "m.suit")
        out = json.loads(self.shown("m.suit", "--key", "t.pub", "--key",
                                    "s.pub", "--json"))
        self.assertEqual(out["signed-by"], ["t.pub", "s.pub"])
        self.assertEqual(len(out["signatures"]), 2)

    def test_one_form_at_a_time(self):
        self.write("p", b"payload")
        self.signed("sequence: 1\ncomponent: a\npayload: p\n", "m.suit")
        for forms in (("--json", "--yaml"), ("--yaml", "--json")):
            r = run("manifest", "show", *forms, "m.suit", cwd=self.dir)
            self.assertEqual((r.returncode, r.stdout), (2, b""))
            self.assertIn(b"either --json or --yaml", r.stderr)
        self.shown("m.suit", "--json", "--json")

    def test_what_it_does(self):
        self.write("p", b"payload")
        self.write("c", b"conf")
        info = cbor2.dumps(cbor2.CBORTag(96, [
            cbor2.dumps({1: 1}), {5: 12 * b"\0"}, None,
            [[b"", {1: -3, 4: b"\xab"}, 24 * b"\0"],
             [cbor2.dumps({1: -29}), {4: b"\xcd"}, 24 * b"\0"]]]))
        self.write("info", info)
        self.signed("sequence: 1\ncomponent: d\npayload: p\n", "dep.suit")
        self.signed("""sequence: 4
manifest-id: top
set-version: 1.5
use-before: 2027-01-31T12:00:00Z
components:
  - {component: dep, dependency: dep.suit}
  - {component: own, uri: "https://example.com/p", file: p,
     requires-version: ">=1.0", vendor-id: %s}
  - {component: conf, content: c}
  - {component: secret, payload: p, name: "https://example.com/c",
     encryption-info: info, plaintext: c}
""" % UUID, "m.suit")
        text = self.shown("m.suit")
        for line in ("top, sequence 4, version 1.5",
                     "  0  dep (a manifest)",
                     "  https://example.com/c, 7 bytes",
                     "  #dependency, ",
                     "  secret, A128GCM, to",
                     "    A128KW, kid ab", "    ECDH-ES+A128KW, kid cd",
                     "fetch #dependency (in the envelope) into dep",
                     "verify digest and signature of the dependency dep",
                     "run the same section of the dependency dep",
                     'check that the installed version is ">=1.0", of own',
                     "fetch https://example.com/p into own",
                     "verify the digest of own",
                     "write 4 bytes of content into conf",
                     "fetch and decrypt https://example.com/c (in the "
                     "envelope) into secret",
                     "check that the device is of the vendor, for own",
                     "to remove (uninstall)", "remove every component"):
            self.assertIn(line, text)
        self.assertNotIn("warning", text)
        does = {s["section"]: s["steps"] for s in json.loads(
            self.shown("m.suit", "--json"))["does"]}
        self.assertEqual(list(does), [
            "shared-sequence", "dependency-resolution", "install", "validate",
            "uninstall"])

    def test_what_is_odd(self):
        head = "sequence: 0\ncomponents: [a, b]\n"
        for source, says in (
                (head + "install: [{set-component-index: a}]\n",
                 "sequence number is 0"),
                (head + "install: [{set-component-index: a}]\n",
                 "no identifier of its own"),
                (head + "install: [{set-component-index: a}]\n",
                 "no uninstall section"),
                (head + "install: [{set-component-index: a}]\n",
                 "it is not signed"),
                (head + "install: [{set-component-index: a}, "
                 "{set-parameters: {uri: x}}, fetch]\n",
                 "a is written and nothing verifies it"),
                (head + "install: [fetch]\n", "a device refuses it"),
                (head + "install: {digest: sha-256:%s}\n" % (32 * "00"),
                 "severed and is not here"),
                (head + "install: [{set-component-index: a}]\n"
                 "integrated: {x: y}\n", "no command fetches"),
                (head + "install: [{set-component-index: a}, "
                 "{set-parameters: {uri: x, image-digest: sha-256:%s}}, "
                 "fetch, image-match]\nintegrated: {x: y}\n" % (32 * "00"),
                 "not what was signed")):
            self.write("m.suit", self.create(source))
            text = self.shown("m.suit")
            self.assertIn(says, text, source)
            self.assertRegex(text, "(?m)^warning: ")

    def test_hostile_texts(self):
        self.write("m.suit", self.create(
            """sequence: 1
components: [a]
install:
  - override-parameters: {uri: "\\e[31m\\u202e"}
  - fetch
  - -300: '"\\u001b"'
reference-uri: "\\e]0;x\\a"
text: {en: {manifest-description: "\\e[2J"}}
""".replace("\\\\", "\\")))
        self.assertNotIn("\u202e", self.shown("m.suit"))
        self.shown("m.suit", "--json")


class Runs(Case):
    """On a directory; trees and published manifests are in tests/e2e."""

    def run_it(self, source, *options, status=0, device=None, root="r"):
        self.signed(source, "m.suit")
        args = ["manifest", "run", "--key", "s.pub", "--root", root, *options]
        if device is not None:
            self.write("d.yaml", device)
            args += ["--device", "d.yaml"]
        r = run(*args, "m.suit", cwd=self.dir)
        self.assertEqual(r.returncode, status, (r.stdout, r.stderr))
        return r

    def there(self, name, root="r"):
        return os.path.exists(self.path(os.path.join(root, name)))

    def test_components_stay_while_others_refer_to_them(self):
        self.write("p", b"payload")
        one = "sequence: 1\nmanifest-id: m/1\ncomponents:\n" \
            "  - {component: shared, content: p}\n" \
            "  - {component: own/1, content: p}\n"
        two = one.replace("1", "2")
        self.run_it(one)
        self.run_it(two)
        self.run_it(one, "--uninstall")
        self.assertTrue(self.there("shared"))
        self.assertFalse(self.there("own/1"))
        self.run_it(two, "--uninstall")
        self.assertFalse(self.there("shared"))
        self.assertFalse(self.there("own/2"))
        # The number outlives it.
        self.run_it(two.replace("sequence: 2", "sequence: 1"), status=1)

    def test_swap_exchanges(self):
        head = "sequence: %d\nmanifest-id: m\ncomponents: [a, b]\n"
        d = {c: "sha-256:" + hashlib.sha256(c.encode()).hexdigest()
             for c in "xy"}
        self.run_it(head % 1 + "install:\n" + "".join(
            "  - set-component-index: %s\n"
            "  - override-parameters: {content: %s}\n  - write\n" % p
            for p in (("a", "x"), ("b", "y"))))
        swap = """install:
  - set-component-index: b
  - override-parameters: {image-digest: "%s"}
  - set-component-index: a
  - override-parameters: {image-digest: "%s", source-component: b}
  - swap
  - image-match
  - set-component-index: b
  - image-match
"""
        self.run_it(head % 2 + swap % (d["y"], d["y"]), status=1)
        self.assertEqual(self.read("r/a"), b"x")
        self.run_it(head % 3 + swap % (d["x"], d["y"]))
        self.assertEqual((self.read("r/a"), self.read("r/b")), (b"y", b"x"))

    def test_metadata_is_applied_or_refused(self):
        def source(n, metadata):
            return """sequence: %d
manifest-id: m
components: [a]
install:
  - override-parameters: {content: x, component-metadata: %s}
  - write
""" % (n, metadata)
        self.run_it(source(1, "{default-permissions: [list_read, "
                           "traverse_exec], modification-time: "
                           "2020-01-02T03:04:05Z, file-type: regular}"))
        st = os.stat(self.path("r/a"))
        self.assertEqual(st.st_mode & 0o7777, 0o555)
        self.assertEqual(int(st.st_mtime), 1577934245)
        # Without metadata it is an ordinary file again.
        self.run_it(source(2, "{file-type: regular}"))
        self.assertEqual(os.stat(self.path("r/a")).st_mode & 0o777, 0o644)
        for metadata in ("{file-type: symlink}", "{file-type: directory}",
                         "{default-permissions: [change_owner]}",
                         "{user-permissions: {root: all}}",
                         "{group-permissions: {1: all}}",
                         "{role-permissions: {x: all}}", "{creator: x}",
                         "{creation-time: 1}"):
            r = self.run_it(source(3, metadata), status=1)
            self.assertIn(b"parameter", r.stderr + r.stdout)
        self.assertEqual(self.read("r/a"), b"x")

    def test_events_that_a_device_knows(self):
        def source(events):
            return """sequence: 1
components: [a]
install:
  - override-parameters: {content: x, wait-info: {%s}}
  - wait
  - write
""" % events
        device = "power: 1\nnetwork: -2\nauthorized: true\n" \
            "time: 2027-01-31T12:00:00Z\ndevices: {radio: 3.1}\n"
        for n, (events, ok) in enumerate((
                ("power: 1", True), ("power: 2", False),
                ("network: -2", True), ("network: 2", False),
                ("authorization: 1", True),
                ("time: 1801396800", True), ("time: 1801396801", False),
                ("other-device-version: {device: radio, versions: ['>=3']}",
                 True),
                ("other-device-version: {device: radio, versions: ['>=3', "
                 "'<3.1']}", False),
                ("other-device-version: {device: modem, versions: ['>=3']}",
                 False),
                ("day-of-week: 0", False),
                ("day-of-week-utc: 0", True), ("day-of-week-utc: 1", False),
                ("power: 1, network: 3", False))):
            root = "r%d" % n
            self.run_it(source(events), device=device, root=root,
                        status=0 if ok else 1)
            self.assertEqual(self.there("a", root), ok, events)
        for wrong, line in (("power: x", 1), ("slots: {a: x}", 1),
                            ("versions: {a: x}", 1), ("devices: 1", 1),
                            ("keys: [absent]", 1), ("powr: 1", 1)):
            r = self.run_it(source("power: 1"), device=wrong, status=1)
            self.assertIn(b"d.yaml:%d:" % line, r.stderr)

    def test_a_key_of_the_device_signs_nothing(self):
        self.write("p", b"payload")
        self.signed("sequence: 1\ncomponent: a\npayload: p\n", "m.suit")
        self.write("d.yaml", "keys: [s.pem]\n")
        self.ok("key", "generate", "-o", "other.pem")
        self.ok("key", "public", "-o", "other.pub", "other.pem")
        r = run("manifest", "run", "--key", "other.pub", "--root", "r",
                "--device", "d.yaml", "m.suit", cwd=self.dir)
        self.assertEqual(r.returncode, 1)
        self.assertFalse(self.there("a"))
        self.write("d.yaml", "keys: [other.pem]\n")
        self.ok("manifest", "run", "--key", "s.pub", "--root", "r",
                "--device", "d.yaml", "m.suit")
        self.assertTrue(self.there("a"))

    def test_a_failed_run_leaves_what_was_there(self):
        self.write("p", b"payload")
        self.run_it("sequence: 1\ncomponent: a\npayload: p\n")
        self.run_it("""sequence: 2
components: [a, b]
manifest-id: a/manifest
install:
  - set-component-index: b
  - override-parameters: {content: new}
  - write
  - set-component-index: a
  - override-parameters: {uri: "http://x/", image-digest: {file: p}}
  - fetch
  - image-match
""", "--payload", "http://x/=m.yaml", status=1)
        self.assertEqual(self.read("r/a"), b"payload")
        self.assertFalse(self.there("b"))
        self.assertEqual(os.listdir(self.path("r/.postern")),
                         ["manifest-a%manifest"])


    LINKED = "sequence: %d\ncomponent: %s\nmanifest-id: %s\npayload: p\n"

    def test_no_link_is_followed_out_of_the_directory(self):
        self.write("p", b"payload")
        os.makedirs(self.path("r"))
        os.makedirs(self.path("outside"))
        os.symlink("../outside", self.path("r/a"))
        r = self.run_it(self.LINKED % (1, "a/b", "m"), status=1)
        self.assertIn(b"not followed", r.stderr)
        self.assertEqual(os.listdir(self.path("outside")), [])
        # the link itself is the component: it is replaced, not followed
        self.run_it(self.LINKED % (1, "a", "n"))
        self.assertFalse(os.path.islink(self.path("r/a")))
        self.assertEqual(self.read("r/a"), b"payload")

    def test_nothing_is_read_or_removed_through_a_link(self):
        self.write("p", b"payload")
        self.run_it(self.LINKED % (1, "a/b", "m"))
        os.rename(self.path("r/a"), self.path("outside"))
        os.symlink("../outside", self.path("r/a"))
        self.run_it("sequence: 1\ncomponents: [a/b]\nmanifest-id: n\n"
                    "validate:\n  - override-parameters: {image-digest: "
                    "{file: p}}\n  - image-match\n", status=1)
        self.run_it(self.LINKED % (1, "a/b", "m"), "--uninstall", status=1)
        self.assertEqual(self.read("outside/b"), b"payload")

    def test_what_it_remembers_is_no_link(self):
        self.write("p", b"payload")
        os.makedirs(self.path("r"))
        os.makedirs(self.path("outside"))
        os.symlink("../outside", self.path("r/.postern"))
        self.run_it(self.LINKED % (1, "a", "m"), status=1)
        self.assertEqual(os.listdir(self.path("outside")), [])


class Trees(Case):
    def leaf(self, name="leaf.suit", key=None, extra=""):
        self.write("p", b"payload of a leaf")
        self.signed("sequence: 1\nmanifest-id: leaf/m\ncomponent: leaf/ta\n"
                    "payload: p\n" + extra, name)
        return name

    def parent(self, name, *dependencies, uri=None, number=1):
        self.write(name + ".bin", name.encode())
        text = "sequence: %d\nmanifest-id: %s/m\ncomponents:\n" % (
            number, name)
        for d in dependencies:
            text += "  - {component: %s/m, dependency: %s%s}\n" % (
                d[:-5], d, ", uri: 'https://x/%s'" % d if uri else "")
        text += "  - {component: %s/ta, payload: %s.bin}\n" % (name, name)
        self.signed(text, name + ".suit")
        return name + ".suit"

    def run_it(self, *names, status=0, options=(), root="r"):
        r = run("manifest", "run", "--key", "s.pub", "--root", root, *options,
                *names, cwd=self.dir)
        self.assertEqual(r.returncode, status, (r.stdout, r.stderr))
        found = []
        for folder, _, files in os.walk(self.path(root)):
            found += [os.path.relpath(os.path.join(folder, f), self.path(root))
                      for f in files]
        return sorted(f for f in found if not f.startswith(".postern"))

    def verify(self, name, status=0):
        r = run("manifest", "verify", "--key", "s.pub", name, cwd=self.dir)
        self.assertEqual(r.returncode, status, (r.stdout, r.stderr))
        return r.stderr.decode()

    def test_as_deep_as_a_device_goes(self):
        name = self.leaf()
        for i in range(8):
            self.verify(name)
            name = self.parent("m%d" % i, name)
        self.verify(name)
        self.assertEqual(
            [f for f in self.run_it(name) if f.endswith("/ta")],
            ["leaf/ta"] + ["m%d/ta" % i for i in range(8)])
        name = self.parent("m8", name)
        self.verify(name, status=1)
        self.assertEqual(self.run_it(name, status=1, root="deep"), [])

    def test_one_dependency_too_many(self):
        self.leaf()
        text = "sequence: 1\nmanifest-id: top/m\ncomponents:\n" + "".join(
            "  - {component: l%d/m, dependency: leaf.suit, uri: 'https://x/'}\n"
            % i for i in range(16))
        self.create(text)
        self.write("m.yaml", text +
                   "  - {component: l16/m, dependency: leaf.suit,"
                   " uri: 'https://x/'}\n")
        r = run("manifest", "create", "-o", "many.suit", "m.yaml",
                cwd=self.dir)
        self.assertEqual(r.returncode, 1)
        self.assertIn(b"m.yaml:20:", r.stderr)
        self.assertIn(b"at most 16 dependencies", r.stderr)
        self.assertFalse(os.path.exists(self.path("many.suit")))

    def test_what_was_severed_is_named(self):
        self.write("p", b"payload")
        self.signed("sequence: 1\ncomponent: a\npayload: p\n", "m.suit")
        self.assertEqual(self.verify("m.suit"), "")
        self.ok("manifest", "sever", "--payloads", "--to", "out", "m.suit")
        self.assertIn("sever --join", self.verify("m.suit"))
        self.ok("manifest", "sever", "--join", "out", "m.suit")
        self.assertEqual(self.verify("m.suit"), "")

    def test_everybody_signs_his_own(self):
        self.leaf()
        self.ok("key", "generate", "-o", "t.pem")
        unsigned = self.create("sequence: 1\ncomponent: leaf/ta\n"
                               "manifest-id: leaf/m\npayload: p\n")
        self.write("leaf.suit", unsigned)
        self.ok("manifest", "sign", "--key", "t.pem", "leaf.suit")
        name = self.parent("top", "leaf.suit")
        self.assertIn("integrated dependency", self.verify(name, status=1))
        self.assertEqual(self.run_it(name, status=1), [])

    def test_a_changed_byte_in_a_leaf(self):
        name = self.parent("top", self.parent("middle", self.leaf()))
        whole = self.read(name)
        at = whole.index(b"payload of a leaf")
        self.write("bad.suit", whole[:at] + b"P" + whole[at + 1:])
        self.assertIn("digest", self.verify("bad.suit", status=1))
        self.assertEqual(self.run_it("bad.suit", status=1), [])

    def test_a_leaf_that_fails_leaves_nothing(self):
        self.leaf(extra="vendor-id: %s\n" % UUID)
        name = self.parent("top", self.parent("middle", "leaf.suit"))
        self.verify(name)
        self.assertEqual(self.run_it(name, status=1), [])

    def test_dependencies_among_the_files(self):
        self.leaf()
        name = self.parent("top", "leaf.suit", uri=True)
        everything = ["leaf/m", "leaf/ta", "top/ta"]
        self.assertEqual(self.run_it(name, "leaf.suit"), everything)
        self.assertEqual(self.run_it("leaf.suit", name, root="r2"), everything)
        self.assertEqual(self.run_it(
            name, root="r3", options=["--payload",
                                      "https://x/leaf.suit=leaf.suit"]),
            everything)
        self.assertEqual(self.run_it(name, root="r4", status=1), [])

    def test_a_shared_dependency_outlives_the_first(self):
        self.leaf()
        one, two = (self.parent(n, "leaf.suit") for n in ("one", "two"))
        self.run_it(one)
        self.assertEqual(self.run_it(two),
                         ["leaf/m", "leaf/ta", "one/ta", "two/ta"])
        gone = ["--uninstall"]
        self.assertEqual(self.run_it(one, options=gone),
                         ["leaf/m", "leaf/ta", "two/ta"])
        self.assertEqual(self.run_it(two, options=gone), [])

    def test_an_update_of_the_whole(self):
        self.leaf()
        self.run_it(self.parent("top", "leaf.suit"))
        name = self.parent("top", "leaf.suit", number=2)
        self.assertEqual(self.run_it(name), ["leaf/m", "leaf/ta", "top/ta"])


class Templates(Case):
    def files(self):
        for name in ("hello.so", "wallet.so", "wallet.conf", "table.bin",
                     "firmware.bin", "config.bin"):
            self.write(name, os.urandom(3000))
        self.signed("sequence: 1\ncomponent: uuid:6f1c2d54-3a41-4b8e-9d5e-"
                    "2b7a90f4c3d1/ta\npayload: wallet.so\n", "wallet.suit")

    def test_each_is_accepted_and_verifies(self):
        self.files()
        info = cbor2.dumps(cbor2.CBORTag(96, [
            cbor2.dumps({1: 1}), {5: 12 * b"\0"}, None,
            [[b"", {1: -3, 4: b"device"}, 24 * b"\0"]]]))
        self.write("config.bin.info", info)
        self.write("devices.info", info)
        self.signed(self.ok("manifest", "create", "--template",
                            "encrypted-author").decode(), "author.suit")
        self.write("config.bin.enc", os.urandom(3016))
        names = [line.split()[0].decode() for line in self.ok(
            "manifest", "create", "--template", "list").splitlines()]
        self.assertEqual(
            sorted(names), sorted(n[:-5] for n in os.listdir(TEMPLATES)))
        for name in names:
            text = self.ok("manifest", "create", "--template", name).decode()
            self.assertTrue(text.startswith("# "), name)
            self.signed(text, "t.suit")
            self.ok("manifest", "verify", "--key", "s.pub", "t.suit")
            # What is commented out is meant to be taken in.
            more = re.sub(r"(?m)^( *)#([a-z-]+: )", r"\1\2", text)
            self.write("m.yaml", more)
            self.ok("manifest", "create", "-o", "more.suit", "m.yaml")
            VALIDATOR.validate(load(more))
        r = run("manifest", "create", "--template", "no")
        self.assertEqual(r.returncode, 1)


def sources_of_the_page():
    """The YAML of docs/manifests.md, but for what is no source."""
    with open(DOCS) as f:
        page = f.read()
    blocks = re.findall(r"(?ms)^```yaml\n(.*?)^```", page)
    return [b for b in blocks if "for --device" not in b]


SCHEMA = json.loads(run("manifest", "schema").stdout)
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)

if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]] + sys.argv[4:])
