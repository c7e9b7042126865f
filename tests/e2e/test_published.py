"""Every published SUIT vector through manifest verify and manifest run.

Their digests are sample patterns where the texts say so: such a manifest must
end at image-match and leave nothing. The same manifest with a real digest, made
again from its YAML, must leave the files that the text describes.
"""

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile

top = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
build = os.path.abspath(os.environ.get("POSTERN_BUILD",
                                       os.path.join(top, "build")))
shared = os.environ.get("POSTERN_SHARED", os.path.join(top, "..", "shared"))
vectors = os.path.join(shared, "vectors", "suit")
program = os.path.join(build, "postern")
if not os.path.exists(os.path.join(vectors, "vectors.jsonl")):
    print("no published vectors: 1 test skipped")
    sys.exit(77)

VENDOR = "fa6b4a53-d5ad-5fdf-be9d-e663e4d41ffe"
CLASS = "1492af14-2569-5e48-bf42-9b2d51f2ab45"
FIRMWARE = b"This is a real firmware image."
# Reasons of a report (draft-ietf-suit-report, Section 4.2), and sections.
CONDITION, OPERATION, SEVERED = 10, 11, 9
VALIDATE, FETCH, INSTALL = 7, 16, 20


def postern(*args, status=0, **kw):
    r = subprocess.run([program, *args], capture_output=True, timeout=120,
                       **kw)
    assert r.returncode == status, (args, r.returncode, r.stdout, r.stderr)
    return r


def jwk(folder, name):
    with open(os.path.join(vectors, "keys", name + ".bin"), "rb") as f:
        k = base64.urlsafe_b64encode(f.read()).rstrip(b"=").decode()
    path = os.path.join(folder, name + ".jwk")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
        json.dump({"kty": "oct", "k": k}, f)
    return path


def files(root):
    found = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            short = os.path.relpath(path, root)
            if not short.startswith(".postern"):
                with open(path, "rb") as f:
                    found[short] = f.read()
    return found


def staged(root):
    return [n for n in os.listdir(os.path.join(root, ".postern"))
            if not n.startswith("manifest-")]


def report(r):
    """Reason and section of the report that was printed; True: success."""
    text = r.stdout.decode()
    if re.search(r"suit-report-result / 4: true", text):
        return True
    reason = re.search(r"result-reason / 7: (\d+)", text)
    where = re.search(r"result-record / 6: .*?manifest-section / (\d+)", text,
                      re.S)
    return int(reason.group(1)), int(where.group(1))


class World:
    def __init__(self, folder):
        self.folder = folder
        self.n = 0
        keys = [os.path.join(vectors, "keys", k)
                for k in ("suit-example-p256.cose_key", "tam-p256.cose_key")]
        self.signers = keys + [jwk(folder, "hmac256-a32")]
        self.secrets = [jwk(folder, "a128kw-a16"), os.path.join(
            vectors, "keys", "agent-p256.priv.pem")]
        self.key = os.path.join(folder, "own.pem")
        postern("key", "generate", "-o", self.key)
        self.device = self.write("device.yaml", "vendor-id: %s\nclass-id: %s\n"
                                 % (VENDOR, CLASS))

    def write(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, "wb" if isinstance(content, bytes) else "w") as f:
            f.write(content)
        return path

    def vector(self, name):
        return os.path.join(vectors, name + ".cbor")

    def root(self):
        self.n += 1
        return os.path.join(self.folder, "root-%d" % self.n)

    def run(self, envelopes, payloads=(), root=None, expect=True, device=None,
            options=()):
        root = root or self.root()
        args = ["manifest", "run", "--root", root, "--device",
                device or self.device, *options]
        for k in self.signers + self.secrets + [self.key]:
            args += ["--key", k]
        for uri, content in dict(payloads).items():
            name = self.write("payload-%s" % hashlib.sha256(
                uri.encode()).hexdigest()[:8], content)
            args += ["--payload", "%s=%s" % (uri, name)]
        r = postern(*args, *envelopes, status=0 if expect is True else 1)
        assert report(r) == expect, (envelopes, report(r), expect, r.stdout)
        assert staged(root) == [], staged(root)
        return files(root), r

    def real(self, name, change):
        """A vector's manifest made again with something changed, signed."""
        text = postern("manifest", "show", "--yaml",
                       self.vector(name)).stdout.decode()
        source = self.write("real.yaml", change(text))
        out = os.path.join(self.folder, "real-%d.suit" % self.n)
        postern("manifest", "create", "-o", out, source)
        postern("manifest", "sign", "--key", self.key, out)
        return out


