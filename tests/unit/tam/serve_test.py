#!/usr/bin/env python3
"""The server as a whole: `postern tam serve`, its HTTP and its admin API.

usage: serve_test.py POSTERN [CASE...]
"""
import base64
import hashlib
import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
import tempfile
import urllib.parse

from harness import (ENVELOPE, OTHER_UUID, POSTERN, Server, TEEP, UUID, head,
                     manifest, mode, new_key, openssl, run, same, server,
                     signer, wait_for)


# --- the first start ------------------------------------------------------------

def first_start_makes_private_state():
    with server() as s:
        same(mode(s.state), 0o700)
        same(mode(s.state + "/admin.sock"), 0o600)
        same(mode(s.state + "/keys"), 0o700)
        for name in os.listdir(s.state + "/keys"):
            same(mode(s.state + "/keys/" + name), 0o600)
        for name in ("tam-esp256.pub.pem", "tam-ed25519.pub.pem"):
            with open(s.state + "/" + name) as f:
                text = f.read()
            assert "BEGIN PUBLIC KEY" in text and "PRIVATE" not in text


def every_tam_has_keys_of_its_own():
    """pitfalls.md, Servers: every device shares one published demo key."""
    seen = set()
    for _ in range(2):
        with server() as s:
            with open(s.state + "/tam-esp256.pub.pem") as f:
                seen.add(f.read())
    same(len(seen), 2)


def keys_stay_over_a_restart():
    with tempfile.TemporaryDirectory() as folder:
        keys = []
        for _ in range(2):
            s = Server(folder)
            with open(s.state + "/tam-ed25519.pub.pem") as f:
                keys.append(f.read())
            same(s.stop(), 0)
        same(keys[0], keys[1])


def a_readable_key_is_refused():
    with tempfile.TemporaryDirectory() as folder:
        s = Server(folder)
        same(s.stop(), 0)
        name = os.listdir(s.state + "/keys")[0]
        os.chmod(s.state + "/keys/" + name, 0o644)
        s = Server(folder, ready=False)
        same(s.port, 0)
        assert "others can read" in s.log(), s.log()
        same(s.stop(), 1)


# RFC 9052, Appendix C.7: the key "11", private part and all.
PUBLISHED = {
    "kty": "EC", "crv": "P-256",
    "x": "usWxHK2PmfnHKwXPS54m0kTcGJ90UiglWiGahtagnv8",
    "y": "IBOL-C3BttVivg-lSreASjpkttcsz-1rb7btKLv8EX4",
    "d": "V8kgd2ZBRuh2dgyVINBUqpPDr7BOMGcF22CQMIUHtNM"}


def a_published_key_is_refused():
    """pitfalls.md, Servers: a key that came with a program."""
    def part(name):
        return base64.urlsafe_b64decode(PUBLISHED[name] + "=")

    der = bytes.fromhex("30770201010420") + part("d") + bytes.fromhex(
        "a00a06082a8648ce3d030107a14403420004") + part("x") + part("y")
    with tempfile.TemporaryDirectory() as folder:
        s = Server(folder)
        same(s.stop(), 0)
        for name in os.listdir(s.state + "/keys"):
            path = s.state + "/keys/" + name
            with open(path, "rb") as f:
                old = f.read()
            with open(path, "w") as f:
                f.write("-----BEGIN EC PRIVATE KEY-----\n%s"
                        "-----END EC PRIVATE KEY-----\n"
                        % base64.encodebytes(der).decode())
            s = Server(folder, ready=False)
            same(s.port, 0)
            assert "published" in s.log(), s.log()
            same(s.stop(), 1)
            with open(path, "wb") as f:
                f.write(old)
        s = Server(folder)
        same(s.stop(), 0)


def two_servers_do_not_share_a_state():
    with server() as s:
        other = Server(s.folder, ready=False)
        same(other.port, 0)
        same(other.stop(), 1)
        assert "another TAM uses this state" in s.log(), s.log()
        same(s.post()[0].status, 200)


def an_address_that_is_none_is_said_to_be_none():
    with tempfile.TemporaryDirectory() as folder:
        for address in ("nonsense", "127.0.0.1", ":8080", "localhost:8080",
                        "[::1", "127.0.0.1:99999", "127.0.0.1:x", ""):
            p = subprocess.run(
                [POSTERN, "tam", "serve", "--state", folder + "/state",
                 "--listen", address], capture_output=True, text=True,
                timeout=120)
            same((address, p.returncode), (address, 1))
            assert "is no ADDRESS:PORT" in p.stderr, p.stderr
            assert "tls" not in p.stderr, p.stderr


