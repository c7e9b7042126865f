"""The tool, run in a folder of its own as a developer runs it."""
import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("POSTERN_BUILD",
                       os.path.join(HERE, "..", "..", "build"))
POSTERN = os.path.join(os.path.abspath(BUILD), "postern")
sys.path.append(os.path.join(HERE, "..", "vectors"))

import cbor2  # noqa: E402
import make_cose  # noqa: E402

COMPONENT = "uuid:8d82573a-926d-4754-9353-32dc29997f74/ta"


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="postern-tool-")
        self.addCleanup(shutil.rmtree, self.dir)
        self.env = dict(os.environ)

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, content):
        if isinstance(content, str):
            content = content.encode()
        with open(self.path(name), "wb") as f:
            f.write(content)
        return name

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def mode(self, name):
        return stat.S_IMODE(os.stat(self.path(name)).st_mode)

    def call(self, *args, stdin=b""):
        return subprocess.run([POSTERN, *args], input=stdin, cwd=self.dir,
                              env=self.env, capture_output=True, timeout=300)

    def ok(self, *args, stdin=b""):
        r = self.call(*args, stdin=stdin)
        self.assertEqual(r.returncode, 0, (args, r.stdout, r.stderr))
        return r.stdout.decode()

    def refused(self, *args, stdin=b"", says=None):
        r = self.call(*args, stdin=stdin)
        self.assertEqual(r.returncode, 1, (args, r.stdout, r.stderr))
        if says is not None:
            self.assertIn(says, r.stderr.decode())
        return r

    def misused(self, *args):
        r = self.call(*args)
        self.assertEqual(r.returncode, 2, (args, r.stdout, r.stderr))
        return r

    def key(self, name, alg, **more):
        """A fresh key: NAME private, NAME.pub public where there is one."""
        form = "cose" if more or alg[0] in "ah" else "pem"
        self.ok("key", "generate", "--alg", alg, "--format", form, "-o", name)
        if alg[0] not in "ah":
            self.ok("key", "public", "-o", name + ".pub", name)
        return name

    def hss(self, name, types=(4, 3)):
        """An HSS/LMS signer, which is no part of the project's programs."""
        signer = make_cose.Hss(name, list(types))
        self.write(name + ".pub", make_cose.enc(signer.public))
        return signer

    def create(self, to="m.suit", **keys):
        """An envelope of one component, unsigned."""
        all_keys = {"component": COMPONENT, "sequence": 1}
        all_keys.update({k.replace("_", "-"): v for k, v in keys.items()})
        if not {"payload", "uri", "content", "installed"} & set(all_keys):
            self.write("ta.so", b"the trusted application")
            all_keys["payload"] = "ta.so"
        self.write("m.yaml", "".join(
            "%s: %s\n" % (k, v) for k, v in all_keys.items()))
        self.ok("manifest", "create", "-o", to, "m.yaml")
        return to

    def blocks(self, name):
        """The authentication blocks of an envelope, decoded."""
        envelope = cbor2.loads(self.read(name)).value
        return [cbor2.loads(b) for b in cbor2.loads(envelope[2])[1:]]

    def algs(self, name):
        return [cbor2.loads(b.value[0])[1] for b in self.blocks(name)]

    def thumbprint(self, name):
        return bytes.fromhex(self.ok("key", "thumbprint", name).strip())

    def verify(self, key, name="m.suit"):
        return self.ok("manifest", "verify", "--key", key, name)


def sha256(data):
    return hashlib.sha256(data).digest()


__all__ = ["COMPONENT", "Case", "POSTERN", "cbor2", "json", "make_cose",
           "sha256", "unittest"]