def size_and_digest(text, *contents):
    """Put real digests and sizes in the place of the sample patterns."""
    patterns = ["00112233445566778899aabbccddeeff0123456789abcdeffedcba"
                "9876543210", "0123456789abcdeffedcba9876543210001122334455"
                "66778899aabbccddeeff"]
    sizes = ["34768", "76834"]
    for pattern, size, content in zip(patterns, sizes, contents):
        assert pattern in text
        text = text.replace(pattern, hashlib.sha256(content).hexdigest())
        text = text.replace("image-size: " + size,
                            "image-size: %d" % len(content))
    return text


def every_signed_vector_verifies(w):
    with open(os.path.join(vectors, "vectors.jsonl")) as f:
        rows = [json.loads(line) for line in f]
    signers = [a for k in w.signers for a in ("--key", k)]
    done = 0
    for row in rows:
        if "suit" not in row or row["id"].startswith(("legacy", "derived")):
            continue
        signed = bool(row["suit"].get("sig"))
        # The nested one names its own signer.
        r = postern("manifest", "verify", *signers, w.vector(row["id"]),
                    status=0 if signed else 1)
        assert signed or b"authentication" in r.stderr, r.stderr
        done += signed
    print("%d vectors verify" % done)
    assert done >= 20, done


def sample_digests_install_nothing(w):
    one, two = b"x" * 34768, b"y" * 76834
    for name, where in (("manifest-ex0-signed", VALIDATE),
                        ("manifest-ex1-signed", INSTALL),
                        ("manifest-ex2-full-signed", INSTALL),
                        ("manifest-ex3-signed", INSTALL),
                        ("manifest-ex4-signed", FETCH),
                        ("manifest-ex5-signed", INSTALL),
                        ("libcsuit-exp0", VALIDATE),
                        ("libcsuit-exp3", INSTALL)):
        left, _ = w.run([w.vector(name)], {
            "http://example.com/file.bin": one,
            "http://example.com/very/long/path/to/file/file.bin": one,
            "http://example.com/file1.bin": one,
            "http://example.com/file2.bin": two}, expect=(CONDITION, where))
        assert left == {}, (name, list(left))
    for name in ("manifest-ex2-severed-signed", "libcsuit-exp2A"):
        left, _ = w.run([w.vector(name)], expect=(SEVERED, INSTALL))
        assert left == {}
    # Another class of devices: the condition of the shared sequence fails.
    other = w.write("other.yaml", "vendor-id: %s\n" % VENDOR)
    left, _ = w.run([w.vector("manifest-ex1-signed")], device=other,
                    expect=(CONDITION, 3))
    assert left == {}


def real_digests_install_what_the_text_says(w):
    one, two = os.urandom(5000), os.urandom(7000)
    # Example 1: download and installation at once.
    suit = w.real("manifest-ex1-signed", lambda t: size_and_digest(t, one))
    left, _ = w.run([suit], {"http://example.com/file.bin": one})
    assert left == {"hex:00": one}, list(left)
    # Example 0: secure boot of what is there.
    boot = w.real("manifest-ex0-signed", lambda t: size_and_digest(t, one))
    root = w.root()
    os.makedirs(root)
    with open(os.path.join(root, "hex:00"), "wb") as f:
        f.write(one)
    left, r = w.run([boot], root=root, options=["--invoke"])
    assert b"would invoke hex:00" in r.stderr, r.stderr
    # Example 2: the same with severed sections, which come along.
    suit = w.real("manifest-ex2-full-signed",
                  lambda t: size_and_digest(t, one))
    left, _ = w.run([suit], {"http://example.com/very/long/path/to/file/"
                             "file.bin": one})
    assert left == {"hex:00": one}, list(left)
    # Example 3: A/B images; the slot decides which one is fetched.
    suit = w.real("manifest-ex3-signed",
                  lambda t: size_and_digest(t, one, two))
    images = {"http://example.com/file1.bin": one,
              "http://example.com/file2.bin": two}
    for slot, content in ((0, one), (1, two)):
        device = w.write("slot.yaml", "vendor-id: %s\nclass-id: %s\n"
                         "slots: {hex:00: %d}\n" % (VENDOR, CLASS, slot))
        left, _ = w.run([suit], images, device=device)
        assert left == {"hex:00": content}, (slot, list(left))
    left, _ = w.run([suit], images, expect=(CONDITION, 3), device=w.write(
        "slot.yaml", "vendor-id: %s\nclass-id: %s\nslots: {hex:00: 2}\n" %
        (VENDOR, CLASS)))
    assert left == {}
    # Example 4: external storage, then internal, and loaded at a start.
    suit = w.real("manifest-ex4-signed", lambda t: size_and_digest(
        t, one, one))
    root = w.root()
    left, _ = w.run([suit], {"http://example.com/file.bin": one}, root=root)
    assert left == {"hex:00": one, "hex:02": one}, list(left)
    left, r = w.run([suit], root=root, options=["--invoke"])
    assert left == {"hex:00": one, "hex:01": one, "hex:02": one}, list(left)
    assert b"would invoke hex:01" in r.stderr, r.stderr
    # Example 5: two images, together or not at all.
    suit = w.real("manifest-ex5-signed",
                  lambda t: size_and_digest(t, one, two))
    left, _ = w.run([suit], images)
    assert left == {"hex:00": one, "hex:01": two}, list(left)
    images["http://example.com/file2.bin"] = two[:-1] + b"?"
    left, _ = w.run([suit], images, expect=(CONDITION, INSTALL))
    assert left == {}, list(left)