def a_state_path_too_long_for_a_socket_is_refused():
    with tempfile.TemporaryDirectory() as folder:
        p = subprocess.run(
            [POSTERN, "tam", "serve", "--state", folder + "/" + "y" * 110,
             "--listen", "127.0.0.1:0"], capture_output=True, text=True,
            timeout=120)
        same(p.returncode, 1)
        assert "has at most 107 bytes" in p.stderr, p.stderr


def plain_http_beyond_this_host_is_refused():
    with tempfile.TemporaryDirectory() as folder:
        p = subprocess.run(
            [POSTERN, "tam", "serve", "--state", folder + "/state",
             "--listen", "0.0.0.0:0"], capture_output=True, text=True,
            timeout=120)
        same(p.returncode, 1)
        assert "--insecure-http" in p.stderr, p.stderr


def wrong_usage_is_told_apart():
    for args in (["--listen"], ["--no-such"], ["word"], ["--threads", "0"],
                 ["--log-level", "loud"], ["--tls-cert", "x"],
                 ["--uri", "ftp://x"]):
        p = subprocess.run([POSTERN, "tam", "serve", *args],
                           capture_output=True, text=True, timeout=120)
        same((args, p.returncode), (args, 2))
        assert p.stderr, args


# --- TEEP over HTTP -----------------------------------------------------------------

def an_empty_post_gets_a_query_request():
    with server() as s:
        for path, tag in (("/tam", 98), ("/tam/esp256", 18),
                          ("/tam/ed25519", 18)):
            r, data = s.post(path=path)
            same(r.status, 200)
            same(r.getheader("Content-Type"), TEEP)
            same(r.getheader("Cache-Control"), None)
            same(r.getheader("X-Content-Type-Options"), "nosniff")
            same(r.getheader("Content-Security-Policy"), "default-src 'none'")
            same(r.getheader("Referrer-Policy"), "no-referrer")
            assert data.startswith(head(6, tag)), (path, data[:4].hex())


def what_is_not_authentic_gets_204():
    with server() as s:
        _, query = s.post()
        for body in (b"\x00", b"x" * 1000, query, query[:-1], b"\xd2\x84"):
            r, data = s.post(body)
            same(r.status, 204)
            same(data, b"")
            same(r.getheader("Content-Type"), None)


def accept_is_not_compared_for_equality():
    """pitfalls.md, Servers: a list or a quality value is refused."""
    with server() as s:
        for accept, status in (
                ("text/html, application/teep+cbor;q=0.5", 200),
                ("*/*", 200), ("application/*", 200), ("*/*;q=0", 406),
                ("application/teep+cbor;q=0, */*", 406),
                ("text/html", 406), ("nonsense", 400)):
            r, _ = s.post(headers={"Accept": accept})
            same((accept, r.status), (accept, status))


def no_file_is_served():
    """pitfalls.md, Servers: private keys are served as static files."""
    with server() as s:
        for name in os.listdir(s.state + "/keys") + ["../tam.db"]:
            for prefix in ("/keys/", "/tam/keys/", "/", "/../keys/"):
                c = http.client.HTTPConnection("127.0.0.1", s.port)
                c.request("GET", prefix + name)
                r = c.getresponse()
                same(r.status, 404)
                same(r.read(), b"")
                c.close()


def first_requests_store_nothing():
    """pitfalls.md, Servers: rows are written for each first request."""
    with server() as s:
        _, _, before = s.api("GET", "/status")
        c = http.client.HTTPConnection("127.0.0.1", s.port, timeout=120)
        for _ in range(200):
            same(s.post(connection=c)[0].status, 200)
        c.close()
        same(s.api("GET", "/status")[2], before)


def the_log_names_what_happened_and_no_secret():
    with server() as s:
        s.post()
        s.post(b"secret-body-of-a-message")
        s.post(headers={})
        s.stop()
        with open(s.folder + "/log") as f:
            log = f.read()
        assert "got=connect sent=QueryRequest status=200" in log, log
        assert "status=204" in log and "status=406" in log, log
        assert "peer=127.0.0.1:" in log
        assert "secret-body" not in log and b"secret-body".hex() not in log


def a_stop_is_clean_and_waits_for_no_kept_connection():
    with tempfile.TemporaryDirectory() as folder:
        for sig in (signal.SIGTERM, signal.SIGINT):
            s = Server(folder)
            kept = http.client.HTTPConnection("127.0.0.1", s.port)
            same(s.post(connection=kept)[0].status, 200)
            same(s.stop(sig), 0)
            assert not os.path.exists(s.state + "/admin.sock")
            kept.close()


def a_killed_server_starts_again():
    with tempfile.TemporaryDirectory() as folder:
        s = Server(folder)
        s.stop(signal.SIGKILL)
        assert os.path.exists(s.state + "/admin.sock")
        s = Server(folder)
        same(s.api("GET", "/devices")[0], 200)
        same(s.stop(), 0)


