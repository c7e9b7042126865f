"""What a device says of itself, and who can read it: Evidence between real
processes, opened with another implementation of COSE."""

import json
import os
import shutil
import subprocess
import sys
import unittest

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap

sys.path.insert(0, os.path.dirname(__file__))
from world import HELLO, POSTERN, World, call  # noqa: E402

QUERY_RESPONSE, SUCCESS, ERROR = 2, 5, 6
PAYLOAD, FORMAT, REPORTS = 7, 13, 19
KEYS = -70001
CNF = 8


def content(message):
    """The TEEP message inside a COSE_Sign1, not verified."""
    return cbor2.loads(cbor2.loads(message).value[2])


def opened(message, private, what, detached=None):
    """Decrypt a COSE_Encrypt with ECDH-ES+A128KW and A128GCM
    (draft-ietf-teep-protocol, Section "EATs and SUIT Reports")."""
    tagged = cbor2.loads(message)
    assert tagged.tag == 96, tagged
    protected, unprotected, ciphertext, (recipient,) = tagged.value
    assert cbor2.loads(protected) == {1: 1}
    assert (ciphertext is None) == (detached is not None)
    assert cbor2.loads(recipient[0]) == {1: -29}
    e = recipient[1][-1]
    peer = ec.EllipticCurvePublicNumbers(
        int.from_bytes(e[-2], "big"), int.from_bytes(e[-3], "big"),
        ec.SECP256R1()).public_key()
    context = [-3, [None] * 3, [None] * 3, [128, recipient[0], what]]
    kek = HKDF(hashes.SHA256(), 16, None, cbor2.dumps(context)).derive(
        private.exchange(ec.ECDH(), peer))
    key = aes_key_unwrap(kek, recipient[2])
    aad = cbor2.dumps(["Encrypt", protected, b""])
    return AESGCM(key).decrypt(unprotected[5], detached or ciphertext, aad)


def cose_key(path):
    """The x and y of a public key file."""
    with open(path, "rb") as f:
        n = serialization.load_pem_public_key(f.read()).public_numbers()
    return n.x.to_bytes(32, "big"), n.y.to_bytes(32, "big")


def verify1(message, key):
    """Check a COSE_Sign1 with ESP256 by a COSE_Key; its payload."""
    protected, _, payload, sig = cbor2.loads(message).value
    assert cbor2.loads(protected)[1] == -9
    public = ec.EllipticCurvePublicNumbers(
        int.from_bytes(key[-2], "big"), int.from_bytes(key[-3], "big"),
        ec.SECP256R1()).public_key()
    public.verify(
        utils.encode_dss_signature(int.from_bytes(sig[:32], "big"),
                                   int.from_bytes(sig[32:], "big")),
        cbor2.dumps(["Signature1", protected, b"", payload]),
        ec.ECDSA(hashes.SHA256()))
    return payload


