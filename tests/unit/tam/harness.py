"""What the tests of a running TAM share: keys, signed manifests, a server.

Real processes, real sockets on 127.0.0.1, keys made at run time by
openssl(1); CBOR and SUIT are written here a second time, so that the tests
do not believe the code that they test.
"""
import contextlib
import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import traceback

POSTERN = sys.argv[1] if len(sys.argv) > 1 else "postern"
TEEP = "application/teep+cbor"
ENVELOPE = "application/suit-envelope+cbor"
UUID = "8d82573a-926d-4754-9353-32dc29997f74"
OTHER_UUID = "2d2f8e3c-7a44-4c0a-8d8b-6f6d3b1a9c55"


# --- CBOR and SUIT, just enough to make a signed manifest -------------------

def head(major, n):
    for extra, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if n < 24:
            return bytes([major << 5 | n])
        if n < 1 << 8 * size:
            return bytes([major << 5 | extra]) + n.to_bytes(size, "big")
    raise ValueError(n)


class Raw:
    """Bytes that are encoded already."""

    def __init__(self, data):
        self.data = data


def cbor(v):
    if isinstance(v, Raw):
        return v.data
    if v is None:
        return b"\xf6"
    if isinstance(v, bool):
        return b"\xf5" if v else b"\xf4"
    if isinstance(v, int):
        return head(0, v) if v >= 0 else head(1, -1 - v)
    if isinstance(v, bytes):
        return head(2, len(v)) + v
    if isinstance(v, str):
        return head(3, len(v.encode())) + v.encode()
    if isinstance(v, list):
        return head(4, len(v)) + b"".join(map(cbor, v))
    return head(5, len(v)) + b"".join(cbor(k) + cbor(x) for k, x in v.items())


def openssl(*args, data=None):
    return subprocess.run(["openssl", *args], input=data, check=True,
                          capture_output=True).stdout


def integers(der):
    """The two integers of an ECDSA signature, 32 bytes each."""
    out, at = b"", 2
    while at < len(der):
        size = der[at + 1]
        out += int.from_bytes(der[at + 2:at + 2 + size], "big").to_bytes(
            32, "big")
        at += 2 + size
    return out


def sign(key, message):
    with tempfile.NamedTemporaryFile() as f:
        f.write(message)
        f.flush()
        return integers(openssl("dgst", "-sha256", "-sign", key, f.name))


def manifest(key, sequence=1, uuid=UUID, payload=b"payload", uninstall=True,
             name=True, more=None):
    """A signed envelope with one TA, its image inside; more: members that
    nothing in the manifest names."""
    who = bytes.fromhex(uuid.replace("-", ""))
    digest = cbor([-16, hashlib.sha256(payload).digest()])
    shared = cbor([20, {3: digest, 14: len(payload)}])
    common = cbor({2: [[who, b"ta"]], 4: shared})
    m = {1: 1, 2: sequence, 3: common}
    if name:
        m[5] = [who, b"manifest"]
    m[7] = cbor([3, 15])
    m[20] = cbor([20, {21: "#image"}, 21, 15, 3, 15])
    if uninstall:
        m[24] = cbor([33, 15])
    body = cbor(m)
    identity = cbor([-16, hashlib.sha256(cbor(body)).digest()])
    protected = cbor({1: -9})
    signature = sign(key, cbor(["Signature1", protected, b"", identity]))
    block = b"\xd2" + cbor([protected, {}, None, signature])
    return cbor({2: cbor([identity, block]), 3: body, "#image": payload,
                 **(more or {})})


# --- a server ----------------------------------------------------------------

