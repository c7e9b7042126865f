#!/usr/bin/env python3
"""Whole sessions of devices with a running TAM, over real HTTP.

usage: session_test.py POSTERN [CASE...]

The device is written here: it attests, reports and answers as the texts say
(draft-ietf-teep-protocol, draft-ietf-suit-report, RFC 9711), without a line
of the project.
"""
import hashlib
import http.client
import json
import os
import signal
import socket
import sqlite3
import tempfile
import threading
import time

from harness import (ENVELOPE, OTHER_UUID, Raw, Server, TEEP, UUID, cbor,
                     manifest, new_key, openssl, run, same, server, sign,
                     signer)

QUERY_REQUEST, QUERY_RESPONSE, UPDATE, SUCCESS, ERROR = 1, 2, 3, 5, 6
ATTESTATION_REQUIRED, PROCESSING_FAILED = 7, 17
PROFILE = "urn:uuid:5b0f4b4e-6c1d-4f0e-9a53-2f0d3f1c7a10"
FORMAT = 'application/eat+cwt; eat_profile="%s"' % PROFILE


class Tag:
    def __init__(self, number, value):
        self.number, self.value = number, value


def read(data, at=0):
    """One item of CBOR and where it ends."""
    first, at = data[at], at + 1
    major, n = first >> 5, first & 31
    if n >= 24:
        size = 1 << (n - 24)
        n, at = int.from_bytes(data[at:at + size], "big"), at + size
    if major == 0:
        return n, at
    if major == 1:
        return -1 - n, at
    if major == 2:
        return data[at:at + n], at + n
    if major == 3:
        return data[at:at + n].decode(), at + n
    if major == 4:
        out = []
        for _ in range(n):
            item, at = read(data, at)
            out.append(item)
        return out, at
    if major == 5:
        out = {}
        for _ in range(n):
            key, at = read(data, at)
            out[key], at = read(data, at)
        return out, at
    if major == 6:
        item, at = read(data, at)
        return Tag(n, item), at
    return {20: False, 21: True, 22: None}[first & 31], at


def message(data):
    """The TEEP message in a COSE_Sign or COSE_Sign1 of the TAM."""
    item, end = read(data)
    same(end, len(data))
    assert item.number in (18, 98)
    out, end = read(item.value[2])
    same(end, len(item.value[2]))
    return out


class Key:
    """A P-256 key of a device, its COSE_Key and thumbprint (RFC 9679)."""

    def __init__(self, folder, name):
        self.path, self.pem = new_key(folder, name)
        point = openssl("pkey", "-in", self.path, "-pubout", "-outform",
                        "DER")[-64:]
        self.cose = cbor({1: 2, -1: 1, -2: point[:32], -3: point[32:]})
        self.kid = hashlib.sha256(self.cose).digest()

    def sign1(self, payload):
        protected = cbor({1: -9})
        signature = sign(self.path, cbor(["Signature1", protected, b"",
                                          payload]))
        return b"\xd2" + cbor([protected, {4: self.kid}, payload, signature])


