#!/usr/bin/env python3
"""Attestation Results that a TAM makes: a device attests to one TAM and shows
another what came of it; relying parties get an EAR."""
import base64
import json
import os
import subprocess
import sys
import unittest

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from world import POSTERN, Failed, Relay, World, call

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)),
                             "..", "vectors"))
import cbor2  # noqa: E402

PAYLOAD, FORMAT, QUERY_RESPONSE = 7, 13, 2


def message(body):
    """The TEEP message in a COSE_Sign1."""
    return cbor2.loads(cbor2.loads(body).value[2])


def public_key(path):
    with open(path, "rb") as pem:
        return serialization.load_pem_public_key(pem.read())


def verify(key, signature, signed):
    key.verify(utils.encode_dss_signature(
        int.from_bytes(signature[:32], "big"),
        int.from_bytes(signature[32:], "big")), signed,
        ec.ECDSA(hashes.SHA256()))


def unbase64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Passports(unittest.TestCase):
    """TAM a gives passports, TAM b is behind a relay and is shown them."""

    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)
        self.relay = Relay()
        self.addCleanup(self.relay.close)
        self.a = self.world.tam("a", options=["--return-result"])
        self.b = self.world.tam("b", options=["--passport-age", "600"])
        self.relay.target = self.b.port

    def trust(self, by=None):
        self.b.cli("anchors", "add", "--kind", "verifier", "--key",
                   os.path.join((by or self.a).state, "tam-verifier.pub.pem"),
                   "verifier")

    def device(self, name, enroll=True):
        """A device of both TAMs."""
        tee = self.world.tee(self.a, name, enroll=enroll)
        tee.process.end()
        tee.tam_lines = [
            "  - name: other", "    uri: " + self.relay.uri,
            "    keys: " + json.dumps(self.world.tam_keys(self.b)),
            "    encryption-key: " + os.path.join(
                self.b.state, "tam-encryption.pub.pem"),
            "    passport: main",
            "    prefixes: " + json.dumps(tee.prefixes)]
        tee.write_config()
        tee.start()
        if enroll:
            self.b.cli("devices", "enroll", "--key", tee.attestation_key,
                       name)
        return tee

    def shown(self):
        """Whether each QueryResponse that b got had a passport in it."""
        found = []
        for e in self.relay.exchanges:
            m = message(e.body) if e.body else [0]
            if m[0] == QUERY_RESPONSE:
                self.assertIn(PAYLOAD, m[1])
                found.append(FORMAT not in m[1])
        return found

    def test_a_passport_brings_the_ta_of_another_tam(self):
        self.trust()
        tee = self.device("tee")
        self.world.publish_hello(self.b, 1)
        tee.sync()
        self.assertIn("hello", tee.hello().lower())
        self.assertEqual(self.shown(), [True])
        self.assertIn("last outcome: ok", self.b.cli("devices", "show", "tee")
                      .replace("success", "ok"))

    def test_an_unknown_verifier_is_refused_and_evidence_comes_instead(self):
        tee = self.device("tee")
        self.world.publish_hello(self.b, 1)
        tee.sync(status=None)
        tee.hello(status=1)
        self.assertEqual(self.shown(), [True])
        self.assertIn("no enrolled device", self.b.log())
        # b never met the device's key: it could not even say that it refused
        self.trust(by=self.b)
        tee.sync(status=None)
        tee.hello(status=1)
        self.b.cli("anchors", "remove", "--kind", "verifier", "verifier")
        self.trust()
        tee.sync()
        tee.hello()
        # now b knows the key, and can tell the device
        self.b.cli("anchors", "remove", "--kind", "verifier", "verifier")
        self.relay.clear()
        self.world.publish_hello(self.b, 2)
        tee.sync(status=None)
        tee.sync()
        self.assertEqual(self.shown()[:2], [True, False])
        self.assertIn("version 2", tee.hello())

    def test_another_devices_passport_is_worth_nothing(self):
        self.trust()
        good = self.device("good")
        bad = self.device("bad", enroll=False)
        self.world.publish_hello(self.b, 1)
        good.sync()
        # what b was shown, in a message of another session
        sent = [e.body for e in self.relay.exchanges
                if e.body and message(e.body)[0] == QUERY_RESPONSE]
        status, answer = self.b.post(sent[0])
        self.assertEqual((status, answer), (204, b""))
        bad.sync(status=None)
        bad.hello(status=1)
        self.assertNotIn("bad", self.b.cli("devices"))

    def test_who_does_not_go_by_time_gets_evidence(self):
        self.trust()
        self.b.options = []
        self.b.restart()
        tee = self.device("tee")
        self.world.publish_hello(self.b, 1)
        tee.sync()
        tee.hello()
        self.assertEqual(self.shown(), [False])