# --- TLS --------------------------------------------------------------------------------

def certificate(folder, name):
    cert = os.path.join(folder, name + ".pem")
    key = os.path.join(folder, name + ".key")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
            "/CN=" + name, "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", key, "-out", cert)
    os.chmod(key, 0o600)
    return cert, key


def post_tls(s, ca, version=None):
    context = ssl.create_default_context(cafile=ca)
    if version:
        context.minimum_version = context.maximum_version = version
    c = http.client.HTTPSConnection("127.0.0.1", s.port, context=context,
                                    timeout=120)
    try:
        r, data = s.post(connection=c)
        return r.status
    finally:
        c.close()


def refused_tls(s, *args):
    try:
        post_tls(s, *args)
    except (ssl.SSLError, ConnectionError):
        return True
    return False


def tls_works_and_reloads_on_hangup():
    with tempfile.TemporaryDirectory() as keys:
        old, old_key = certificate(keys, "old")
        new, new_key_file = certificate(keys, "new")
        cert, key = keys + "/cert.pem", keys + "/key.pem"
        shutil.copy(old, cert)
        shutil.copy(old_key, key)
        os.chmod(key, 0o600)
        with server("--tls-cert", cert, "--tls-key", key) as s:
            same(post_tls(s, old), 200)
            same(post_tls(s, old, ssl.TLSVersion.TLSv1_2), 200)
            assert refused_tls(s, new)
            # A pair that does not fit changes nothing.
            shutil.copy(new, cert)
            s.process.send_signal(signal.SIGHUP)
            wait_for(lambda: "old one stays in use" in s.log())
            same(post_tls(s, old), 200)
            shutil.copy(new_key_file, key)
            s.process.send_signal(signal.SIGHUP)
            wait_for(lambda: "certificate read again" in s.log())
            same(post_tls(s, new), 200)
            wait_for(lambda: refused_tls(s, old))


def old_tls_is_refused():
    with tempfile.TemporaryDirectory() as keys:
        cert, key = certificate(keys, "old")
        with server("--tls-cert", cert, "--tls-key", key) as s:
            same(post_tls(s, cert), 200)
            p = subprocess.run(
                ["openssl", "s_client", "-connect",
                 "127.0.0.1:%d" % s.port, "-tls1_1", "-cipher",
                 "DEFAULT@SECLEVEL=0"], input=b"", capture_output=True)
            assert p.returncode != 0


# --- the admin API ------------------------------------------------------------------------

def the_admin_api_is_not_on_tcp():
    """pitfalls.md, Servers: the admin API has no login."""
    with server() as s:
        for path in ("/api/v1/devices", "/api/v1/status", "/api/v1/audit"):
            c = http.client.HTTPConnection("127.0.0.1", s.port)
            c.request("GET", path)
            same(c.getresponse().status, 404)
            c.close()


def devices_are_enrolled_shown_revoked_and_removed():
    with server() as s:
        _, pem = new_key(s.folder, "a")
        status, _, d = s.api("POST", "/devices", {"name": "one", "key": pem})
        same((status, d["name"], d["status"]), (201, "one", "active"))
        assert d["attester"] and d["seen"] is None
        # The same once more is no error.
        status, _, again = s.api(
            "POST", "/devices", {"name": "one", "key": pem})
        assert status in (200, 201)
        same(again["attester"], d["attester"])
        # Another key under the name, or the key under another name, is.
        _, other = new_key(s.folder, "b")
        same(s.api("POST", "/devices", {"name": "one", "key": other})[0], 409)
        same(s.api("POST", "/devices", {"name": "two", "key": pem})[0], 409)
        status, _, unnamed = s.api("POST", "/devices", {"key": other})
        same((status, unnamed["name"]), (201, unnamed["attester"][:16]))
        status, _, d = s.api("GET", "/devices/one")
        same((status, d["components"]), (200, []))
        status, _, d = s.api("PUT", "/devices/one/status",
                             {"status": "revoked"})
        same((status, d["status"]), (200, "revoked"))
        same(s.api("PUT", "/devices/one/status", {"status": "x"})[0], 400)
        same(s.api("DELETE", "/devices/one")[0], 204)
        same(s.api("GET", "/devices/one")[0], 404)
        same(s.api("GET", "/devices/one/reports")[0], 404)
        same(s.api("DELETE", "/devices/one")[0], 404)


