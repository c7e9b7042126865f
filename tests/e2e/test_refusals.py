"""Every refusal, end to end: real TAM, broker, TEE, agent and TA, with an
adversary or an accident between them."""

import base64
import http.server
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
import unittest

import cbor2
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

sys.path.insert(0, os.path.dirname(__file__))
from world import (  # noqa: E402
    BUILD, CLIENT, COUNTER, HELLO, MEDIA_TYPE, POSTERN, Failed, World, call)

QUERY_REQUEST, QUERY_RESPONSE, UPDATE, SUCCESS, ERROR = 1, 2, 3, 5, 6
TOKEN, CHALLENGE, EVIDENCE, TC_LIST, REPORTS = 20, 2, 7, 8, 19
ERR_CODE, MANIFEST_LIST = 23, 10
ERR_ATTESTATION_REQUIRED, ERR_MANIFEST = 7, 17


def content(message):
    """The TEEP message inside a COSE_Sign1 or COSE_Sign, not verified."""
    return cbor2.loads(cbor2.loads(message).value[2])


def kind(message):
    return content(message)[0] if message else None


def sign1(payload, key, kid):
    """A COSE_Sign1 with ESP256, made without the code under test."""
    protected = cbor2.dumps({1: -9})
    tbs = cbor2.dumps(["Signature1", protected, b"", payload])
    der = key.sign(tbs, ec.ECDSA(hashes.SHA256()))
    r, s = utils.decode_dss_signature(der)
    return cbor2.dumps(cbor2.CBORTag(18, [
        protected, {4: kid}, payload,
        r.to_bytes(32, "big") + s.to_bytes(32, "big")]))


def forms_of(data):
    """The secret of a key file, in the forms in which it might leak."""
    if b"-----BEGIN" not in data:
        return [data, data.hex().encode(), base64.b64encode(data)]
    key = serialization.load_pem_private_key(data, None)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        raw = key.private_numbers().private_value.to_bytes(32, "big")
    else:
        raw = key.private_bytes(serialization.Encoding.Raw,
                                serialization.PrivateFormat.Raw,
                                serialization.NoEncryption())
    return [raw, raw.hex().encode(), base64.b64encode(raw),
            data.splitlines()[1]]


class Slow(http.server.ThreadingHTTPServer):
    """Serves one payload; stops at `pause` until told to go on."""

    daemon_threads = True

    def __init__(self, data, pause):
        super().__init__(("127.0.0.1", 0), SlowHandler)
        self.data, self.pause = data, pause
        self.half, self.go_on = threading.Event(), threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def uri(self):
        return "http://127.0.0.1:%d/image" % self.server_address[1]

    def close(self):
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address):
        pass


class SlowHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        s = self.server
        self.send_response(200)
        self.send_header("Content-Length", str(len(s.data)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(s.data[:s.pause])
        self.wfile.flush()
        s.half.set()
        s.go_on.wait(30)
        self.wfile.write(s.data[s.pause:])


class Case(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)

    def installed_world(self):
        """A TAM and a TEE with hello version 1 installed."""
        tam = self.world.tam()
        tee = self.world.tee(tam)
        self.world.publish_hello(tam, 1)
        tee.sync()
        self.assertIn("version 1", tee.hello())
        return tam, tee

    def kinds(self):
        """The messages of the relay's exchanges, in order."""
        return [(kind(e.body), kind(e.answer))
                for e in self.world.relay.exchanges]


class Sessions(Case):
    def test_a_session_is_six_http_messages(self):
        self.installed_world()
        self.assertEqual(self.kinds(), [
            (None, QUERY_REQUEST), (QUERY_RESPONSE, UPDATE), (SUCCESS, None)])
        self.assertEqual(self.world.relay.exchanges[2].status, 204)

    def test_query_request_is_cose_sign_with_both_suites(self):
        tam = self.world.tam()
        status, body = tam.post(b"")
        self.assertEqual(status, 200)
        message = cbor2.loads(body)
        self.assertEqual(message.tag, 98)
        algs = {cbor2.loads(s[0])[1] for s in message.value[3]}
        self.assertEqual(algs, {-9, -19})
        for path in ("/tam/esp256", "/tam/ed25519"):
            status, body = tam.post(b"", path)
            self.assertEqual(cbor2.loads(body).tag, 18, path)

    def test_what_is_installed_is_not_sent_again(self):
        _, tee = self.installed_world()
        self.world.relay.clear()
        tee.sync()
        self.assertEqual(self.kinds(), [
            (None, QUERY_REQUEST), (QUERY_RESPONSE, None)])

    def test_update_and_delete(self):
        tam, tee = self.installed_world()
        self.world.publish_hello(tam, 2)
        tee.sync()
        self.assertIn("version 2", tee.hello())
        tam.cli("assign", "--remove", HELLO + "/ta", "--to", "all")
        tee.sync()
        self.assertNotIn(HELLO, tee.installed())
        tee.hello(status=1)

    def test_request_and_unrequest(self):
        tam, tee = self.installed_world()
        path = self.world.manifest(COUNTER, 1,
                                   self.world.image("counter.ta"))
        tam.cli("publish", path)
        tam.cli("assign", COUNTER + "/ta", "--to", "all", "--on-request")
        tee.sync()
        self.assertNotIn(COUNTER, tee.installed())
        tee.broker("request", COUNTER + "/ta")
        self.assertIn(COUNTER, tee.installed())
        tee.broker("unrequest", COUNTER + "/ta")
        tee.sync()
        self.assertNotIn(COUNTER, tee.installed())
        self.assertIn(HELLO, tee.installed())

    def test_two_tees_on_one_device(self):
        tam = self.world.tam()
        one, two = self.world.tee(tam, "one"), self.world.tee(tam, "two")
        self.world.publish_hello(tam, 1)
        call(POSTERN, "broker", "sync", "--tee", one.socket,
             "--tee", two.socket)
        self.assertIn("version 1", one.hello())
        self.assertIn("version 1", two.hello())
        # The second did not blank the first one's inventory.
        for name in ("one", "two"):
            self.assertIn(HELLO, tam.cli("devices", "show", name))

    def test_state_survives_a_restart_of_everything(self):
        tam, tee = self.installed_world()
        self.assertEqual(tam.process.end(), 0)
        self.assertEqual(tee.process.end(), 0)
        tam.start()
        tee.start()
        self.assertIn("version 1", tee.hello())
        self.world.relay.clear()
        tee.sync()
        self.assertEqual(self.kinds()[-1], (QUERY_RESPONSE, None))


class Trust(Case):
    def test_unknown_device_gets_nothing(self):
        tam = self.world.tam()
        tee = self.world.tee(tam, enroll=False)
        self.world.publish_hello(tam, 1)
        tee.sync()
        self.assertEqual(self.kinds(), [
            (None, QUERY_REQUEST), (QUERY_RESPONSE, None)])
        self.assertNotIn(HELLO, tee.installed())
        self.assertIn("not enrolled", tam.log())

    def test_revoked_device_gets_an_error_and_no_component(self):
        tam = self.world.tam()
        tee = self.world.tee(tam)
        self.world.publish_hello(tam, 1)
        tam.cli("devices", "revoke", "tee")
        tee.sync(status=None)
        update = content(self.world.relay.exchanges[1].answer)
        self.assertEqual(update[0], UPDATE)
        self.assertEqual(update[1][ERR_CODE], ERR_ATTESTATION_REQUIRED)
        self.assertNotIn(MANIFEST_LIST, update[1])
        self.assertNotIn(HELLO, tee.installed())
        # Its answer ends the session: no loop.
        self.assertEqual(self.world.relay.exchanges[-1].status, 204)
        tam.cli("devices", "activate", "tee")
        tee.sync()
        self.assertIn("version 1", tee.hello())

    def test_software_out_of_policy_is_refused_and_said(self):
        tam = self.world.tam()
        tee = self.world.tee(tam)
        self.world.publish_hello(tam, 1)
        rules = self.world.path("rules.json")
        for model, status in ((b"other", 1), (b"test", 0)):
            with open(rules, "w", encoding="ascii") as out:
                json.dump({"eat": {"hwmodel": [model.hex()]}}, out)
            tam.cli("anchors", "add", "board", "--kind", "reference",
                    "--file", rules)
            tee.sync(status=None)
            tee.hello(status=status)
            shown = tam.cli("devices", "show", "tee")
            self.assertEqual("reference (hwmodel)" in shown, status == 1,
                             shown)

    def test_unknown_tam_key(self):
        real = self.world.tam()
        other = self.world.tam("other")
        tee = self.world.tee(real, keys=self.world.tam_keys(other))
        self.world.publish_hello(real, 1)
        tee.sync(status=1)
        error = content(self.world.relay.exchanges[1].body)
        self.assertEqual(error[0], ERROR)
        for label in (TOKEN, EVIDENCE, TC_LIST, REPORTS):
            self.assertNotIn(label, error[1])
        self.assertNotIn(HELLO, tee.installed())

    def test_wrong_signer_is_refused_by_the_tam(self):
        tam = self.world.tam()
        stranger = self.world.key("stranger")
        path = self.world.manifest(HELLO, 1, self.world.image("hello-v1.ta"),
                                   signer=stranger)
        tam.cli("publish", path, status=1)

    def test_wrong_signer_is_refused_by_the_device(self):
        stranger = self.world.key("stranger")
        tam = self.world.tam(signer=stranger)
        tee = self.world.tee(tam)
        self.world.publish_hello(tam, 1, signer=stranger)
        tee.sync(status=1)
        error = content(self.world.relay.exchanges[2].body)
        self.assertEqual((error[0], error[2]), (ERROR, ERR_MANIFEST))
        self.assertNotIn(HELLO, tee.installed())
        # What it reports is signed, and for the TAM alone.
        report = cbor2.loads(error[1][19][0])
        self.assertEqual(report.tag, 18)
        self.assertEqual(cbor2.loads(report.value[2]).tag, 96)
        self.assertNotIn("unread", tam.log())
        # The operator sees the failure.
        self.assertRegex(tam.cli("devices", "reports", "tee"), "(?i)fail")
        shown = [line for line in tam.cli("devices", "show", "tee").split("\n")
                 if line.startswith("last failure:")]
        self.assertEqual(len(shown), 1)
        self.assertRegex(shown[0], r"20\d\d-\d\d-\d\dT.*%s.*: ." % HELLO)
        self.assertEqual(tam.json("devices", "show", "tee")["last-failure"],
                         tam.json("devices", "reports", "tee")[-1])

    def test_component_outside_the_signers_prefix(self):
        tam = self.world.tam()
        path = self.world.manifest(
            "uuid:00000000-0000-4000-8000-000000000001", 1,
            self.world.image("hello-v1.ta"))
        tam.cli("publish", path, status=1)

    def test_evidence_of_another_agent(self):
        tam = self.world.tam()
        tee = self.world.tee(tam)
        self.world.publish_hello(tam, 1)
        thief = ec.generate_private_key(ec.SECP256R1())

        def steal(e):
            if kind(e.body) != QUERY_RESPONSE:
                return e.body
            return sign1(cbor2.loads(e.body).value[2], thief, b"thief")

        self.world.relay.request = steal
        tee.sync()
        # Its signer could not be authenticated: no answer, a line in the log.
        self.assertEqual(self.kinds(), [
            (None, QUERY_REQUEST), (QUERY_RESPONSE, None)])
        self.assertIn("not authentic", tam.log())
        self.assertNotIn(HELLO, tee.installed())

    def test_message_changed_on_the_way(self):
        tam, tee = self.installed_world()
        self.world.publish_hello(tam, 2)

        def flip(e):
            if not e.answer or kind(e.answer) != UPDATE:
                return e.answer
            changed = bytearray(e.answer)
            changed[len(changed) // 2] ^= 1
            return bytes(changed)

        self.world.relay.response = flip
        tee.sync(status=1)
        self.assertIn("version 1", tee.hello())
        self.world.relay.clear()
        tee.sync()
        self.assertIn("version 2", tee.hello())


class Replays(Case):
    def test_downgrade(self):
        tam, tee = self.installed_world()
        tam.process.end()
        backup = tam.state + ".backup"
        call("cp", "-a", tam.state, backup)
        tam.start()
        self.world.publish_hello(tam, 2)
        tee.sync()
        tam.process.end()
        call("rm", "-rf", tam.state)
        call("mv", backup, tam.state)
        tam.start()
        self.world.relay.clear()
        tee.sync(status=1)
        error = content(self.world.relay.exchanges[2].body)
        self.assertEqual((error[0], error[2]), (ERROR, ERR_MANIFEST))
        self.assertIn("version 2", tee.hello())
        self.assertIn("sequence", tam.cli("devices", "reports", "tee"))
        # A manifest that failed is not sent at each poll.
        self.world.relay.clear()
        tee.sync()
        self.assertEqual(self.kinds()[-1], (QUERY_RESPONSE, None))

    def test_replayed_update(self):
        tam, tee = self.installed_world()
        old = self.world.relay.exchanges[1].answer
        tam.cli("assign", "--remove", HELLO + "/ta", "--to", "all")
        tee.sync()
        self.assertNotIn(HELLO, tee.installed())
        self.world.relay.clear()
        self.world.relay.response = lambda e: old
        tee.sync(status=1)
        self.assertNotIn(HELLO, tee.installed())

    def test_replayed_unlink_after_reinstall(self):
        tam, tee = self.installed_world()
        self.world.relay.clear()
        tam.cli("assign", "--remove", HELLO + "/ta", "--to", "all")
        tee.sync()
        unlink = self.world.relay.exchanges[1].answer
        self.world.publish_hello(tam, 2)
        tee.sync()
        self.assertIn("version 2", tee.hello())
        self.world.relay.response = lambda e: unlink
        tee.sync(status=1)
        self.assertIn("version 2", tee.hello())

    def test_replayed_query_response(self):
        tam, _ = self.installed_world()
        old = self.world.relay.exchanges[1].body
        before = tam.cli("devices", "reports", "tee")
        self.assertEqual(tam.post(old), (204, b""))
        self.assertEqual(tam.cli("devices", "reports", "tee"), before)

    def test_replayed_success(self):
        tam, _ = self.installed_world()
        old = self.world.relay.exchanges[2].body
        self.assertEqual(tam.post(old), (204, b""))

    def test_expired_challenge(self):
        tam = self.world.tam()
        tam.process.end()
        tam.options = ["--challenge-lifetime", "1"]
        tam.start()
        tee = self.world.tee(tam)
        self.world.publish_hello(tam, 1)

        def late(e):
            if kind(e.body) == QUERY_RESPONSE:
                time.sleep(2.5)
            return e.body

        self.world.relay.request = late
        tee.sync(status=None)
        self.assertEqual(self.kinds(), [
            (None, QUERY_REQUEST), (QUERY_RESPONSE, None)])
        self.assertNotIn(HELLO, tee.installed())

    def test_expired_token(self):
        tam = self.world.tam()
        tam.process.end()
        tam.options = ["--token-lifetime", "1"]
        tam.start()
        tee = self.world.tee(tam)
        self.world.publish_hello(tam, 1)

        def late(e):
            if kind(e.body) == SUCCESS:
                time.sleep(2.5)
            return e.body

        self.world.relay.request = late
        tee.sync(status=None)
        self.assertEqual(self.world.relay.exchanges[2].status, 204)
        # Neither a failure nor a reason to send again.
        self.world.relay.clear()
        tee.sync()
        self.assertEqual(self.kinds(), [
            (None, QUERY_REQUEST), (QUERY_RESPONSE, None)])


class Transport(Case):
    def test_oversized_message_to_the_tam(self):
        tam = self.world.tam()
        self.assertEqual(tam.post(b"\0" * (1 << 20) + b"\0")[0], 413)
        self.assertEqual(tam.post(b"")[0], 200)

    def test_oversized_message_to_the_device(self):
        tam, tee = self.installed_world()
        self.world.relay.clear()
        self.world.relay.response = lambda e: b"\0" * ((1 << 20) + 1)
        tee.sync(status=1)
        self.assertIn("version 1", tee.hello())
        self.world.relay.clear()
        tee.sync()

    def test_truncated_bodies(self):
        tam, tee = self.installed_world()
        self.world.publish_hello(tam, 2)
        for what in (0, 1):
            self.world.relay.clear()
            self.world.relay.response = (
                lambda e, n=what: "truncate" if e.index == n else e.answer)
            tee.sync(status=None)
            self.assertIn("version 1", tee.hello())
        self.world.relay.clear()
        self.world.relay.request = (
            lambda e: "truncate" if kind(e.body) == QUERY_RESPONSE
            else e.body)
        tee.sync(status=1)
        self.assertIn("version 1", tee.hello())
        self.world.relay.clear()
        tee.sync()
        self.assertIn("version 2", tee.hello())

    def test_each_of_the_six_messages_lost(self):
        tam = self.world.tam()
        tee = self.world.tee(tam)
        self.world.publish_hello(tam, 1)
        tee.sync()
        version = 1
        for step in range(6):
            version = 3 - version
            # Each version needs a higher number than the one before it.
            path = self.world.manifest(
                HELLO, step + 2, self.world.image("hello-v%d.ta" % version))
            tam.cli("publish", path)
            self.world.relay.clear()
            lost = []

            def lose(e, at, what, lost=lost):
                if e.index == at and not lost:
                    lost.append(e)
                    return None
                return what

            if step % 2 == 0:
                self.world.relay.request = (
                    lambda e, s=step: lose(e, s // 2, e.body))
            else:
                self.world.relay.response = (
                    lambda e, s=step: lose(e, s // 2, e.answer))
            tee.sync(status=None)
            self.assertEqual(len(lost), 1, step)
            self.world.relay.clear()
            tee.sync()
            self.assertIn("version %d" % version, tee.hello(), step)
            # Nothing is sent again, nothing counts as failed.
            self.world.relay.clear()
            tee.sync()
            self.assertEqual(self.kinds()[-1], (QUERY_RESPONSE, None), step)
        self.assertNotRegex(tam.cli("devices", "reports", "tee"), "(?i)failed")

    def test_tls(self):
        cert, key = self.world.path("tls.pem"), self.world.path("tls.key")
        call("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
             "/CN=tam", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
             key, "-out", cert)
        tam = self.world.tam()
        tam.process.end()
        tam.options = ["--tls-cert", cert, "--tls-key", key]
        tam.start()
        tee = self.world.tee(
            tam, uri="https://127.0.0.1:%d/tam" % tam.port)
        self.world.publish_hello(tam, 1)
        # Nobody vouches for this certificate yet.
        self.assertIn("certificate", tee.sync(status=1))
        self.assertNotIn(HELLO, tee.installed())
        tee.broker("sync", "--cacert", cert)
        self.assertIn("version 1", tee.hello())

    def test_http_answers(self):
        tam = self.world.tam()
        media = {"Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE}
        self.assertEqual(tam.post(b"", headers={"Accept": "text/html"})[0],
                         406)
        self.assertEqual(tam.post(b"x", headers={"Accept": MEDIA_TYPE,
                                                 "Content-Type": "a/b"})[0],
                         415)
        self.assertEqual(tam.post(b"x", headers=media), (204, b""))
        self.assertEqual(tam.post(b"", "/nowhere")[0], 404)
        self.assertEqual(tam.post(b"", headers={
            "Accept": "text/html;q=0.5, application/*;q=0.1"})[0], 200)


class Kills(Case):
    def test_killed_broker(self):
        tam, tee = self.installed_world()
        self.world.publish_hello(tam, 2)
        for at in (0, 1, 2):
            self.world.relay.clear()
            seen, go_on = threading.Event(), threading.Event()

            def hold(e, n=at, seen=seen, go_on=go_on):
                if e.index == n:
                    seen.set()
                    go_on.wait(30)
                return e.answer

            self.world.relay.response = hold
            with subprocess.Popen(
                    [POSTERN, "broker", "sync", "--tee",
                     tee.socket], stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL) as broker:
                self.assertTrue(seen.wait(30), at)
                broker.send_signal(signal.SIGKILL)
                broker.wait()
            go_on.set()
        self.world.relay.clear()
        tee.sync()
        self.assertIn("version 2", tee.hello())

    def dies_writing(self, tee, at):
        """From the next Update on no file may get longer than `at` bytes: the
        kernel ends the TEE in the write that would make it so. What is new
        in the store then, and how long it is."""
        store = os.path.join(tee.state, "store")

        before = set()

        def files():
            for folder, _, names in os.walk(store):
                for name in names:
                    path = os.path.join(folder, name)
                    stat = os.stat(path)
                    yield (os.path.relpath(path, store), stat.st_size,
                           stat.st_ino, stat.st_ctime_ns)

        def limit(e):
            if e.answer and kind(e.answer) == UPDATE:
                before.update(files())
                resource.prlimit(tee.process.popen.pid,
                                 resource.RLIMIT_FSIZE, (at, at))
            return e.answer

        self.world.relay.response = limit
        tee.sync(status=1)
        self.world.relay.clear()
        self.assertEqual(tee.process.popen.wait(60), -signal.SIGXFSZ)
        return {f[0]: f[1] for f in files() if f not in before}

    def test_tee_that_dies_while_it_writes_a_payload_has_the_old_one(self):
        tam, tee = self.installed_world()
        self.world.publish_hello(tam, 2)
        size = os.path.getsize(self.world.image("hello-v2.ta"))
        for at in (1, size // 2, size - 1):
            new = self.dies_writing(tee, at)
            # One object, cut off in the middle of its content.
            self.assertEqual(list(new.values()), [at], new)
            self.assertEqual(os.path.dirname(list(new)[0]), "objects")
            tee.start()
            self.assertIn("version 1", tee.hello())
        tee.sync()
        self.assertIn("version 2", tee.hello())

    def publish_config(self, tam, name):
        config = self.world.path(name)
        with open(config, "w", encoding="utf-8") as out:
            out.write("short")
        path = self.world.manifest(HELLO, 1, config, name=name)
        tam.cli("publish", path)
        tam.cli("assign", "%s/%s" % (HELLO, name), "--to", "all")
        return os.path.getsize(path)

    def test_tee_that_dies_in_its_commit_has_the_old_state(self):
        tam, tee = self.installed_world()
        for n in range(5):
            self.publish_config(tam, "config-%d" % n)
        tee.sync()
        envelope = self.publish_config(tam, "last")
        registry = os.path.getsize(os.path.join(tee.state, "store/registry"))
        self.assertLess(envelope, registry)
        for at in (envelope, (envelope + registry) // 2, registry):
            new = self.dies_writing(tee, at)
            # What is installed is there, and a registry that is cut off.
            self.assertEqual(new.pop("registry.new"), at, new)
            self.assertIn(5, new.values())
            tee.start()
            self.assertNotIn("/last", tee.installed())
            self.assertIn("version 1", tee.hello())
        tee.sync()
        self.assertIn("/last", tee.installed())

    def test_killed_tee_between_the_chunks_of_a_payload(self):
        tam, tee = self.installed_world()
        with open(self.world.image("hello-v2.ta"), "rb") as image:
            data = image.read()
        slow = Slow(data, len(data) // 2)
        self.addCleanup(slow.close)
        path = self.world.manifest(
            HELLO, 2, self.world.image("hello-v2.ta"), uri=slow.uri)
        tam.cli("publish", path)
        with subprocess.Popen(
                [POSTERN, "broker", "sync", "--tee", tee.socket],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL) as broker:
            self.assertTrue(slow.half.wait(30))
            tee.process.kill()
            slow.go_on.set()
            broker.wait(60)
        tee.start()
        self.assertIn("version 1", tee.hello())
        tee.sync()
        self.assertIn("version 2", tee.hello())

    def test_killed_tam_keeps_what_it_knew(self):
        tam, tee = self.installed_world()
        tam.process.kill()
        tam.start()
        self.assertIn(HELLO, tam.cli("devices", "show", "tee"))
        self.world.publish_hello(tam, 2)
        tee.sync()
        self.assertIn("version 2", tee.hello())

    def test_crashing_client_leaves_the_tee_usable(self):
        _, tee = self.installed_world()
        for _ in range(5):
            with subprocess.Popen([CLIENT, "--tee", tee.socket],
                                  stdout=subprocess.DEVNULL) as client:
                client.kill()
        self.assertIn("version 1", tee.hello())


class Secrets(Case):
    def test_private_keys_are_in_their_files_and_nowhere_else(self):
        tam, tee = self.installed_world()
        tam.process.end()
        tee.process.end()
        kept, secrets = set(), []
        for state in (tam.state, tee.state):
            folder = os.path.join(state, "keys")
            for name in os.listdir(folder):
                path = os.path.join(folder, name)
                kept.add(path)
                self.assertEqual(os.stat(path).st_mode & 0o077, 0, path)
                with open(path, "rb") as file:
                    data = file.read()
                secrets += forms_of(data)
        self.assertGreaterEqual(len(kept), 4)
        searched = 0
        for root, _, names in os.walk(self.world.dir):
            for name in names:
                path = os.path.join(root, name)
                if path in kept or not os.path.isfile(path):
                    continue
                with open(path, "rb") as file:
                    data = file.read()
                for secret in secrets:
                    self.assertNotIn(secret, data, path)
                searched += 1
        self.assertGreater(searched, 5)


class CommandLine(Case):
    def test_images_say_nothing_of_the_machine_that_built_them(self):
        for name in ("hello-v1.ta", "hello-v2.ta", "counter.ta"):
            with open(self.world.image(name), "rb") as image:
                data = image.read()
            self.assertNotIn(os.path.realpath(BUILD).encode(), data, name)
            self.assertNotIn(b".debug_", data, name)
            self.assertNotIn(b"/home/", data, name)

    def test_a_device_without_failures_says_so(self):
        tam, _ = self.installed_world()
        self.assertIn("last failure: none", tam.cli("devices", "show", "tee"))

    def test_errors_say_what_to_do(self):
        tam = self.world.tam()
        out = tam.cli("publish", self.world.path("absent.suit"), status=1)
        self.assertIn("absent.suit", out)
        call(POSTERN, "tam", "nonsense", status=2)
        with self.assertRaises(Failed):
            call(POSTERN, "broker", "sync", "--tee",
                 self.world.path("nobody.sock"))

    def test_publish_is_idempotent_and_never_goes_back(self):
        tam = self.world.tam()
        path = self.world.publish_hello(tam, 2)
        tam.cli("publish", path)
        other = self.world.manifest(HELLO, 2, self.world.image("hello-v1.ta"))
        tam.cli("publish", other, status=1)
        older = self.world.manifest(HELLO, 1, self.world.image("hello-v1.ta"))
        tam.cli("publish", older, status=1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
