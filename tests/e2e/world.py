"""A TAM, TEEs and brokers as real processes in a temporary folder, and a relay
between broker and TAM that can look at, change, repeat or lose messages."""

import http.client
import http.server
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid

BUILD = os.environ.get("POSTERN_BUILD", os.path.join(
    os.path.dirname(__file__), "..", "..", "build"))
POSTERN = os.path.join(BUILD, "postern")
CLIENT = os.path.join(BUILD, "examples", "hello-client")
HELLO = "uuid:8d82573a-926d-4754-9353-32dc29997f74"
COUNTER = "uuid:3d3f0a5c-6b1e-4f43-8f5e-0b6c1a2d4e90"
MEDIA_TYPE = "application/teep+cbor"
PATIENCE_S = 60  # sanitizers on a busy machine are slow


class Failed(Exception):
    """A command ended with another status than it should."""


def call(*args, status=0, data=None, env=None):
    """Run a command; returns its output; raises when the status differs."""
    done = subprocess.run([str(a) for a in args], input=data, env=env,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=PATIENCE_S * 2, check=False)
    text = done.stdout.decode("utf-8", "replace")
    if status is not None and done.returncode != status:
        raise Failed("%s: status %d, expected %d\n%s" % (
            " ".join(map(str, args)), done.returncode, status, text))
    return text


class Process:
    """A server that is ready once a line of its log has a certain text."""

    def __init__(self, args, log, ready):
        self.log = log
        with open(log, "ab") as out:
            at = out.tell()
            self.popen = subprocess.Popen([str(a) for a in args], stdout=out,
                                          stderr=subprocess.STDOUT)
        end = time.monotonic() + PATIENCE_S
        while True:
            with open(log, "rb") as text:
                text.seek(at)
                lines = text.read().decode("utf-8", "replace").splitlines()
            found = [line for line in lines if ready in line]
            if found:
                self.ready = found[0]
                return
            if self.popen.poll() is not None or time.monotonic() > end:
                self.kill()
                raise Failed("not ready: %s\n%s" % (args, "\n".join(lines)))
            time.sleep(0.01)

    def end(self):
        """Ask it to end; it must, cleanly."""
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
            self.popen.wait(PATIENCE_S)
        return self.popen.returncode

    def kill(self):
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait(PATIENCE_S)


class Exchange:
    """One POST that went through the relay, and its answer."""

    def __init__(self, index, path, headers, body):
        self.index = index
        self.path = path
        self.headers = headers
        self.body = body
        self.status = None
        self.answer = None