def a_device_has_another_attester_while_its_key_changes():
    with server() as s:
        _, pem = new_key(s.folder, "a")
        _, new = new_key(s.folder, "b")
        _, d = s.api("POST", "/devices", {"name": "one", "key": pem})[1:]
        old = d["attesters"][0]
        same((old["technology"], old["by"], old["voucher"]),
             ("eat", "key", None))
        path = "/devices/one/attesters"
        for body in ({}, {"technology": "tpm"}, {"key": new, "x": 1},
                     {"key": new, "technology": "magic"},
                     {"key": new, "technology": "result"},
                     {"technology": "snp", "identity": "0"},
                     {"technology": "snp", "identity": "00" * 65},
                     {"technology": "snp", "identity": "zz"}):
            same((body, s.api("POST", path, body)[0]), (body, 400))
        same(s.api("DELETE", path + "/" + old["attester"])[0], 409)
        same(s.api("POST", "/devices/two/attesters", {"key": new})[0], 404)
        status, _, d = s.api("POST", path, {"key": new, "technology": "tpm"})
        same((status, [a["technology"] for a in d["attesters"]]),
             (200, ["eat", "tpm"]))
        same(d["attester"], d["attesters"][1]["attester"])
        same(s.api("POST", "/devices", {"name": "two", "key": new})[0], 409)
        same(s.api("POST", path, {"technology": "snp",
                                  "identity": "ab" * 64})[0], 200)
        same(s.api("DELETE", path + "/" + old["attester"])[0], 204)
        same(s.api("DELETE", path + "/" + old["attester"])[0], 404)
        same(s.api("DELETE", path + "/zz")[0], 400)
        same(len(s.api("GET", "/devices/one")[2]["attesters"]), 2)


def keys_are_changed_on_the_command_line():
    with server() as s:
        for name in ("a", "b"):
            _, pem = new_key(s.folder, name)
            with open(s.folder + "/" + name + ".pub", "w") as f:
                f.write(pem)
        a, b = s.folder + "/a.pub", s.folder + "/b.pub"
        s.run("devices", "enroll", "--key", a, "--technology", "tpm", "one")
        old = json.loads(s.run("devices", "show", "one", "--json"))["attester"]
        assert "too" in s.run("devices", "add-key", "one", "--key", b)
        assert old in s.run("devices", "show", "one")
        s.run("devices", "remove-key", "one", "--attester", old)
        assert old not in s.run("devices", "show", "one")
        s.run("devices", "enroll", "--technology", "nitro", "--identity",
              "text:i-0123", "two")
        d = json.loads(s.run("devices", "show", "two", "--json"))
        same((d["attester"], d["attesters"][0]["by"]),
             (b"i-0123".hex(), "identity"))
        for args in (("add-key", "one"), ("remove-key", "one"),
                     ("enroll", "--identity", "text:", "x")):
            s.run("devices", *args, want=2)
        for args in (("add-key", "three", "--key", b),
                     ("enroll", "--technology", "x", "--key", a, "x"),
                     ("enroll", "--certificate", a, "x")):
            s.run("devices", *args, want=1)


def names_with_any_character_work():
    with server() as s:
        for name in ("a/b", "../../etc", "ü %41?#&+=", "x" * 128):
            _, pem = new_key(s.folder, "k")
            status, _, d = s.api("POST", "/devices", {"name": name,
                                                      "key": pem})
            same((name, status, d.get("name")), (name, 201, name))
            path = "/devices/" + urllib.parse.quote(name, safe="")
            same(s.api("GET", path)[2]["name"], name)
            same(s.api("DELETE", path)[0], 204)
        for name in ("", "x" * 129, "a\nb", "a\x7fb", "\x1b[2J"):
            _, pem = new_key(s.folder, "k")
            want = 201 if name == "" else 400
            same((name, s.api("POST", "/devices", {"name": name,
                                                   "key": pem})[0]),
                 (name, want))


def keys_that_prove_nothing_are_refused():
    """pitfalls.md, Servers: a published key must not be accepted."""
    with server() as s:
        private, pem = new_key(s.folder, "a")
        with open(private) as f:
            secret = f.read()
        status, _, p = s.api("POST", "/devices", {"key": secret})
        same(status, 422)
        assert "private" in p["detail"], p
        for key in ("", "x", pem[:-40], "-----BEGIN PUBLIC KEY-----\n"):
            same(s.api("POST", "/devices", {"key": key})[0], 422)
        point = {k: v for k, v in PUBLISHED.items() if k != "d"}
        status, _, p = s.api("POST", "/devices", {"key": json.dumps(point)})
        same(status, 422)
        assert "published" in p["detail"], p