class Device:
    """What one device knows; `has` maps encoded component to digest."""

    def __init__(self, s, name, enroll=True):
        self.s, self.name = s, name
        self.agent = Key(s.folder, name + "-agent")
        self.attester = Key(s.folder, name + "-attester")
        self.has = {}
        if enroll:
            same(s.api("POST", "/devices", {
                "name": name, "key": self.attester.pem})[0], 201)

    def evidence(self, challenge, bound=None):
        bound = bound or self.agent
        manifests = [[270, cbor(["urn:x", [-16, bytes(32)]])]]
        claims = {6: int(time.time()),
                  8: {1: Raw(bound.cose), 3: bound.kid},
                  10: challenge, 256: b"\x01" + bytes(16), 258: bytes(16),
                  259: b"model", 260: ["1.0"], 263: 1, 265: PROFILE,
                  272: manifests}
        return self.attester.sign1(cbor(claims))

    def connect(self):
        r, data = self.s.post()
        same(r.status, 200)
        m = message(data)
        same(m[0], QUERY_REQUEST)
        return m[1][2]

    def response(self, challenge, **evidence):
        options = {7: self.evidence(challenge, **evidence)}
        if self.has:
            options[8] = [{0: Raw(c), 3: d} for c, d in self.has.items()]
        options[13] = FORMAT
        return self.agent.sign1(cbor([QUERY_RESPONSE, options]))

    def answer(self, update, ok=True, report=True, msg="it did not work"):
        """Success, or an Error with a failed condition, for an Update."""
        token = update[1][20]
        options = {}
        if report:
            options[19] = [self.report(e, token, ok)
                           for e in update[1].get(10, [])]
        options[20] = token
        if ok:
            return self.agent.sign1(cbor([SUCCESS, options]))
        options[12] = msg
        return self.agent.sign1(cbor([ERROR, options, PROCESSING_FAILED]))

    @staticmethod
    def report(envelope, token, ok):
        digest = read(read(read(envelope)[0][2])[0][0])[0]
        result = True if ok else {5: 310, 6: [[], 20, 13, 0, {}], 7: 10}
        return cbor({2: token, 3: [], 4: result, 99: ["", digest]})

    def install(self, update):
        """Take what an Update carries; forget what it calls unneeded."""
        for envelope in update[1].get(10, []):
            item = read(envelope)[0]
            name = read(item[3])[0][5]
            self.has[cbor(name)] = read(item[2])[0][0]
        for name in update[1].get(15, []):
            self.has.pop(cbor(name), None)

    def session(self, ok=True):
        """One whole session; returns the Update, or None."""
        r, data = self.s.post(self.response(self.connect()))
        if r.status == 204:
            return None
        same(r.status, 200)
        update = message(data)
        same(update[0], UPDATE)
        if ok and 20 in update[1]:
            self.install(update)
        if 20 in update[1]:
            r, _ = self.s.post(self.answer(update, ok))
            same(r.status, 204)
        return update

    def inventory(self):
        d = self.s.api("GET", "/devices/" + self.name)[2]
        return [c["component"] for c in d["components"]]

    def reports(self):
        return self.s.api("GET", "/devices/%s/reports" % self.name)[
            2]["items"]


def publish(s, key, **options):
    status, _, p = s.api("POST", "/components", manifest(key, **options),
                         ENVELOPE)
    same((status, p), (201, p))


def assign(s, uuid=UUID):
    same(s.api("POST", "/assignments", {
        "component": "uuid:%s/ta" % uuid, "scope": "all"})[0], 200)


NAME = "uuid:%s/manifest" % UUID


# --- sessions -----------------------------------------------------------------

def a_component_is_installed_updated_and_removed():
    with server() as s:
        key = signer(s)
        publish(s, key)
        assign(s)
        d = Device(s, "one")
        update = d.session()
        same(len(update[1][10]), 1)
        assert NAME in d.inventory(), d.inventory()
        same([r["success"] for r in d.reports()], [True])
        same(d.session(), None)
        publish(s, key, sequence=2, payload=b"second")
        same(len(d.session()[1][10]), 1)
        same(d.session(), None)
        ta = "component=uuid%%3A%s%%2Fta&scope=all" % UUID
        same(s.api("DELETE", "/assignments?" + ta)[0], 204)
        update = d.session()
        same(10 in update[1], False)
        same(len(update[1][15]), 1)
        same(d.has, {})
        same(d.session(), None)


def a_second_device_keeps_the_first_ones_inventory():
    """pitfalls.md, Servers: a second device blanks the first one's."""
    with server() as s:
        publish(s, signer(s))
        assign(s)
        one, two = Device(s, "one"), Device(s, "two")
        one.session()
        before = one.inventory()
        assert NAME in before
        two.session()
        same(one.inventory(), before)
        assert NAME in two.inventory()


