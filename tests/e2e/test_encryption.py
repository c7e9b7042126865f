#!/usr/bin/env python3
"""Payload encryption: the tool's messages, opened by another implementation,
and everything that it refuses."""
import base64
import os
import sys

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import (AESGCM,
                                                         ChaCha20Poly1305)
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap

from tool import Case, cbor2, json, sha256, unittest

# draft-ietf-suit-firmware-encryption, Section 6.2.4
CONTEXT = [-3, [None] * 3, [None] * 3,
           [128, bytes.fromhex("a101381c"), b"SUIT Payload Encryption"]]
LENGTHS = {1: 16, 3: 32, 24: 32, -65534: 16, -65532: 32}


def unpadded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Opener:
    """A device, written after the text."""

    def __init__(self, case):
        self.case = case

    def secret(self, name):
        data = self.case.read(name)
        if data.startswith(b"{"):
            return unpadded(json.loads(data)["k"])
        return cbor2.loads(data)[-1]

    def private(self, name):
        data = self.case.read(name)
        if not data.startswith(b"{"):
            return serialization.load_pem_private_key(data, None)
        value = int.from_bytes(unpadded(json.loads(data)["d"]), "big")
        return ec.derive_private_key(value, ec.SECP256R1())

    def kek(self, recipient, name):
        protected, unprotected, _ = recipient
        if protected == b"":
            assert unprotected[1] in (-3, -5), unprotected
            return self.secret(name)
        assert cbor2.loads(protected) == {1: -29}
        e = unprotected[-1]
        assert e[1] == 2 and e[-1] == 1
        peer = ec.EllipticCurvePublicNumbers(
            int.from_bytes(e[-2], "big"), int.from_bytes(e[-3], "big"),
            ec.SECP256R1()).public_key()
        shared = self.private(name).exchange(ec.ECDH(), peer)
        return HKDF(hashes.SHA256(), 16, None,
                    cbor2.dumps(CONTEXT)).derive(shared)

    def open(self, info, content, name, index=0):
        tag = cbor2.loads(info)
        assert tag.tag == 96
        protected, unprotected, nil, recipients = tag.value
        assert nil is None
        cek = aes_key_unwrap(self.kek(recipients[index], name),
                             recipients[index][2])
        iv = unprotected[5]
        alg = (cbor2.loads(protected) if protected else unprotected)[1]
        assert len(cek) == LENGTHS[alg]
        if alg < 0:
            assert protected == b"" and len(iv) == 16
            return Cipher(algorithms.AES(cek), modes.CTR(iv)).decryptor(
                ).update(content)
        assert len(iv) == 12
        aad = cbor2.dumps(["Encrypt", protected, b""])
        aead = ChaCha20Poly1305(cek) if alg == 24 else AESGCM(cek)
        return aead.decrypt(iv, content, aad)