class Server:
    """A running TAM, its state folder kept between runs."""

    def __init__(self, folder, *options, ready=True):
        self.folder = folder
        self.state = os.path.join(folder, "of", "state")
        self.errors = open(os.path.join(folder, "log"), "a+b")
        self.process = subprocess.Popen(
            [POSTERN, "tam", "serve", "--state", self.state, "--listen",
             "127.0.0.1:0", *options], stdout=subprocess.PIPE,
            stderr=self.errors)
        self.line = self.process.stdout.readline().decode()
        self.port = 0
        if self.line.startswith("listening on 127.0.0.1:"):
            self.port = int(self.line.rsplit(":", 1)[1])
        if ready and not self.port:
            raise AssertionError("did not start: " + self.log())

    def log(self):
        self.errors.flush()
        with open(os.path.join(self.folder, "log"), "rb") as f:
            return f.read().decode()

    def stop(self, sig=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(sig)
        # less than an idle connection is kept
        status = self.process.wait(timeout=50)
        self.process.stdout.close()
        self.errors.close()
        return status

    def post(self, body=b"", path="/tam", headers=None, connection=None):
        c = connection or http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=120)
        if headers is None:
            headers = {"Accept": TEEP}
            if body:
                headers["Content-Type"] = TEEP
        c.request("POST", path, body=body, headers=headers)
        r = c.getresponse()
        data = r.read()
        if connection is None:
            c.close()
        return r, data

    def api(self, method, path, body=None, kind="application/json",
            headers=None):
        """One call of the admin API: status, headers, parsed body."""
        c = Local(os.path.join(self.state, "admin.sock"))
        headers = dict(headers or {})
        if body is not None:
            headers.setdefault("Content-Type", kind)
            if not isinstance(body, bytes):
                body = json.dumps(body).encode()
        c.request(method, "/api/v1" + path, body=body, headers=headers)
        r = c.getresponse()
        data = r.read()
        c.close()
        return r.status, r, json.loads(data) if data else None

    def run(self, *args, want=0):
        p = subprocess.run([POSTERN, "tam", args[0], "--state", self.state,
                            *args[1:]], capture_output=True, text=True)
        assert p.returncode == want, (args, p.returncode, p.stdout, p.stderr)
        self.said = p.stderr
        return p.stdout if want == 0 else p.stderr


class Local(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=120)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


@contextlib.contextmanager
def server(*options):
    with tempfile.TemporaryDirectory() as folder:
        s = Server(folder, *options)
        try:
            yield s
        finally:
            status = s.stop()
        assert status == 0, (status, s.log() if s.errors.closed is False
                             else "")


def new_key(folder, name, kind="ec"):
    """A test key pair, fresh; returns the private file and the public PEM."""
    path = os.path.join(folder, name)
    if kind == "ec":
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-out", path)
    else:
        openssl("genpkey", "-algorithm", kind, "-out", path)
    os.chmod(path, 0o600)
    return path, openssl("pkey", "-in", path, "-pubout").decode()


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def same(got, want):
    assert got == want, "%r is not %r" % (got, want)


def signer(s, name="dev", prefix="uuid:" + UUID):
    private, pem = new_key(s.folder, name)
    same(s.api("POST", "/anchors", {"kind": "signer", "name": name,
                                    "key": pem, "prefixes": [prefix]})[0],
         200)
    return private


def wait_for(condition, seconds=120):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.05)


def run(names):
    """Run the cases of the calling module, or those named on the command
    line after the program; the process ends with their outcome."""
    if shutil.which("openssl") is None:
        print("skip: no openssl")
        sys.exit(77)
    cases = [f for name, f in names.items()
             if callable(f) and getattr(f, "__module__", "") == "__main__"
             and not isinstance(f, type)
             and f.__code__.co_argcount == 0]
    cases = [c for c in cases
             if not sys.argv[2:] or c.__name__ in sys.argv[2:]]
    failed = 0
    for case in cases:
        try:
            case()
            print("ok  ", case.__name__, flush=True)
        except Exception:  # every failure is told
            failed += 1
            traceback.print_exc(file=sys.stdout)
            print("FAIL", case.__name__, flush=True)
    print("%d passed, %d failed" % (len(cases) - failed, failed))
    sys.exit(1 if failed or not cases else 0)
