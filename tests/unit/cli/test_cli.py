#!/usr/bin/env python3
"""The command line, run as people run it.

usage: test_cli.py PROGRAM SHARED_DIR SOURCE_DIR [TEST]...
"""
import base64
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

import cbor2
from cryptography.hazmat.primitives import hashes, hmac, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.ciphers import (
    Cipher, aead, algorithms, modes)
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PROGRAM, SHARED, SOURCE = (os.path.abspath(p) for p in sys.argv[1:4])
VECTORS = os.path.join(SHARED, "vectors")


def run(*args, stdin=b"", cwd=None):
    return subprocess.run([PROGRAM, *args], input=stdin, cwd=cwd,
                          capture_output=True, timeout=120)


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir)

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, content):
        mode = "wb" if isinstance(content, bytes) else "w"
        with open(self.path(name), mode) as f:
            f.write(content)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def ok(self, *args, stdin=b""):
        r = run(*args, stdin=stdin, cwd=self.dir)
        self.assertEqual(r.returncode, 0, (args, r.stderr))
        return r.stdout.decode()

    def refused(self, *args, stdin=b"", says=None):
        r = run(*args, stdin=stdin, cwd=self.dir)
        self.assertEqual(r.returncode, 1, (args, r.stdout, r.stderr))
        self.assertTrue(r.stderr.startswith(b"postern: "), r.stderr)
        if says is not None:
            self.assertIn(says, r.stderr.decode())
        return r

    def misused(self, *args, stdin=b""):
        r = run(*args, stdin=stdin, cwd=self.dir)
        self.assertEqual(r.returncode, 2, (args, r.stdout, r.stderr))
        self.assertEqual(r.stdout, b"")
        self.assertIn(b"usage: postern", r.stderr)
        return r


def commands():
    out = run("help", "--commands").stdout.decode().splitlines()
    return [line.split() for line in out]


class Help(Case):
    def test_every_command_has_help_and_a_line_of_its_own(self):
        self.assertGreater(len(commands()), 15)
        for c in commands():
            by_help = self.ok("help", *c)
            self.assertIn("usage: postern " + " ".join(c), by_help)
            self.assertEqual(by_help, self.ok(*c, "--help"))
            self.assertEqual(by_help, self.ok(*c, "-h"))
            for line in by_help.splitlines():
                self.assertNotIn("\t", line)

    def test_every_command_is_in_a_man_page(self):
        for c in commands():
            name = "postern-" + c[0]
            page = os.path.join(SOURCE, "docs", "man", name + ".1")
            with open(page) as f:
                text = f.read()
            self.assertRegex(text, r"\.Nm " + name)
            if len(c) > 1:
                self.assertRegex(text, r"(?m)^\.(It )?(Cm|Ic) " + c[1],
                                 (page, c))
            for option in set(re.findall(r"--[a-z-]+", self.ok("help", *c))):
                self.assertIn("Fl -" + option[2:], text, (page, c, option))

    def test_every_command_completes(self):
        with open(os.path.join(SOURCE, "cli", "completion.bash")) as f:
            completion = f.read()
        script = completion + """
COMP_WORDS=(postern '') COMP_CWORD=1; _postern; printf '%s\\n' "${COMPREPLY[@]}"
for c in "${COMPREPLY[@]}"; do
  COMP_WORDS=(postern "$c" '') COMP_CWORD=2; COMPREPLY=(); _postern
  for s in "${COMPREPLY[@]}"; do printf '%s %s\\n' "$c" "$s"; done
done
"""
        env = dict(os.environ, PATH=os.path.dirname(PROGRAM) + ":" +
                   os.environ["PATH"])
        out = subprocess.run(["bash", "-c", script], capture_output=True,
                             env=env, cwd=self.dir).stdout.decode()
        for c in commands():
            self.assertIn(" ".join(c), out.splitlines())

    def test_wrong_words_are_wrong_usage(self):
        for args in ((), ("nothing",), ("cbor",), ("cbor", "nothing"),
                     ("help", "nothing"), ("help", "cbor", "nothing")):
            r = run(*args)
            self.assertEqual(r.returncode, 2, args)
            self.assertEqual(r.stdout, b"")
            self.assertNotEqual(r.stderr, b"")

    def test_wrong_options_and_operands_are_wrong_usage(self):
        for c in commands():
            if c == ["tee", "serve"]:
                continue  # the options are postern-tee's
            self.misused(*c, "--no-such-option")
        self.misused("cbor", "diag")
        self.misused("cbor", "diag", "a", "b")
        self.misused("cbor", "decode", "--json=1", "a")

    def test_version(self):
        self.assertRegex(self.ok("--version"), r"^postern \d+\.\d+\.\d+\n$")

    def test_output_that_cannot_be_written_is_a_failure(self):
        with open("/dev/full", "wb") as full:
            r = subprocess.run([PROGRAM, "help"], stdout=full,
                               stderr=subprocess.PIPE)
        self.assertEqual(r.returncode, 1)


class Cbor(Case):
    def test_diag_and_encode_are_inverse(self):
        for text in ('{1: [_ h\'00\', "a\u00fc"], "x": 1.5}', "NaN_2", "''_",
                     "18446744073709551616", "107({})", "simple(99)"):
            encoded = run("cbor", "encode", "-", stdin=text.encode()).stdout
            self.assertEqual(self.ok("cbor", "diag", "-", stdin=encoded),
                             text + "\n")
            pretty = self.ok("cbor", "diag", "--pretty", "-", stdin=encoded)
            again = run("cbor", "encode", "-", stdin=pretty.encode()).stdout
            self.assertEqual(again, encoded)

    def test_encode_writes_a_file(self):
        self.ok("cbor", "encode", "-o", "out", "-", stdin=b"[1, 2]")
        self.assertEqual(self.read("out"), b"\x82\x01\x02")

    def test_decode_takes_exactly_one_item(self):
        self.ok("cbor", "decode", "-", stdin=b"\x82\x01\x02")
        for bad in (b"", b"\x82\x01", b"\x01\x02", b"\x1c", b"\xff"):
            r = self.refused("cbor", "decode", "-", stdin=bad)
            self.assertIn(b"at byte", r.stderr)
        self.refused("cbor", "decode", "absent", says="absent")

    def test_bad_notation_says_where(self):
        r = self.refused("cbor", "encode", "-", stdin=b"[1,\n 2,\n x]")
        self.assertIn(b"-:3:2: ", r.stderr)

    def test_json_of_decode(self):
        out = json.loads(self.ok("cbor", "decode", "--json", "-",
                                 stdin=b"\xa1\x01\x82\xf5\x41\x07"))
        self.assertEqual(out["type"], "map")
        self.assertEqual(out["entries"][0][1]["items"][1]["hex"], "07")

    def test_too_large_a_file_is_refused(self):
        with open(self.path("large"), "wb") as f:
            f.truncate(16777217)
        self.refused("cbor", "decode", "large", says="larger than")