def listings_are_bounded_and_continue():
    with server() as s:
        names = ["d%02d" % i for i in range(7)]
        for name in names:
            _, pem = new_key(s.folder, "k")
            same(s.api("POST", "/devices", {"name": name, "key": pem})[0],
                 201)
        got, cursor = [], "0"
        while cursor is not None:
            status, _, page = s.api(
                "GET", "/devices?limit=3&cursor=" + cursor)
            same(status, 200)
            assert len(page["items"]) <= 3
            got += [d["name"] for d in page["items"]]
            cursor = page["next"]
        same(got, names)
        page = s.api("GET", "/devices?limit=7")[2]
        same((len(page["items"]), page["next"]), (7, None))
        for query in ("limit=0", "limit=1001", "limit=-1", "limit=x",
                      "limit=", "limit", "cursor=-1", "cursor=x",
                      "cursor=99999999999999999999", "limit=1&limit=2",
                      "offset=1", "limit=%zz", "limit=1%00"):
            same((query, s.api("GET", "/devices?" + query)[0]), (query, 400))
        same(s.api("GET", "/devices?limit=1000")[0], 200)


def groups_and_members():
    with server() as s:
        _, pem = new_key(s.folder, "a")
        s.api("POST", "/devices", {"name": "one", "key": pem})
        same(s.api("POST", "/groups", {"name": "lab"})[0], 200)
        same(s.api("POST", "/groups", {"name": "lab"})[0], 200)
        same(s.api("POST", "/groups", {"name": "a,b"})[0], 400)
        same(s.api("PUT", "/groups/lab/members/one")[0], 204)
        same(s.api("PUT", "/groups/lab/members/one")[0], 204)
        same(s.api("GET", "/devices/one")[2]["groups"], ["lab"])
        same(s.api("GET", "/groups")[2]["items"],
             [{"name": "lab", "members": 1}])
        same(s.api("PUT", "/groups/lab/members/none")[0], 404)
        same(s.api("PUT", "/groups/none/members/one")[0], 404)
        same(s.api("DELETE", "/groups/lab/members/one")[0], 204)
        same(s.api("GET", "/devices/one")[2]["groups"], [])
        same(s.api("DELETE", "/groups/lab")[0], 204)
        same(s.api("DELETE", "/groups/lab")[0], 404)


def anchors_are_added_listed_and_removed():
    with server() as s:
        _, pem = new_key(s.folder, "a")
        _, other = new_key(s.folder, "b", "ED25519")
        new = {"kind": "signer", "name": "dev", "key": pem,
               "prefixes": ["uuid:" + UUID]}
        status, _, a = s.api("POST", "/anchors", new)
        same((status, a["prefixes"]), (200, ["uuid:" + UUID]))
        assert "BEGIN" not in json.dumps(a)
        same(s.api("POST", "/anchors", new)[0], 200)
        same(s.api("POST", "/anchors", dict(new, key=other))[0], 409)
        same(s.api("POST", "/anchors", dict(new, prefixes=[]))[0], 400)
        same(s.api("POST", "/anchors", dict(new, prefixes="x"))[0], 400)
        same(s.api("POST", "/anchors", dict(new, prefixes=[1]))[0], 400)
        same(s.api("POST", "/anchors", dict(new, prefixes=["uuid:x"]))[0],
             400)
        same(s.api("POST", "/anchors", dict(new, kind="king"))[0], 400)
        same(s.api("POST", "/anchors", {"kind": "verifier", "name": "v",
                                        "key": other})[0], 200)
        same(len(s.api("GET", "/anchors")[2]["items"]), 2)
        same(s.api("DELETE", "/anchors/signer/dev")[0], 204)
        same(s.api("DELETE", "/anchors/signer/dev")[0], 404)
        same(s.api("DELETE", "/anchors/king/dev")[0], 400)
        same(len(s.api("GET", "/anchors")[2]["items"]), 1)


def files_for_the_verifier_are_checked_and_kept():
    blob = "application/octet-stream"
    rules = b'{"tpm": {"pcr16": ["%s"]}}' % (b"00" * 32)
    with server() as s:
        path = "/endorsements/reference/board"
        status, _, row = s.api("PUT", path, rules, kind=blob)
        same((status, row["size"], row["kind"]),
             (200, len(rules), "reference"))
        same(s.api("PUT", path, b"{", kind=blob)[0], 400)
        same(s.api("PUT", path, b"", kind=blob)[0], 400)
        same(s.api("PUT", path, rules)[0], 415)
        # what was there is there still
        shown = s.api("GET", path)[2]
        same(shown["text"].encode(), rules)
        same(shown["sha-256"], hashlib.sha256(rules).hexdigest())
        assert s.api("PUT", "/endorsements/crl/x", rules,
                     kind=blob)[0] in (400, 422)
        same(s.api("PUT", "/endorsements/king/x", rules, kind=blob)[0], 400)
        same(len(s.api("GET", "/endorsements")[2]["items"]), 1)
        same(s.api("DELETE", path)[0], 204)
        same(s.api("DELETE", path)[0], 404)
        same(s.api("GET", path)[0], 404)
        audit = [a["what"] for a in s.api("GET", "/audit")[2]["items"]]
        same(audit, ["add endorsement", "remove endorsement"])


