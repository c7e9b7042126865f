#!/usr/bin/env python3
"""`postern verifier serve` as its clients meet it: the whole API, and what
floods and slow clients come to.

usage: verifier_serve_test.py POSTERN [CASE...]
"""
import base64
import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import time

from harness import POSTERN, new_key, openssl, run, same
from session_test import FORMAT, Device
from veraison import API, SESSION, from64, url64
import types

PROBLEM = "application/problem+json"
PER_ADDRESS = 512


class Service:
    def __init__(self, folder, *options):
        self.folder = folder
        self.key, _ = new_key(folder, "signer")
        self.process = subprocess.Popen(
            [POSTERN, "verifier", "serve", "--key", self.key, "--listen",
             "127.0.0.1:0", *options], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL)
        line = self.process.stdout.readline().decode()
        assert line.startswith("ready on 127.0.0.1:"), line
        self.port = int(line.rsplit(":", 1)[1])
        self.c = self.connect()

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def ask(self, method, path, body=None, connection=None, **headers):
        c = connection or self.c
        headers = {k.replace("_", "-"): v for k, v in headers.items()}
        c.request(method, path, body, headers)
        r = c.getresponse()
        return r, r.read()

    def new(self, query="nonceSize=32", connection=None):
        """The path of a new session, and the session."""
        r, data = self.ask("POST", API + "newSession?" + query,
                           connection=connection)
        same((r.status, r.getheader("Content-Type")), (201, SESSION))
        return API + r.getheader("Location"), json.loads(data)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=30)
        self.process.stdout.close()
        return status


@contextlib.contextmanager
def service(*options):
    with tempfile.TemporaryDirectory() as folder:
        s = Service(folder, *options)
        try:
            yield s
        finally:
            status = s.stop()
        same(status, 0)


@contextlib.contextmanager
def with_attester():
    """A service that knows one device's key, and the device."""
    with tempfile.TemporaryDirectory() as folder:
        d = Device(types.SimpleNamespace(folder=folder), "one", enroll=False)
        path = os.path.join(folder, "attester.pub")
        with open(path, "w") as f:
            f.write(d.attester.pem)
        s = Service(folder, "--attester", path, "--any-software")
        try:
            yield s, d
        finally:
            status = s.stop()
        same(status, 0)


def refused(answer, status):
    r, data = answer
    same((r.status, r.getheader("Content-Type")), (status, PROBLEM))
    p = json.loads(data)
    same(p["status"], status)
    assert p["title"] and p["detail"] and p["type"], p
    return r


def claims_of(session):
    return json.loads(from64(session["result"].split(".")[1]))


# --- sessions -----------------------------------------------------------------

def a_session_has_the_nonce_that_was_given_or_asked_for():
    with service() as s:
        nonce = os.urandom(33)
        for text in (url64(nonce), base64.urlsafe_b64encode(nonce).decode()):
            path, session = s.new("nonce=" + text)
            same(session["nonce"], url64(nonce))
            same(session["status"], "waiting")
            assert FORMAT in session["accept"], session["accept"]
            left = time.mktime(time.strptime(
                session["expiry"], "%Y-%m-%dT%H:%M:%SZ"))
            assert left > 0 and "result" not in session
            same(json.loads(s.ask("GET", path)[1]), session)
        for size in (8, 64):
            same(len(from64(s.new("nonceSize=%d" % size)[1]["nonce"])), size)
        same(len(from64(s.new("")[1]["nonce"])), 32)
        assert s.new()[1]["nonce"] != s.new()[1]["nonce"]
        assert s.new()[0] != s.new()[0]


def nonces_that_are_none_are_refused():
    with service() as s:
        for query in ("nonceSize=7", "nonceSize=65", "nonceSize=", "nonceSize=x",
                      "nonceSize=32x", "nonceSize=-8",
                      "nonceSize=99999999999999999999",
                      "nonce=" + url64(bytes(7)), "nonce=" + url64(bytes(65)),
                      "nonce=", "nonce=AAAAAAAAAAA!", "nonce=AAAAAAAAAAAAA",
                      "nonce=%s&nonceSize=32" % url64(bytes(32))):
            refused(s.ask("POST", API + "newSession?" + query), 400)