class Encrypt(Case):
    ALGS = {"a128gcm": 1, "a256gcm": 3, "chacha20-poly1305": 24,
            "a128ctr": -65534, "a256ctr": -65532}

    def setUp(self):
        super().setUp()
        self.key("k128", "a128kw")
        self.key("k256", "a256kw")
        self.ok("key", "generate", "--alg", "ecdh-es+a128kw", "-o", "dev")
        self.ok("key", "public", "-o", "dev.pub", "dev")
        self.opener = Opener(self)
        self.payload = os.urandom(200001)
        self.write("ta.so", self.payload)

    def encrypt(self, *args, name="ta.so"):
        self.ok("manifest", "encrypt", "--force", *args, name)
        return self.read(name + ".info"), self.read(name + ".enc")

    def test_every_algorithm_to_every_kind_of_recipient(self):
        for alg, number in self.ALGS.items():
            for to, private in (("k128", "k128"), ("k256", "k256"),
                                ("dev.pub", "dev")):
                info, content = self.encrypt("--to", to, "--alg", alg)
                self.assertEqual(self.opener.open(info, content, private),
                                 self.payload)
                self.assertEqual(len(content) - len(self.payload),
                                 16 if number > 0 else 0)
                self.assertEqual(
                    self.ok("cose", "decrypt", "--key", private, "--payload",
                            "ta.so.enc", "--out", "plain", "ta.so.info"), "")
                self.assertEqual(self.read("plain"), self.payload)

    def test_recipients_are_named_and_each_gets_the_key(self):
        pem = self.key("pem", "esp256")
        args = []
        for to in ("k128", "dev.pub", pem + ".pub", "k256"):
            args += ["--to", to]
        info, content = self.encrypt(*args)
        recipients = cbor2.loads(info).value[3]
        for i, name in enumerate(("k128", "dev", "pem", "k256")):
            self.assertEqual(self.opener.open(info, content, name, i),
                             self.payload)
            self.assertEqual(recipients[i][1][4], self.thumbprint(name))
        # an own kid of the key's file goes before its thumbprint
        key = cbor2.loads(self.read("k128"))
        key[2] = b"kid-1"
        self.write("named", cbor2.dumps(key))
        info, _ = self.encrypt("--to", "named")
        self.assertEqual(cbor2.loads(info).value[3][0][1][4], b"kid-1")

    def test_thirty_two_recipients_and_no_more(self):
        args = []
        for i in range(32):
            self.key("r%d" % i, "a128kw")
            args += ["--to", "r%d" % i]
        info, content = self.encrypt(*args)
        self.assertEqual(self.opener.open(info, content, "r31", 31),
                         self.payload)
        self.refused("manifest", "encrypt", "--force", *args, "--to", "k128",
                     "ta.so")

    def test_nothing_is_the_same_twice(self):
        for alg in self.ALGS:
            seen = set()
            for _ in range(4):
                info, content = self.encrypt("--to", "k128", "--to",
                                             "dev.pub", "--alg", alg)
                _, unprotected, _, recipients = cbor2.loads(info).value
                seen |= {content[:16], unprotected[5], recipients[0][2],
                         recipients[1][2], recipients[1][1][-1][-2]}
            self.assertEqual(len(seen), 20)

    def test_payloads_of_any_size(self):
        for size in (0, 1, 15, 16, 17, 65535, 65536, 65537, 3000000):
            self.write("p", os.urandom(size))
            for alg in ("a128gcm", "a128ctr"):
                info, content = self.encrypt("--to", "k128", "--alg", alg,
                                             name="p")
                self.assertEqual(self.opener.open(info, content, "k128"),
                                 self.read("p"))

    def test_standard_input_and_output(self):
        r = self.call("manifest", "encrypt", "--to", "k128", "-o", "-",
                      "--info", "i", "-", stdin=self.payload)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.opener.open(self.read("i"), r.stdout, "k128"),
                         self.payload)
        self.assertIn(sha256(self.payload).hex().encode(), r.stderr)
        self.misused("manifest", "encrypt", "--to", "k128", "-")

    def test_what_it_says(self):
        said = json.loads(self.ok("manifest", "encrypt", "--json", "--to",
                                  "k128", "--alg", "A128CTR", "ta.so"))
        self.assertEqual(said["alg"], -65534)
        self.assertEqual(said["plaintext"], {
            "bytes": len(self.payload), "sha-256": sha256(self.payload).hex()})
        content = self.read("ta.so.enc")
        self.assertEqual(said["ciphertext"], {
            "bytes": len(content), "sha-256": sha256(content).hex()})
        out = self.ok("manifest", "encrypt", "--force", "--to", "k128",
                      "ta.so")
        for line in ("payload: ta.so.enc", "encryption-info: ta.so.info"):
            self.assertIn("  " + line + "\n", out)

    def test_nothing_is_overwritten_or_left_behind(self):
        for name in ("ta.so.enc", "ta.so.info"):
            self.write(name, "precious")
            before = sorted(os.listdir(self.dir))
            self.refused("manifest", "encrypt", "--to", "k128", "ta.so",
                         says="--force")
            self.assertEqual(self.read(name), b"precious")
            self.assertEqual(sorted(os.listdir(self.dir)), before)
            os.unlink(self.path(name))
        self.refused("manifest", "encrypt", "--to", "k128", "absent")
        self.refused("manifest", "encrypt", "--to", "k128", "--info",
                     "no/such/folder", "ta.so")
        self.assertNotIn("ta.so.enc", os.listdir(self.dir))

    def test_keys_that_receive_nothing_are_refused(self):
        self.key("ed", "ed25519")
        self.key("mac", "hs512")
        self.hss("hss")
        # tied to signing, so not to be encrypted to
        jwk = json.loads(self.read("dev.pub"))
        jwk["alg"] = "ESP256"
        self.write("signer", json.dumps(jwk))
        for to in ("ed.pub", "mac", "hss.pub", "signer"):
            self.refused("manifest", "encrypt", "--to", to, "ta.so",
                         says="receives nothing")
            self.assertNotIn("ta.so.enc", os.listdir(self.dir))
        for wrong in (("--to", "k128", "--alg", "esp256"),
                      ("--to", "k128", "--alg", "a128kw"),
                      ("--to", "k128", "--alg", "rot13"), ()):
            self.misused("manifest", "encrypt", *wrong, "ta.so")


