#!/usr/bin/env python3
"""Makes tests/vectors/cose: COSE messages signed by an independent
implementation (python3-cbor2, python3-cryptography), and damaged ones.

The private keys are derived from the texts below, so they are test keys and
nothing else; their thumbprints are in the list of published keys.
"""
import hashlib
import hmac
import json
import os
import sys

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature)
from cryptography.hazmat.primitives.serialization import (
    Encoding, PublicFormat)

import make_cose_sealed

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cose")
SPEC = "RFC 9052, RFC 9053"
SIGN1, SIGN, MAC0 = 18, 98, 17
CURVES = {1: (ec.SECP256R1(), 32), 2: (ec.SECP384R1(), 48),
          3: (ec.SECP521R1(), 66)}
HASHES = {-7: hashes.SHA256(), -9: hashes.SHA256(), -35: hashes.SHA384(),
          -36: hashes.SHA512()}
rows = []


def seed(name, size):
    return hashlib.shake_256(b"postern test key " + name.encode()).digest(size)


class Ec:
    def __init__(self, name, crv):
        curve, self.size = CURVES[crv]
        value = int.from_bytes(seed(name, self.size - 1), "big")
        self.name, self.crv = name, crv
        self.private = ec.derive_private_key(value, curve)
        n = self.private.public_key().public_numbers()
        self.x = n.x.to_bytes(self.size, "big")
        self.y = n.y.to_bytes(self.size, "big")
        self.public = {1: 2, -1: crv, -2: self.x, -3: self.y}

    def sign(self, alg, message):
        der = self.private.sign(message, ec.ECDSA(HASHES[alg]))
        return b"".join(v.to_bytes(self.size, "big")
                        for v in decode_dss_signature(der))


class Ed:
    def __init__(self, name):
        self.name = name
        self.private = ed25519.Ed25519PrivateKey.from_private_bytes(
            seed(name, 32))
        self.public = {1: 1, -1: 6, -2: self.private.public_key().public_bytes(
            Encoding.Raw, PublicFormat.Raw)}

    def sign(self, _alg, message):
        return self.private.sign(message)


class Secret:
    def __init__(self, name):
        self.name = name
        self.k = seed(name, 32)
        self.public = {1: 4, -1: self.k}

    def sign(self, _alg, message):
        return hmac.new(self.k, message, hashlib.sha256).digest()


def u32(n):
    return n.to_bytes(4, "big")


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


class Lms:
    """One tree of RFC 8554, five levels, as its text says: sections 4, 5."""

    def __init__(self, name, ots_type):
        self.seed, self.ots_type = seed(name, 32), ots_type
        self.id, self.q = seed(name + " id", 16), 0
        self.w = (1, 2, 4, 8)[ots_type - 1]
        self.p, self.ls = ((265, 7), (133, 6), (67, 4), (34, 0))[ots_type - 1]
        self.tree = {32 + q: self.leaf(q) for q in range(32)}
        for n in range(31, 0, -1):
            self.tree[n] = sha256(self.id, u32(n), b"\x83\x83",
                                  self.tree[2 * n], self.tree[2 * n + 1])
        self.public = (u32(5) + u32(ots_type) + self.id + self.tree[1])

    def secret(self, q, i):
        return sha256(self.id, u32(q), i.to_bytes(2, "big"), b"\xff",
                      self.seed)

    def chain(self, q, i, start, end):
        value = self.secret(q, i)
        for j in range(start, end):
            value = sha256(self.id, u32(q), i.to_bytes(2, "big"),
                           bytes([j]), value)
        return value

    def leaf(self, q):
        ends = b"".join(self.chain(q, i, 0, 2 ** self.w - 1)
                        for i in range(self.p))
        key = sha256(self.id, u32(q), b"\x80\x80", ends)
        return sha256(self.id, u32(32 + q), b"\x82\x82", key)

    def digits(self, data):
        bits = "".join("{:08b}".format(b) for b in data)
        return [int(bits[i:i + self.w], 2)
                for i in range(0, len(bits), self.w)]

    def sign(self, message):
        q, self.q = self.q, self.q + 1
        c = sha256(self.seed, u32(q), b"randomizer")
        digest = sha256(self.id, u32(q), b"\x81\x81", c, message)
        total = sum(2 ** self.w - 1 - d for d in self.digits(digest))
        checksum = (total << self.ls).to_bytes(2, "big")
        y = b"".join(self.chain(q, i, 0, d) for i, d in enumerate(
            self.digits(digest + checksum)[:self.p]))
        node, path = 32 + q, b""
        while node > 1:
            path += self.tree[node ^ 1]
            node //= 2
        return (u32(q) + u32(self.ots_type) + c + y + u32(5) + path)


