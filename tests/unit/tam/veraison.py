"""A stand-in for Veraison's challenge-response service, with its failures.

Written from the API's description: it appraises nothing, it says what a test
tells it to say, and it remembers what it was asked.
"""
import base64
import http.server
import json
import ssl
import threading
import time
import uuid

from harness import sign

API = "/challenge-response/v1/"
SESSION = "application/vnd.veraison.challenge-response-session+json"
EAR = "tag:github.com,2023:veraison/ear"


def url64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from64(text):
    text = text.replace("+", "-").replace("/", "_")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Veraison:
    """Attributes that a test sets are read with each request."""

    def __init__(self, key, accept, tls=None):
        self.key = key            # private key file, P-256
        self.accept = accept
        self.status = "affirming"
        self.vector = {"executables": 3}
        self.claims = {}          # over those of the result
        self.sign_with = None     # another key than its own
        self.header = {"alg": "ES256"}
        self.fail = {}            # "new", "post", "get" -> statuses, in turn
        self.polls = 0            # times that the answer is 202
        self.session = {}         # over members of a session that is shown
        self.raw = None           # an answer that is no session
        self.location = None
        self.gate = None          # an event that Evidence waits for
        self.got = []             # (method, path)
        self.evidence = []        # (nonce, media type, body)
        self.open = {}
        self.lock = threading.Lock()
        self.waiting = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def do_POST(self):
                outer.handle(self, "POST")

            def do_GET(self):
                outer.handle(self, "GET")

            def do_DELETE(self):
                outer.handle(self, "DELETE")

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request, address):
                pass  # a client that went away

        self.http = Server(("127.0.0.1", 0), Handler)
        scheme = "http"
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.http.socket = context.wrap_socket(
                self.http.socket, server_side=True)
            scheme = "https"
        self.uri = "%s://127.0.0.1:%d" % (scheme, self.http.server_port)
        self.thread = threading.Thread(target=self.http.serve_forever,
                                       args=(0.05,), daemon=True)
        self.thread.start()

    def stop(self):
        if self.gate is not None:
            self.gate.set()
        self.http.shutdown()
        self.http.server_close()

    # --- the API ------------------------------------------------------------

    def failing(self, step):
        with self.lock:
            left = self.fail.get(step) or []
            return left.pop(0) if left else None

    def handle(self, request, method):
        body = request.rfile.read(int(request.headers.get(
            "Content-Length") or 0))
        path, _, query = request.path.partition("?")
        with self.lock:
            self.got.append((method, path))
        if path == API + "newSession" and method == "POST":
            return self.new(request, query)
        name = path[len(API + "session/"):]
        if name not in self.open:
            return self.send(request, 404)
        if method == "DELETE":
            with self.lock:
                del self.open[name]
            return self.send(request, 204)
        if method == "POST":
            return self.submit(request, name, body)
        return self.poll(request, name)

    def new(self, request, query):
        status = self.failing("new")
        if status:
            return self.send(request, status)
        name = str(uuid.uuid4())
        nonce = from64(query.split("nonce=")[1])
        with self.lock:
            self.open[name] = {"nonce": nonce, "status": "waiting",
                               "polls": self.polls}
        return self.show(request, 201, name,
                         self.location or "session/" + name)

    def submit(self, request, name, body):
        with self.lock:
            s = self.open[name]
            s["type"], s["body"] = request.headers["Content-Type"], body
            self.evidence.append((s["nonce"], s["type"], body))
        self.waiting.set()
        if self.gate is not None:
            self.gate.wait(20)
        status = self.failing("post")
        if status:
            return self.send(request, status)
        return self.poll(request, name)

    def poll(self, request, name):
        status = self.failing("get") if request.command == "GET" else None
        if status:
            return self.send(request, status)
        s = self.open[name]
        if s["polls"] > 0:
            s["polls"] -= 1
            s["status"] = "processing"
            return self.show(request, 202, name)
        s["status"] = "complete"
        s["result"] = self.result(s["nonce"])
        return self.show(request, 200, name)

    def result(self, nonce):
        claims = {"eat_profile": EAR, "iat": int(time.time()),
                  "ear.verifier-id": {"developer": "a test", "build": "1"},
                  "eat_nonce": url64(nonce),
                  "submods": {"one": {
                      "ear.status": self.status,
                      "ear.trustworthiness-vector": self.vector}}}
        claims.update(self.claims)
        claims = {k: v for k, v in claims.items() if v is not None}
        text = ".".join(url64(json.dumps(p).encode())
                        for p in (self.header, claims))
        return text + "." + url64(sign(self.sign_with or self.key,
                                       text.encode()))

    def show(self, request, status, name, location=None):
        s = self.open[name]
        session = {"nonce": url64(s["nonce"]), "status": s["status"],
                   "expiry": "2099-01-01T00:00:00Z", "accept": self.accept}
        if "body" in s:
            session["evidence"] = {
                "type": s["type"],
                "value": base64.b64encode(s["body"]).decode()}
        if "result" in s:
            session["result"] = s["result"]
        if status != 201:
            session.update(self.session)
        data = json.dumps(session).encode()
        if self.raw is not None and status != 201:
            data = self.raw
        self.send(request, status, data, location)

    @staticmethod
    def send(request, status, data=b"", location=None):
        request.send_response(status)
        if data:
            request.send_header("Content-Type", SESSION)
        if location:
            request.send_header("Location", location)
        elif 300 <= status < 400:
            request.send_header("Location", "/elsewhere")
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)