def trust_domains(w):
    dependent = w.vector("td-example0-dependent")
    both = {"00": b"hello world", "10": b" in multiple trust domains"}
    left, _ = w.run([dependent])
    assert left == {"00": b"hello world"}, left
    with open(dependent, "rb") as f:
        envelope = f.read()
    process = w.vector("td-example1-process")
    # From its URI, or because it is one of the files.
    for args in (dict(envelopes=[process], payloads={
            "http://example.com/dependent.suit": envelope}),
            dict(envelopes=[dependent, process]),
            dict(envelopes=[process, dependent])):
        left, _ = w.run(**args)
        assert left.pop("dependent.suit") == envelope
        assert left == both, left
    left, r = w.run([process], expect=(OPERATION, 15))
    assert left == {} and b"dependent.suit is not there" in r.stderr
    root = w.root()
    left, _ = w.run([w.vector("td-example2-integrated")], root=root)
    assert left.pop("dependent.suit") == envelope
    assert left == both, left


def encryption(w):
    for name, files_left in (
            ("fe-aes-kw-content", {"plaintext-firmware": FIRMWARE}),
            ("fe-es-ecdh-content", {"decrypted-firmware": FIRMWARE})):
        left, _ = w.run([w.vector(name)])
        assert left == files_left, (name, left)
    with open(os.path.join(vectors, "fe-encinfo-aes-kw-aes-gcm.payload.bin"),
              "rb") as f:
        sealed = f.read()
    uri = "coaps://example.com/encrypted-firmware"
    for name, plain, cipher in (
            ("fe-aes-kw", "plaintext-firmware", "encrypted-firmware"),
            ("fe-aes-kw-slot", "hex:00", "hex:01")):
        left, _ = w.run([w.vector(name)], {uri: sealed})
        assert left == {plain: FIRMWARE, cipher: sealed}, (name, left)
        broken = bytes([sealed[0] ^ 1]) + sealed[1:]
        left, _ = w.run([w.vector(name)], {uri: broken},
                        expect=(OPERATION, INSTALL))
        assert left == {}, (name, left)
    left, _ = w.run([w.vector("fe-es-ecdh-dependency")])
    assert left.pop("decrypted-firmware") == FIRMWARE
    assert list(left) == ["dependency-manifest.suit"], list(left)
    # Without the device's secrets nothing comes of it.
    w.secrets, kept = [], w.secrets
    left, _ = w.run([w.vector("fe-es-ecdh-content")],
                    expect=(OPERATION, INSTALL))
    w.secrets = kept
    assert left == {}


def update_management(w):
    one = os.urandom(4000)
    name = "libcsuit-expU2"

    def change(text):
        text = re.sub(r"sha-256:[0-9a-f]{64}(?=\n +image-size)", "sha-256:" +
                      hashlib.sha256(one).hexdigest(), text)
        return re.sub(r"image-size: \d+", "image-size: %d" % len(one), text)
    suit = w.real(name, change)
    facts = {"vendor-id": VENDOR, "class-id": CLASS, "power": "1",
             "battery": "30", "time": "2016-01-01T00:00:00Z",
             "versions": "{hex:00: 0.9}"}
    uri = {"http://example.com/file.bin": one}

    def device(**changes):
        now = {**facts, **changes}
        return w.write("facts.yaml", "".join(
            "%s: %s\n" % (k, v) for k, v in now.items() if v is not None))
    left, _ = w.run([suit], uri, device=device())
    assert left == {"hex:00": one}, list(left)
    for changes, expect in (
            ({"battery": "19"}, (CONDITION, FETCH)),
            ({"power": "2"}, (OPERATION, FETCH)),
            ({"versions": "{hex:00: 1.0.0}"}, (CONDITION, 3)),
            ({"time": "2017-01-01T00:00:00Z"}, (CONDITION, VALIDATE))):
        left, _ = w.run([suit], uri, device=device(**changes), expect=expect)
        assert left == {}, (changes, list(left))


with tempfile.TemporaryDirectory(prefix="postern-published-") as folder:
    world = World(folder)
    for case in (every_signed_vector_verifies, sample_digests_install_nothing,
                 real_digests_install_what_the_text_says, trust_domains,
                 encryption, update_management):
        case(world)
        print(case.__name__.replace("_", " "))