def what_is_installed_is_not_sent_again():
    """pitfalls.md, Servers: it is sent again on every poll."""
    with server() as s:
        publish(s, signer(s))
        assign(s)
        d = Device(s, "one")
        assert d.session() is not None
        for _ in range(3):
            same(d.session(), None)


def a_failed_install_is_stored_and_shown():
    """pitfalls.md, Servers: failed installs are received, never stored."""
    with server() as s:
        publish(s, signer(s))
        assign(s)
        d = Device(s, "one")
        assert d.session(ok=False) is not None
        report, = d.reports()
        same(report["success"], False)
        same(report["err-code"], PROCESSING_FAILED)
        same(report["msg"], "it did not work")
        same(report["manifest"], NAME)
        same(report["device"], "one")
        same(report["failure"]["reason"], "condition-failed")
        same(report["failure"]["section"], 20)
        same(report["failure"]["offset"], 13)
        same(report["failure"]["manifest-id"], [])
        same(report["failure"]["section-name"], "suit-install")
        # the manifest that was published says what stands there
        same(report["failure"]["command"], "suit-condition-image-match")
        same(report["failure"]["component"], "uuid:%s/ta" % UUID)
        assert not any("number" in key for key in report)
        shown = s.run("devices", "show", "one")
        assert ("in suit-install, byte 13: suit-condition-image-match, "
                "component 0 (uuid:%s/ta)\n" % UUID) in shown, shown
        same(s.api("GET", "/reports")[2]["items"], [report])
        assert "FAILED" in s.run("devices", "reports", "--failed", "one")
        assert NAME not in d.inventory()


def what_a_device_says_does_not_reach_a_terminal_raw():
    with server() as s:
        publish(s, signer(s))
        assign(s)
        d = Device(s, "one")
        _, data = s.post(d.response(d.connect()))
        msg = "no\x1b[2J\n\x9b1mto\u202eo\u00fc"
        body = d.answer(message(data), ok=False, msg=msg)
        same(s.post(body)[0].status, 204)
        same(d.reports()[0]["msg"], msg)
        out = s.run("devices", "reports")
        assert "no?[2J??" in out and "\u00fc" in out, out
        for text in (out, s.log()):
            assert not any(c in text for c in "\x1b\x9b\u202e"), text
        assert msg in json.loads(s.run("devices", "reports", "--json"))[0][
            "msg"]


def a_replayed_query_response_gets_204():
    with server() as s:
        publish(s, signer(s))
        assign(s)
        d = Device(s, "one")
        body = d.response(d.connect())
        same(s.post(body)[0].status, 200)
        for _ in range(3):
            same(s.post(body)[0].status, 204)
        same(len(d.reports()), 0)


def one_of_two_copies_at_once_is_answered():
    """The challenge is spent in the same transaction as the effects."""
    with server() as s:
        publish(s, signer(s))
        assign(s)
        d = Device(s, "one")
        for _ in range(5):
            body = d.response(d.connect())
            got = at_once([lambda: s.post(body)[0].status] * 8)
            same(sorted(got), [200] + [204] * 7)


def one_of_two_pipelined_copies_is_answered():
    with server() as s:
        publish(s, signer(s))
        assign(s)
        d = Device(s, "one")
        body = d.response(d.connect())
        post = (b"POST /tam HTTP/1.1\r\nHost: x\r\nAccept: %s\r\n"
                b"Content-Type: %s\r\nContent-Length: %d\r\n\r\n"
                % (TEEP.encode(), TEEP.encode(), len(body))) + body
        with socket.create_connection(("127.0.0.1", s.port), 20) as c:
            c.sendall(post + post)
            first = http.client.HTTPResponse(c, method="POST")
            f = c.makefile("rb")
            first.fp = f
            first.begin()
            same(first.status, 200)
            left = int(first.getheader("Content-Length"))
            same(len(f.read(left)), left)
            assert f.readline().startswith(b"HTTP/1.1 204")


