#!/usr/bin/env python3
"""A TAM whose Evidence is judged by a Verifier elsewhere: a stand-in for
Veraison with its failures, and `postern verifier serve`.

usage: verifier_test.py POSTERN [CASE...]
"""
import contextlib
import hashlib
import os
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import types

from harness import (POSTERN, Raw, Server, UUID, cbor, manifest, new_key,
                     openssl, run, same)
from session_test import (ATTESTATION_REQUIRED, FORMAT, QUERY_RESPONSE,
                          UPDATE, Device, Key, at_once, assign, message, publish)
import harness
import veraison

CONTAINER = "application/vnd.postern.evidence+cbor"
TPM = "application/vnd.postern.tpm-quote"
SNP = "application/vnd.postern.sev-snp-report"
TSM = "application/vnd.veraison.tsm-report+cbor"


@contextlib.contextmanager
def world(*options, accept=(FORMAT,), tls=False, timeout="2"):
    """A stand-in Verifier, and a TAM that asks it."""
    with tempfile.TemporaryDirectory() as folder:
        key, pem = new_key(folder, "verifier")
        certificate = tls_pair(folder) if tls else None
        v = veraison.Veraison(key, list(accept), certificate)
        public = os.path.join(folder, "verifier.pub")
        with open(public, "w") as f:
            f.write(pem)
        s = Server(folder, "--verifier", v.uri, "--verifier-key", public,
                   "--verifier-timeout", timeout, *options)
        publish(s, harness.signer(s))
        assign(s)
        try:
            yield s, v
        finally:
            status = s.stop()
            v.stop()
        same(status, 0)


def tls_pair(folder):
    cert, key = (os.path.join(folder, n) for n in ("tls.pem", "tls.key"))
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert,
            "-subj", "/CN=verifier", "-addext", "subjectAltName=IP:127.0.0.1")
    return cert, key


def answer(s, d, body=None):
    """What a device gets: the HTTP status, and the message if any."""
    r, data = s.post(body or d.response(d.connect()))
    if r.status == 503:
        assert int(r.getheader("Retry-After")) > 0
    return r.status, message(data) if data else None


def gets_nothing(s, d, body=None):
    """503, and nothing is said about the device."""
    before = s.api("GET", "/devices/" + d.name)[2]
    status, m = answer(s, d, body)
    same((status, m), (503, None))
    same(s.api("GET", "/devices/" + d.name)[2], before)


def gets_its_component(s, d, body=None):
    status, m = answer(s, d, body)
    same((status, m[0], len(m[1][10])), (200, UPDATE, 1))


def is_refused(s, d, body=None):
    status, m = answer(s, d, body)
    same((status, m[0], m[1].get(23), m[1].get(10)),
         (200, UPDATE, ATTESTATION_REQUIRED, None))


# --- as it should be -----------------------------------------------------------

def evidence_that_the_verifier_affirms_is_accepted():
    with world() as (s, v):
        d = Device(s, "one")
        challenge = d.connect()
        body = d.response(challenge)
        gets_its_component(s, d, body)
        (nonce, kind, evidence), = v.evidence
        same((nonce, kind), (challenge, FORMAT))
        assert evidence in body
        session = v.got[1][1]
        same(v.got, [("POST", veraison.API + "newSession"),
                     ("POST", session), ("DELETE", session)])
        same(v.open, {})


def a_result_that_comes_later_is_waited_for():
    with world() as (s, v):
        v.polls = 2
        d = Device(s, "one")
        gets_its_component(s, d)
        same([m for m, _ in v.got], ["POST", "POST", "GET", "GET", "DELETE"])


def the_verifier_is_reached_by_tls_and_its_certificate_checked():
    with world("--log-level", "info", tls=True) as (s, v):
        gets_nothing(s, Device(s, "one"))
        same(v.got, [])
        same(s.stop(), 0)
        s.__init__(s.folder, "--verifier", v.uri, "--verifier-key",
                   s.folder + "/verifier.pub", "--verifier-ca",
                   s.folder + "/tls.pem")
        d = Device(s, "two")
        gets_its_component(s, d)
        # of this name the certificate does not speak
        same(s.stop(), 0)
        s.__init__(s.folder, "--verifier", v.uri.replace(
            "127.0.0.1", "localhost"), "--verifier-key",
                   s.folder + "/verifier.pub", "--verifier-ca",
                   s.folder + "/tls.pem", "--verifier-timeout", "1")
        gets_nothing(s, d)


