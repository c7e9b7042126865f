#!/usr/bin/env python3
"""Signing: several signers, signers elsewhere, keys in a PKCS#11 token."""
import hmac
import os
import pty
import shutil
import subprocess
import sys

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tool import (POSTERN, Case, cbor2, json, make_cose, sha256,
                  unittest)


class Several(Case):
    def setUp(self):
        super().setUp()
        self.key("a", "esp256")
        self.key("b", "ed25519")
        self.key("mac", "hs256")
        self.create()

    def test_each_key_adds_a_block_and_vouches_alone(self):
        self.ok("manifest", "sign", "--key", "a", "--key", "b", "--key",
                "mac", "m.suit")
        self.assertEqual(self.algs("m.suit"), [-9, -19, 5])
        self.assertEqual([b.tag for b in self.blocks("m.suit")], [18, 18, 17])
        self.assertEqual([b.value[1][4] for b in self.blocks("m.suit")],
                         [self.thumbprint(k) for k in ("a", "b", "mac")])
        for key in ("a.pub", "b.pub", "mac"):
            self.verify(key)
        self.key("c", "esp256")
        self.refused("manifest", "verify", "--key", "c.pub", "m.suit")

    def test_the_same_key_replaces_its_own_block_only(self):
        self.ok("manifest", "sign", "--key", "a", "--key", "b", "m.suit")
        before = self.blocks("m.suit")
        self.ok("manifest", "sign", "--key", "a", "m.suit")
        self.ok("manifest", "sign", "--key", "a", "--alg", "es256", "m.suit")
        self.assertEqual(self.algs("m.suit"), [-19, -7])
        self.assertEqual(self.blocks("m.suit")[0].value, before[1].value)
        for key in ("a.pub", "b.pub"):
            self.verify(key)

    def test_a_block_without_kid_is_known_by_its_signature(self):
        self.ok("manifest", "sign", "--key", "b", "m.suit")
        envelope = cbor2.loads(self.read("m.suit"))
        wrapper = cbor2.loads(envelope.value[2])
        block = cbor2.loads(wrapper[1])
        block.value[1].clear()
        wrapper[1] = cbor2.dumps(block)
        envelope.value[2] = cbor2.dumps(wrapper)
        self.write("m.suit", cbor2.dumps(envelope))
        self.verify("b.pub")
        self.ok("manifest", "sign", "--key", "b", "m.suit")
        self.assertEqual(len(self.blocks("m.suit")), 1)
        self.assertIn(4, self.blocks("m.suit")[0].value[1])

    def test_nothing_is_written_unless_every_key_signs(self):
        before = self.read("m.suit")
        self.refused("manifest", "sign", "--key", "a", "--key", "b.pub",
                     "m.suit", says="no private key")
        self.refused("manifest", "sign", "--key", "b", "--alg", "es256",
                     "m.suit", says="no key for ES256")
        self.refused("manifest", "sign", "--key", "mac", "--alg", "esp256",
                     "m.suit", says="no key for ESP256")
        self.assertEqual(self.read("m.suit"), before)

    def test_standard_input_and_output_carry_several_signers(self):
        r = self.call("manifest", "sign", "--key", "a", "--key", "b", "-",
                      stdin=self.read("m.suit"))
        self.assertEqual(r.returncode, 0, r.stderr)
        self.write("out", r.stdout)
        for key in ("a.pub", "b.pub"):
            self.verify(key, "out")

    def test_nine_blocks_are_too_many(self):
        for i in range(8):
            self.key("k%d" % i, "ed25519")
            self.ok("manifest", "sign", "--key", "k%d" % i, "m.suit")
        self.refused("manifest", "sign", "--key", "a", "m.suit")
        self.ok("manifest", "sign", "--key", "k7", "m.suit")
        self.assertEqual(len(self.blocks("m.suit")), 8)

    def test_a_damaged_manifest_is_not_signed(self):
        bad = bytearray(self.read("m.suit"))
        at = bad.rindex(b"\x02")
        bad[at] ^= 1
        self.write("m.suit", bytes(bad))
        self.refused("manifest", "sign", "--key", "a", "m.suit")