class Terminal(Case):
    def test_bytes_are_not_written_to_a_terminal(self):
        mine, theirs = os.openpty()
        self.addCleanup(os.close, mine)
        self.addCleanup(os.close, theirs)
        r = subprocess.run([PROGRAM, "cbor", "encode", "-"], stdout=theirs,
                           input=b"h'ff'", stderr=subprocess.PIPE)
        self.assertEqual(r.returncode, 1)
        self.assertIn(b"no text for a terminal", r.stderr)
        r = subprocess.run([PROGRAM, "key", "generate"], stdout=theirs,
                           stderr=subprocess.PIPE)
        self.assertEqual(r.returncode, 0)

    def test_messages_quote_safely(self):
        r = self.refused("cbor", "diag", "a\x1b[2J\u202e")
        self.assertIn(b"a\\u001b[2J\\u202e", r.stderr)


class Inspect(Case):
    def vectors(self):
        found = []
        for root, _, names in os.walk(VECTORS):
            found += [os.path.join(root, n) for n in names]
        if not found:
            self.skipTest("no published vectors")
        return sorted(found)

    def inspect_json(self, data):
        r = run("inspect", "--json", "-", stdin=data)
        self.assertIn(r.returncode, (0, 1), r.stderr)
        out = json.loads(r.stdout)
        self.assertEqual("error" in out, r.returncode == 1)

    def inspect(self, data):
        r = run("inspect", "--full", "-", stdin=data)
        self.assertIn(r.returncode, (0, 1), r.stderr)
        if r.returncode == 0:
            again = run("cbor", "encode", "-", stdin=r.stdout)
            self.assertEqual(again.stdout, data)

    def test_every_published_file_and_its_beginnings(self):
        for i, path in enumerate(self.vectors()):
            with open(path, "rb") as f:
                data = f.read()
            # A process each is slow: the forms take turns.
            if i % 2 == 0:
                self.inspect(data)
            else:
                self.inspect_json(data)
            if i % 16 == 0 and len(data) < 2048:
                for cut in {1, len(data) // 3, len(data) // 2, len(data) - 1}:
                    self.inspect(data[:cut])
                    self.inspect_json(data[:cut])

    def test_names_and_the_place_of_a_fault(self):
        sign1 = b"\xd2\x84\x43\xa1\x01\x28\xa1\x04\x41k\x41p\x41s"
        out = self.ok("inspect", "-", stdin=sign1)
        self.assertIn("/ alg / 1: -9 / ESP256 /", out)
        r = self.refused("inspect", "-", stdin=sign1[:-1])
        self.assertIn(b"stops at byte 12", r.stderr)
        self.assertIn(b"/ kid / 4: h'6b'", r.stdout)

    def test_long_byte_strings_are_cut_unless_full(self):
        for size, cut in ((255, False), (256, False), (257, True),
                          (20000, True)):
            data = b"\x82\x59" + size.to_bytes(2, "big") + b"\x5a" * size
            if size < 256:
                data = b"\x82\x58" + bytes([size]) + b"\x5a" * size
            data += b"\x01"
            out = self.ok("inspect", "-", stdin=data)
            self.assertEqual("%d of %d bytes left out" % (size - 32, size)
                             in out, cut)
            self.assertEqual("--full" in out, cut)
            # What was cut is never encoded as if it were the whole.
            again = run("cbor", "encode", "-", stdin=out.encode())
            self.assertEqual(again.returncode, 1 if cut else 0)
            full = self.ok("inspect", "--full", "-", stdin=data)
            self.assertIn("5a" * size, full)
            again = run("cbor", "encode", "-", stdin=full.encode())
            self.assertEqual(again.stdout, data)
            for more in ((), ("--full",)):
                self.assertIn("5a" * size, self.ok(
                    "inspect", "--json", *more, "-", stdin=data))

    def test_nothing_reaches_the_terminal(self):
        for data in (b"\x63\x1b[2", b"\x44\x1b[2J", b"\x63\xe2\x80\xae",
                     b"\xa1\x62\x1b\x07\x00"):
            for option in ((), ("--json",)):
                out = self.ok("inspect", *option, "-", stdin=data)
                self.assertNotRegex(out, r"[\x00-\x09\x0b-\x1f\x7f\u202e]")


class Key(Case):
    def test_generated_keys_are_private_and_not_overwritten(self):
        for alg in ("esp256", "es256", "es384", "es512", "ed25519"):
            name = alg + ".pem"
            self.ok("key", "generate", "--alg", alg, "-o", name)
            mode = stat.S_IMODE(os.stat(self.path(name)).st_mode)
            self.assertEqual(mode, 0o600)
            before = self.read(name)
            self.refused("key", "generate", "-o", name, says="--force")
            self.assertEqual(self.read(name), before)
            self.ok("key", "generate", "--force", "-o", name)
            self.assertNotEqual(self.read(name), before)
            mode = stat.S_IMODE(os.stat(self.path(name)).st_mode)
            self.assertEqual(mode, 0o600)

    def test_formats_name_the_same_key(self):
        for alg in ("esp256", "es384", "es512", "ed25519"):
            self.ok("key", "generate", "--alg", alg, "-o", alg)
            want = self.ok("key", "thumbprint", alg)
            self.assertRegex(want, r"^[0-9a-f]{64}\n$")
            for form in ("pem", "cose", "jwk"):
                self.ok("key", "convert", "--to", form, "-o",
                        alg + form, alg)
                self.assertEqual(self.ok("key", "thumbprint", alg + form),
                                 want)
                self.ok("key", "public", "--format", form, "-o",
                        alg + form + "pub", alg + form)
                out = json.loads(self.ok("key", "thumbprint", "--json",
                                         alg + form + "pub"))
                self.assertEqual(out["thumbprint"] + "\n", want)
                self.assertFalse(out["private"])

    def test_a_readable_file_on_stdout_is_warned_about(self):
        with open(self.path("readable"), "wb") as f:
            os.fchmod(f.fileno(), 0o644)
            r = subprocess.run([PROGRAM, "key", "generate"], stdout=f,
                               stderr=subprocess.PIPE)
        self.assertEqual(r.returncode, 0)
        self.assertIn(b"warning", r.stderr)
        with open(self.path("private"), "wb") as f:
            os.fchmod(f.fileno(), 0o600)
            r = subprocess.run([PROGRAM, "key", "generate"], stdout=f,
                               stderr=subprocess.PIPE)
        self.assertEqual(r.stderr, b"")

    def test_what_is_no_key_is_refused(self):
        self.write("text", "hello\n")
        self.refused("key", "public", "text")
        self.refused("key", "thumbprint", "-", stdin=b"\xa0")
        self.misused("key", "generate", "--alg", "rsa")
        self.misused("key", "convert", "--to", "der", "text")
        self.ok("key", "generate", "--alg", "hs256", "--format", "jwk", "-o",
                "h")
        self.refused("key", "public", "h", says="symmetric")


class Manifest(Case):
    COMPONENT = "uuid:8d82573a-926d-4754-9353-32dc29997f74/ta"

    def setUp(self):
        super().setUp()
        self.ok("key", "generate", "-o", "s.pem")
        self.ok("key", "public", "-o", "s.pub", "s.pem")
        self.ok("key", "generate", "--alg", "ed25519", "-o", "other.pem")
        self.payload = os.urandom(100000)
        self.write("hello.so", self.payload)

    def source(self, **changes):
        keys = {"component": self.COMPONENT, "sequence": 2,
                "payload": "hello.so"}
        keys.update({k.replace("_", "-"): v for k, v in changes.items()})
        text = "".join("%s: %s\n" % (k, v) for k, v in keys.items()
                       if v is not None)
        return self.write("m.yaml", text)

    def signed(self, name="m.suit", **changes):
        self.source(**changes)
        self.ok("manifest", "create", "-o", name, "m.yaml")
        self.ok("manifest", "sign", "--key", "s.pem", name)
        return name

    def test_a_manifest_from_source_to_directory(self):
        self.source()
        self.ok("manifest", "create", "-o", "m.suit", "m.yaml")
        self.refused("manifest", "verify", "--key", "s.pub", "m.suit",
                     says="no authentication")
        self.ok("manifest", "sign", "--key", "s.pem", "m.suit")
        out = self.ok("manifest", "verify", "--key", "s.pub", "m.suit")
        self.assertIn("sequence 2", out)
        out = json.loads(self.ok("manifest", "show", "--json", "m.suit"))
        self.assertEqual(out["components"][0]["component"], self.COMPONENT)
        self.assertEqual(out["manifest"],
                         self.COMPONENT.replace("/ta", "/manifest"))
        self.assertEqual(out["components"][0]["size"], len(self.payload))
        self.assertIn("sequence 2", self.ok("manifest", "show", "m.suit"))
        self.ok("manifest", "run", "--key", "s.pub", "--root", "r", "m.suit")
        self.assertEqual(self.read("r/" + self.COMPONENT), self.payload)
        self.ok("manifest", "run", "--key", "s.pub", "--root", "r",
                "--uninstall", "m.suit")
        self.assertFalse(os.path.exists(self.path("r/" + self.COMPONENT)))

    def test_other_keys_are_refused(self):
        self.signed()
        self.refused("manifest", "verify", "--key", "other.pem", "m.suit")
        self.refused("manifest", "run", "--key", "other.pem", "--root", "r",
                     "m.suit")
        self.assertFalse(os.path.exists(self.path("r/" + self.COMPONENT)))
        self.ok("manifest", "sign", "--key", "other.pem", "m.suit")
        self.ok("manifest", "verify", "--key", "other.pem", "m.suit")
        self.ok("manifest", "verify", "--key", "s.pub", "m.suit")

    def test_a_readable_private_key_is_warned_about(self):
        self.signed()
        os.chmod(self.path("s.pem"), 0o644)
        r = run("manifest", "sign", "--key", "s.pem", "m.suit", cwd=self.dir)
        self.assertEqual(r.returncode, 0)
        self.assertIn(b"others can read", r.stderr)

    def test_a_public_key_signs_nothing(self):
        self.signed()
        self.refused("manifest", "sign", "--key", "s.pub", "m.suit",
                     says="no private key")

    def test_a_downgrade_is_refused(self):
        run_it = ("manifest", "run", "--key", "s.pub", "--root", "r")
        self.ok(*run_it, self.signed("two.suit"))
        self.refused(*run_it, self.signed("one.suit", sequence=1),
                     says="not newer")
        self.write("hello.so", b"another")
        self.refused(*run_it, self.signed("same.suit"), says="not newer")
        self.ok(*run_it, self.signed("three.suit", sequence=3))
        self.assertEqual(self.read("r/" + self.COMPONENT), b"another")
        self.ok(*run_it, "--uninstall", "three.suit")
        self.refused(*run_it, "two.suit", says="not newer")

    def test_a_changed_byte_anywhere_is_refused(self):
        self.write("hello.so", b"short payload")
        good = self.read(self.signed())
        kid = bytes.fromhex(self.ok("key", "thumbprint", "s.pub"))
        # Only what no signature covers may change: the unprotected bucket,
        # a map of one kid.
        kid_at = good.index(kid)
        free = range(kid_at - 4, kid_at + len(kid))
        for at in range(len(good)):
            bad = bytearray(good)
            bad[at] ^= 1
            r = run("manifest", "verify", "--key", self.path("s.pub"), "-",
                    stdin=bytes(bad))
            if at not in free:
                self.assertEqual(r.returncode, 1, at)
            self.assertIn(r.returncode, (0, 1))

    def test_a_payload_that_does_not_match_is_refused(self):
        self.write("hello.so", b"PAYLOAD-OF-THE-TEST")
        good = self.read(self.signed())
        self.assertEqual(good.count(b"PAYLOAD-OF-THE-TEST"), 1)
        self.write("bad", good.replace(b"PAYLOAD-OF", b"PAYLOAD-OG"))
        self.refused("manifest", "verify", "--key", "s.pub", "bad",
                     says="digest does not match")
        self.refused("manifest", "run", "--key", "s.pub", "--root", "r",
                     "bad")
        self.assertFalse(os.path.exists(self.path("r/" + self.COMPONENT)))

    def test_severed_sections_are_checked_and_can_be_left_out(self):
        self.signed(severable="[install, text]", version="1.0")
        whole = self.read("m.suit")
        self.ok("manifest", "verify", "--key", "s.pub", "m.suit")
        self.ok("manifest", "sever", "-o", "less", "m.suit")
        self.assertLess(len(self.read("less")), len(whole))
        self.ok("manifest", "verify", "--key", "s.pub", "less")
        self.refused("manifest", "run", "--key", "s.pub", "--root", "r",
                     "less", says="severed")
        self.ok("manifest", "run", "--key", "s.pub", "--root", "r", "m.suit")
        self.ok("manifest", "sever", "--payloads", "-o", "bare", "m.suit")
        self.assertLess(len(self.read("bare")), len(whole) - 99999)
        self.refused("manifest", "run", "--key", "s.pub", "--root", "r2",
                     "bare", says="could not be fetched")

    def with_member(self, name, key, value):
        """The envelope with one more member, which nobody signed."""
        good = self.read(name)
        self.assertEqual(good[:2], b"\xd8\x6b")
        self.assertLess(good[2], 0xb7)
        more = b"\xd8\x6b" + bytes([good[2] + 1]) + good[3:] + key
        self.assertLess(len(value), 24)
        return self.write("more", more + bytes([0x40 + len(value)]) + value)

    def test_an_unsigned_install_does_not_run(self):
        # pitfall: a severed member runs without a comparison of digests
        install = run("cbor", "encode", "-", stdin=b"[33, 2]").stdout
        self.signed()
        self.with_member("m.suit", b"\x14", install)
        self.refused("manifest", "verify", "--key", "s.pub", "more")
        self.refused("manifest", "run", "--key", "s.pub", "--root", "r",
                     "more")
        self.signed(severable="[install]")
        self.ok("manifest", "sever", "-o", "less", "m.suit")
        self.with_member("less", b"\x14", install)
        self.refused("manifest", "verify", "--key", "s.pub", "more",
                     says="digest")
        self.refused("manifest", "run", "--key", "s.pub", "--root", "r",
                     "more", says="digest")
        self.assertFalse(os.path.exists(self.path("r/" + self.COMPONENT)))

    def test_an_unsigned_payload_is_refused(self):
        self.signed()
        self.with_member("m.suit", b"\x62#x", b"extra")
        self.refused("manifest", "verify", "--key", "s.pub", "more",
                     says="does not name")

    def test_names_of_payloads_do_not_reach_the_terminal(self):
        self.signed()
        self.with_member("m.suit", b"\x66\x1b[2J\xc2\x85", b"extra")
        for option in ((), ("--json",)):
            out = self.ok("manifest", "show", *option, "more")
            self.assertIn("\\u001b[2j", out.lower())
            self.assertNotRegex(out, "[\x00-\x09\x0b-\x1f\x7f-\x9f]")

    def test_the_report_of_a_failure_is_printed(self):
        # pitfall: printing the report of a failure crashes
        self.signed(vendor_id="fa6b4a53-d5ad-5fdf-be9d-e663e4d41ffe")
        for key, says in (("s.pub", "condition-failed"),
                          ("other.pem", "unauthorised")):
            for option in ((), ("--json",)):
                r = self.refused("manifest", "run", "--key", key, "--root",
                                 "r", "--report", "rep", *option, "m.suit")
                self.assertIn(says, r.stdout.decode())
                self.assertIn("failure", self.ok("report", "decode", "rep"))

    def test_payloads_from_elsewhere(self):
        uri = "https://example.com/hello?v=1"
        self.signed(payload=None, uri=uri, file="hello.so")
        self.assertLess(len(self.read("m.suit")), 1000)
        run_it = ("manifest", "run", "--key", "s.pub", "--root", "r")
        self.refused(*run_it, "m.suit", says="--payload")
        self.write("wrong", b"x" + self.payload[1:])
        self.refused(*run_it, "--payload", uri + "=wrong", "m.suit")
        self.assertFalse(os.path.exists(self.path("r/" + self.COMPONENT)))
        self.ok(*run_it, "--payload", uri + "=hello.so", "m.suit")
        self.assertEqual(self.read("r/" + self.COMPONENT), self.payload)

    def test_the_device_is_compared(self):
        one = "fa6b4a53-d5ad-5fdf-be9d-e663e4d41ffe"
        self.signed(vendor_id=one)
        self.write("d.yaml", "vendor-id: %s\n" % one)
        self.write("e.yaml", "vendor-id: %s\n" % one.replace("fa", "fb"))
        run_it = ("manifest", "run", "--key", "s.pub", "--root", "r")
        self.refused(*run_it, "m.suit", says="condition")
        self.refused(*run_it, "--device", "e.yaml", "m.suit")
        self.ok(*run_it, "--device", "d.yaml", "m.suit")

    def test_times_and_versions_are_compared(self):
        self.signed(use_before="2027-01-31T12:00:00Z",
                    requires_version='">=1.0, <2"', set_version="2.0-rc.1")
        run_it = ("manifest", "run", "--key", "s.pub", "--root", "r",
                  "--device", "d.yaml", "m.suit")
        shown = json.loads(self.ok("manifest", "show", "--json", "m.suit"))
        self.assertEqual(shown["set-version"], "2.0-rc.1")
        c = shown["components"][0]
        self.assertEqual(c["requires-version"], ">=1.0, <2")
        self.assertEqual(c["use-before"], "2027-01-31T12:00:00Z")
        late, soon = "2027-01-31T12:00:00Z", "2027-01-31T11:59:59Z"
        for time, version, fits in (
                (late, "1.5", False), (soon, None, False), (soon, "0.9", False),
                (soon, "2.0", False), (soon, "2.0-alpha", False),
                (soon, "1.5", True), (soon, "1", True),
                (soon, "1.0-rc.7", True)):
            facts = "time: %s\n" % time
            if version is not None:
                facts += "versions:\n  %s: %s\n" % (
                    self.COMPONENT, version)
            self.write("d.yaml", facts)
            if fits:
                self.ok(*run_it)
                shutil.rmtree(self.path("r"))
            else:
                self.refused(*run_it, says="condition")
                self.assertFalse(os.path.exists(
                    self.path("r/" + self.COMPONENT)))

    def test_a_device_is_asked_what_it_knows(self):
        own = os.path.join(SOURCE, "tests/vectors/suit")
        for name, facts, says in (
                ("battery", "battery: 50", None),
                ("battery", "battery: 49", "condition"),
                ("battery", "time: 0", "command"),
                ("authorized", "authorized: true", None),
                ("authorized", "authorized: false", "condition"),
                ("authorized", "time: 0", "command"),
                ("use-before", "time: 100", None),
                ("use-before", "time: 101", "condition"),
                ("wait-time", "time: 120", None),
                ("wait-time", "time: 119", "waits for event 5"),
                ("wait-authorization", "authorized: yes", None),
                ("wait-authorization", "authorized: no", "event 1"),
                ("wait-authorization", "time: 0", "parameter"),
                ("wait-power", "authorized: yes", "parameter"),
                ("metadata-write", "time: 0", "parameter"),
                ("swap", "time: 0", "condition")):
            self.write("d.yaml", facts + "\n")
            args = ("manifest", "run", "--root", "r", "--device", "d.yaml",
                    "--key", own + "/keys/signer.cose_key",
                    os.path.join(own, name + ".cbor"))
            if says is None:
                self.ok(*args)
            else:
                self.refused(*args, says=says)

    def test_versions_are_shown_as_they_were_written(self):
        for v in ("1", "0.0.0", "1.2-alpha", "1.2.3-beta.4.5",
                  "9223372036854775807.1", ".".join(16 * "1")):
            self.signed(set_version="'%s'" % v)
            shown = json.loads(self.ok("manifest", "show", "--json",
                                       "m.suit"))
            self.assertEqual(shown["set-version"], v)

    def test_what_a_device_knows_is_read(self):
        self.signed()
        for facts in ("time: yesterday", "time: 2027-02-30T00:00:00Z",
                      "battery: -1", "authorized: perhaps", "versions: 1",
                      "versions:\n  %s: 1.x" % self.COMPONENT,
                      "versions:\n  a//b: 1", "colour: red"):
            self.write("d.yaml", facts + "\n")
            self.refused("manifest", "run", "--key", "s.pub", "--root", "r",
                         "--device", "d.yaml", "m.suit", says="d.yaml:")

    def test_the_report_says_what_happened(self):
        self.signed()
        out = json.loads(self.ok("manifest", "run", "--key", "s.pub",
                                 "--root", "r", "--json", "--report", "rep",
                                 "m.suit"))
        self.assertEqual(out["structure"], "SUIT_Report")
        self.assertIn("success", self.ok("report", "decode", "rep"))

    def test_components_stay_below_the_directory(self):
        for name in ("../out", "a/../../out", ".postern/x", "./x"):
            self.signed(component=name, manifest_id="m")
            self.refused("manifest", "run", "--key", "s.pub", "--root", "r",
                         "m.suit")
        self.assertFalse(os.path.exists(self.path("out")))

    def test_several_components(self):
        self.write("conf", b"setting")
        self.write("m.yaml", """sequence: 1
manifest-id: app/manifest
components:
  - component: app/a
    payload: hello.so
  - component: app/b
    content: conf
""")
        self.ok("manifest", "create", "-o", "m.suit", "m.yaml")
        self.ok("manifest", "sign", "--key", "s.pem", "--key", "other.pem",
                "m.suit")
        for key in ("s.pub", "other.pem"):
            self.ok("manifest", "verify", "--key", key, "m.suit")
        self.ok("manifest", "run", "--key", "s.pub", "--root", "r", "m.suit")
        self.assertEqual(self.read("r/app/b"), b"setting")

    def test_mistakes_in_the_source_have_a_line(self):
        for changes, line, says in (
                ({"sequence": None}, 1, "sequence is needed"),
                ({"sequence": -1}, 2, "number"),
                ({"sequence": "x"}, 2, "number"),
                ({"payload": "absent"}, 3, "not read"),
                ({"payload": None}, 1, "is needed"),
                ({"uri": "https://x"}, 1, "both"),
                ({"component": "a//b"}, 1, "not a component"),
                ({"vendor_id": "12"}, 4, "UUID"),
                ({"colour": "red"}, 4, "unknown key: colour"),
                ({"severable": "[validate]"}, 4, "expected"),
                ({"uninstall": "maybe"}, 4, "true or false"),
                ({"set_version": "1.x"}, 4, "expected a version"),
                ({"set_version": "rc"}, 4, "expected a version"),
                ({"set_version": "1.0-rc-beta"}, 4, "expected a version"),
                ({"set_version": "1.0+build"}, 4, "expected a version"),
                ({"set_version": ".".join(17 * "1")}, 4, "a version"),
                ({"use_before": "tomorrow"}, 4, "expected a time"),
                ({"use_before": "2027-02-30T00:00:00Z"}, 4, "a time"),
                ({"use_before": 0}, 4, "expected a time"),
                ({"requires_version": "1.0"}, 4, "conditions"),
                ({"requires_version": "'>=1,'"}, 4, "conditions"),
                ({"requires_version": "'==1'"}, 4, "conditions"),
                ({"requires_version": "'>1, <3, =2'"}, 4, "conditions")):
            self.source(**changes)
            r = self.refused("manifest", "create", "m.yaml")
            self.assertEqual(r.stdout, b"")
            self.assertIn("m.yaml:%d:" % line, r.stderr.decode(), changes)
            self.assertIn(says, r.stderr.decode())
        for text in ("", "[1, 2]", "a: b: c", "component: a\ncomponent: b\n",
                     "\t"):
            self.write("m.yaml", text)
            self.refused("manifest", "create", "m.yaml", says="m.yaml:")

    def test_create_is_deterministic(self):
        self.source()
        self.ok("manifest", "create", "-o", "a", "m.yaml")
        self.ok("manifest", "create", "-o", "b", "m.yaml")
        self.assertEqual(self.read("a"), self.read("b"))


class Reports(Case):
    """Reports that another implementation of COSE protected."""

    TO_TAM = "SUIT Report Encryption"
    REPORT = cbor2.dumps({
        3: [[[], 20, 5, 0, {}]],
        4: {5: 310, 6: [[], 20, 5, 0, {}], 7: 10},
        99: ["https://x.example/m", [-16, bytes(32)]]})

    def setUp(self):
        super().setUp()
        self.p256 = self.key("p256", ec.generate_private_key(ec.SECP256R1()))
        self.other = self.key("other", ec.generate_private_key(ec.SECP256R1()))
        self.tam = self.key("tam", ec.generate_private_key(ec.SECP256R1()))
        self.edwards = self.key("edwards", ed25519.Ed25519PrivateKey.generate())
        self.mac = os.urandom(32)
        for name, k in (("mac", self.mac), ("other-mac", os.urandom(32))):
            self.write(name, json.dumps(
                {"kty": "oct", "alg": "HS256",
                 "k": base64.urlsafe_b64encode(k).decode().rstrip("=")}))

    def key(self, name, key):
        self.write(name + ".pub", key.public_key().public_bytes(
            serialization.Encoding.PEM,
            serialization.PublicFormat.SubjectPublicKeyInfo))
        self.write(name, key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))
        os.chmod(self.path(name), 0o600)
        return key

    def sign(self, payload, by):
        if isinstance(by, bytes):
            context, tag, alg = "MAC0", 17, 5
        else:
            context, tag = "Signature1", 18
            alg = -19 if isinstance(by, ed25519.Ed25519PrivateKey) else -9
        protected = cbor2.dumps({1: alg})
        tbs = cbor2.dumps([context, protected, b"", payload])
        if alg == 5:
            h = hmac.HMAC(by, hashes.SHA256())
            h.update(tbs)
            sig = h.finalize()
        elif alg == -19:
            sig = by.sign(tbs)
        else:
            r, s = utils.decode_dss_signature(
                by.sign(tbs, ec.ECDSA(hashes.SHA256())))
            sig = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        return cbor2.dumps(cbor2.CBORTag(tag, [protected, {}, payload, sig]))

    def encrypt(self, plain, to, alg=1, other=None):
        recipient = cbor2.dumps({1: -29})
        mine = ec.generate_private_key(ec.SECP256R1())
        secret = mine.exchange(ec.ECDH(), to.public_key())
        context = cbor2.dumps([-3, [None] * 3, [None] * 3,
                               [128, recipient,
                                (other or self.TO_TAM).encode()]])
        kek = HKDF(hashes.SHA256(), 16, None, context).derive(secret)
        cek = os.urandom(32 if alg == 24 else 16)
        iv = os.urandom(16 if alg == -65534 else 12)
        protected, unprotected = cbor2.dumps({1: alg}), {5: iv}
        if alg == -65534:
            protected, unprotected = b"", {1: alg, 5: iv}
        aad = cbor2.dumps(["Encrypt", protected, b""])
        if alg == 1:
            content = aead.AESGCM(cek).encrypt(iv, plain, aad)
        elif alg == 24:
            content = aead.ChaCha20Poly1305(cek).encrypt(iv, plain, aad)
        else:
            content = Cipher(algorithms.AES(cek), modes.CTR(iv)).encryptor(
                ).update(plain)
        p = mine.public_key().public_numbers()
        ephemeral = {1: 2, -1: 1, -2: p.x.to_bytes(32, "big"),
                     -3: p.y.to_bytes(32, "big")}
        return cbor2.dumps(cbor2.CBORTag(96, [
            protected, unprotected, content,
            [[recipient, {-1: ephemeral},
              keywrap.aes_key_wrap(kek, cek)]]]))

    def decode(self, report, *keys, json=False):
        self.write("r", report)
        args = [a for k in keys for a in ("--key", k)]
        return run("report", "decode", *(["--json"] if json else []), *args,
                   "r", cwd=self.dir)

    def shown(self, report, *keys):
        r = self.decode(report, *keys)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn(b"condition-failed", r.stdout)
        return r.stdout.decode().splitlines()[0]

    def not_shown(self, report, *keys, says):
        r = self.decode(report, *keys)
        self.assertEqual(r.returncode, 1, (r.stdout, r.stderr))
        self.assertEqual(r.stdout, b"")
        self.assertIn(says, r.stderr.decode())

    def test_every_form_is_read_with_its_keys(self):
        self.assertEqual(self.shown(self.REPORT),
                         "/ SUIT report of failure /")
        for signer, name, cose in ((self.p256, "p256.pub", "COSE_Sign1"),
                                   (self.edwards, "edwards.pub", "COSE_Sign1"),
                                   (self.mac, "mac", "COSE_Mac0")):
            self.assertEqual(
                self.shown(self.sign(self.REPORT, signer), name),
                "/ SUIT report of failure, verified %s /" % cose)
            for alg in (1, 24, -65534):
                inside = self.encrypt(self.REPORT, self.tam, alg)
                self.assertEqual(
                    self.shown(self.sign(inside, signer), name, "tam"),
                    "/ SUIT report of failure, decrypted, verified %s /" % cose)
        for alg in (1, 24):
            self.assertEqual(
                self.shown(self.encrypt(self.REPORT, self.tam, alg), "tam"),
                "/ SUIT report of failure, decrypted /")
        wrapped = self.encrypt(cbor2.dumps(self.REPORT), self.tam)
        self.shown(wrapped, "tam")

    def test_a_run_that_lacks_something_says_what_there_is(self):
        self.ok("key", "generate", "-o", "k")
        self.write("p", b"payload")
        self.write("m.yaml", "component: a/b\nsequence: 1\npayload: p\n"
                   "severable: [install]\n")
        self.ok("manifest", "create", "-o", "m", "m.yaml")
        self.ok("manifest", "sign", "--key", "k", "m")
        self.ok("manifest", "sever", "m")
        r = run("manifest", "run", "--key", "k", "--root", "r", "--report",
                "rep", "m", cwd=self.dir)
        self.assertEqual(r.returncode, 1, r.stderr)
        can = cbor2.loads(self.read("rep"))[8]
        self.assertEqual(can[1], [[True]])
        self.assertIn(21, can[2])
        self.assertIn(-9, can[4])
        self.assertIn(b"suit-directive-fetch", r.stdout)
        self.assertIn("severing-unsupported",
                      self.ok("report", "decode", "rep").splitlines()[1])

    def test_a_failure_is_told_in_words(self):
        report = cbor2.loads(self.REPORT)
        report[4][6][0] = [1, 2]
        lines = self.decode(cbor2.dumps(report)).stdout.decode().splitlines()
        self.assertEqual(lines[1], "/ condition-failed, in suit-install, "
                         "byte 5, component 0, of dependency 1.2 /")
        # it is a comment: the text is notation still
        text = self.decode(self.REPORT).stdout
        self.assertEqual(run("cbor", "encode", "-", stdin=text).stdout,
                         self.REPORT)
        report[4] = True
        text = self.decode(cbor2.dumps(report)).stdout.decode()
        self.assertNotIn("in suit-install, byte", text)

    def test_json_says_what_was_around_it(self):
        r = self.decode(self.sign(self.encrypt(self.REPORT, self.tam),
                                  self.p256), "p256.pub", "tam", json=True)
        got = json.loads(r.stdout)
        self.assertEqual((got["what"], got["cose"], got["decrypted"]),
                         ("SUIT report of failure", "COSE_Sign1", True))
        got = json.loads(self.decode(self.REPORT, json=True).stdout)
        self.assertEqual((got["cose"], got["decrypted"]), (None, False))

    def test_other_keys_open_nothing(self):
        self.not_shown(self.sign(self.REPORT, self.p256), "other.pub",
                       says="signature does not verify")
        self.not_shown(self.sign(self.REPORT, self.mac), "other-mac",
                       says="signature does not verify")
        for key in ("mac", "edwards.pub", "tam"):
            self.not_shown(self.sign(self.REPORT, self.p256), key, says="r: ")
        self.not_shown(self.sign(self.REPORT, self.mac), "p256.pub",
                       says="no trusted key")
        self.not_shown(self.encrypt(self.REPORT, self.tam), "other",
                       says="does not decrypt")
        self.not_shown(self.encrypt(self.REPORT, self.tam), "tam.pub",
                       says="no trusted key")
        both = self.sign(self.encrypt(self.REPORT, self.tam), self.p256)
        self.not_shown(both, "p256.pub", says="no trusted key")
        self.not_shown(both, "tam", says="signature does not verify")

    def test_what_is_for_another_purpose_is_refused(self):
        for other in ("SUIT Payload Encryption", "EAT Encryption"):
            self.not_shown(self.encrypt(self.REPORT, self.tam, other=other),
                           "tam", says="does not decrypt")
        # AES-CTR authenticates nothing
        self.not_shown(self.encrypt(self.REPORT, self.tam, -65534), "tam",
                       says="algorithm absent or not accepted")

    def test_an_altered_one_is_refused(self):
        for report, keys in (
                (self.sign(self.REPORT, self.edwards), ["edwards.pub"]),
                (self.sign(self.REPORT, self.mac), ["mac"]),
                (self.encrypt(self.REPORT, self.tam), ["tam"])):
            at = len(report) - 1
            bad = report[:at] + bytes([report[at] ^ 1])
            self.assertEqual(self.decode(bad, *keys).returncode, 1)
            at = report.index(b"x.example") if b"x.example" in report else 40
            bad = report[:at] + bytes([report[at] ^ 1]) + report[at + 1:]
            self.assertEqual(self.decode(bad, *keys).returncode, 1)

    def test_a_key_is_asked_for(self):
        for report in (self.sign(self.REPORT, self.p256),
                       self.encrypt(self.REPORT, self.tam)):
            r = self.decode(report)
            self.assertEqual(r.returncode, 2)
            self.assertIn(b"--key", r.stderr)

    def test_inspect_shows_what_is_not_encrypted(self):
        self.write("r", self.sign(self.REPORT, self.p256))
        self.assertIn("condition-failed", self.ok("inspect", "r"))
        self.write("r", self.sign(self.encrypt(self.REPORT, self.tam),
                                  self.p256))
        text = self.ok("inspect", "r")
        self.assertIn("A128GCM", text)
        self.assertIn("ECDH-ES + A128KW", text)
        self.assertNotIn("x.example", text)