def what_is_not_there_is_404():
    with service() as s:
        for path in ("/", API, API + "session/", API + "session/x",
                     API + "session/" + "0" * 36,
                     API + "session/00000000-0000-0000-0000-000000000000",
                     "/.well-known/veraison/other"):
            for method in ("GET", "POST", "DELETE"):
                refused(s.ask(method, path), 404)


def a_method_that_is_not_served_is_405():
    with service() as s:
        path, _ = s.new()
        for method, where, allow in (
                ("GET", API + "newSession", "POST"),
                ("PUT", path, "GET, POST, DELETE"),
                ("POST", "/.well-known/veraison/verification", "GET")):
            same(refused(s.ask(method, where), 405).getheader("Allow"), allow)


def an_answer_that_is_not_accepted_is_406():
    with service() as s:
        path, _ = s.new()
        for accept in ("text/html", SESSION + ";q=0", "application/json"):
            for method, where in (
                    ("POST", API + "newSession"), ("GET", path),
                    ("POST", path),
                    ("GET", "/.well-known/veraison/verification")):
                refused(s.ask(method, where, Accept=accept), 406)
        for accept in ("*/*", "application/*", "text/html, " + SESSION):
            same(s.ask("GET", path, Accept=accept)[0].status, 200)


def evidence_of_another_type_is_415():
    with service() as s:
        path, session = s.new()
        for kind in ("text/plain", "application/json", "x", "/",
                     "application/vnd.postern." + "x" * 300):
            r = refused(s.ask("POST", path, b"x", Content_Type=kind), 415)
            assert FORMAT in r.getheader("Accept"), r.getheader("Accept")
        refused(s.ask("POST", path, b"x"), 415)
        # it still waits
        same(json.loads(s.ask("GET", path)[1])["status"], "waiting")


def evidence_too_large_is_413():
    with service() as s:
        path, _ = s.new()
        refused(s.ask("POST", path, bytes((1 << 20) + 1),
                      Content_Type=FORMAT), 413)
        same(s.ask("POST", path, bytes(1 << 20),
                   Content_Type=FORMAT)[0].status, 200)
        # without end: the connection is closed
        path, _ = s.new()
        with contextlib.suppress(OSError, http.client.HTTPException):
            r, _ = s.ask("POST", path, bytes(16 << 20), s.connect(),
                         Content_Type=FORMAT)
            same(r.status, 413)
        s.c = s.connect()
        same(json.loads(s.ask("GET", path)[1])["status"], "waiting")


def a_deleted_session_is_gone():
    with service() as s:
        path, _ = s.new()
        r, data = s.ask("DELETE", path)
        same((r.status, data), (204, b""))
        for method in ("GET", "DELETE", "POST"):
            refused(s.ask(method, path), 404)


# --- appraisal ----------------------------------------------------------------

def evidence_gets_a_result_once():
    with with_attester() as (s, d):
        path, session = s.new()
        evidence = d.evidence(from64(session["nonce"]))
        r, data = s.ask("POST", path, evidence, Content_Type=FORMAT)
        same(r.status, 200)
        done = json.loads(data)
        same(done["status"], "complete")
        same(done["evidence"], {
            "type": FORMAT, "value": base64.b64encode(evidence).decode()})
        claims = claims_of(done)
        same(claims["eat_nonce"], session["nonce"])
        (part,) = claims["submods"].values()
        same(part["ear.status"], "affirming")
        same(json.loads(s.ask("GET", path)[1]), done)
        refused(s.ask("POST", path, evidence, Content_Type=FORMAT), 400)