class Source(Case):
    """`encrypt` in a manifest's source: from plaintext to device at once."""

    def setUp(self):
        super().setUp()
        self.key("s", "esp256")
        self.key("k", "a256kw")
        for name in ("d", "e", "f"):
            self.ok("key", "generate", "--alg", "ecdh-es+a128kw", "-o", name)
            self.ok("key", "public", "-o", name + ".pub", name)
        self.plain = os.urandom(5000)
        self.write("ta.so", self.plain)

    def make(self, text, *keys, to="m.suit"):
        self.write("m.yaml", text)
        self.ok("manifest", "create", "-o", to, "m.yaml")
        self.ok("manifest", "sign", "--key", "s", to)

    def run_it(self, *more, key="d", name="m.suit", status=0):
        r = self.call("manifest", "run", "--key", "s.pub", "--key", key,
                      "--root", "r", *more, name)
        self.assertEqual(r.returncode, status, r.stderr)

    def installs(self, *more, key="d"):
        self.run_it(*more, key="f", status=1)
        self.assertFalse(os.path.exists(self.path("r/app/ta")))
        self.run_it(*more, key=key)
        self.assertEqual(self.read("r/app/ta"), self.plain)
        self.run_it("--uninstall", key=key)

    def test_in_the_envelope_in_the_manifest_and_from_a_server(self):
        uri = "https://example.com/ta"
        sequence = 0
        for source in ("payload: ta.so", "content: ta.so",
                       "uri: %s\nfile: ta.so" % uri):
            for alg in ("a128ctr", "chacha20-poly1305"):
                out = ", out: ta.ct" if "uri" in source else ""
                more = ("--payload", uri + "=ta.ct") if out else ()
                for key in ("d", "e", "k"):
                    sequence += 1
                    self.make("component: app/ta\nsequence: %d\n%s\n"
                              "encrypt: {to: [d.pub, e.pub, k], alg: %s%s}\n"
                              % (sequence, source, alg, out))
                    self.assertNotIn(self.plain[:32], self.read("m.suit"))
                    self.installs(*more, key=key)

    def test_each_component_has_its_recipients(self):
        self.make("""sequence: 1
manifest-id: app/manifest
components:
  - component: app/ta
    payload: ta.so
    encrypt:
      to: [d.pub, e.pub]
  - component: app/plain
    payload: ta.so
  - component: app/data
    content: ta.so
    encrypt:
      to: e.pub
      alg: a256gcm
""")
        # d cannot read all of them, e can
        self.run_it(key="d", status=1)
        self.run_it(key="e")
        for name in ("ta", "plain", "data"):
            self.assertEqual(self.read("r/app/" + name), self.plain)

    def test_an_encrypted_manifest_as_a_dependency(self):
        # draft-ietf-suit-trust-domains, Encrypted Manifest Template
        self.make("component: app/ta\nsequence: 1\npayload: ta.so\n"
                  "manifest-id: app/inner\n", to="inner.suit")
        secret = self.read("inner.suit")
        uri = "https://example.com/inner"
        for sequence, (source, more) in enumerate((
                ("", ()), ("    uri: %s\n" % uri,
                           ("--payload", uri + "=inner.ct"))), 1):
            self.make("""sequence: %d
manifest-id: app/outer
components:
  - component: app/inner
    dependency: inner.suit
%s    encrypt:
      to: d.pub
      alg: a128gcm
%s""" % (sequence, source, "      out: inner.ct\n" if more else ""))
            self.assertNotIn(secret[20:60], self.read("m.suit"))
            self.installs(*more)

    def test_the_same_source_never_gives_the_same_ciphertext(self):
        seen = set()
        for _ in range(4):
            self.make("component: app/ta\nsequence: 1\npayload: ta.so\n"
                      "encrypt: {to: d.pub, alg: a128ctr}\n")
            seen.add(cbor2.loads(self.read("m.suit")).value["#tc"][:32])
        self.assertEqual(len(seen), 4)

    def test_mistakes_have_a_line(self):
        self.key("ed", "ed25519")
        for source, how, line, says in (
                ("payload: ta.so", "d.pub", 4, "a mapping"),
                ("payload: ta.so", "{alg: a128gcm}", 4, "to is needed"),
                ("payload: ta.so", "{to: []}", 4, "to is needed"),
                ("payload: ta.so", "{to: absent}", 4, "absent"),
                ("payload: ta.so", "{to: ed.pub}", 4, "receives nothing"),
                ("payload: ta.so", "{to: d.pub, alg: rot13}", 4, "rot13"),
                ("payload: ta.so", "{to: d.pub, colour: red}", 4, "colour"),
                ("payload: ta.so", "{to: d.pub, out: x}", 4, "out"),
                ("payload: absent", "{to: d.pub}", 3, "absent"),
                ("installed: ta.so", "{to: d.pub}", 4, "nothing travels"),
                ("uri: u", "{to: d.pub, out: x}", 3, ""),
                ("uri: u\nfile: ta.so", "{to: d.pub}", 5, "out")):
            self.write("m.yaml", "component: a\nsequence: 1\n%s\n"
                       "encrypt: %s\n" % (source, how))
            r = self.refused("manifest", "create", "-o", "new", "m.yaml",
                             says=says)
            if says:
                self.assertIn(b"m.yaml:%d:" % line, r.stderr, how)
            self.assertFalse(os.path.exists(self.path("new")))