class Published(Case):
    """The published vectors, through the commands."""

    def rows(self, group):
        path = os.path.join(VECTORS, group, "vectors.jsonl")
        if not os.path.exists(path):
            self.skipTest("no published vectors")
        with open(path) as f:
            return [json.loads(line) for line in f]

    def keys(self, group, row, name="key"):
        keys = row.get(name) or []
        args = []
        for k in [keys] if isinstance(keys, str) else keys:
            args += ["--key", os.path.join(VECTORS, group, k)]
        return args

    def file(self, group, row):
        return os.path.join(VECTORS, group, row["file"])

    def test_cbor(self):
        for row in self.rows("cbor"):
            want = 0 if row["expected"].startswith("decodes") else 1
            path = self.file("cbor", row)
            r = run("cbor", "decode", path)
            self.assertEqual(r.returncode, want, row["id"])
            if want == 0:
                text = self.ok("cbor", "diag", path)
                back = run("cbor", "encode", "-", stdin=text.encode())
                with open(path, "rb") as f:
                    self.assertEqual(back.stdout, f.read(), row["id"])

    def test_cose(self):
        for row in self.rows("cose"):
            if row.get("kind") not in ("COSE_Sign1", "COSE_Sign",
                                       "COSE_Mac0"):
                continue
            if row["id"] == "rfc8152-appendix-c-6-1":  # AES-CBC-MAC
                continue
            args = self.keys("cose", row, "keys")
            if row.get("external_aad"):
                args += ["--aad", row["external_aad"]]
            r = run("cose", "verify", *args, self.file("cose", row))
            good = not row["expected"].startswith("must be rejected")
            good = good and "crit_note" not in row
            self.assertEqual(r.returncode, 0 if good else 1,
                             (row["id"], r.stderr))

    def test_cose_with_recipients(self):
        # what no profile of SUIT or TEEP has
        others = re.compile(
            "aes-ccm|rfc8152-appendix-(b$|c-3-2|c-4-|c-5-1|c-5-3)|cwt-a-[56]|"
            "aes-wrap-.*-01|x25519|aes-gcm-examples-aes-gcm-05")
        for row in self.rows("cose"):
            kind = row.get("kind")
            if kind not in ("COSE_Encrypt", "COSE_Encrypt0", "COSE_Mac"):
                continue
            good = not row["expected"].startswith("must be rejected")
            if others.match(row["id"]):
                good = False
            args = self.keys("cose", row, "keys")
            if row.get("external_aad"):
                args += ["--aad", row["external_aad"]]
            command = "verify" if kind == "COSE_Mac" else "decrypt"
            r = run("cose", command, *args, self.file("cose", row))
            self.assertEqual(r.returncode, 0 if good else 1,
                             (row["id"], r.stderr))
            if good and command == "decrypt":
                self.assertEqual(r.stdout.hex(), row["plaintext_hex"],
                                 row["id"])
            # the other command says what it is, or that it is damaged
            other = "verify" if command == "decrypt" else "decrypt"
            r = run("cose", other, *args, self.file("cose", row))
            self.assertEqual(r.returncode, 1, row["id"])

    def test_suit_encryption_info(self):
        seen = 0
        for row in self.rows("suit"):
            if row.get("kind") is None or not row["id"].startswith("fe-encinfo"):
                continue
            key = self.keys("suit", row)[1]
            if key.endswith(".bin"):
                with open(key, "rb") as f:
                    k = base64.urlsafe_b64encode(f.read()).decode()
                key = os.path.join(self.dir, "kek.jwk")
                with open(key, "w") as f:
                    json.dump({"kty": "oct", "alg": "A128KW",
                               "k": k.rstrip("=")}, f)
            payload = os.path.join(VECTORS, "suit", row["payload_file"])
            r = run("cose", "decrypt", "--key", key, "--payload", payload,
                    self.file("suit", row))
            self.assertEqual(r.returncode, 0, (row["id"], r.stderr))
            self.assertEqual(r.stdout.hex(), row["plaintext_hex"])
            self.assertEqual(b"authenticates" in r.stderr,
                             row["id"].endswith("ctr"))
            seen += 1
        self.assertGreater(seen, 0)

    def test_teep(self):
        for row in self.rows("teep"):
            if "manifest digest matches" in row["expected"]:
                continue  # an envelope
            keys = self.keys("teep", row)
            if "only the TAM keys" in row["expected"]:
                continue
            r = run("teep", "decode", *keys, self.file("teep", row))
            good = "must be rejected" not in row["expected"]
            self.assertEqual(r.returncode, 0 if good else 1,
                             (row["id"], r.stderr))

    def test_reports(self):
        for row in self.rows("suit-report"):
            r = run("report", "decode", *self.keys("suit-report", row),
                    self.file("suit-report", row))
            good = not re.match("must be rejected|NOT", row["expected"])
            self.assertEqual(r.returncode, 0 if good else 1,
                             (row["id"], r.stderr))

    def test_a_wrapper_needs_a_key(self):
        for group, command in (("teep", "teep"), ("suit-report", "report")):
            for row in self.rows(group):
                if "COSE_Sign1" in row["expected"]:
                    r = run(command, "decode", self.file(group, row))
                    self.assertEqual(r.returncode, 2, row["id"])

    def test_manifests(self):
        for row in self.rows("suit"):
            keys = self.keys("suit", row)
            if not keys or any(k.endswith(".bin") for k in keys):
                continue
            if "decrypts with" in row["expected"]:
                continue
            r = run("manifest", "verify", *keys, self.file("suit", row))
            good = not re.match("must be rejected|NOT", row["expected"])
            if row["id"] == "fe-es-ecdh-dependency":
                # its two manifests have two signers, the row names one
                good = r.returncode == 0
            self.assertEqual(r.returncode, 0 if good else 1,
                             (row["id"], r.stderr))