def a_replayed_answer_changes_nothing():
    with server() as s:
        publish(s, signer(s))
        assign(s)
        d = Device(s, "one")
        _, data = s.post(d.response(d.connect()))
        update = message(data)
        good, bad = d.answer(update), d.answer(update, ok=False)
        same(s.post(good)[0].status, 204)
        for body in (good, bad):
            same(s.post(body)[0].status, 204)
        same([r["success"] for r in d.reports()], [True])


def a_lost_response_is_no_failure():
    with server() as s:
        publish(s, signer(s))
        assign(s)
        d = Device(s, "one")
        # The Update is on its way and never arrives.
        body = d.response(d.connect())
        with socket.create_connection(("127.0.0.1", s.port), 20) as c:
            c.sendall(b"POST /tam HTTP/1.1\r\nHost: x\r\nAccept: %s\r\n"
                      b"Content-Type: %s\r\nContent-Length: %d\r\n\r\n"
                      % (TEEP.encode(), TEEP.encode(), len(body)) + body)
        same(d.reports(), [])
        same(len(d.session()[1][10]), 1)
        same([r["success"] for r in d.reports()], [True])
        same(d.session(), None)


def a_lost_success_is_neither_failure_nor_reason_to_send():
    with server() as s:
        publish(s, signer(s))
        assign(s)
        d = Device(s, "one")
        _, data = s.post(d.response(d.connect()))
        d.install(message(data))
        same(d.session(), None)
        same(d.reports(), [])


def an_update_outlives_a_killed_server():
    with tempfile.TemporaryDirectory() as folder:
        s = Server(folder)
        publish(s, signer(s))
        assign(s)
        d = Device(s, "one")
        _, data = s.post(d.response(d.connect()))
        update = message(data)
        s.stop(signal.SIGKILL)
        d.s = s = Server(folder)
        d.install(update)
        same(s.post(d.answer(update))[0].status, 204)
        same([r["success"] for r in d.reports()], [True])
        same(d.session(), None)
        same(s.stop(), 0)


def a_challenge_outlives_a_restart_and_not_another_tam():
    with tempfile.TemporaryDirectory() as folder:
        s = Server(folder)
        d = Device(s, "one")
        challenge = d.connect()
        same(s.stop(), 0)
        d.s = s = Server(folder)
        publish(s, signer(s))
        assign(s)
        same(s.post(d.response(challenge))[0].status, 200)
        same(s.post(d.response(os.urandom(32)))[0].status, 204)
        with server() as other:
            theirs = message(other.post()[1])[1][2]
        same(s.post(d.response(theirs))[0].status, 204)
        same(s.stop(), 0)


def the_log_names_the_device():
    with server() as s:
        publish(s, signer(s))
        assign(s)
        d = Device(s, 'a "b" got=Success')
        d.session()
        log = s.log()
        assert ('device="a \'b\' got=Success" got=QueryResponse sent=Update'
                in log), log
        assert ('device="a \'b\' got=Success" got=Success sent=- status=204'
                in log), log