class Ears(unittest.TestCase):
    """What relying parties get."""

    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)
        self.tam = self.world.tam(options=["--result-lifetime", "1000"])
        self.tee = self.world.tee(self.tam)

    def result(self, *args):
        return subprocess.run(
            [POSTERN, "tam", "devices", "result", "tee", "--state",
             self.tam.state, *args], check=True, stdout=subprocess.PIPE,
            timeout=60).stdout

    def claims(self):
        """Of the JWT, whose signature holds."""
        head, claims, signature = self.result().decode().strip().split(".")
        self.assertEqual(json.loads(unbase64(head))["alg"], "ES256")
        key = public_key(os.path.join(self.tam.state, "tam-verifier.pub.pem"))
        verify(key, unbase64(signature), (head + "." + claims).encode())
        other = public_key(os.path.join(self.tam.state, "tam-esp256.pub.pem"))
        with self.assertRaises(InvalidSignature):
            verify(other, unbase64(signature), (head + "." + claims).encode())
        return json.loads(unbase64(claims))

    def test_there_is_none_before_the_device_was_appraised(self):
        said = self.tam.cli("devices", "result", "tee", status=1)
        self.assertIn("was not appraised yet", said)
        said = self.tam.cli("devices", "result", "nobody", status=1)
        self.assertIn("no device is called nobody", said)

    def test_a_jwt_and_a_cwt_say_the_same(self):
        self.tee.sync()
        claims = self.claims()
        self.assertEqual(list(claims["submods"]), ["tee"])
        appraised = claims["submods"]["tee"]
        self.assertEqual(appraised["ear.status"], "affirming")
        self.assertEqual(
            appraised["ear.trustworthiness-vector"]["instance-identity"], 2)
        self.assertEqual(claims["exp"] - claims["iat"], 1000)
        cwt = cbor2.loads(self.result("--format", "cwt")).value
        signed = cbor2.dumps(["Signature1", cwt[0], b"", cwt[2]])
        verify(public_key(os.path.join(
            self.tam.state, "tam-verifier.pub.pem")), cwt[3], signed)
        binary = cbor2.loads(cwt[2])
        self.assertEqual(binary[6], claims["iat"])
        self.assertEqual(binary[266]["tee"][1000], 2)
        # the device by the key that was enrolled, in both
        print1 = call(POSTERN, "key", "thumbprint",
                      self.tee.attestation_key).strip()
        self.assertEqual(binary[256].hex()[2:], print1.split()[0])
        self.assertEqual(unbase64(claims["ueid"]), binary[256])

    def test_a_device_that_was_revoked_is_contraindicated(self):
        self.tee.sync()
        before = self.claims()["iat"]
        self.tam.cli("devices", "revoke", "tee")
        claims = self.claims()
        self.assertEqual(claims["submods"]["tee"]["ear.status"],
                         "contraindicated")
        # of the same appraisal: asking does not make it newer
        self.assertEqual(claims["iat"], before)

    def test_the_format_is_one_of_two(self):
        self.tam.cli("devices", "result", "tee", "--format", "xml", status=2)


if __name__ == "__main__":
    unittest.main()