class Cose(Case):
    def setUp(self):
        super().setUp()
        path = os.path.join(VECTORS, "cose", "rfc8152-appendix-c-2-1.cbor")
        if not os.path.exists(path):
            self.skipTest("no published vectors")
        self.message = path
        self.key = os.path.join(VECTORS, "cose", "keys",
                                "rfc8152-appendix-c-2-1.key0.cose_key")
        if not os.path.exists(self.key):
            with open(os.path.join(VECTORS, "cose", "vectors.jsonl")) as f:
                row = next(r for r in map(json.loads, f)
                           if r["file"] == "rfc8152-appendix-c-2-1.cbor")
            self.key = os.path.join(VECTORS, "cose", row["keys"][0])

    def test_verify_and_what_it_needs(self):
        self.ok("cose", "verify", "--key", self.key, self.message)
        out = json.loads(self.ok("cose", "verify", "--json", "--key",
                                 self.key, "--out", "payload", self.message))
        self.assertTrue(out["verified"])
        self.assertEqual(self.read("payload"), b"This is the content.")
        self.misused("cose", "verify", self.message)
        self.misused("cose", "verify", "--key", self.key)
        self.misused("cose", "verify", "--key", self.key, "--aad", "0",
                     self.message)
        self.refused("cose", "verify", "--key", self.key, "--aad", "00",
                     self.message, says="does not verify")
        self.refused("cose", "verify", "--key", self.key, "--payload",
                     self.message, self.message, says="inside")
        self.refused("cose", "verify", "--key", "absent", self.message)
        self.ok("key", "generate", "-o", "k")
        self.refused("cose", "verify", "--key", "k", self.message)


