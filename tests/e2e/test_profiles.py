#!/usr/bin/env python3
"""The six profiles of draft-ietf-suit-mti through the tool, from a payload to
the file that a device has: the right keys work, and nothing else does."""
import os
import sys

from tool import COMPONENT, Case, cbor2, unittest

# name: authentication, the recipient's key, content encryption; the message's
# numbers for the three
PROFILES = {
    "suit-sha256-hmac-a128kw-a128ctr":
        ("hs256", "a128kw", "a128ctr", (5, -3, -65534)),
    "suit-sha256-esp256-ecdh-a128ctr":
        ("esp256", "ecdh-es+a128kw", "a128ctr", (-9, -29, -65534)),
    "suit-sha256-ed25519-ecdh-a128ctr":
        ("ed25519", "ecdh-es+a128kw", "a128ctr", (-19, -29, -65534)),
    "suit-sha256-esp256-ecdh-a128gcm":
        ("esp256", "ecdh-es+a128kw", "a128gcm", (-9, -29, 1)),
    "suit-sha256-ed25519-ecdh-chacha-poly":
        ("ed25519", "ecdh-es+a128kw", "chacha20-poly1305", (-19, -29, 24)),
    "suit-sha256-hsslms-a256kw-a256ctr":
        ("hss-lms", "a256kw", "a256ctr", (-46, -5, -65532)),
}
URI = "https://example.com/ta/payload.enc"