def files_are_anchors_on_the_command_line():
    with server() as s:
        key, cert = s.folder + "/ca.pem", s.folder + "/ca.crt"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-384", "-nodes", "-keyout", key, "-out",
                cert, "-subj", "/CN=vendor", "-days", "30")
        s.run("anchors", "add", "vendor", "--kind", "vendor-root", "--file",
              cert)
        rules = s.folder + "/rules.json"
        with open(rules, "w") as f:
            f.write('{"snp": {"vmpl": [0]}}')
        s.run("anchors", "add", "snp", "--kind", "reference", "--file", rules)
        listed = s.run("anchors", "list")
        assert "vendor-root" in listed and "reference" in listed, listed
        same(sorted(i["kind"] for i in
                    json.loads(s.run("anchors", "list", "--json"))),
             ["reference", "vendor-root"])
        assert "vmpl" in s.run("anchors", "show", "snp", "--kind",
                               "reference")
        said = s.run("anchors", "add", "snp", "--kind", "reference", "--file",
                     cert, want=1)
        assert "reference snp" in said, said
        s.run("anchors", "add", "x", "--kind", "reference", want=2)
        s.run("anchors", "add", "x", "--kind", "reference", "--file", rules,
              "--key", key, want=2)
        s.run("anchors", "remove", "snp", "--kind", "reference")
        assert "snp" not in s.run("anchors")


def publish_checks_and_is_idempotent():
    with server() as s:
        key = signer(s)
        first = manifest(key)
        status, _, m = s.api("POST", "/components", first, ENVELOPE)
        same((status, m.get("sequence"), m.get("manifest")),
             (201, 1, "uuid:%s/manifest" % UUID))
        same(m["components"], ["uuid:%s/ta" % UUID])
        same(s.api("POST", "/components", first, ENVELOPE)[0], 200)
        items = s.api("GET", "/components")[2]["items"]
        same([i["signer"] for i in items], ["dev"])
        # Another content under the same number, then a lower one.
        same(s.api("POST", "/components", manifest(key, payload=b"2"),
                   ENVELOPE)[0], 409)
        same(s.api("POST", "/components", manifest(key, 2, payload=b"2"),
                   ENVELOPE)[0], 201)
        same(s.api("POST", "/components", manifest(key, 1, payload=b"3"),
                   ENVELOPE)[0], 409)
        same(len(s.api("GET", "/components")[2]["items"]), 2)


def publish_refuses_what_is_not_right():
    with server() as s:
        key = signer(s)
        stranger, _ = new_key(s.folder, "stranger")
        good = manifest(key)
        for what, body in (
                ("a stranger's", manifest(stranger)),
                ("outside the prefix", manifest(key, uuid=OTHER_UUID)),
                ("without uninstall", manifest(key, uninstall=False)),
                ("without a name", manifest(key, name=False)),
                ("with a payload nobody signed for",
                 manifest(key, more={"#more": b"x"})),
                ("truncated", good[:-1]), ("longer", good + b"\x00"),
                ("not CBOR", b"\xff"), ("empty", b"")):
            status, r, p = s.api("POST", "/components", body, ENVELOPE)
            same((what, status), (what, 422))
            same(r.getheader("Content-Type"), "application/problem+json")
            assert p["detail"] and p["status"] == 422, p
        # Every byte counts: the signature, a digest, the payload or the shape
        # is hurt.
        for at in range(0, len(good), 7):
            hurt = bytearray(good)
            hurt[at] ^= 1
            status, _, _ = s.api("POST", "/components", bytes(hurt), ENVELOPE)
            assert 400 <= status < 500, (at, status)
        same(s.api("GET", "/components")[2]["items"], [])


def an_upload_too_large_is_refused():
    with server() as s:
        key = signer(s)
        body = manifest(key, payload=b"x" * (1 << 20))
        same(s.api("POST", "/components", body, ENVELOPE)[0], 413)
        path = s.folder + "/large.suit"
        with open(path, "wb") as f:
            f.write(body)
        assert "arge" in s.run("publish", path, want=1)
        same(s.api("GET", "/components")[2]["items"], [])