class Eat(Case):
    def row(self, name):
        path = os.path.join(VECTORS, "eat", "vectors.jsonl")
        if not os.path.exists(path):
            self.skipTest("no published vectors")
        with open(path) as f:
            row = next(r for r in map(json.loads, f) if r["id"] == name)
        key = row["key"][0] if isinstance(row["key"], list) else row["key"]
        return (os.path.join(VECTORS, "eat", row["file"]),
                os.path.join(VECTORS, "eat", key))

    def test_verify_checks_signature_claims_and_nonce(self):
        token, key = self.row("derived-eat-esp256")
        out = json.loads(self.ok("eat", "verify", "--json", "--key", key,
                                 token))
        self.assertTrue(out["verified"])
        nonce = next(v["hex"] for k, v in out["item"]["entries"]
                     if k["value"] == 10)
        self.ok("eat", "verify", "--key", key, "--nonce", nonce, token)
        self.refused("eat", "verify", "--key", key, "--nonce",
                     "00" * (len(nonce) // 2), token, says="nonce")
        self.misused("eat", "verify", "--key", key, "--nonce", "0x", token)
        self.misused("eat", "verify", token)
        altered, key = self.row("derived-eat-nonce-altered")
        self.refused("eat", "verify", "--key", key, altered)
        short, key = self.row("derived-eat-nonce-7")
        self.refused("eat", "verify", "--key", key, short, says="claim")

    def test_an_expired_token_is_refused(self):
        # claims without a signature are no token, whatever they say
        claims = run("cbor", "encode", "-",
                     stdin=b"{4: 1, 10: h'0011223344556677'}").stdout
        self.ok("key", "generate", "-o", "k")
        self.refused("eat", "verify", "--key", "k", "-", stdin=claims,
                     says="without a signature")

    def test_show_verifies_nothing(self):
        token, _ = self.row("derived-eat-esp256")
        self.assertIn("/ eat_nonce / 10", self.ok("eat", "show", token))
        json.loads(self.ok("eat", "show", "--json", token))
        self.refused("eat", "show", "-", stdin=b"\xa1")


class Standard(Case):
    """What all commands have in common."""

    def commands_with_files(self):
        """Commands that read one file, and a file that each accepts."""
        self.ok("key", "generate", "-o", "k")
        self.write("p", b"payload")
        self.write("m.yaml", "component: a/b\nsequence: 1\npayload: p\n")
        self.ok("manifest", "create", "-o", "m", "m.yaml")
        self.ok("manifest", "sign", "--key", "k", "m")
        self.ok("manifest", "run", "--key", "k", "--root", "r", "--report",
                "rep", "m")
        self.ok("cbor", "encode", "-o", "teep", "-",
                stdin=b"[5, {20: h'0011223344556677', 11: \"good\"}]")
        self.ok("cbor", "encode", "-o", "eat", "-",
                stdin=b"{10: h'0011223344556677', 263: 1}")
        return ((("inspect",), "m"), (("cbor", "decode"), "m"),
                (("cbor", "diag"), "m"), (("key", "public"), "k"),
                (("key", "thumbprint"), "k"), (("key", "convert"), "k"),
                (("manifest", "show"), "m"),
                (("manifest", "verify", "--key", "k"), "m"),
                (("manifest", "run", "--key", "k", "--root", "r"), "m"),
                (("manifest", "create"), "m.yaml"),
                (("teep", "decode"), "teep"), (("report", "decode"), "rep"),
                (("eat", "show"), "eat"))

    def test_a_hyphen_is_standard_input(self):
        for command, name in self.commands_with_files():
            by_name = run(*command, name, cwd=self.dir)
            by_input = run(*command, "-", stdin=self.read(name),
                           cwd=self.dir)
            self.assertEqual(by_name.returncode, 0, by_name.stderr)
            self.assertEqual(by_input.returncode, 0, by_input.stderr)
            self.assertEqual(by_input.stdout, by_name.stdout, command)
            self.assertEqual(by_input.stderr, b"")

    def test_json_is_json(self):
        for command, name in self.commands_with_files():
            if "--json" in self.ok("help", *command[:2]):
                json.loads(self.ok(*command, "--json", name))

    def test_absent_and_empty_files_are_refused(self):
        self.write("empty", b"")
        for command, _ in self.commands_with_files():
            r = self.refused(*command, "absent", says="absent")
            self.assertEqual(r.stdout, b"")
            self.refused(*command, "empty")
            self.refused(*command, ".")

    def test_a_beginning_is_never_taken_for_the_whole(self):
        for command, name in self.commands_with_files():
            data = self.read(name)
            if command[0] == "key" or name.endswith("yaml"):
                continue
            for cut in range(0, len(data), 7):
                r = run(*command, "-", stdin=data[:cut], cwd=self.dir)
                self.assertEqual(r.returncode, 1, (command, cut))


class Tee(Case):
    def test_a_tee_that_is_not_there(self):
        for c in (("tee", "status"), ("broker", "list")):
            r = self.refused(*c, "--tee", "absent", "--json", says="absent")
            self.assertFalse(json.loads(r.stdout)["reachable"])
        self.refused("broker", "sync", "--tee", "absent")
        self.refused("broker", "request", "--tee", "absent", "app/ta")
        self.refused("broker", "unrequest", "--tee", "absent", "app/ta")

    def test_what_is_wrong_with_a_tee_is_said_plainly(self):
        path = self.path("tee.sock")
        for c in (("tee", "status"), ("broker", "sync")):
            said = self.refused(*c, "--tee", path).stderr
            self.assertIn(b"no TEE is running at " + path.encode(), said)
            self.assertIn(b"postern tee serve --state DIR --config FILE "
                          b"--socket " + path.encode(), said)
            self.assertNotIn(b"0x", said)
            self.assertEqual(said.count(b"\n"), 1)
        long = "/tmp/" + "x" * 120
        said = self.refused("tee", "status", "--tee", long).stderr
        self.assertIn(b"at most 107 bytes", said)
        self.assertEqual(said.count(long.encode()), 1)
        said = self.refused("broker", "sync", "--tee", path, "--tee",
                            "other").stderr
        self.assertEqual(said.count(b"no TEE is running at "), 2)

    def test_a_socket_path_too_long_is_refused_at_the_start(self):
        self.ok("key", "generate", "-o", self.path("key.pem"))
        self.write("tee.yaml", "device: {oemid: '894823', hwmodel: x, "
                   "hwversion: x}\ntams: []\nsigners: []\n")
        long = "/tmp/" + "x" * 120
        r = run("tee", "serve", "--state", "state", "--config", "tee.yaml",
                "--socket", long, cwd=self.dir)
        self.assertEqual(r.returncode, 1, r.stderr)
        self.assertIn(b"the path of a socket has at most 107 bytes", r.stderr)

    def test_a_service_says_once_what_is_wrong_with_its_socket(self):
        long = "/tmp/" + "x" * 120
        said = self.refused("broker", "serve", "--socket", long).stderr
        self.assertIn(b"path is too long for a socket", said)
        self.assertEqual(said.count(b"\n"), 1)

    def test_a_configuration_that_is_not_there_has_no_line(self):
        r = run("tee", "serve", "--state", "state", "--config", "none.yaml",
                cwd=self.dir)
        self.assertEqual(r.returncode, 1, r.stderr)
        self.assertIn(b"none.yaml: No such file", r.stderr)
        self.assertNotIn(b"none.yaml:1", r.stderr)

    def test_what_is_no_component(self):
        for c in ("request", "unrequest"):
            self.misused("broker", c, "a//b")
            self.misused("broker", c)
        self.misused("broker", "serve", "--interval", "0")
        self.misused("broker", "serve", "--interval", "1h")

    def test_serve_runs_the_program_beside(self):
        alone = self.path("postern")
        shutil.copy(PROGRAM, alone)
        env = dict(os.environ, LD_LIBRARY_PATH=os.path.dirname(PROGRAM))
        r = subprocess.run([alone, "tee", "serve"], capture_output=True,
                           env=env)
        self.assertEqual(r.returncode, 1)
        self.assertIn(b"postern-tee", r.stderr)
        with open(self.path("postern-tee"), "w") as f:
            f.write("#!/bin/sh\necho \"$@\"\n")
            os.fchmod(f.fileno(), 0o755)
        r = subprocess.run([alone, "tee", "serve", "--state", "x y"],
                           capture_output=True, env=env)
        self.assertEqual(r.stdout, b"--state x y\n")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]] + sys.argv[4:])