class Evidence(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)

    def private(self, tam):
        path = os.path.join(tam.state, "keys", "tam-encryption.pem")
        with open(path, "rb") as f:
            return serialization.load_pem_private_key(f.read(), None)

    def sent(self, kind):
        """The agent's messages of a kind, in order."""
        bodies = [e.body for e in self.world.relay.exchanges if e.body]
        return [b for b in bodies if content(b)[0] == kind]

    def test_the_tam_alone_reads_what_the_device_says(self):
        tam = self.world.tam()
        tee = self.world.tee(tam)
        self.world.publish_hello(tam, 1)
        tee.sync()
        body = self.sent(QUERY_RESPONSE)[0]
        options = content(body)[1]
        self.assertTrue(options[FORMAT].startswith("application/eat+cwt"))
        plain = opened(options[PAYLOAD], self.private(tam), b"EAT Encryption")
        claims = cbor2.loads(cbor2.loads(plain).value[2])
        for secret in (claims[256], claims[CNF][1][-2], claims[259]):
            self.assertNotIn(secret, body)
        # What else it has is attested.
        own = claims[KEYS][1]
        self.assertEqual(
            (own[-2], own[-3]),
            cose_key(os.path.join(tee.state, "encryption.pub.pem")))
        report = claims[KEYS][2]
        self.assertNotEqual(report[-2], claims[CNF][1][-2])
        # A SUIT Report is signed with that key, not with the TEEP key.
        success = content(self.sent(SUCCESS)[0])[1]
        inner = verify1(success[REPORTS][0], report)
        opened(inner, self.private(tam), b"SUIT Report Encryption")
        with self.assertRaises(InvalidSignature):
            verify1(success[REPORTS][0], claims[CNF][1])
        # The operator can give the Evidence on, as it was signed.
        shown = tam.json("devices", "evidence", "tee")
        self.assertEqual(bytes.fromhex(shown["evidence"]), plain)
        self.assertEqual(shown["format"], options[FORMAT])

    def write(self, name, data):
        path = self.world.path(name)
        with open(path, "wb") as f:
            f.write(data)
        return path

    def encrypt(self, evidence, anchors, reference, status=0):
        return call(POSTERN, "manifest", "encrypt", "--force",
                    "--to-evidence", evidence, "--anchors", anchors,
                    "--reference", reference, self.world.path("secret"),
                    status=status)

    def test_a_distributor_encrypts_to_evidence_it_appraised(self):
        tam = self.world.tam()
        tee = self.world.tee(tam)
        tee.sync()
        raw = subprocess.run(
            [POSTERN, "tam", "devices", "evidence", "tee", "--state",
             tam.state], stdout=subprocess.PIPE, check=True).stdout
        evidence = self.write("evidence.cbor", raw)
        claims = cbor2.loads(cbor2.loads(raw).value[2])
        good = self.write("good.json", json.dumps(
            {"eat": {"hwmodel": [claims[259].hex()]}}).encode())
        other = self.write("other.json", json.dumps(
            {"eat": {"hwmodel": ["00"]}}).encode())
        nothing = self.write("nothing.json", b"{}")
        anchors, strangers = self.world.path("mine"), self.world.path("theirs")
        os.mkdir(anchors)
        os.mkdir(strangers)
        shutil.copy(os.path.join(tee.state, "attestation.pub.pem"), anchors)
        shutil.copy(self.world.public(self.world.key("stranger")), strangers)
        self.write("secret", b"only this device")

        self.encrypt(evidence, anchors, good)
        with open(os.path.join(tee.state, "keys", "encryption.pem"),
                  "rb") as f:
            device = serialization.load_pem_private_key(f.read(), None)
        with open(self.world.path("secret.info"), "rb") as f:
            info = f.read()
        with open(self.world.path("secret.enc"), "rb") as f:
            cipher = f.read()
        self.assertEqual(
            opened(info, device, b"SUIT Payload Encryption", cipher),
            b"only this device")

        self.assertIn("refused", self.encrypt(evidence, strangers, good, 1))
        self.assertIn("hwmodel", self.encrypt(evidence, anchors, other, 1))
        self.assertIn("none are configured",
                      self.encrypt(evidence, anchors, nothing, 1))
        # A TAM that puts its own key where the device's was.
        own = claims[KEYS][1][-2]
        at = raw.index(own)
        forged = self.write("forged.cbor", raw[:at] + bytes([raw[at] ^ 1])
                            + raw[at + 1:])
        self.assertIn("refused", self.encrypt(forged, anchors, good, 1))

    def test_without_a_key_nothing_is_said(self):
        tam = self.world.tam()
        tee = self.world.tee(tam)
        self.edit(tee, [x for x in self.read_config(tee)
                        if "encryption-key" not in x])
        said = tee.sync(status=1)
        self.assertIn("no key to encrypt Evidence", said)
        self.assertEqual(self.sent(QUERY_RESPONSE), [])
        error = content(self.sent(ERROR)[0])
        self.assertEqual(error[2], 1)
        self.assertNotIn(PAYLOAD, error[1])
        self.edit(tee, [x.replace("sign-reports", "confidential-transport")
                        for x in self.read_config(tee)])
        tee.sync()
        self.assertEqual(
            cbor2.loads(content(self.sent(QUERY_RESPONSE)[0])[1][PAYLOAD]).tag,
            18)

    def test_evidence_for_another_tam_is_refused(self):
        tam = self.world.tam()
        other = self.world.tam("other")
        tee = self.world.tee(tam)
        tee.sync()
        self.edit(tee, [x.replace(tam.state, other.state)
                        if "encryption-key" in x else x
                        for x in self.read_config(tee)])
        self.world.publish_hello(tam, 1)
        tee.sync(status=None)
        self.assertIn("does not decrypt", tam.log())
        self.assertIn("does not decrypt", tam.cli("devices", "show", "tee"))
        self.assertNotIn(HELLO, tee.installed())

    def read_config(self, tee):
        with open(tee.config, encoding="utf-8") as f:
            return f.read().splitlines()

    def edit(self, tee, lines):
        with open(tee.config, "w", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\n")
        tee.restart()


if __name__ == "__main__":
    unittest.main()