class Distributor(Case):
    """An author encrypts to a distributor, who gives devices the key."""

    AUTHOR = "https://example.com/author.suit"
    PAYLOAD = "https://example.com/config.bin.enc"

    def setUp(self):
        super().setUp()
        self.key("author", "esp256")
        self.key("distributor", "ed25519")
        for name in ("ours", "one", "two", "other"):
            self.ok("key", "generate", "--alg", "ecdh-es+a128kw", "-o", name)
            self.ok("key", "public", "-o", name + ".pub", name)
        self.key("three", "a256kw")
        self.plain = os.urandom(40000)
        self.write("config.bin", self.plain)

    def encrypt(self, alg):
        self.ok("manifest", "encrypt", "--force", "--to", "ours.pub",
                "--alg", alg, "config.bin")
        self.ok("manifest", "encrypt", "--force", "--rewrap",
                "config.bin.info", "--key", "ours", "--to", "one.pub", "--to",
                "two.pub", "--to", "three", "--info", "devices.info")

    def make(self, template, key, to):
        text = self.ok("manifest", "create", "--template", template)
        self.write("m.yaml", text)
        self.ok("manifest", "create", "-o", to, "m.yaml")
        self.ok("manifest", "sign", "--key", key, to)

    def run_it(self, key, *more, status=0):
        r = self.call("manifest", "run", "--key", "author.pub", "--key",
                      "distributor.pub", "--key", key, "--root", "r",
                      "--payload", self.AUTHOR + "=author.suit", "--payload",
                      self.PAYLOAD + "=config.bin.enc", *more, "d.suit")
        self.assertEqual(r.returncode, status, (r.stdout, r.stderr))

    def gone(self):
        return not os.path.exists(self.path("r/example/config"))

    def test_the_key_for_others_and_the_same_ciphertext(self):
        opener = Opener(self)
        for alg in Encrypt.ALGS:
            self.encrypt(alg)
            old = cbor2.loads(self.read("config.bin.info")).value
            new = cbor2.loads(self.read("devices.info")).value
            self.assertEqual(old[:3], new[:3])
            self.assertEqual(len(new[3]), 3)
            for i, name in enumerate(("one", "two", "three")):
                self.assertEqual(new[3][i][1][4], self.thumbprint(name))
                self.assertEqual(
                    opener.open(self.read("devices.info"),
                                self.read("config.bin.enc"), name, i),
                    self.plain)

    def test_who_cannot_open_it_gives_it_to_nobody(self):
        self.encrypt("a128gcm")
        info = self.read("config.bin.info")
        again = ("manifest", "encrypt", "--rewrap", "bad", "--key", "ours",
                 "--to", "one.pub", "--info", "new")
        spot = info.rindex(self.thumbprint("ours")) + 60  # ephemeral key
        for bad in (info[:-1], info + b"\0", b"", b"\xd8\x60\x84",
                    info[:-1] + bytes([info[-1] ^ 1]),
                    info[:spot] + bytes([info[spot] ^ 1]) +
                    info[spot + 1:]):
            self.write("bad", bad)
            self.refused(*again)
        self.write("bad", info)
        # a recipient's own key does not open what is not for it
        self.refused(*again[:5], "other", *again[6:])
        self.refused("manifest", "encrypt", "--rewrap", "bad", "--key",
                     "other", "--to", "ours", "--info", "new")
        self.assertFalse(os.path.exists(self.path("new")))
        self.ok(*again)
        self.refused(*again, says="--force")
        for wrong in (("--rewrap", "bad", "--to", "one.pub", "--info", "x"),
                      ("--key", "ours", "--to", "one.pub", "config.bin"),
                      ("--rewrap", "bad", "--key", "ours", "--to", "one.pub"),
                      (*again[2:], "config.bin"),
                      (*again[2:], "--alg", "a128gcm")):
            self.misused("manifest", "encrypt", *wrong)

    def test_the_template_of_the_text(self):
        # draft-ietf-suit-trust-domains, Overriding Encryption Info Template
        self.encrypt("a128ctr")
        self.make("encrypted-author", "author", "author.suit")
        self.make("distributor", "distributor", "d.suit")
        for name in ("one", "two", "three"):
            self.run_it(name)
            self.assertEqual(self.read("r/example/config"), self.plain)
            self.run_it(name, "--uninstall")
            self.assertTrue(self.gone())
        self.run_it("other", status=1)
        self.assertTrue(self.gone())

    def test_the_author_has_the_last_word(self):
        self.encrypt("a128gcm")
        self.make("encrypted-author", "author", "author.suit")
        # what the distributor would rather have installed
        self.write("config.bin", os.urandom(40000))
        self.encrypt("a128gcm")
        self.make("distributor", "distributor", "d.suit")
        self.run_it("one", status=1)
        self.assertTrue(self.gone())