class Relay(http.server.ThreadingHTTPServer):
    """Forwards POSTs. `request` and `response` may be set to functions of the
    Exchange: they return bytes to use instead, None to lose the message, or
    the string "truncate" to cut it in the middle."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), RelayHandler)
        self.target = None
        self.clear()
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    @property
    def uri(self):
        return "http://127.0.0.1:%d/tam" % self.server_address[1]

    def clear(self):
        self.exchanges = []
        self.request = lambda e: e.body
        self.response = lambda e: e.answer

    def close(self):
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address):
        pass  # a peer that goes away is what some tests want


class RelayHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_POST(self):
        relay = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        e = Exchange(len(relay.exchanges), self.path, dict(self.headers), body)
        relay.exchanges.append(e)
        self.close_connection = True
        sent = relay.request(e)
        if sent is None:
            return
        conn = http.client.HTTPConnection("127.0.0.1", relay.target,
                                          timeout=PATIENCE_S)
        try:
            headers = {k: v for k, v in self.headers.items()
                       if k.lower() in ("accept", "content-type")}
            if sent == "truncate":
                cut_request(relay.target, self.path, body)
                return
            conn.request("POST", self.path, sent, headers)
            got = conn.getresponse()
            e.status, e.answer = got.status, got.read()
            answer = relay.response(e)
        except OSError:
            return
        finally:
            conn.close()
        if answer is None:
            return
        whole = e.answer if answer == "truncate" else answer
        self.send_response(e.status if whole or e.status != 200 else 204)
        if whole:
            self.send_header("Content-Type", MEDIA_TYPE)
        self.send_header("Content-Length", str(len(whole)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(whole[:len(whole) // 2] if answer == "truncate"
                         else whole)


def cut_request(port, path, body):
    """Send half of a body that was announced whole, then go away."""
    import socket
    head = ("POST %s HTTP/1.1\r\nHost: tam\r\nAccept: %s\r\nContent-Type: %s"
            "\r\nContent-Length: %d\r\n\r\n") % (
                path, MEDIA_TYPE, MEDIA_TYPE, len(body))
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as s:
        s.sendall(head.encode() + body[:len(body) // 2])


class Tam:
    """A TAM with its own state folder. It keeps its port when restarted."""

    def __init__(self, world, name="tam"):
        self.world = world
        self.state = world.path(name)
        self.port = 0
        self.options = []
        self.process = None

    def start(self):
        self.process = Process(
            [POSTERN, "tam", "serve", "--state", self.state, "--listen",
             "127.0.0.1:%d" % self.port] + self.options,
            self.state + ".log", "listening on")
        self.port = int(self.process.ready.split("127.0.0.1:")[1].split()[0])
        return self

    def restart(self):
        self.process.end()
        return self.start()

    def cli(self, *args, status=0):
        return call(POSTERN, "tam", *args, "--state", self.state,
                    status=status)

    def json(self, *args):
        done = subprocess.run(
            [POSTERN, "tam", *map(str, args), "--json", "--state", self.state],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True,
            timeout=PATIENCE_S)
        return json.loads(done.stdout)

    def post(self, body, path="/tam", headers=None):
        """One POST; returns status and body."""
        conn = http.client.HTTPConnection("127.0.0.1", self.port,
                                          timeout=PATIENCE_S)
        if headers is None:
            headers = {"Accept": MEDIA_TYPE}
            if body:
                headers["Content-Type"] = MEDIA_TYPE
        try:
            try:
                conn.request("POST", path, body, headers)
            except (BrokenPipeError, ConnectionResetError):
                pass  # refused before all of it was sent; the answer is there
            answer = conn.getresponse()
            return answer.status, answer.read()
        finally:
            conn.close()

    def log(self):
        with open(self.state + ".log", encoding="utf-8",
                  errors="replace") as text:
            return text.read()


class Tee:
    """A Linux TEE on a socket of its own, with its configuration."""

    def __init__(self, world, name, uri, keys, signers, prefixes,
                 encryption_key=None, extra=()):
        self.world = world
        self.extra = list(extra)  # more lines of the configuration
        self.encryption_key = encryption_key
        self.name = name
        self.state = world.path(name)
        self.socket = world.path(name + ".sock")
        self.config = world.path(name + ".yaml")
        self.uri = uri
        self.keys = keys
        self.signers = signers
        self.prefixes = prefixes
        self.device = str(uuid.uuid4())
        self.process = None
        self.tam_lines = []  # more of the TAM's entry, and other TAMs
        self.write_config()

    def write_config(self):
        prefixes = json.dumps(self.prefixes)
        lines = ["device:",
                 "  vendor-id: " + self.world.vendor,
                 "  class-id: " + self.world.klass,
                 "  device-id: " + self.device,
                 "  oemid: 0abcde", "  hwmodel: test", '  hwversion: "1"',
                 "tams:", "  - name: main", "    uri: " + self.uri,
                 "    keys: " + json.dumps(self.keys),
                 "    prefixes: " + prefixes]
        if self.encryption_key:
            lines += ["    encryption-key: " + self.encryption_key,
                      "    sign-reports: true"]
        else:
            lines.append("    confidential-transport: true")
        lines += self.tam_lines
        lines.append("signers:")
        for name, key in self.signers.items():
            lines += ["  - name: " + name, "    key: " + key,
                      "    prefixes: " + prefixes]
        lines += self.extra
        with open(self.config, "w", encoding="utf-8") as out:
            out.write("\n".join(lines) + "\n")

    def start(self):
        self.process = Process(
            [POSTERN, "tee", "serve", "--state", self.state, "--config",
             self.config, "--socket", self.socket],
            self.state + ".log", "ready on")
        return self

    def restart(self):
        self.process.end()
        return self.start()

    def sync(self, status=0):
        return call(POSTERN, "broker", "sync", "--tee",
                    self.socket, status=status)

    def broker(self, *args, status=0):
        return call(POSTERN, "broker", *args, "--tee", self.socket,
                    status=status)

    def hello(self, status=0):
        return call(CLIENT, "--tee", self.socket, status=status)

    def installed(self):
        return self.broker("list")

    @property
    def technology(self):
        return "tpm" if "  technology: tpm" in self.extra else "eat"

    @property
    def attestation_key(self):
        return os.path.join(self.state, "attestation.pub.pem")


class World:
    """A temporary folder with a signer, a TAM behind a relay and a TEE."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="postern-e2e-")
        self.vendor = str(uuid.uuid4())
        self.klass = str(uuid.uuid4())
        self.tees = []
        self.tams = []
        self.relay = Relay()
        self.signer = self.key("signer")

    def path(self, name):
        return os.path.join(self.dir, name)

    def key(self, name, alg="esp256"):
        """Make a key pair; returns the private file's path."""
        private = self.path(name + ".pem")
        call(POSTERN, "key", "generate", "--alg", alg, "-o", private)
        call(POSTERN, "key", "public", "-o", self.path(name + ".pub.pem"),
             private)
        return private

    def public(self, private):
        return private[:-len(".pem")] + ".pub.pem"

    def tam(self, name="tam", signer=None, options=()):
        t = Tam(self, name)
        t.options = list(options)
        t.start()
        self.tams.append(t)
        t.cli("anchors", "add", "--kind", "signer", "--key",
              self.public(signer or self.signer), "--prefix", HELLO,
              "--prefix", COUNTER, "developer")
        if self.relay.target is None:
            self.relay.target = t.port
        return t

    def tam_keys(self, tam):
        return [os.path.join(tam.state, "tam-%s.pub.pem" % alg)
                for alg in ("esp256", "ed25519")]

    def tee(self, tam, name="tee", uri=None, keys=None, signers=None,
            enroll=True, extra=()):
        t = Tee(self, name, uri or self.relay.uri,
                keys if keys is not None else self.tam_keys(tam),
                signers or {"developer": self.public(self.signer)},
                [HELLO, COUNTER],
                os.path.join(tam.state, "tam-encryption.pub.pem"), extra)
        t.start()
        self.tees.append(t)
        if enroll:
            tam.cli("devices", "enroll", "--key", t.attestation_key,
                    "--technology", t.technology, name)
        return t

    def manifest(self, component, sequence, image, signer=None, uri=None,
                 name="ta"):
        """Create and sign a manifest; returns the envelope's path."""
        stem = self.path("m-%s-%d-%d" % (
            os.path.basename(image), sequence, random.getrandbits(32)))
        with open(stem + ".yaml", "w", encoding="utf-8") as out:
            out.write("component: %s/%s\nsequence: %d\n%s: %s\n"
                      "vendor-id: %s\nclass-id: %s\n" % (
                          component, name, sequence,
                          "file" if uri else "payload",
                          os.path.abspath(image), self.vendor, self.klass))
            if name != "ta":
                out.write("manifest-id: %s/%s-manifest\n" % (component, name))
            if uri:
                out.write("uri: %s\n" % uri)
        call(POSTERN, "manifest", "create", "-o", stem + ".suit",
             stem + ".yaml")
        call(POSTERN, "manifest", "sign", "--key", signer or self.signer,
             stem + ".suit")
        return stem + ".suit"

    def image(self, name):
        return os.path.join(BUILD, "examples", name)

    def publish_hello(self, tam, version, **kwargs):
        path = self.manifest(HELLO, version, self.image(
            "hello-v%d.ta" % version), **kwargs)
        tam.cli("publish", path)
        tam.cli("assign", HELLO + "/ta", "--to", "all")
        return path

    def close(self):
        for each in self.tees + self.tams:
            if each.process is not None:
                each.process.kill()
        self.relay.close()
        if os.environ.get("POSTERN_E2E_KEEP"):
            print("kept", self.dir, file=sys.stderr)
        else:
            shutil.rmtree(self.dir, ignore_errors=True)