def many_devices_at_once_all_finish():
    with world(timeout="20") as (s, v):
        devices = [Device(s, "d%02d" % i) for i in range(24)]
        got = at_once([lambda d=d: d.session() is not None for d in devices])
        same(got, [True] * len(devices))
        same(v.open, {})


def others_are_served_while_a_verifier_thinks():
    with world("--threads", "1", timeout="20") as (s, v):
        d = Device(s, "one")
        v.gate = threading.Event()
        body, got = d.response(d.connect()), []
        t = threading.Thread(target=lambda: got.append(answer(s, d, body)))
        t.start()
        assert v.waiting.wait(20)
        other = Device(s, "two")
        for _ in range(3):
            other.connect()
        same(got, [])
        v.gate.set()
        t.join()
        same(got[0][0], 200)


def the_end_of_a_server_ends_what_it_asks():
    with world(timeout="60") as (s, v):
        d = Device(s, "one")
        v.gate = threading.Event()
        body, got = d.response(d.connect()), []
        t = threading.Thread(target=lambda: got.append(s.post(body)[0].status))
        t.start()
        assert v.waiting.wait(20)
        same(s.stop(), 0)
        t.join()
        same(got, [503])


# --- failures of the Verifier -----------------------------------------------------

def a_failure_that_passes_is_tried_again():
    with world(timeout="20") as (s, v):
        d = Device(s, "one")
        for step in ("new", "post", "get"):
            v.polls = 1 if step == "get" else 0
            v.fail = {step: [500, 503]}
            assert d.session() is not None or d.has
            same(v.fail[step], [])
        same(v.open, {})


def a_verifier_that_fails_decides_nothing():
    with world(timeout="1") as (s, v):
        d = Device(s, "one")
        v.fail = {"new": [500] * 1000}
        gets_nothing(s, d)
        assert "newSession: HTTP status 500" in s.log(), s.log()
        asked = len(v.got)
        gets_nothing(s, d)  # nobody waits for the same again
        same(len(v.got), asked)
        assert "not reached a moment ago" in s.log()
        v.fail = {}
        harness.wait_for(lambda: answer(s, d)[0] == 200)


def a_verifier_that_is_slow_decides_nothing():
    with world(timeout="1") as (s, v):
        v.gate = threading.Event()
        gets_nothing(s, Device(s, "one"))


def a_verifier_that_is_not_there_decides_nothing():
    with world(timeout="1") as (s, v):
        v.stop()
        gets_nothing(s, Device(s, "one"))
        with socket.create_server(("127.0.0.1", 0)):
            pass
        v.http = type("", (), {"shutdown": lambda _: None,
                               "server_close": lambda _: None})()


def answers_that_are_not_of_the_api_decide_nothing():
    with world() as (s, v):
        d, asked = Device(s, "one"), 0
        for raw in (b"", b"null", b"{", b"[]", b"{}", b'"x"',
                    b'{"status":"complete"}', b"[" * 100000,
                    b'{"nonce":"' + b"A" * 4096 + b'","status":"complete"}',
                    b" " * (3 << 20)):
            v.raw = raw
            gets_nothing(s, d)
            asked += 1
            same(len(v.evidence), asked)
        v.raw = None
        for members in ({"nonce": veraison.url64(bytes(32))},
                        {"status": "failed"}, {"status": "done"},
                        {"result": None}, {"result": 1}, {"result": "x"},
                        {"result": "a.b.c"}, {"status": None}):
            v.session = members
            gets_nothing(s, d)
        v.session = {}
        for status in (301, 302, 307, 401, 403, 404, 406):
            v.fail = {"post": [status]}
            gets_nothing(s, d)
        assert ("GET", "/elsewhere") not in v.got
        assert ("POST", "/elsewhere") not in v.got
        gets_its_component(s, d)
        assert "its answer is too large" in s.log()
        assert "its session has another nonce" in s.log()