def assignments_are_made_and_taken_back():
    with server() as s:
        component = "uuid:%s/ta" % UUID
        _, pem = new_key(s.folder, "a")
        s.api("POST", "/devices", {"name": "one", "key": pem})
        s.api("POST", "/groups", {"name": "lab"})
        for scope in ({"scope": "all"}, {"scope": "group", "target": "lab"},
                      {"scope": "device", "target": "one"}):
            body = dict(scope, component=component)
            for _ in range(2):
                status, _, a = s.api("POST", "/assignments", body)
                same((status, a["component"]), (200, component))
        items = s.api("GET", "/assignments")[2]["items"]
        same([i["scope"] for i in items], ["all", "group", "device"])
        same([i["published"] for i in items], [False] * 3)
        for body, want in (
                ({"component": component}, 400),
                ({"component": component, "scope": "some"}, 400),
                ({"component": component, "scope": "all", "target": "x"},
                 400),
                ({"component": component, "scope": "device"}, 400),
                ({"component": component, "scope": "device", "target": "x"},
                 404),
                ({"component": component, "scope": "group", "target": "x"},
                 404),
                ({"component": "uuid:1", "scope": "all"}, 400),
                ({"component": component, "scope": "all", "more": 1}, 400)):
            same((body, s.api("POST", "/assignments", body)[0]), (body, want))
        query = urllib.parse.urlencode({"component": component,
                                        "scope": "group", "target": "lab"})
        same(s.api("DELETE", "/assignments?" + query)[0], 204)
        same(s.api("DELETE", "/assignments?" + query)[0], 404)
        same(s.api("DELETE", "/assignments")[0], 400)
        same(len(s.api("GET", "/assignments")[2]["items"]), 2)


def every_change_is_audited():
    with server() as s:
        s.api("POST", "/groups", {"name": "lab"})
        s.api("GET", "/groups")
        items = s.api("GET", "/audit")[2]["items"]
        same(len(items), 1)
        assert items[0]["who"].startswith("local:"), items
        assert "lab" in items[0]["detail"], items


def bad_requests_are_refused_exactly():
    with server() as s:
        for method, path, body, kind, want in (
                ("GET", "/nowhere", None, None, 404),
                ("GET", "", None, None, 404),
                ("GET", "/devices/", None, None, 404),
                ("GET", "/devices/a/b", None, None, 404),
                ("GET", "/devices/%00", None, None, 404),
                ("GET", "/devices/%zz", None, None, 404),
                ("GET", "/devices/" + "x" * 200, None, None, 404),
                ("PATCH", "/devices", None, None, 405),
                ("DELETE", "/devices", None, None, 405),
                ("POST", "/devices/x", b"{}", "application/json", 405),
                ("POST", "/groups", b"{}", "text/plain", 415),
                ("POST", "/groups", b"name=x",
                 "application/x-www-form-urlencoded", 415),
                ("POST", "/components", b"x", "application/json", 415),
                ("POST", "/groups", b"", "application/json", 400),
                ("POST", "/groups", b"{", "application/json", 400),
                ("POST", "/groups", b"[]", "application/json", 400),
                ("POST", "/groups", b"1", "application/json", 400),
                ("POST", "/groups", b"{}", "application/json", 400),
                ("POST", "/groups", b'{"name": 1}', "application/json", 400),
                ("POST", "/groups", b'{"name": null}', "application/json",
                 400),
                ("POST", "/groups", b'{"name": "a", "name": "b"}',
                 "application/json", 400),
                ("POST", "/groups", b'{"name": "a", "x": 1}',
                 "application/json", 400),
                ("POST", "/groups", b'{"name": "a\\u0000b"}',
                 "application/json", 400),
                ("POST", "/groups", b'{"name": "\xff"}', "application/json",
                 400),
                ("POST", "/groups", b'{"name": "a"} x', "application/json",
                 400),
                ("POST", "/groups", b"[" * 5000, "application/json", 400),
                ("POST", "/groups", b'{"name": "' + b"x" * 70000 + b'"}',
                 "application/json", 413)):
            headers = {"Content-Type": kind} if kind else {}
            status, r, p = s.api(method, path, body, headers=headers)
            same((method, path, body and body[:40], status),
                 (method, path, body and body[:40], want))
            same(p["status"], want)
            if want == 405:
                assert r.getheader("Allow"), path
        same(s.api("GET", "/groups")[2]["items"], [])
        same(s.api("GET", "/groups", headers={"Accept": "text/html"})[0], 406)
        same(s.api("GET", "/groups", headers={"Accept": "*/*"})[0], 200)


# --- the command line ------------------------------------------------------------------------