class Hss:
    """RFC 8554, Section 6, with a tree an entry of ots_types."""

    def __init__(self, name, ots_types):
        self.name = name
        self.trees = [Lms("%s %d" % (name, i), t)
                      for i, t in enumerate(ots_types)]
        self.public = {1: 5, -1: u32(len(ots_types)) + self.trees[0].public}

    def sign(self, _alg, message):
        out = u32(len(self.trees) - 1)
        for tree, below in zip(self.trees, self.trees[1:]):
            out += tree.sign(below.public) + below.public
        return out + self.trees[-1].sign(message)


def enc(value):
    return cbor2.dumps(value)


def thumbprint(key):
    return hashlib.sha256(enc(key.public)).digest()


def bucket(headers):
    return enc(headers) if headers else b""


def signed(context, buckets, aad, payload):
    return enc([context] + buckets + [aad, payload])


def single(key, alg, payload, *, tag=SIGN1, tagged=True, aad=b"",
           detached=False, protected=None, unprotected=None, body=None,
           edit=None):
    protected = {1: alg} if protected is None else protected
    body = bucket(protected) if body is None else body
    normal = b"" if body == b"\xa0" else body
    context = "MAC0" if tag == MAC0 else "Signature1"
    sig = key.sign(alg, signed(context, [normal], aad, payload))
    if unprotected is None:
        unprotected = {4: thumbprint(key)}
    parts = [body, unprotected, None if detached else payload, sig]
    if edit:
        edit(parts)
    return enc(cbor2.CBORTag(tag, parts) if tagged else parts)


def multi(signers, payload, *, tagged=True, aad=b"", detached=False,
          body=b""):
    signatures = []
    for key, alg in signers:
        protected = bucket({1: alg})
        tbs = signed("Signature", [body, protected], aad, payload)
        sig = key.sign(alg, tbs) if key.name != "unknown" else b"\x01" * 8
        signatures.append([protected, {4: thumbprint(key)}, sig])
    parts = [body, {}, None if detached else payload, signatures]
    return enc(cbor2.CBORTag(SIGN, parts) if tagged else parts)


def key_file(key):
    name = "keys/test-%s.cose_key" % key.name
    with open(os.path.join(OUT, name), "wb") as f:
        f.write(enc(key.public))
    return name


def add(ident, kind, data, keys, expected, *, aad=b"", payload=None,
        detached=False, what=""):
    with open(os.path.join(OUT, ident + ".cbor"), "wb") as f:
        f.write(data)
    row = {"id": ident, "file": ident + ".cbor", "spec": SPEC,
           "source": "make_cose.py", "what": what, "kind": kind,
           "keys": [key_file(k) for k in keys], "external_aad": aad.hex(),
           "expected": expected}
    if kind == "COSE_Sign":
        row["external_aad_per_signer"] = [aad.hex()] * 8
    if payload is not None:
        row["plaintext_hex"] = payload.hex()
        if detached:
            row["payload"] = payload.hex()
    rows.append(row)


def good(ident, kind, data, keys, **kw):
    add(ident, kind, data, keys, "verifies with the key(s) given", **kw)


def bad(ident, data, keys, why, kind="COSE_Sign1", **kw):
    add(ident, kind, data, keys, "must be rejected: " + why, **kw)