def a_session_elsewhere_gets_no_evidence():
    with world() as (s, v):
        d = Device(s, "one")
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            for location in ("http://127.0.0.1:%d/session/1" % port,
                             "//127.0.0.1:%d/session/1" % port,
                             "http://localhost:%d/x" % v.http.server_port,
                             "file:///etc/passwd"):
                v.location = location
                gets_nothing(s, d)
        same(v.evidence, [])


def a_result_that_is_not_the_verifiers_decides_nothing():
    with world() as (s, v):
        d = Device(s, "one")
        now = int(time.time())
        other, _ = new_key(s.folder, "other")
        cases = [("sign_with", other), ("header", {"alg": "none"}),
                 ("header", {"alg": "HS256"}),
                 ("header", {"alg": "ES256", "crit": ["x"]})]
        cases += [("claims", c) for c in (
            {"eat_nonce": veraison.url64(os.urandom(32))},
            {"eat_nonce": None}, {"iat": now - 7200}, {"iat": now + 7200},
            {"exp": now - 600}, {"iat": None}, {"submods": {}},
            {"submods": None}, {"eat_profile": "tag:x,2020:y"})]
        for name, value in cases:
            normal = getattr(v, name)
            setattr(v, name, value)
            gets_nothing(s, d)
            setattr(v, name, normal)
        gets_its_component(s, d)


def a_result_of_another_session_decides_nothing():
    """A result that the Verifier did sign, for an earlier challenge."""
    with world() as (s, v):
        d = Device(s, "one")
        gets_its_component(s, d)
        v.session = {"result": v.result(v.evidence[0][0])}
        gets_nothing(s, d)


# --- the Verifier refuses ------------------------------------------------------------

def what_the_verifier_does_not_affirm_is_refused():
    with world() as (s, v):
        d = Device(s, "one")
        for status, vector in (("contraindicated", {"executables": 33}),
                               ("warning", {"hardware": 32}),
                               ("none", {}),
                               # the vector is worse than what is said of it
                               ("affirming", {"executables": 99})):
            v.status, v.vector = status, vector
            is_refused(s, d)
        assert "executables 33" in s.log(), s.log()
        assert "attestation failed" in s.log()
        v.status, v.vector = "affirming", {}
        gets_its_component(s, d)


def evidence_that_the_verifier_does_not_take_is_refused():
    with world(accept=("application/psa-attestation-token",)) as (s, v):
        d = Device(s, "one")
        is_refused(s, d)
        same(v.evidence, [])
        v.accept = [FORMAT]
        for status in (400, 413, 415):
            v.fail = {"post": [status]}
            is_refused(s, d)
        gets_its_component(s, d)


def strangers_cost_the_verifier_nothing():
    with world() as (s, v):
        d, other = Device(s, "one"), Device(s, "two", enroll=False)
        same(answer(s, other)[0], 204)
        # a challenge that is none of this TAM's
        same(answer(s, d, d.response(os.urandom(32)))[0], 204)
        same(v.got, [])
        assert "is not enrolled" in s.log()


def evidence_of_another_device_is_refused():
    with world() as (s, v):
        one, two = Device(s, "one"), Device(s, "two")
        one.session()
        two.session()
        c = one.connect()
        is_refused(s, one, one.response(c, bound=two.agent))
        # two's own Evidence, stolen: in a message that one signs
        stolen = one.agent.sign1(cbor([QUERY_RESPONSE, {
            7: two.evidence(two.connect()), 13: FORMAT}]))
        is_refused(s, one, stolen)


def a_replay_is_answered_once():
    with world() as (s, v):
        d = Device(s, "one")
        body = d.response(d.connect())
        gets_its_component(s, d, body)
        same(answer(s, d, body), (204, None))


# --- native Evidence, which only the Verifier can check ----------------------------------

def quote(extra):
    """A TPMS_ATTEST of a quote over PCR 0 (SHA-256)."""
    sized = lambda b: struct.pack(">H", len(b)) + b
    return (bytes.fromhex("ff5443478018") + sized(b"\x00\x0b" + bytes(32)) +
            sized(extra) + bytes(17) + bytes(8) + struct.pack(">I", 1) +
            bytes.fromhex("000b03010000") + sized(bytes(32)))