class Keys(Case):
    """Keys that encryption needs, in every form that there is of them."""

    def test_generated_keys(self):
        for alg, size in (("a128kw", 16), ("a192kw", 24), ("a256kw", 32)):
            for form in ("jwk", "cose"):
                name = alg + form
                self.ok("key", "generate", "--alg", alg, "--format", form,
                        "-o", name)
                self.assertEqual(self.mode(name), 0o600)
                self.assertEqual(len(Opener(self).secret(name)), size)
            self.ok("key", "convert", "--to", "cose", "-o", alg, alg + "jwk")
            self.assertEqual(self.mode(alg), 0o600)
            self.assertEqual(self.ok("key", "thumbprint", alg),
                             self.ok("key", "thumbprint", alg + "jwk"))
            self.refused("key", "public", alg, says="symmetric")
            self.refused("key", "convert", "--to", "pem", alg,
                         says="no such form")

    def test_a_key_for_agreement_signs_nothing(self):
        self.ok("key", "generate", "--alg", "ecdh-es+a128kw", "-o", "dev")
        self.assertEqual(json.loads(self.read("dev"))["alg"],
                         "ECDH-ES+A128KW")
        self.create()
        self.refused("manifest", "sign", "--key", "dev", "m.suit")
        self.ok("key", "public", "-o", "dev.pub", "dev")
        self.assertNotIn("d", json.loads(self.read("dev.pub")))
        self.assertEqual(self.mode("dev.pub"), 0o644)

    def test_hss_lms_has_a_public_part_only(self):
        self.hss("hss")
        self.ok("key", "convert", "-o", "copy", "hss.pub")
        self.assertEqual(self.read("copy"), self.read("hss.pub"))
        self.assertEqual(self.thumbprint("hss.pub"),
                         sha256(self.read("hss.pub")))
        self.refused("key", "convert", "--to", "pem", "hss.pub",
                     says="no such form")
        self.refused("key", "generate", "--alg", "hss-lms")


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