def raw_map(*pairs):
    """A map as it stands, duplicates and all."""
    return bytes([0xa0 + len(pairs)]) + b"".join(enc(k) + enc(v)
                                                 for k, v in pairs)


def spliced(key, alg, payload, unprotected):
    """A COSE_Sign1 with an encoded unprotected map put in place."""
    body = bucket({1: alg})
    sig = key.sign(alg, signed("Signature1", [body], b"", payload))
    return (b"\xd2\x84" + enc(body) + unprotected + enc(payload) + enc(sig))


def sign1_rows(keys):
    text = b"a payload that is signed"
    for key, alg, name in keys:
        good("sign1-" + name, "COSE_Sign1", single(key, alg, text), [key],
             payload=text)
    key, alg = keys[0][0], keys[0][1]
    good("sign1-untagged", "COSE_Sign1",
         single(key, alg, text, tagged=False), [key], payload=text)
    good("sign1-aad", "COSE_Sign1", single(key, alg, text, aad=b"bound"),
         [key], aad=b"bound", payload=text)
    good("sign1-detached", "COSE_Sign1",
         single(key, alg, text, detached=True), [key], payload=text,
         detached=True)
    good("sign1-empty-payload", "COSE_Sign1", single(key, alg, b""), [key],
         payload=b"")
    good("sign1-no-kid", "COSE_Sign1",
         single(key, alg, text, unprotected={}), [key], payload=text)
    good("sign1-content-type", "COSE_Sign1",
         single(key, alg, text, protected={1: alg, 3: "application/cbor"}),
         [key], payload=text)
    good("sign1-crit-known", "COSE_Sign1",
         single(key, alg, text, protected={1: alg, 2: [3], 3: 60}), [key],
         payload=text)
    good("sign1-unknown-headers", "COSE_Sign1",
         single(key, alg, text, protected={1: alg, 700: 1, "x": [1, 2]},
                unprotected={4: b"k", -70000: {1: 2}}), [key], payload=text)
    good("sign1-empty-map-bucket", "COSE_Sign1",
         single(key, alg, text, body=b"\xa0", unprotected={1: alg}), [key],
         payload=text, what="alg unprotected; protected is the empty map")
    for n in (23, 24, 255, 256, 4096):
        long = bytes(i % 251 for i in range(n))
        ed, ed_alg = keys[4][0], keys[4][1]
        good("sign1-ed25519-%d" % n, "COSE_Sign1", single(ed, ed_alg, long),
             [ed], payload=long,
             what="Ed25519 must not work for short payloads only")