class Profile(Case):
    """One profile after the other; a name that ends in 2 is another key of
    the same kind."""

    def start(self, name):
        """Keys, a payload and its ciphertext."""
        self.auth, kex, self.alg, self.numbers = PROFILES[name]
        self.signers = {}
        for key in ("signer", "signer2"):
            if self.auth == "hss-lms":
                self.signers[key] = self.hss(key)
            else:
                self.fresh(key, self.auth)
        for key in ("device", "device2"):
            self.fresh(key, kex)
        self.plain = os.urandom(70000)
        self.write("ta.so", self.plain)
        self.encrypt()

    def fresh(self, name, alg):
        self.ok("key", "generate", "--force", "--alg", alg, "-o", name)
        if alg[:2] not in ("a1", "a2", "hs"):
            self.ok("key", "public", "--force", "-o", name + ".pub", name)

    def public(self, name):
        pub = name + ".pub"
        symmetric = name.startswith("device") and self.numbers[1] != -29
        symmetric = symmetric or self.auth == "hs256" and \
            name.startswith("signer")
        return name if symmetric else pub

    def encrypt(self):
        self.ok("manifest", "encrypt", "--force", "--to",
                self.public("device"), "--alg", self.alg, "ta.so")

    def sign(self, name="m.suit", key="signer"):
        if self.auth != "hss-lms":
            self.ok("manifest", "sign", "--key", key, name)
            return
        self.ok("manifest", "sign", "--export-tbs", "tbs", "--key",
                key + ".pub", name)
        self.write("sig", self.signers[key].sign(-46, self.read("tbs")))
        self.ok("manifest", "sign", "--attach", "sig", "--key", key + ".pub",
                name)

    def make(self, **changes):
        keys = {"payload": "ta.so.enc", "encryption_info": "ta.so.info",
                "plaintext": "ta.so"}
        keys.update(changes)
        self.create(**{k: v for k, v in keys.items() if v is not None})
        self.sign()

    def run_args(self, *more, signer="signer", device="device",
                 name="m.suit"):
        args = ["manifest", "run", "--key", self.public(signer), "--root",
                "r", *more]
        if device is not None:
            args += ["--key", device]
        return (*args, name)

    def installed(self):
        path = self.path("r/" + COMPONENT)
        if not os.path.exists(path):
            return None
        return self.read("r/" + COMPONENT)

    def installs(self, *more):
        self.verify(self.public("signer"))
        self.ok(*self.run_args(*more))
        self.assertEqual(self.installed(), self.plain)
        self.ok(*self.run_args("--uninstall"))
        self.assertIsNone(self.installed())

    def installs_nothing(self, *more, **who):
        self.refused(*self.run_args(*more, **who))
        self.assertIsNone(self.installed())

    def each(self):
        for name in PROFILES:
            with self.subTest(profile=name):
                self.start(name)
                yield name
                for path in os.listdir(self.dir):
                    if os.path.isdir(self.path(path)):
                        os.rename(self.path(path), self.path(
                            "old-%s-%s" % (name, path)))

    def test_the_algorithms_are_those_of_the_profile(self):
        for _ in self.each():
            self.make()
            self.assertEqual(self.algs("m.suit"), [self.numbers[0]])
            protected, unprotected, _, recipients = cbor2.loads(
                self.read("ta.so.info")).value
            alg = cbor2.loads(protected)[1] if protected else unprotected[1]
            wrap = recipients[0]
            kex = cbor2.loads(wrap[0])[1] if wrap[0] else wrap[1][1]
            self.assertEqual((kex, alg), self.numbers[1:])
            envelope = cbor2.loads(self.read("m.suit")).value
            digest = cbor2.loads(cbor2.loads(envelope[2])[0])
            self.assertEqual(digest[0], -16)

    def test_right_keys_install_from_envelope_uri_and_manifest(self):
        for _ in self.each():
            self.make()
            self.installs()
            self.make(payload=None, uri=URI, sequence=2)
            self.installs("--payload", URI + "=ta.so.enc")
            self.plain = self.plain[:3000]
            self.write("ta.so", self.plain)
            self.encrypt()
            self.make(payload=None, content="ta.so.enc", sequence=3)
            self.installs()

    def test_another_signer_is_refused(self):
        for _ in self.each():
            self.make()
            self.refused("manifest", "verify", "--key",
                         self.public("signer2"), "m.suit")
            self.installs_nothing(signer="signer2")
            # a second signature by that one does not change the first
            self.sign(key="signer2")
            self.verify(self.public("signer2"))
            self.installs()

    def test_another_algorithm_is_refused(self):
        for _ in self.each():
            self.make()
            good = self.read("m.suit")
            # Each number that stands for another kind of key, and the same
            # signature under it.
            for other in {5, -9, -19, -46, -35, 4, -7, -8} - {
                    self.numbers[0]}:
                envelope = cbor2.loads(good)
                wrapper = cbor2.loads(envelope.value[2])
                block = cbor2.loads(wrapper[1])
                block.value[0] = cbor2.dumps({1: other})
                wrapper[1] = cbor2.dumps(block)
                envelope.value[2] = cbor2.dumps(wrapper)
                self.write("m.suit", cbor2.dumps(envelope))
                self.refused("manifest", "verify", "--key",
                             self.public("signer"), "m.suit")
                self.installs_nothing()

    def test_another_device_is_refused(self):
        for _ in self.each():
            self.make()
            self.installs_nothing(device="device2")
            self.installs_nothing(device=None)
            self.installs()

    def test_a_changed_ciphertext_is_refused(self):
        for _ in self.each():
            content = self.read("ta.so.enc")
            self.make(payload=None, uri=URI)
            for at in (0, len(content) // 2, len(content) - 1):
                bad = bytearray(content)
                bad[at] ^= 0x10
                self.write("bad", bytes(bad))
                self.installs_nothing("--payload", URI + "=bad")
            for bad in (content[:-1], content + b"\0", b"", self.plain):
                self.write("bad", bad)
                self.installs_nothing("--payload", URI + "=bad")
            # what the same key encrypts next is another payload
            self.encrypt()
            self.installs_nothing("--payload", URI + "=ta.so.enc")

    def test_another_digest_is_refused(self):
        for _ in self.each():
            wrong = "sha-256:" + "11" * 32
            self.make(plaintext=None, digest=wrong, size=len(self.plain))
            self.installs_nothing()
            self.make(plaintext=None, digest=wrong, size=len(self.plain),
                      payload=None, uri=URI)
            self.installs_nothing("--payload", URI + "=ta.so.enc")

    def test_a_changed_manifest_is_refused(self):
        for _ in self.each():
            self.make()
            good = self.read("m.suit")
            envelope = cbor2.loads(good).value
            manifest, wrapper = envelope[3], envelope[2]
            start = good.index(manifest)
            # the digest that was signed, the manifest, what it says of keys
            spots = [good.index(cbor2.loads(wrapper)[0]) + 10,
                     start, start + len(manifest) - 1,
                     good.index(self.read("ta.so.info")) + 20]
            for at in spots:
                bad = bytearray(good)
                bad[at] ^= 1
                self.write("m.suit", bytes(bad))
                self.refused("manifest", "verify", "--key",
                             self.public("signer"), "m.suit")
                self.installs_nothing()


class Digests(Case):
    """Every digest that the text has, for manifest, sections and images."""

    ALGS = {"sha-256": -16, "sha-384": -43, "sha-512": -44, "shake128": -18,
            "shake256": -45}

    def setUp(self):
        super().setUp()
        self.key("s", "esp256")

    def image_digest(self, alg, data):
        import hashlib
        if alg == "shake128":
            return hashlib.shake_128(data).digest(32)
        if alg == "shake256":
            return hashlib.shake_256(data).digest(64)
        return hashlib.new(alg.replace("-", ""), data).digest()

    def digests(self, value, found):
        """All SUIT_Digests in an item and the items inside its bytes."""
        if isinstance(value, cbor2.CBORTag):
            value = value.value
        if isinstance(value, list):
            if len(value) == 2 and value[0] in self.ALGS.values() and \
                    isinstance(value[1], bytes):
                found.append(value)
                return found
            for v in value:
                self.digests(v, found)
        elif isinstance(value, dict):
            for v in value.values():
                self.digests(v, found)
        elif isinstance(value, bytes):
            try:
                inner = cbor2.loads(value)
            except (ValueError, EOFError):
                return found
            if cbor2.dumps(inner) == value:
                self.digests(inner, found)
        return found

    def test_each_is_made_and_verified(self):
        payload = b"the trusted application"
        for sequence, (alg, number) in enumerate(self.ALGS.items(), 1):
            self.create(digest_algorithm=alg, severable="[install, text]",
                        sequence=sequence, version="'1.0'")
            found = self.digests(cbor2.loads(self.read("m.suit")), [])
            # manifest, image and two sections
            self.assertEqual([d[0] for d in found], [number] * 4)
            self.assertIn(self.image_digest(alg, payload),
                          [d[1] for d in found])
            self.ok("manifest", "sign", "--key", "s", "m.suit")
            self.verify("s.pub")
            self.ok("manifest", "run", "--key", "s.pub", "--root", "r",
                    "m.suit")
            self.assertEqual(self.read("r/" + COMPONENT), payload)

    def test_each_is_compared(self):
        self.write("ta.so", b"the trusted application")
        self.write("wrong", b"the trusted applicatioN")
        run = ("manifest", "run", "--key", "s.pub", "--root", "r", "m.suit")
        for sequence, alg in enumerate(self.ALGS, 1):
            digest = self.image_digest(alg, self.read("ta.so"))
            for bad in (False, True):
                if bad:
                    digest = digest[:-1] + bytes([digest[-1] ^ 1])
                self.create(uri=URI, size=23, sequence=2 * sequence + bad,
                            digest="%s:%s" % (alg, digest.hex()))
                self.ok("manifest", "sign", "--key", "s", "m.suit")
                self.refused(*run, "--payload", URI + "=wrong")
                if bad:
                    self.refused(*run, "--payload", URI + "=ta.so")
                else:
                    self.ok(*run, "--payload", URI + "=ta.so")
                    self.ok(*run, "--uninstall")
            # a digest of another length than its algorithm's
            self.write("m.yaml", "component: a\nsequence: 1\nuri: x\n"
                       "digest: %s:%s\n" % (alg, digest[:-1].hex()))
            self.refused("manifest", "create", "m.yaml", says="m.yaml:4")

    def test_a_changed_section_is_refused_under_each(self):
        for alg in self.ALGS:
            self.create(digest_algorithm=alg, severable="[install]")
            self.ok("manifest", "sign", "--key", "s", "m.suit")
            envelope = cbor2.loads(self.read("m.suit"))
            section = bytearray(envelope.value[20])
            section[-1] ^= 1
            envelope.value[20] = bytes(section)
            self.write("m.suit", cbor2.dumps(envelope))
            self.refused("manifest", "verify", "--key", "s.pub", "m.suit",
                         says="digest")


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