def bad_evidence_is_200_with_a_failing_result():
    with with_attester() as (s, d):
        other = Device(types.SimpleNamespace(folder=s.folder), "two",
                       enroll=False)
        for make in (lambda n: b"", lambda n: b"x", lambda n: bytes(100000),
                     lambda n: d.evidence(os.urandom(32)),
                     lambda n: d.evidence(n)[:-1],
                     lambda n: other.evidence(n)):
            path, session = s.new()
            r, data = s.ask("POST", path, make(from64(session["nonce"])),
                            Content_Type=FORMAT)
            same(r.status, 200)
            (part,) = claims_of(json.loads(data))["submods"].values()
            assert part["ear.status"] in ("warning", "contraindicated"), part


def discovery_tells_the_key_that_signs():
    with service() as s:
        r, data = s.ask("GET", "/.well-known/veraison/verification")
        same((r.status, r.getheader("Content-Type")),
             (200, "application/vnd.veraison.discovery+json"))
        d = json.loads(data)
        point = openssl("pkey", "-in", s.key, "-pubout", "-outform",
                        "DER")[-64:]
        key = d["ear-verification-key"]
        same((key["kty"], key["crv"], from64(key["x"]), from64(key["y"])),
             ("EC", "P-256", point[:32], point[32:]))
        assert "d" not in key
        assert FORMAT in d["media-types"]
        same(d["api-endpoints"]["newChallengeResponseSession"],
             API + "newSession")


# --- floods, and the end ------------------------------------------------------

def a_flood_pushes_out_only_its_own():
    with service() as s:
        first, _ = s.new()
        others = s.connect()
        others.source_address = ("127.0.0.2", 0)
        calm, _ = s.new(connection=others)
        for _ in range(PER_ADDRESS - 1):
            last, _ = s.new()
        same(s.ask("GET", first)[0].status, 200)
        newest, _ = s.new()
        refused(s.ask("GET", first), 404)
        for path in (calm, last, newest):
            same(s.ask("GET", path)[0].status, 200)
        # one that had its result goes first
        same(s.ask("POST", last, b"x", Content_Type=FORMAT)[0].status, 200)
        s.new()
        refused(s.ask("GET", last), 404)


def a_full_table_takes_no_more_and_loses_nothing():
    with service() as s:
        opened = []
        for host in range(1, 9):
            c = s.connect()
            c.source_address = ("127.0.0.%d" % host, 0)
            opened += [s.new(connection=c)[0] for _ in range(PER_ADDRESS)]
            c.close()
        late = s.connect()
        late.source_address = ("127.0.0.99", 0)
        r = refused(s.ask("POST", API + "newSession", connection=late), 503)
        assert int(r.getheader("Retry-After")) > 0
        for path in opened[::97]:
            same(s.ask("GET", path)[0].status, 200)
        same(s.ask("DELETE", opened[0])[0].status, 204)
        s.new(connection=late)
        # what was answered gives way
        same(s.ask("POST", opened[1], b"x",
                   Content_Type=FORMAT)[0].status, 200)
        s.new(connection=late)
        refused(s.ask("GET", opened[1]), 404)


def connections_of_one_address_leave_room_for_others():
    with service() as s:
        s.c.close()
        idle = [socket.create_connection(("127.0.0.1", s.port))
                for _ in range(100)]
        c = s.connect()
        c.source_address = ("127.0.0.2", 0)
        s.new(connection=c)
        for i in idle:
            i.close()


def the_end_waits_for_a_request_under_way():
    with service() as s:
        path, _ = s.new()
        c = s.connect()
        c.putrequest("POST", path)
        c.putheader("Content-Type", FORMAT)
        c.putheader("Content-Length", "4")
        c.endheaders(b"ab")
        s.ask("GET", path)  # by now the other request has begun
        s.process.send_signal(signal.SIGTERM)
        c.send(b"cd")
        r = c.getresponse()
        same((r.status, json.loads(r.read())["status"]), (200, "complete"))


if __name__ == "__main__":
    run({n: f for n, f in globals().items()
         if n not in ("service", "with_attester", "refused", "claims_of",
                      "from64", "url64", "openssl", "new_key")})