def sign1_refused(key, alg, other):
    text = b"a payload that is signed"

    def set_part(i, value):
        def edit(parts):
            parts[i] = value
        return edit

    def cut(parts):
        parts[3] = parts[3][:-1]

    def grow(parts):
        parts[3] = parts[3] + b"\x00"

    good_one = single(key, alg, text)
    bad("refused-other-key", good_one, [other], "signed by another key")
    bad("refused-aad", good_one, [key], "external_aad differs", aad=b"x")
    bad("refused-payload", single(key, alg, text, edit=set_part(
        2, b"a payload that is signeD")), [key], "payload altered")
    bad("refused-short-signature", single(key, alg, text, edit=cut), [key],
        "signature one byte short")
    bad("refused-long-signature", single(key, alg, text, edit=grow), [key],
        "signature one byte long")
    bad("refused-empty-signature", single(key, alg, text, edit=set_part(
        3, b"")), [key], "zero-length signature")
    bad("refused-zero-signature", single(key, alg, text, edit=set_part(
        3, bytes(64))), [key], "r and s are zero")
    bad("refused-trailing", good_one + b"\x00", [key], "trailing byte")
    bad("refused-five-elements", single(key, alg, text, edit=lambda p:
        p.append(0)), [key], "surplus element")
    bad("refused-no-alg", single(key, alg, text, protected={}), [key],
        "no alg")
    bad("refused-alg-text", single(key, alg, text, protected={1: "ES256"}),
        [key], "alg is a text")
    bad("refused-alg-of-mac", single(key, alg, text, protected={1: 5}),
        [key], "alg is HMAC in a COSE_Sign1")
    bad("refused-crit-unknown", single(key, alg, text, protected={
        1: alg, 2: [700], 700: 1}), [key], "crit names an unknown header")
    bad("refused-crit-absent", single(key, alg, text, protected={
        1: alg, 2: [3]}), [key], "crit names a header that is not there")
    bad("refused-crit-empty", single(key, alg, text, protected={
        1: alg, 2: []}), [key], "crit is empty")
    bad("refused-crit-unprotected", single(key, alg, text, unprotected={
        2: [1]}), [key], "crit is not protected")
    bad("refused-both-buckets", single(key, alg, text, unprotected={
        1: alg}), [key], "alg in both buckets")
    bad("refused-both-buckets-text", single(key, alg, text, protected={
        1: alg, "x": 1}, unprotected={"x": 2}), [key],
        "a text label in both buckets")
    bad("refused-duplicate-kid", spliced(key, alg, text, raw_map(
        (4, b"a"), (4, b"b"))), [key], "kid twice")
    bad("refused-duplicate-large", spliced(key, alg, text, raw_map(
        (70000, 1), (70000, 1))), [key], "label 70000 twice")
    bad("refused-kid-text", single(key, alg, text, unprotected={4: "k"}),
        [key], "kid is a text")
    bad("refused-label-bytes", single(key, alg, text, unprotected={
        b"k": 1}), [key], "a label is a byte string")
    bad("refused-indefinite", b"\xd2\x9f" + good_one[2:] + b"\xff", [key],
        "indefinite length")
    bad("refused-protected-map", single(key, alg, text, edit=set_part(
        0, {1: alg})), [key], "protected bucket is not in a bstr")
    bad("refused-protected-trailing", single(
        key, alg, text, body=bucket({1: alg}) + b"\x00"), [key],
        "bytes after the protected map")
    bad("refused-detached-without-payload", single(
        key, alg, text, detached=True), [key],
        "detached, and another payload given", payload=b"other",
        detached=True)


def sign_rows(keys):
    text = b"signed by several"
    pairs = [(k, a) for k, a, _ in keys]
    both = [pairs[0], pairs[4]]
    good("sign-both-suites", "COSE_Sign", multi(both, text),
         [k for k, _ in both], payload=text)
    good("sign-untagged", "COSE_Sign", multi(both, text, tagged=False),
         [k for k, _ in both], payload=text)
    good("sign-aad-detached", "COSE_Sign",
         multi(both, text, aad=b"bound", detached=True),
         [k for k, _ in both], aad=b"bound", payload=text, detached=True)
    good("sign-body-header", "COSE_Sign",
         multi(both, text, body=bucket({3: 60})), [k for k, _ in both],
         payload=text)
    good("sign-eight", "COSE_Sign", multi([pairs[0]] * 8, text),
         [pairs[0][0]], payload=text)
    bad("refused-sign-nine", multi([pairs[0]] * 9, text), [pairs[0][0]],
        "more signatures than the limit", kind="COSE_Sign")
    bad("refused-sign-none", multi([], text), [pairs[0][0]],
        "no signature at all", kind="COSE_Sign")
    bad("refused-sign-body-crit", multi(
        both, text, body=bucket({2: [700], 700: 1})),
        [k for k, _ in both], "crit of the body", kind="COSE_Sign")