def report(user_data, chip=None):
    """An SEV-SNP report, signed by nobody."""
    r = bytearray(1184)
    r[0:4] = struct.pack("<I", 2)
    r[8:16] = struct.pack("<Q", 1 << 17)
    r[0x34:0x38] = struct.pack("<I", 1)
    r[0x50:0x90] = user_data
    r[0x1a0:0x1e0] = CHIP if chip is None else chip
    return bytes(r)


# TPMT_SIGNATURE, ECDSA with SHA-256, by no key
SIGNATURE = bytes.fromhex("0018000b0020") + bytes(32) + b"\x00\x20" + bytes(32)


def native(d, kind, evidence, key=None, challenge=None, parts=None):
    c = {1: kind, 2: evidence, 3: (key or d.agent).cose}
    if challenge is not None:
        c[4] = challenge
    if parts:
        c[5] = parts
    return d.agent.sign1(cbor([QUERY_RESPONSE, {7: cbor(c), 13: CONTAINER}]))


def hashed(d, challenge, key=None, parts=()):
    both = challenge + (key or d.agent).kid
    return native(d, TPM, quote(hashlib.sha256(both).digest()), key,
                  challenge, [SIGNATURE, *parts])


CHIP = bytes(range(64))


def enroll_by(s, name, technology, identity):
    """A device whose attester is named, not known by a key."""
    d = Device(s, name, enroll=False)
    same(s.api("POST", "/devices", {
        "name": name, "technology": technology,
        "identity": identity.hex()})[0], 201)
    return d


def a_report_is_bound_by_what_the_verifier_vouched_for():
    with world(accept=(FORMAT, CONTAINER)) as (s, v):
        d, other = enroll_by(s, "one", "snp", CHIP), Device(s, "two")
        # the first contact: nothing but the chip's name is known
        c = d.connect()
        gets_its_component(s, d, native(d, SNP, report(c + d.agent.kid)))
        same(v.evidence[-1][:2], (c + d.agent.kid, CONTAINER))
        asked = len(v.evidence)
        # another key beside it than the report's
        c = d.connect()
        bad = report(c + d.agent.kid)
        is_refused(s, d, native(d, SNP, bad, other.agent))
        same(len(v.evidence), asked)
        # of another key than the message's, which the Verifier affirms
        is_refused(s, d, native(d, SNP, report(d.connect() + other.agent.kid),
                                other.agent))
        same(len(v.evidence), asked + 1)
        v.status = "contraindicated"
        is_refused(s, d, native(d, SNP, report(d.connect() + d.agent.kid)))


def a_quote_that_names_no_attester_is_nobodys():
    """A genuine TPM's quote over the device's key, of any machine."""
    with world(accept=(FORMAT, CONTAINER)) as (s, v):
        d = Device(s, "one")
        answer(s, d)
        is_refused(s, d, hashed(d, d.connect()))
        same(len(v.evidence), 1)


def a_certificate_beside_a_quote_is_judged_with_it():
    """Whose key it has attests: a quote alone may be anybody's."""
    with world(accept=(FORMAT, CONTAINER, TPM)) as (s, v):
        key = Key(s.folder, "ak")
        der = openssl("req", "-x509", "-key", key.path, "-subj", "/CN=ak",
                      "-outform", "DER")
        d = enroll_by(s, "one", "tpm", key.kid)
        gets_its_component(s, d, hashed(d, d.connect(), parts=[der]))
        same(v.evidence[-1][1], CONTAINER)
        v.accept = [FORMAT, TPM]
        is_refused(s, d, hashed(d, d.connect(), parts=[der]))
        same(len(v.evidence), 1)


def a_chip_that_hides_its_name_is_nobody():
    with world(accept=(FORMAT, CONTAINER)) as (s, v):
        d = enroll_by(s, "one", "snp", bytes(64))
        hidden = report(d.connect() + d.agent.kid, bytes(64))
        same(answer(s, d, native(d, SNP, hidden)), (204, None))
        same(v.got, [])


def evidence_is_handed_in_as_the_verifier_takes_it():
    with world() as (s, v):
        d = Device(s, "one")
        for accept in ((SNP,), (TSM,), (TSM, CONTAINER)):
            v.accept = list(accept)
            both = d.connect() + d.agent.kid
            # of a chip that is not enrolled: the Verifier's word helps not
            status, m = answer(s, d, native(d, SNP, report(both),
                                            parts=[b"table"]))
            same((status, m), (204, None))
            same(v.evidence[-1][:2], (both, accept[-1]))
        assert CHIP.hex() in s.log()
        same(v.evidence[-3][2], report(v.evidence[-3][0]))
        same(v.evidence[-2][2], cbor({
            "auxblob": b"table", "outblob": report(v.evidence[-2][0]),
            "provider": "sev_guest"}))