def a_store_that_cannot_commit_is_503_and_nothing_is_lost():
    with server() as s:
        publish(s, signer(s))
        assign(s)
        d = Device(s, "one")
        body = d.response(d.connect())
        # Somebody else writes, and does not end.
        other = sqlite3.connect(s.state + "/tam.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        r, data = s.post(body)
        same((r.status, data), (503, b""))
        assert int(r.getheader("Retry-After")) > 0
        # Connecting commits nothing, so it goes on.
        same(s.post()[0].status, 200)
        other.execute("ROLLBACK")
        other.close()
        same(s.post(body)[0].status, 200)
        same(len(d.session()[1][10]), 1)


# --- who gets nothing -----------------------------------------------------------

def strangers_get_nothing():
    with server() as s:
        publish(s, signer(s))
        assign(s)
        d = Device(s, "one", enroll=False)
        r, data = s.post(d.response(d.connect()))
        if r.status == 200:
            same(message(data)[1].get(10), None)
        else:
            same(r.status, 204)


def evidence_about_another_key_gets_no_component():
    """pitfalls.md, Attestation: cnf is not compared with the signing key."""
    with server() as s:
        publish(s, signer(s))
        assign(s)
        one, two = Device(s, "one"), Device(s, "two")
        one.session()
        r, data = s.post(one.response(one.connect(), bound=two.agent))
        if r.status == 200:
            m = message(data)
            same((m[0], m[1].get(23), m[1].get(10)),
                 (UPDATE, ATTESTATION_REQUIRED, None))
        else:
            same(r.status, 204)


def a_revoked_device_gets_nothing():
    with server() as s:
        publish(s, signer(s))
        assign(s)
        d = Device(s, "one")
        same(s.api("PUT", "/devices/one/status", {"status": "revoked"})[0],
             200)
        r, data = s.post(d.response(d.connect()))
        if r.status == 200:
            same(message(data)[1].get(10), None)
        same(s.api("PUT", "/devices/one/status", {"status": "active"})[0],
             200)
        same(len(d.session()[1][10]), 1)


def groups_and_single_devices_get_what_is_theirs():
    with server() as s:
        key = signer(s)
        other = signer(s, "other", "uuid:" + OTHER_UUID)
        publish(s, key)
        publish(s, other, uuid=OTHER_UUID)
        one, two = Device(s, "one"), Device(s, "two")
        s.run("groups", "add", "lab")
        s.run("groups", "join", "lab", "one")
        s.run("assign", "uuid:%s/ta" % UUID, "--to", "lab")
        s.run("assign", "uuid:%s/ta" % OTHER_UUID, "--to", "two")
        one.session()
        two.session()
        same(NAME in one.inventory(), True)
        same(NAME in two.inventory(), False)
        same("uuid:%s/manifest" % OTHER_UUID in two.inventory(), True)
        s.run("groups", "leave", "lab", "one")
        same(len(one.session()[1][15]), 1)


# --- many ------------------------------------------------------------------------

def at_once(jobs):
    out, lock = [], threading.Lock()

    def work(job):
        try:
            result = job()
        except Exception as e:  # shown by the caller's comparison
            result = repr(e)
        with lock:
            out.append(result)

    threads = [threading.Thread(target=work, args=(j,)) for j in jobs]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return out


def many_devices_at_once_all_finish():
    with server() as s:
        publish(s, signer(s))
        assign(s)
        devices = [Device(s, "d%02d" % i) for i in range(24)]
        got = at_once([lambda d=d: d.session() is not None for d in devices])
        same(got, [True] * len(devices))
        got = at_once([d.session for d in devices])
        same(got, [None] * len(devices))
        for d in devices:
            assert NAME in d.inventory(), d.name
        same(len(s.api("GET", "/reports")[2]["items"]), len(devices))


def a_stop_during_sessions_loses_no_answer():
    """Whoever was answered finds the effects after the restart."""
    with tempfile.TemporaryDirectory() as folder:
        s = Server(folder)
        publish(s, signer(s))
        assign(s)
        devices = [Device(s, "d%02d" % i) for i in range(12)]
        bodies = [d.response(d.connect()) for d in devices]
        updates = {}

        def deliver(d, body):
            r, data = s.post(body)
            if r.status == 200:
                updates[d.name] = message(data)
            return r.status

        stop = threading.Timer(0.005, s.process.terminate)
        stop.start()
        at_once([lambda p=p: deliver(*p) for p in zip(devices, bodies)])
        stop.join()
        same(s.stop(), 0)
        s = Server(folder)
        for d in devices:
            d.s = s
            if d.name in updates:
                same(s.post(d.answer(updates[d.name]))[0].status, 204)
                same([r["success"] for r in d.reports()], [True])
        same(s.stop(), 0)


if __name__ == "__main__":
    run(globals())