def mac_rows(secret, other, ec_key):
    text = b"authenticated by a secret"
    good("mac0-hmac256", "COSE_Mac0", single(secret, 5, text, tag=MAC0),
         [secret], payload=text)
    good("mac0-untagged-aad", "COSE_Mac0",
         single(secret, 5, text, tag=MAC0, tagged=False, aad=b"bound"),
         [secret], aad=b"bound", payload=text)
    good("mac0-detached", "COSE_Mac0",
         single(secret, 5, text, tag=MAC0, detached=True), [secret],
         payload=text, detached=True)

    def cut(parts):
        parts[3] = parts[3][:8]

    def empty(parts):
        parts[3] = b""

    whole = single(secret, 5, text, tag=MAC0)
    bad("refused-mac0-key", whole, [other], "another key", kind="COSE_Mac0")
    bad("refused-mac0-short", single(secret, 5, text, tag=MAC0, edit=cut),
        [secret], "a tag of 8 bytes under HMAC 256/256", kind="COSE_Mac0")
    bad("refused-mac0-empty", single(secret, 5, text, tag=MAC0, edit=empty),
        [secret], "a tag of no bytes", kind="COSE_Mac0")
    bad("refused-mac0-alg-of-signature", single(
        secret, 5, text, tag=MAC0, protected={1: -9}), [secret],
        "alg is ESP256 in a COSE_Mac0", kind="COSE_Mac0")
    bad("refused-sign1-for-mac-key", single(ec_key, -9, text), [secret],
        "a COSE_Sign1 tried against an HMAC key")
    bad("refused-mac0-for-ec-key", whole, [ec_key],
        "a COSE_Mac0 tried against a signature key", kind="COSE_Mac0")


def hss_rows(other):
    text = b"signed by hashing"
    shapes = (("w1", [1]), ("w2", [2]), ("w4", [3]), ("w8", [4]),
              ("three", [4, 3, 2]))
    for name, types in shapes:
        key = Hss("hss-" + name, types)
        good("hss-" + name, "COSE_Sign1", single(key, -46, text), [key],
             payload=text)
        # another leaf of the same tree
        good("hss-" + name + "-next", "COSE_Sign1",
             single(key, -46, text, aad=b"aad"), [key], payload=text,
             aad=b"aad")
    bad("refused-hss-alg", single(key, -7, text), [key],
        "ES256 with an HSS-LMS key")
    bad("refused-hss-key", single(other, -9, text,
                                  protected={1: -46}), [other],
        "HSS-LMS with a P-256 key")
    bad("refused-hss-other", single(key, -46, text),
        [Hss("hss-other", [4])], "a key that did not sign")


def hss_cases():
    """Two levels of trees, as they are: for tests below COSE."""
    text = b"What is signed here is signed by hashing alone, two trees deep."
    with open(os.path.join(OUT, "hss-cases.txt"), "w") as f:
        f.write("# HSS by make_cose.py: number, what, hexadecimal.\n")
        for number, types in ((1, [4, 4]), (2, [3, 4])):
            key = Hss("hss-case-%d" % number, types)
            f.write("%d public_key %s\n" % (number, key.public[-1].hex()))
            f.write("%d message %s\n" % (number, text.hex()))
            f.write("%d signature %s\n" % (number, key.sign(-46, text).hex()))


def main():
    os.makedirs(os.path.join(OUT, "keys"), exist_ok=True)
    p256, other = Ec("p256", 1), Ec("p256-other", 1)
    ed = Ed("ed25519")
    keys = [(p256, -9, "esp256"), (p256, -7, "es256"),
            (Ec("p384", 2), -35, "es384"), (Ec("p521", 3), -36, "es512"),
            (ed, -19, "ed25519"), (ed, -8, "eddsa"),
            (p256, -36, "es512-on-p256")]
    secret, secret2 = Secret("hmac"), Secret("hmac-other")
    sign1_rows(keys)
    sign1_refused(p256, -9, other)
    sign_rows(keys)
    mac_rows(secret, secret2, p256)
    hss_rows(p256)
    hss_cases()
    make_cose_sealed.rows(sys.modules[__name__])
    with open(os.path.join(OUT, "vectors.jsonl"), "w") as f:
        for row in rows:
            f.write(json.dumps(row) + "\n")
    for key in [k for k, _, _ in keys] + [other, secret, secret2]:
        print(thumbprint(key).hex(), key.name)


if __name__ == "__main__":
    main()
