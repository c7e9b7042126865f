#!/usr/bin/env python3
"""Personalization: from a developer's YAML through TAM, broker and agent to
the object that a TA reads. What was encrypted is looked for everywhere on the
way and found nowhere: not with the TAM, in no log, in no message. Only the
store of the TEE that it was for has it, which is inside the TEE."""

import base64
import http.server
import json
import os
import secrets
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from world import (  # noqa: E402
    BUILD, CLIENT, POSTERN, PATIENCE_S, Tee, World, call)

PERSONAL = "uuid:7a327a25-127c-4335-8d58-0b9b195526c7"
CONFIG = PERSONAL + "/config"


class Payloads(http.server.ThreadingHTTPServer):
    """Serves files by name; stops at `pause` bytes until told to go on."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), PayloadHandler)
        self.files, self.starts, self.pause = {}, [], None
        self.half, self.go_on = threading.Event(), threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def uri(self, name):
        return "http://127.0.0.1:%d/%s" % (self.server_address[1], name)

    def close(self):
        self.go_on.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address):
        pass  # a broker that goes away is what one test wants


class PayloadHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        s = self.server
        data = s.files[self.path[1:]]
        start = 0
        if self.headers.get("Range"):
            start = int(self.headers["Range"].split("=")[1].split("-")[0])
        s.starts.append(start)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", "bytes %d-%d/%d" % (
                start, len(data) - 1, len(data)))
        self.send_header("Content-Length", str(len(data) - start))
        self.send_header("Connection", "close")
        self.end_headers()
        pause = s.pause if s.pause is not None else len(data)
        self.wfile.write(data[start:max(start, pause)])
        self.wfile.flush()
        if s.pause is not None:
            s.half.set()
            s.go_on.wait(30)
        self.wfile.write(data[max(start, pause):])


def forms_of(secret):
    """A secret in the forms in which it might be seen, and its halves."""
    half = len(secret) // 2
    for part in (secret, secret[:half], secret[half:]):
        yield part
        yield part.hex().encode()
        yield part.hex().upper().encode()
        yield base64.b64encode(part).rstrip(b"=")[:-1]


def finds(data, secret):
    return any(form in data for form in forms_of(secret))


class Case(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)
        # What the developer has; nobody else sees this folder.
        self.desk = self.world.path("developer")
        os.mkdir(self.desk)
        self.heard = []
        self.recipients = []
        self.secret = b"the colour is " + secrets.token_hex(16).encode()
        self.signer = self.world.key("personal-signer")
        self.tam = self.world.tam()
        self.tam.cli("anchors", "add", "--kind", "signer", "--key",
                     self.world.public(self.signer), "--prefix",
                     PERSONAL, "personal-developer")

    def tee(self, name="tee", distributor=None):
        t = Tee(self.world, name, self.world.relay.uri,
                self.world.tam_keys(self.tam),
                {"developer": self.world.public(self.signer)},
                [PERSONAL], os.path.join(self.tam.state,
                                         "tam-encryption.pub.pem"))
        if distributor:
            with open(t.config, "a", encoding="utf-8") as out:
                out.write("\n".join(["  - name: distributor",
                                     "    key: " + distributor[0],
                                     "    prefixes:"] + distributor[1]) + "\n")
        t.start()
        self.world.tees.append(t)
        self.tam.cli("devices", "enroll", "--key", t.attestation_key, name)
        return t

    def sync(self, tee, status=0):
        text = tee.sync(status=status)
        self.heard.append(text.encode())
        return text

    def at_desk(self, name):
        return os.path.join(self.desk, name)

    def write(self, name, data):
        with open(self.at_desk(name), "wb") as out:
            out.write(data)

    def encrypt(self, tees, plain, alg="a128gcm", name="config.json"):
        """As a developer does it; returns the ciphertext."""
        self.write(name, plain)
        to = []
        self.recipients = tees
        for t in tees:
            to += ["--to", os.path.join(t.state, "encryption.pub.pem")]
        call(POSTERN, "manifest", "encrypt", "--force", "--alg", alg, *to,
             self.at_desk(name))
        with open(self.at_desk(name + ".enc"), "rb") as enc:
            return enc.read()

    def publish(self, sequence, how, component=CONFIG, status=0):
        """Create, sign and publish a manifest from YAML lines."""
        stem = self.at_desk("m-%d" % sequence)
        lines = ["component: " + component, "sequence: %d" % sequence,
                 "manifest-id: %s-manifest" % component,
                 "vendor-id: " + self.world.vendor,
                 "class-id: " + self.world.klass] + how
        with open(stem + ".yaml", "w", encoding="utf-8") as out:
            out.write("\n".join(lines) + "\n")
        call(POSTERN, "manifest", "create", "-o", stem + ".suit",
             stem + ".yaml")
        call(POSTERN, "manifest", "sign", "--key", self.signer,
             stem + ".suit")
        self.heard.append(self.tam.cli(
            "publish", stem + ".suit", status=status).encode())
        if status == 0:
            self.tam.cli("assign", component, "--to", "all")

    SEALED = ["encryption-info: config.json.info", "plaintext: config.json"]

    def publish_ta(self):
        self.publish(1, ["payload: " + os.path.abspath(os.path.join(
            BUILD, "examples", "personal.ta"))], PERSONAL + "/ta")

    def says(self, tee, status=0):
        """What the TA answers with: its personalization data."""
        return call(CLIENT, "--tee", tee.socket, PERSONAL[5:], status=status)

    def assert_nowhere(self, *secrets_):
        """With nobody but the developer, and in no message or output."""
        searched = 0
        inside = [os.path.join(t.state, "store") for t in self.recipients]
        for root, _, names in os.walk(self.world.dir):
            if root.startswith((self.desk, *inside)):
                continue
            for name in names:
                path = os.path.join(root, name)
                if not os.path.isfile(path):
                    continue
                with open(path, "rb") as file:
                    data = file.read()
                for secret in secrets_:
                    self.assertFalse(finds(data, secret), path)
                searched += 1
        self.assertGreater(searched, 10)
        for e in self.world.relay.exchanges:
            self.heard += [e.body or b"", e.answer or b""]
        self.assertGreater(len(self.heard), 4)
        for data in self.heard:
            for secret in secrets_:
                self.assertFalse(finds(data, secret), data)

    def held(self, tee, content):
        """How many objects of the store have exactly this content."""
        return list(self.objects(tee)).count(content)

    def objects(self, tee):
        folder = os.path.join(tee.state, "store", "objects")
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), "rb") as file:
                yield file.read()

    def stop_all(self):
        """So that what is only in memory or a journal is in the files."""
        for t in self.world.tees:
            t.process.end()
        self.tam.process.end()


class Personalization(Case):
    def test_one_device_from_yaml_to_the_ta(self):
        tee = self.tee()
        self.publish_ta()
        self.encrypt([tee], self.secret)
        self.publish(2, ["content: config.json.enc"] + self.SEALED)
        self.sync(tee)
        self.assertIn(self.secret.decode(), self.says(tee))
        # Also what an operator may ask for.
        for args in (("components",), ("devices", "show", "tee"),
                     ("devices", "reports", "tee")):
            self.heard.append(self.tam.cli(*args).encode())
        self.heard.append(tee.installed().encode())
        self.stop_all()
        # The search finds what there is to find.
        with open(self.at_desk("config.json"), "rb") as file:
            self.assertTrue(finds(file.read(), self.secret))
        self.assertEqual(self.held(tee, self.secret), 1)
        with open(os.path.join(self.tam.state + ".log"), "rb") as log:
            self.assertIn(b"listening on", log.read())
        self.assert_nowhere(self.secret)

    def test_the_key_that_is_printed_is_the_one_to_encrypt_to(self):
        tee = self.tee()
        self.publish_ta()
        shown = json.loads(call(POSTERN, "tee", "status", "--json", "--tee",
                                tee.socket))
        key = shown["encryption-keys"][0]["cose-key"]
        self.write("printed.cose_key", bytes.fromhex(key))
        self.write("config.json", self.secret)
        call(POSTERN, "manifest", "encrypt", "--to",
             self.at_desk("printed.cose_key"), self.at_desk("config.json"))
        self.recipients = [tee]
        self.publish(2, ["payload: config.json.enc"] + self.SEALED)
        self.sync(tee)
        self.assertIn(self.secret.decode(), self.says(tee))
        self.stop_all()
        self.assert_nowhere(self.secret)

    def test_a_group_by_every_algorithm_and_nobody_else(self):
        one, two, other = self.tee("one"), self.tee("two"), self.tee("other")
        self.publish_ta()
        told = []
        for i, alg in enumerate(("a128gcm", "chacha20-poly1305", "a128ctr",
                                 "a256ctr")):
            told.append(self.secret + b"%d" % i)
            self.encrypt([one, two], told[-1], alg)
            self.publish(i + 2, ["payload: config.json.enc"] + self.SEALED)
            for tee in (one, two):
                self.sync(tee)
                self.assertIn(told[-1].decode(), self.says(tee))
            self.sync(other, status=1)
            self.assertNotIn(self.secret.decode(),
                             self.says(other, status=None))
        self.assertIn("not to this device",
                      self.tam.cli("devices", "reports", "other"))
        self.stop_all()
        self.assert_nowhere(*told)

    def test_fetched_from_elsewhere_altered_and_repaired(self):
        tee = self.tee()
        server = Payloads()
        self.addCleanup(server.close)
        self.publish_ta()
        self.encrypt([tee], b"what it had before")
        self.publish(2, ["payload: config.json.enc"] + self.SEALED)
        self.sync(tee)
        for i, alg in enumerate(("a128gcm", "a128ctr")):
            secret = self.secret + alg.encode()
            good = self.encrypt([tee], secret, alg)
            bad = bytearray(good)
            bad[3] ^= 1
            server.files["c"] = bytes(bad)
            self.publish(3 + 2 * i, ["uri: " + server.uri("c"),
                                     "file: config.json.enc"] + self.SEALED)
            before = self.says(tee)
            self.sync(tee, status=1)
            self.assertEqual(self.says(tee), before)
            # What had been decrypted by then is not kept.
            self.assertFalse(any(secret[-20:] in each
                                 for each in self.objects(tee)))
            server.files["c"] = good
            self.publish(4 + 2 * i, ["uri: " + server.uri("c"),
                                     "file: config.json.enc"] + self.SEALED)
            self.sync(tee)
            self.assertIn(secret.decode(), self.says(tee))
        self.stop_all()
        self.assert_nowhere(self.secret)

    def test_a_tee_killed_in_the_middle_begins_the_payload_anew(self):
        tee = self.tee()
        server = Payloads()
        self.addCleanup(server.close)
        self.publish_ta()
        big = self.secret + secrets.token_bytes(400000)
        server.files["c"] = self.encrypt([tee], big)
        server.pause = len(big) // 2
        self.publish(2, ["uri: " + server.uri("c"),
                         "file: config.json.enc"] + self.SEALED,
                     PERSONAL + "/big")
        with subprocess.Popen(
                [POSTERN, "broker", "sync", "--tee", tee.socket],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL) as broker:
            self.assertTrue(server.half.wait(30))
            tee.process.kill()
            server.go_on.set()
            broker.wait(PATIENCE_S)
        server.pause = None
        tee.start()
        self.assertNotIn("/big", tee.installed())
        self.sync(tee)
        self.assertIn("/big", tee.installed())
        self.assertEqual(server.starts, [0, 0])
        self.assertEqual(self.held(tee, big), 1)
        self.stop_all()
        self.assert_nowhere(self.secret)


class Dependencies(Case):
    """Manifests that are encrypted, or whose payload another encrypts."""

    MANIFEST = PERSONAL + "/config-manifest"
    SEALED_CONFIG = PERSONAL + "/config-sealed"

    def envelope(self, name, lines, signer=None):
        """Create and sign; returns the path of the envelope."""
        stem = self.at_desk(name)
        with open(stem + ".yaml", "w", encoding="utf-8") as out:
            out.write("\n".join(lines) + "\n")
        call(POSTERN, "manifest", "create", "-o", stem + ".suit",
             stem + ".yaml")
        call(POSTERN, "manifest", "sign", "--key", signer or self.signer,
             stem + ".suit")
        return stem + ".suit"

    def offer(self, path, component):
        self.heard.append(self.tam.cli("publish", path).encode())
        self.tam.cli("assign", component, "--to", "all")

    def test_an_encrypted_manifest_says_nothing_to_the_tam(self):
        tee = self.tee()
        self.recipients = [tee]
        self.publish_ta()
        self.write("config.json", self.secret)
        self.envelope("inner", [
            "component: " + CONFIG, "sequence: 1",
            "manifest-id: " + self.MANIFEST, "content: config.json"])
        self.write("note", b"public")
        self.offer(self.envelope("outer", [
            "sequence: 1", "manifest-id: %s/bundle" % PERSONAL, "components:",
            "  - component: " + self.MANIFEST, "    dependency: inner.suit",
            "    encrypt: {to: %s}" % os.path.join(
                tee.state, "encryption.pub.pem"),
            "  - component: %s/note" % PERSONAL, "    content: note"]),
            PERSONAL + "/bundle")
        self.sync(tee)
        self.assertIn(self.secret.decode(), self.says(tee))
        self.stop_all()
        self.assert_nowhere(self.secret)

    def distribute(self, sequence, plain, match):
        """What an author and a distributor each sign: the author does not
        know the device, the distributor may only say how to decrypt."""
        self.write("config.json", self.secret)
        ident = "[%s, %s]" % (self.SEALED_CONFIG, CONFIG)
        check = ["  - image-match"] if match else []
        self.envelope("inner", [
            "sequence: %d" % sequence, "manifest-id: " + self.MANIFEST,
            "components: " + ident, "shared-sequence:",
            "  - set-component-index: " + CONFIG,
            "  - override-parameters:",
            "      image-digest: {file: config.json}", "install:",
            "  - set-component-index: " + self.SEALED_CONFIG, "  - fetch",
            "  - set-component-index: " + CONFIG,
            "  - override-parameters:",
            "      source-component: " + self.SEALED_CONFIG,
            "  - copy"] + check + [
                "uninstall:", "  - set-component-index: all", "  - unlink"])
        self.write("payload", plain)
        call(POSTERN, "manifest", "encrypt", "--force", "--to", os.path.join(
            self.recipients[0].state, "encryption.pub.pem"),
             self.at_desk("payload"))
        return self.envelope("outer", [
            "sequence: %d" % sequence, "manifest-id: %s/bundle" % PERSONAL,
            "components: [%s, %s, %s]" % (
                self.MANIFEST, self.SEALED_CONFIG, CONFIG),
            "dependencies:", "  %s: {}" % self.MANIFEST,
            "dependency-resolution:",
            "  - set-component-index: " + self.MANIFEST,
            "  - override-parameters:", '      uri: "#author"',
            "      image-digest: {manifest: inner.suit}",
            "  - fetch", "  - dependency-integrity", "install:",
            "  - set-component-index: " + self.SEALED_CONFIG,
            "  - set-parameters:", '      uri: "#sealed"',
            "  - set-component-index: " + CONFIG,
            "  - set-parameters:", "      encryption-info: {file: payload.info}",
            "  - set-component-index: " + self.MANIFEST,
            "  - process-dependency", "uninstall:",
            "  - set-component-index: " + self.MANIFEST,
            "  - process-dependency", "  - unlink", "integrated:",
            '  "#author": {file: inner.suit}',
            '  "#sealed": {file: payload.enc}'],
            self.distributor)

    def test_a_distributor_may_encrypt_and_nothing_else(self):
        self.distributor = self.world.key("distributor")
        self.tam.cli("anchors", "add", "--kind", "signer", "--key",
                     self.world.public(self.distributor), "--prefix",
                     PERSONAL, "distributor")
        tee = self.tee(distributor=(self.world.public(self.distributor), [
            '      - "%s/bundle"' % PERSONAL,
            "      - prefix: " + self.MANIFEST,
            "        commands: [fetch, process-dependency, unlink]",
            "        parameters: [image-digest]",
            "      - {prefix: %s, commands: [], parameters: []}" %
            self.SEALED_CONFIG,
            "      - {prefix: %s, commands: [], "
            "parameters: [encryption-info]}" % CONFIG]))
        self.recipients = [tee]
        self.publish_ta()
        # Other data than the author's, though every tag is good.
        for sequence, match, why in (
                (1, True, "a condition failed"),
                (2, False, "content was written that nothing verified")):
            self.offer(self.distribute(sequence, b"the colour is wrong",
                                       match), PERSONAL + "/bundle")
            self.sync(tee, status=1)
            self.assertNotIn("colour", self.says(tee, status=None))
            self.assertIn(why, self.tam.cli("devices", "reports", "tee"))
        self.offer(self.distribute(3, self.secret, True),
                   PERSONAL + "/bundle")
        self.sync(tee)
        self.assertIn(self.secret.decode(), self.says(tee))
        self.stop_all()
        self.assert_nowhere(self.secret)


if __name__ == "__main__":
    unittest.main(verbosity=2)