# --- our own service -----------------------------------------------------------------------

@contextlib.contextmanager
def own_verifier(folder, options):
    key, _ = new_key(folder, "signer")
    public = os.path.join(folder, "signer.pub")
    with open(public, "wb") as f:
        f.write(openssl("pkey", "-in", key, "-pubout"))
    cert, tls = tls_pair(folder)
    p = subprocess.Popen(
        [POSTERN, "verifier", "serve", "--key", key, "--listen",
         "127.0.0.1:0", "--tls-cert", cert, "--tls-key", tls, *options],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    line = p.stdout.readline().decode()
    try:
        assert line.startswith("ready on 127.0.0.1:"), line
        yield "https://" + line.split()[2], public, cert
    finally:
        p.send_signal(signal.SIGTERM)
        same(p.wait(timeout=30), 0)
        p.stdout.close()


def our_own_service_judges_for_a_tam():
    with tempfile.TemporaryDirectory() as folder:
        d = Device(types.SimpleNamespace(folder=folder), "one", enroll=False)
        attester, rules = (os.path.join(folder, n) for n in ("a", "rules"))
        with open(attester, "w") as f:
            f.write(d.attester.pem)
        with open(rules, "w") as f:
            f.write('{"eat": {"hwmodel": ["%s"]}}' % b"model".hex())
        with own_verifier(folder, ["--reference", rules, "--attester",
                                   attester]) as (uri, public, ca):
            d.s = s = Server(folder, "--verifier", uri, "--verifier-key",
                             public, "--verifier-ca", ca)
            publish(s, harness.signer(s))
            assign(s)
            same(s.api("POST", "/devices", {
                "name": "one", "key": d.attester.pem})[0], 201)
            gets_its_component(s, d)
            is_refused(s, d, response_of_model(d, b"other"))
            assert "the Verifier says" in s.log()
            same(s.stop(), 0)


def response_of_model(d, model):
    claims = {6: int(time.time()), 8: {1: Raw(d.agent.cose), 3: d.agent.kid},
              10: d.connect(), 256: b"\x01" + bytes(16), 258: bytes(16),
              259: model, 260: ["1.0"], 263: 1,
              265: FORMAT.split('"')[1],
              272: [[270, cbor(["urn:x", [-16, bytes(32)]])]]}
    return d.agent.sign1(cbor([QUERY_RESPONSE, {
        7: d.attester.sign1(cbor(claims)), 13: FORMAT}]))


# --- options -----------------------------------------------------------------------------------

def options_that_are_not_safe_are_refused():
    with tempfile.TemporaryDirectory() as folder:
        public = os.path.join(folder, "k")
        with open(public, "w") as f:
            f.write(new_key(folder, "verifier")[1])
        for options, want in (
                (["--verifier", "https://v"], "belong together"),
                (["--verifier-key", public], "belong together"),
                (["--verifier-ca", public], "belong"),
                (["--verifier", "http://192.0.2.1/", "--verifier-key",
                  public], "https"),
                (["--verifier", "ftp://v/", "--verifier-key", public],
                 "https"),
                (["--verifier", "https://a:b@v/", "--verifier-key", public],
                 "user"),
                (["--verifier", "https://v/?x", "--verifier-key", public],
                 "query"),
                (["--verifier", "https://v/", "--verifier-key",
                  folder + "/none"], "none"),
                (["--verifier", "https://v/", "--verifier-key", public,
                  "--verifier-ca", folder + "/none"], "none")):
            p = subprocess.run(
                [POSTERN, "tam", "serve", "--state", folder + "/s",
                 "--listen", "127.0.0.1:0", *options], timeout=30,
                capture_output=True, text=True)
            assert p.returncode in (1, 2) and want in p.stderr, (
                options, p.stderr)


if __name__ == "__main__":
    run({n: f for n, f in globals().items()
         if n not in ("world", "own_verifier")})
