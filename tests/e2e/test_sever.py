#!/usr/bin/env python3
"""Severing: members are taken out and put in again, signatures stay valid."""
import os
import sys

from tool import COMPONENT, Case, cbor2, json, unittest

URI = "https://tam.example/payloads/ta?v=1&x=../y"


class Sever(Case):
    def setUp(self):
        super().setUp()
        self.key("s", "esp256")
        self.write("ta.so", b"the trusted application")
        self.write("data", b"its data")
        self.write("m.yaml", """sequence: 1
manifest-id: app/manifest
severable: [install, text]
description: what it is
components:
  - component: app/ta
    payload: ta.so
    name: %s
  - component: app/data
    payload: data
""" % json.dumps(URI))
        self.ok("manifest", "create", "-o", "m.suit", "m.yaml")
        self.ok("manifest", "sign", "--key", "s", "m.suit")
        self.whole = self.read("m.suit")

    def members(self, name="m.suit"):
        return set(cbor2.loads(self.read(name)).value) - {2, 3}

    def runs(self, *more, status=0):
        r = self.call("manifest", "run", "--key", "s.pub", "--root", "r",
                      *more, "m.suit")
        self.assertEqual(r.returncode, status, r.stderr)

    def test_members_by_name(self):
        everything = {20, 23, URI, "#tc1"}
        for args, left in (
                ((), {URI, "#tc1"}),
                (("--section", "text"), {20, URI, "#tc1"}),
                (("--section", "install", "--section", "text"),
                 {URI, "#tc1"}),
                (("--payload", URI), {20, 23, "#tc1"}),
                (("--payloads",), {20, 23}),
                (("--payload", "#tc1", "--section", "text"), {20, URI}),
                (("--payloads", "--section", "install"), {23})):
            said = json.loads(self.ok("manifest", "sever", "--json", *args,
                                      "-o", "less", "m.suit"))
            self.assertEqual(self.members("less"), left)
            gone = {m.get("payload") or {"install": 20, "text": 23}[
                m["section"]] for m in said}
            self.assertEqual(gone, everything - left)
            self.verify("s.pub", "less")
            # again: the same, and nothing to say
            again = self.read("less")
            self.assertEqual(self.ok("manifest", "sever", "--json", *args,
                                     "less"), "[]\n")
            self.assertEqual(self.read("less"), again)

    def test_what_is_severed_is_in_files_and_comes_back(self):
        self.ok("manifest", "sever", "--section", "install", "--section",
                "text", "--payloads", "--to", "parts", "m.suit")
        self.assertEqual(self.members(), set())
        self.assertEqual(sorted(os.listdir(self.path("parts"))), [
            "%23tc1.payload", "https%3A%2F%2Ftam%2Eexample%2Fpayloads%2Fta"
            "%3Fv%3D1%26x%3D%2E%2E%2Fy.payload", "install.section",
            "text.section"])
        self.assertEqual(self.read("parts/%23tc1.payload"), b"its data")
        envelope = cbor2.loads(self.whole).value
        self.assertEqual(self.read("parts/install.section"), envelope[20])
        self.runs(status=1)
        self.ok("manifest", "sever", "--join", "parts", "m.suit")
        self.assertEqual(self.read("m.suit"), self.whole)
        self.ok("manifest", "sever", "--join", "parts", "m.suit")
        self.assertEqual(self.read("m.suit"), self.whole)
        self.runs()
        self.assertEqual(self.read("r/app/ta"), b"the trusted application")

    def test_one_payload_taken_out_is_served(self):
        self.ok("manifest", "sever", "--payload", URI, "m.suit")
        self.runs(status=1)
        self.runs("--payload", URI + "=ta.so")
        self.assertEqual(self.read("r/app/ta"), b"the trusted application")

    def test_only_what_was_signed_comes_back(self):
        self.ok("manifest", "sever", "--section", "install", "--section",
                "text", "--payloads", "--to", "parts", "m.suit")
        bare = self.read("m.suit")
        for name in sorted(os.listdir(self.path("parts"))):
            good = self.read("parts/" + name)
            for bad in (good[:-1] + bytes([good[-1] ^ 1]), good + b"\0",
                        good[:-1], b""):
                self.write("parts/" + name, bad)
                self.refused("manifest", "sever", "--join", "parts",
                             "m.suit")
                self.assertEqual(self.read("m.suit"), bare)
            self.write("parts/" + name, good)
        for name in ("coswid.section", "%23other.payload"):
            self.write("parts/" + name, b"\x40")
            self.refused("manifest", "sever", "--join", "parts", "m.suit")
            os.unlink(self.path("parts/" + name))
        self.write("parts/validate.section", b"\x80")
        self.refused("manifest", "sever", "--join", "parts", "m.suit",
                     says="no severable section")
        os.unlink(self.path("parts/validate.section"))
        self.write("parts/%2.payload", b"x")
        self.refused("manifest", "sever", "--join", "parts", "m.suit",
                     says="not a payload's name")
        self.assertEqual(self.read("m.suit"), bare)

    def test_what_cannot_be_severed_is_said(self):
        self.refused("manifest", "sever", "--section", "payload-fetch",
                     "m.suit", says="there is no payload-fetch")
        self.refused("manifest", "sever", "--payload", "#none", "m.suit",
                     says="no payload is called #none")
        self.create("plain.suit")
        self.refused("manifest", "sever", "--section", "install",
                     "plain.suit", says="severable in its source")
        for wrong in (("--section", "validate"), ("--section", "x"),
                      ("--join", "d", "--payloads"),
                      ("--join", "d", "--to", "e")):
            self.misused("manifest", "sever", *wrong, "m.suit")
        self.assertEqual(self.read("m.suit"), self.whole)

    def test_files_are_not_overwritten_by_others(self):
        self.ok("manifest", "sever", "--to", "parts", "-o", "less", "m.suit")
        self.ok("manifest", "sever", "--to", "parts", "-o", "less", "m.suit")
        self.write("parts/text.section", b"precious")
        self.refused("manifest", "sever", "--to", "parts", "-o", "less2",
                     "m.suit", says="--force")
        self.assertEqual(self.read("parts/text.section"), b"precious")
        self.assertFalse(os.path.exists(self.path("less2")))
        self.ok("manifest", "sever", "--force", "--to", "parts", "-o",
                "less2", "m.suit")
        self.assertNotEqual(self.read("parts/text.section"), b"precious")

    def test_a_name_too_long_for_a_file_is_refused(self):
        self.create("long.suit", payload="ta.so", name="u:" + 300 * "x")
        before = self.read("long.suit")
        self.refused("manifest", "sever", "--payloads", "--to", "parts",
                     "long.suit", says="too long")
        self.assertEqual(self.read("long.suit"), before)
        self.ok("manifest", "sever", "--payloads", "long.suit")

    def test_a_damaged_envelope_is_refused(self):
        bad = bytearray(self.whole)
        bad[bad.index(b"what it is")] ^= 1
        self.write("bad", bytes(bad))
        self.refused("manifest", "sever", "bad", says="digest")
        self.assertEqual(self.read("bad"), bytes(bad))

    def test_an_encrypted_payload_that_a_server_keeps(self):
        self.ok("key", "generate", "--alg", "ecdh-es+a128kw", "-o", "d")
        self.ok("key", "public", "-o", "d.pub", "d")
        self.ok("manifest", "encrypt", "--to", "d.pub", "ta.so")
        self.create(payload="ta.so.enc", encryption_info="ta.so.info",
                    plaintext="ta.so", name=json.dumps(URI))
        self.ok("manifest", "sign", "--key", "s", "m.suit")
        whole = self.read("m.suit")
        self.ok("manifest", "sever", "--payloads", "--to", "www", "m.suit")
        name, = os.listdir(self.path("www"))
        self.assertEqual(self.read("www/" + name), self.read("ta.so.enc"))
        self.runs("--key", "d", "--payload", "%s=www/%s" % (URI, name))
        self.assertEqual(self.read("r/" + COMPONENT),
                         b"the trusted application")
        self.ok("manifest", "sever", "--join", "www", "m.suit")
        self.assertEqual(self.read("m.suit"), whole)


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