def the_command_line_does_all_of_it():
    with server("--uri", "http://tam.example/tam") as s:
        key = signer(s, "other", "uuid:" + OTHER_UUID)
        _, pem = new_key(s.folder, "device")
        pub = s.folder + "/device.pub"
        with open(pub, "w") as f:
            f.write(pem)
        private, pem = new_key(s.folder, "dev")
        dev = s.folder + "/dev.pub"
        with open(dev, "w") as f:
            f.write(pem)
        s.run("anchors", "add", "--kind", "signer", "--key", dev, "--prefix",
              "uuid:" + UUID, "dev")
        assert "dev" in s.run("anchors")
        assert "one" in s.run("devices", "enroll", "--key", pub, "one")
        s.run("groups", "add", "lab")
        s.run("groups", "join", "lab", "one")
        assert "lab" in s.run("devices")
        suit = s.folder + "/hello.suit"
        with open(suit, "wb") as f:
            f.write(manifest(private))
        assert "published" in s.run("publish", suit)
        assert "sequence 1" in s.run("components")
        ta = "uuid:%s/ta" % UUID
        for whom in ("all", "lab", "one", "group:lab", "device:one"):
            s.run("assign", ta, "--to", whom)
        same(len(json.loads(s.run("assign", "--json"))), 3)
        for whom in ("all", "lab", "one"):
            s.run("assign", ta, "--remove", "--to", whom)
        same(json.loads(s.run("assign", "--json")), [])
        assert "one" in s.run("devices", "show", "one")
        same(json.loads(s.run("devices", "reports", "--json")), [])
        s.run("devices", "revoke", "one")
        assert "revoked" in s.run("devices")
        s.run("devices", "activate", "one")
        same(json.loads(s.run("status", "--json"))["uri"],
             "http://tam.example/tam")
        assert len(json.loads(s.run("audit", "--json"))) > 5
        same(len(json.loads(s.run("audit", "--json", "--limit", "2"))), 2)
        with open(suit, "wb") as f:
            f.write(manifest(key))
        said = s.run("publish", suit, want=1)
        assert "outside the prefixes" in said and "not published" in said, said
        s.run("assign", ta, "--to", "nobody", want=1)
        for args in (("devices", "enroll"), ("devices", "show"),
                     ("devices", "dance", "one"), ("assign", ta),
                     ("assign", "--to", "all"), ("anchors", "add", "x"),
                     ("publish",), ("groups", "join", "lab"),
                     ("audit", "--to", "x"), ("audit", "--limit", "x"),
                     ("devices", "--key")):
            assert s.run(*args, want=2)


def what_is_not_there_is_named():
    with server() as s:
        _, pem = new_key(s.folder, "a")
        s.api("POST", "/devices", {"name": "one", "key": pem})
        s.run("groups", "add", "lab")
        for word in ("show", "revoke", "activate", "remove", "reports"):
            said = s.run("devices", word, "nobody", want=1)
            assert "no device is called nobody" in said, said
        for args, want in (
                (("remove", "crew"), "no group is called crew"),
                (("join", "crew", "one"), "no group is called crew"),
                (("join", "lab", "nobody"), "no device is called nobody"),
                (("leave", "lab", "one"), "one is not in it")):
            said = s.run("groups", *args, want=1)
            assert want in said, said
        said = s.run("anchors", "remove", "--kind", "signer", "x", want=1)
        assert "no signer anchor is called x" in said, said


def an_unknown_signer_is_to_be_trusted_first():
    with server() as s:
        private, _ = new_key(s.folder, "unknown")
        suit = s.folder + "/hello.suit"
        with open(suit, "wb") as f:
            f.write(manifest(private))
        said = s.run("publish", suit, want=1)
        assert "postern tam anchors add" in said, said


def what_was_never_published_is_assigned_with_a_warning():
    with server() as s:
        key = signer(s, "dev", "uuid:" + UUID)
        ta = "uuid:%s/ta" % UUID
        s.run("assign", ta, "--to", "all")
        assert "no published manifest has " + ta in s.said, s.said
        suit = s.folder + "/hello.suit"
        with open(suit, "wb") as f:
            f.write(manifest(key))
        s.run("publish", suit)
        for component in (ta, "uuid:%s/manifest" % UUID):
            s.run("assign", component, "--to", "all")
            same(s.said, "")


def a_name_that_is_two_things_is_asked_for():
    with server() as s:
        _, pem = new_key(s.folder, "a")
        s.api("POST", "/devices", {"name": "both", "key": pem})
        s.api("POST", "/groups", {"name": "both"})
        ta = "uuid:%s/ta" % UUID
        assert "group:both" in s.run("assign", ta, "--to", "both", want=1)
        s.run("assign", ta, "--to", "group:both")


def without_a_server_it_says_what_to_do():
    with tempfile.TemporaryDirectory() as folder:
        p = subprocess.run([POSTERN, "tam", "devices", "--state", folder],
                           capture_output=True, text=True)
        same(p.returncode, 1)
        assert "postern tam serve" in p.stderr, p.stderr


if __name__ == "__main__":
    run(globals())