class Elsewhere(Case):
    """The signature is made by another program, from exported bytes."""

    def setUp(self):
        super().setUp()
        self.create()

    def export(self, key, *more):
        out = self.ok("manifest", "sign", "--export-tbs", "tbs", "--key", key,
                      *more, "m.suit")
        tbs = self.read("tbs")
        self.assertIn("%d bytes" % len(tbs), out)
        self.assertIn("--attach", out)
        return tbs

    def digest(self):
        return cbor2.loads(cbor2.loads(self.read("m.suit")).value[2])[0]

    def attach(self, key, signature, *more):
        self.write("sig", signature)
        before = self.read("m.suit")
        # Another key's signature, a changed one, a short one and none.
        for bad in (bytes([signature[0] ^ 1]) + signature[1:],
                    signature[:-1] + bytes([signature[-1] ^ 1]),
                    signature[:-1], signature + b"\0", b""):
            self.write("bad", bad)
            self.refused("manifest", "sign", "--attach", "bad", "--key", key,
                         *more, "m.suit", says="nothing was written")
            self.assertEqual(self.read("m.suit"), before)
        self.ok("manifest", "sign", "--attach", "sig", "--key", key, *more,
                "m.suit")
        self.verify(key)

    def test_what_is_exported_is_the_structure_of_rfc_9052(self):
        self.key("a", "esp256")
        self.key("mac", "hs256")
        self.assertEqual(self.export("a.pub"), cbor2.dumps(
            ["Signature1", b"\xa1\x01\x28", b"", self.digest()]))
        self.assertEqual(self.export("mac"), cbor2.dumps(
            ["MAC0", b"\xa1\x01\x05", b"", self.digest()]))

    def test_ecdsa_as_two_numbers_and_in_der(self):
        self.key("a", "esp256")
        private = serialization.load_pem_private_key(self.read("a"), None)
        for alg, more in ((-9, ()), (-7, ("--alg", "es256"))):
            tbs = self.export("a.pub", *more)
            der = private.sign(tbs, ec.ECDSA(hashes.SHA256()))
            r, s = make_cose.decode_dss_signature(der)
            self.attach("a.pub", der, *more)
            self.attach("a.pub", r.to_bytes(32, "big") + s.to_bytes(32, "big"),
                        *more)
            self.assertEqual(self.algs("m.suit"), [alg])
        # signed as ES256, attached as ESP256: alg is among what was signed
        self.write("sig", der)
        self.refused("manifest", "sign", "--attach", "sig", "--key", "a.pub",
                     "m.suit", says="nothing was written")

    def test_ed25519(self):
        self.key("b", "ed25519")
        private = serialization.load_pem_private_key(self.read("b"), None)
        self.attach("b.pub", private.sign(self.export("b.pub")))

    def test_hmac(self):
        self.key("mac", "hs256")
        k = cbor2.loads(self.read("mac"))[-1]
        tbs = self.export("mac")
        self.attach("mac", hmac.new(k, tbs, "sha256").digest())
        self.assertEqual([b.tag for b in self.blocks("m.suit")], [17])

    def test_hss_lms(self):
        signer = self.hss("hss")
        self.attach("hss.pub", signer.sign(-46, self.export("hss.pub")))
        self.assertEqual(self.algs("m.suit"), [-46])
        self.assertEqual(self.blocks("m.suit")[0].value[1][4],
                         sha256(cbor2.dumps(signer.public)))
        # beside another signer; and again, which takes the first one's place
        self.key("a", "esp256")
        self.ok("manifest", "sign", "--key", "a", "m.suit")
        self.attach("hss.pub", signer.sign(-46, self.export("hss.pub")))
        self.assertEqual(sorted(self.algs("m.suit")), [-46, -9])
        self.refused("manifest", "sign", "--key", "hss.pub", "m.suit",
                     says="--export-tbs")

    def test_a_signature_of_another_manifest_or_key_is_refused(self):
        self.key("b", "ed25519")
        self.key("c", "ed25519")
        private = serialization.load_pem_private_key(self.read("b"), None)
        self.write("sig", private.sign(self.export("b.pub")))
        self.create("other.suit", sequence=2)
        for key, name in (("b.pub", "other.suit"), ("c.pub", "m.suit")):
            before = self.read(name)
            self.refused("manifest", "sign", "--attach", "sig", "--key", key,
                         name, says="nothing was written")
            self.assertEqual(self.read(name), before)

    def test_json_and_wrong_usage(self):
        self.key("a", "esp256")
        said = json.loads(self.ok(
            "manifest", "sign", "--json", "--export-tbs", "tbs", "--key",
            "a.pub", "m.suit"))
        self.assertEqual((said["alg"], said["name"], said["bytes"]),
                         (-9, "ESP256", len(self.read("tbs"))))
        for wrong in (("--export-tbs", "x", "--attach", "y", "--key", "a"),
                      ("--export-tbs", "x", "--key", "a", "--key", "a"),
                      ("--export-tbs", "x", "--key", "a", "-o", "y"),
                      ("--export-tbs", "x")):
            self.misused("manifest", "sign", *wrong, "m.suit")
        self.assertFalse(os.path.exists(self.path("x")))


@unittest.skipUnless(shutil.which("softhsm2-util"), "no SoftHSM2")
class Token(Case):
    """Keys in a PKCS#11 token: SoftHSM2, in a folder of this test."""

    PIN = "ToKeN-pIn-4711"

    def setUp(self):
        super().setUp()
        os.mkdir(self.path("tokens"))
        self.write("softhsm2.conf", "directories.tokendir = %s\n"
                   "objectstore.backend = file\nlog.level = ERROR\n" %
                   self.path("tokens"))
        self.env["SOFTHSM2_CONF"] = self.path("softhsm2.conf")
        self.write("pin", self.PIN + "\n")
        os.chmod(self.path("pin"), 0o600)
        self.token("postern")
        self.key("a", "esp256")
        self.key("b", "ed25519")
        self.put("a", "ec", "01")
        self.put("b", "ed", "02")
        self.create()

    def util(self, *args):
        done = subprocess.run(["softhsm2-util", *args], env=self.env,
                              capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)

    def token(self, label):
        self.util("--init-token", "--free", "--label", label, "--so-pin",
                  "12345678", "--pin", self.PIN)

    def put(self, key, label, ident, token="postern"):
        self.util("--import", self.path(key), "--token", token, "--label",
                  label, "--id", ident, "--pin", self.PIN)

    def uri(self, label, pin="pin", token="postern"):
        return "pkcs11:token=%s;object=%s%s" % (
            token, label, "?pin-source=file:" + self.path(pin) if pin else "")

    def test_esp256_and_ed25519_sign(self):
        for label, key, alg in (("ec", "a", -9), ("ed", "b", -19)):
            self.create()
            self.ok("manifest", "sign", "--key", self.uri(label), "m.suit")
            self.verify(key + ".pub")
            self.assertEqual(self.algs("m.suit"), [alg])
            self.assertEqual(self.blocks("m.suit")[0].value[1][4],
                             self.thumbprint(key))
            # the same key in a file is the same signer
            self.ok("manifest", "sign", "--key", key, "m.suit")
            self.assertEqual(len(self.blocks("m.suit")), 1)
        self.create()
        self.ok("manifest", "sign", "--key", self.uri("ec"), "--alg", "es256",
                "m.suit")
        self.assertEqual(self.algs("m.suit"), [-7])

    def test_two_keys_of_a_token_and_a_file_sign_at_once(self):
        self.key("mac", "hs256")
        self.ok("manifest", "sign", "--key", self.uri("ec"), "--key", "mac",
                "--key", self.uri("ed"), "m.suit")
        for key in ("a.pub", "b.pub", "mac"):
            self.verify(key)

    def test_the_public_part_needs_no_pin(self):
        for label, key in (("ec", "a"), ("ed", "b")):
            uri = self.uri(label, pin=None)
            self.assertEqual(self.ok("key", "public", uri),
                             self.read(key + ".pub").decode())
            self.assertEqual(self.ok("key", "thumbprint", uri),
                             self.ok("key", "thumbprint", key))
            said = json.loads(self.ok("key", "thumbprint", "--json", uri))
            self.assertFalse(said["private"])
            self.ok("manifest", "sign", "--key", key, "m.suit")
            self.verify(uri)

    def test_a_key_is_named_by_id_and_module_too(self):
        module = "/usr/lib/softhsm/libsofthsm2.so"
        if not os.path.exists(module):
            self.skipTest("no " + module)
        uri = "pkcs11:id=%02?module-path=" + module
        self.assertEqual(self.ok("key", "public", uri),
                         self.read("b.pub").decode())

    def test_the_private_key_stays_where_it_is(self):
        self.refused("key", "convert", self.uri("ec"), says="--public")
        self.ok("key", "convert", "--public", self.uri("ec"))

    def test_pins(self):
        before = self.read("m.suit")
        self.write("wrong", "1234\n")
        os.chmod(self.path("wrong"), 0o600)
        self.write("empty", "")
        sign = ("manifest", "sign", "m.suit", "--key")
        self.refused(*sign, self.uri("ec", "wrong"), says="the PIN is wrong")
        self.refused(*sign, self.uri("ec", "absent"), says="pin-source")
        self.refused(*sign, self.uri("ec", "empty"), says="pin-source")
        self.assertEqual(self.read("m.suit"), before)
        os.chmod(self.path("pin"), 0o644)
        r = self.call(*sign, self.uri("ec"))
        self.assertEqual(r.returncode, 0)
        self.assertIn(b"others can read this PIN", r.stderr)

    def test_a_pin_in_the_uri_is_refused_and_not_repeated(self):
        r = self.refused("manifest", "sign", "m.suit", "--key",
                         self.uri("ec", None) + "?pin-value=" + self.PIN,
                         says="pin-source")
        self.assertNotIn(self.PIN.encode(), r.stderr + r.stdout)
        self.refused("manifest", "sign", "m.suit", "--key",
                     self.uri("ec", None) + "?pin-source=%7Ccat",
                     says="pin-source")

    def test_without_pin_source_the_terminal_is_asked(self):
        sign = [POSTERN, "manifest", "sign", "--key", self.uri("ec", None),
                "m.suit"]
        # no terminal to ask at
        r = subprocess.run(sign, cwd=self.dir, env=self.env, timeout=60,
                           capture_output=True, start_new_session=True)
        self.assertEqual(r.returncode, 1)
        self.assertIn(b"wants a PIN", r.stderr)
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.dir)
            os.execve(POSTERN, sign, self.env)
        said = b""
        while not said.endswith(b": "):
            said += os.read(terminal, 1000)
        self.assertIn(b"PIN of the token postern", said)
        os.write(terminal, self.PIN.encode() + b"\n")
        rest = b""
        try:
            while True:
                more = os.read(terminal, 1000)
                if not more:
                    break
                rest += more
        except OSError:
            pass  # the other end is closed
        os.close(terminal)
        self.assertEqual(os.waitpid(pid, 0)[1], 0, rest)
        self.assertNotIn(self.PIN.encode(), said + rest)
        self.verify("a.pub")

    def test_what_is_not_one_key_is_refused(self):
        for uri, says in (
                (self.uri("none"), "no such key"),
                (self.uri("ec", token="none"), "no such token"),
                ("pkcs11:token=postern", "several such keys"),
                ("pkcs11:object=ec;nonsense=1", "not understood"),
                ("pkcs11:object=%zz", "not a PKCS#11 URI"),
                ("pkcs11:object=ec?module-path=/nowhere.so", "module")):
            self.refused("key", "public", uri, says=says)
        self.token("second")
        self.put("a", "ec", "01", token="second")
        self.refused("key", "public", "pkcs11:object=ec",
                     says="several tokens")
        self.ok("key", "public", "pkcs11:object=ec;token=second")

    def test_a_public_part_that_is_not_the_private_one_gives_no_signature(self):
        # The key's public object under the same name as another private key.
        self.key("c", "esp256")
        self.put("c", "mixed", "03")
        other = self.uri("ec")
        self.ok("manifest", "sign", "--key", other, "m.suit")
        objects = os.path.join(self.path("tokens"))
        swapped = 0
        wrong = self.thumb_point("a")
        right = self.thumb_point("c")
        for root, _, names in os.walk(objects):
            for name in names:
                path = os.path.join(root, name)
                with open(path, "rb") as f:
                    data = f.read()
                if right in data:
                    with open(path, "wb") as f:
                        f.write(data.replace(right, wrong))
                    swapped += 1
        self.assertEqual(swapped, 1)
        before = self.read("m.suit")
        self.refused("manifest", "sign", "--key", self.uri("mixed"), "m.suit")
        self.assertEqual(self.read("m.suit"), before)

    def thumb_point(self, key):
        """The key's point as it stands in the token's file."""
        pub = serialization.load_pem_public_key(self.read(key + ".pub"))
        return pub.public_bytes(serialization.Encoding.X962,
                                serialization.PublicFormat.UncompressedPoint)


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
