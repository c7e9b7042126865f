#!/usr/bin/env python3
"""Makes tests/vectors/suit: envelopes written and signed by an independent
implementation (python3-cbor2, python3-cryptography), and damaged ones, each
with what must come of it.

A row says what pst_suit_authenticate answers and, under "run", on what device
which sections are run, how that ends and what it leaves. Errors are named as
in include/postern/base.h, from where their numbers are read.

The private keys are derived from the texts below: test keys and nothing else.
"""
import hashlib
import hmac
import json
import os
import re
import sys

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature)
from cryptography.hazmat.primitives.serialization import (
    Encoding, PublicFormat)

import make_suit_encryption

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "suit")
SPEC = "draft-ietf-suit-manifest-37, draft-ietf-suit-trust-domains-11"
HEADER = open(os.path.join(HERE, "../../include/postern/base.h")).read()
ERRORS = {n: int(v) for n, v in
          re.findall(r"PST_(?:ERR_)?(\w+) =\s+(\d+)", HEADER)}
rows = []


# --- encoding ---------------------------------------------------------------

def enc(v):
    return cbor2.dumps(v, canonical=True)


def head(major, n):
    h = bytearray(enc(n))
    h[0] |= major << 5
    return bytes(h)


def bstr(content):
    return head(2, len(content)) + content


def array(*items):
    return head(4, len(items)) + b"".join(items)


def raw_map(pairs):
    """A map of encoded keys and values, in the order of RFC 8949, 4.2.1."""
    return head(5, len(pairs)) + b"".join(k + v for k, v in sorted(pairs))


def int_map(pairs):
    return raw_map([(enc(k), v) for k, v in pairs.items()])


def sha256(b):
    return hashlib.sha256(b).digest()


def digest(content, alg=-16):
    h = {-16: hashlib.sha256, -43: hashlib.sha384, -44: hashlib.sha512}[alg]
    return enc([alg, h(content).digest()])


# --- keys and signatures ----------------------------------------------------

def seed(name, size):
    return hashlib.shake_256(b"postern test key " + name.encode()).digest(size)


class Ec:
    alg = -9

    def __init__(self, name):
        self.name = name
        self.private = ec.derive_private_key(
            int.from_bytes(seed(name, 31), "big"), ec.SECP256R1())
        n = self.private.public_key().public_numbers()
        self.public = {1: 2, -1: 1, -2: n.x.to_bytes(32, "big"),
                       -3: n.y.to_bytes(32, "big")}

    def sign(self, message):
        r, s = decode_dss_signature(
            self.private.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


class Ed:
    alg = -19

    def __init__(self, name):
        self.name = name
        self.private = ed25519.Ed25519PrivateKey.from_private_bytes(
            seed(name, 32))
        self.public = {1: 1, -1: 6, -2: self.private.public_key().public_bytes(
            Encoding.Raw, PublicFormat.Raw)}

    def sign(self, message):
        return self.private.sign(message)


# Ed25519 wherever it does not matter: its signatures are the same each time.
SIGNER = Ed("suit signer")
STRANGER = Ed("suit stranger")
AUTHOR = Ed("suit author")
NIST = Ec("suit signer p256")
SECRET = seed("suit hmac", 32)


def sign1(content, key=SIGNER, alg=None, tag=18, payload=None, aad=b""):
    protected = enc({1: alg or key.alg})
    tbs = enc(["Signature1", protected, aad, content])
    item = enc([protected, {}, payload, key.sign(tbs)])
    return item if tag is None else head(6, tag) + item


def sign(content, keys):
    each = []
    for key in keys:
        protected = enc({1: key.alg})
        tbs = enc(["Signature", b"", protected, b"", content])
        each.append([protected, {}, key.sign(tbs)])
    return head(6, 98) + enc([b"", {}, None, each])


def mac0(content, alg=5, tag=17):
    protected = enc({1: alg})
    mac = hmac.new(SECRET, enc(["MAC0", protected, b"", content]),
                   hashlib.sha256).digest()
    return head(6, tag) + enc([protected, {}, None, mac])


# --- manifests --------------------------------------------------------------

V = bytes(range(16))
C = bytes(range(16, 32))
D = bytes(range(32, 48))
URI = "https://x.example/p"
PAYLOAD = b"the payload"

VENDOR, CLASS, MATCH, SLOT, CHECK = 1, 2, 3, 5, 6
INDEX, ABORT, TRY, WRITE, SET, OVERRIDE, FETCH = 12, 14, 15, 18, 19, 20, 21
COPY, INVOKE, DEVICE, SEQUENCE, UNLINK = 22, 23, 24, 32, 33
USE_BEFORE, NOT_MATCH, BATTERY, AUTHORIZED, VERSION = 4, 25, 26, 27, 28
WAIT, SWAP, MULTIPLE, COPY_PARAMS = 29, 31, 34, 35


def name(i):
    return enc([("c%d" % i).encode()])


class Raw(bytes):
    pass


def command(number, arg=0):
    return enc(number) + (arg if isinstance(arg, bytes) else enc(arg))


def seq(*commands):
    """Commands, each of two items, as the content of a section."""
    return head(4, 2 * len(commands)) + b"".join(commands)


def params(**v):
    labels = dict(vendor=1, klass=2, digest=3, slot=5, strict=12, soft=13,
                  size=14, content=18, uri=21, source=22, args=23, device=24,
                  before=4, battery=26, priority=27, version=28, wait=29,
                  metadata=30, info=19)
    out = {}
    for k, value in v.items():
        if k in ("version", "wait", "metadata") and not isinstance(
                value, Raw):
            value = Raw(bstr(enc(value)))
        if k in ("digest", "info"):
            value = Raw(bstr(value))
        out[labels[k]] = value if isinstance(value, Raw) else enc(value)
    return int_map(out)


def override(**v):
    return command(OVERRIDE, params(**v))


def run_sequence(*commands):
    return command(SEQUENCE, bstr(seq(*commands)))


def try_each(*alternatives):
    return command(TRY, array(*[b"\xf6" if a is None else bstr(seq(*a))
                                for a in alternatives]))


def good(**more):
    """Parameters of the payload that is served."""
    return override(uri=URI, digest=digest(PAYLOAD), **more)


def common(components=1, shared=None, extra=None, raw_components=None):
    out = {}
    if components:
        out[2] = raw_components or array(*[name(i) for i in range(components)])
    if shared:
        out[4] = bstr(shared)
    out.update(extra or {})
    return bstr(int_map(out))


def manifest(members=None, sequence=1, version=1, **c):
    out = {1: enc(version), 2: enc(sequence), 3: common(**c)}
    out.update(members or {})
    return int_map({k: v for k, v in out.items() if v is not None})


def envelope(content, blocks=None, members=None, tag=True, wrapper=None,
             order=(2, 3), signed=None, payloads=None):
    m = bstr(content)
    d = signed or enc([-16, sha256(m)])
    if blocks is None:
        blocks = [sign1(d)]
    else:
        blocks = [b(d) if callable(b) else b for b in blocks]
    auth = wrapper or bstr(array(bstr(d), *[bstr(b) for b in blocks]))
    pairs = [(enc(2), auth), (enc(3), m)]
    pairs = [p for k in order for p in pairs if p[0] == enc(k)]
    rest = [(enc(k), v) for k, v in (members or {}).items()]
    rest += [(enc(k), bstr(v)) for k, v in (payloads or {}).items()]
    pairs += sorted(rest)
    out = head(5, len(pairs)) + b"".join(k + v for k, v in pairs)
    return head(6, 107) + out if tag else out


# --- rows -------------------------------------------------------------------

def row(ident, expected, data, authenticate="OK", run=None, mac=False,
        keys=("signer", "signer-p256")):
    assert ident not in [r["id"] for r in rows], ident
    with open(os.path.join(OUT, ident + ".cbor"), "wb") as f:
        f.write(data)
    r = {"id": ident, "file": ident + ".cbor", "spec": SPEC,
         "expected": expected, "authenticate": ERRORS[authenticate],
         "key": ["keys/%s.cose_key" % k for k in keys]}
    if mac:
        r["key"] = ["keys/hmac.bin"]
    if run:
        run["result"] = ERRORS[run.get("result", "OK")]
        if "integrated" in run:
            run["integrated"] = ERRORS[run["integrated"]]
        r["run"] = run
    rows.append(r)


def hexed(pairs):
    return [[a.hex() if isinstance(a, bytes) else a,
             None if b is None else b.hex()] for a, b in pairs]


def case(ident, expected, install, result="OK", components=1, shared=None,
         members=None, holds=None, payloads=None, extra=None, where=None,
         sections=None, installed=None, serve=None, log=None, slots=None,
         refuse=None, device=None, versions=None, records=None, walk=None, severed=None, component=0,
         section=20, **more):
    """One manifest that is run. `where` is the command whose offset a
    failure is reported at: bytes that occur once in the section."""
    m = {20: bstr(install)} if install else {}
    m.update(members or {})
    run = {"sections": sections or [20], "result": result,
           "vendor": V.hex(), "class": C.hex(), "device": D.hex(),
           "serve": hexed(serve or [(URI, PAYLOAD)])}
    if holds:
        run["holds"] = hexed([(name(i), b) for i, b in holds.items()])
    if installed:
        run["installed"] = hexed([(name(i), b) for i, b in installed.items()])
    if slots:
        run["slots"] = [[name(i).hex(), n] for i, n in slots.items()]
    if versions:
        run["versions"] = [[name(i).hex(), enc(x).hex()]
                           for i, x in versions.items()]
    if log is not None:
        run["log"] = log
    if refuse:
        run["refuse"] = refuse
    if isinstance(records, list):
        run["items"] = [r.hex() for r in records]
    elif records is not None:
        run["records"] = records
    if walk is not None:
        run["walk"] = ERRORS[walk] if isinstance(walk, str) else walk
    if where is not None:
        body = shared if section == 3 else install
        assert body.count(where) == 1, (ident, body.count(where))
        run["report"] = {"section": section, "offset": body.index(where),
                         "component": component}
    run.update(more)
    row(ident, expected, envelope(
        manifest(m, components=components, shared=shared, extra=extra),
        payloads=payloads, members=severed), run=run)


def authentication():
    ok = manifest({20: bstr(seq(good(), command(FETCH), command(MATCH)))})
    for ident, text, kw in [
            ("tagged", "an envelope with tag 107", {}),
            ("untagged", "an envelope without tag", {"tag": False}),
            ("esp256", "an ESP256 signature",
             {"blocks": [lambda d: sign1(d, NIST)]}),
            ("cose-sign", "a COSE_Sign, one of two signatures is by a key",
             {"blocks": [lambda d: sign(d, [STRANGER, SIGNER])]}),
            ("second-block", "the second block is by a key; the first is "
             "by a stranger",
             {"blocks": [lambda d: sign1(d, STRANGER), sign1]}),
            ("unknown-block-before", "a COSE_Mac before the signature is "
             "passed over",
             {"blocks": [head(6, 97) + enc([b"", {}, None, b"x", []]),
                         sign1]}),
            ("empty-block-before", "a zero-length block before the signature "
             "is passed over", {"blocks": [b"", sign1]}),
            ("eight-blocks", "as many blocks as are taken",
             {"blocks": [lambda d: sign1(d, STRANGER)] * 7 + [sign1]})]:
        row(ident, text, envelope(ok, **kw), run={
            "sections": [20, 7], "serve": hexed([(URI, PAYLOAD)]),
            "holds": hexed([(name(0), PAYLOAD)])})
    row("mac0", "a COSE_Mac0 by a secret key", envelope(ok, [mac0]), mac=True)
    for ident, text, err, kw in [
            ("no-block", "no authentication block", "SUIT_UNSIGNED",
             {"blocks": []}),
            ("zero-length-block", "the only block has no bytes", "CBOR_END",
             {"blocks": [b""]}),
            ("mac0-for-signature-keys", "a Mac0 where only signature keys "
             "are trusted", "COSE_KEY", {"blocks": [mac0]}),
            ("sign1-with-mac-alg", "a Sign1 that names an HMAC algorithm",
             "COSE_ALG", {"blocks": [lambda d: sign1(d, SIGNER, alg=5)]}),
            ("mac0-with-signature-alg", "a Mac0 that names ESP256",
             "COSE_KEY", {"blocks": [lambda d: mac0(d, alg=-9)]}),
            ("untagged-block", "a block without tag, which the CDDL does "
             "not have", "COSE_STRUCTURE",
             {"blocks": [lambda d: sign1(d, tag=None)]}),
            ("attached-payload", "the payload is inside the block",
             "COSE_STRUCTURE",
             {"blocks": [lambda d: sign1(d, payload=d)]}),
            ("stranger", "signed by a key that is not trusted",
             "COSE_SIGNATURE", {"blocks": [lambda d: sign1(d, STRANGER)]}),
            ("aad", "signed with another external_aad", "COSE_SIGNATURE",
             {"blocks": [lambda d: sign1(d, aad=b"x")]}),
            ("over-manifest", "signed over the manifest, not the digest",
             "COSE_SIGNATURE", {"blocks": [sign1(ok)]}),
            ("over-digest-bstr", "signed over the digest with its bstr head",
             "COSE_SIGNATURE", {"blocks": [lambda d: sign1(bstr(d))]}),
            ("nine-blocks", "one block more than is taken", "LIMIT",
             {"blocks": [sign1] * 9}),
            ("other-digest", "signed digest of another manifest",
             "SUIT_DIGEST", {"signed": enc([-16, bytes(32)])}),
            ("digest-without-head", "digest over the manifest without its "
             "bstr head", "SUIT_DIGEST", {"signed": enc([-16, sha256(ok)])}),
            ("digest-alg", "a digest by an unknown algorithm", "COSE_ALG",
             {"signed": enc([-99, bytes(32)])}),
            ("digest-short", "a digest of 31 bytes", "CBOR_RANGE",
             {"signed": enc([-16, bytes(31)])}),
            ("digest-long", "a digest of 33 bytes", "CBOR_RANGE",
             {"signed": enc([-16, bytes(33)])}),
            ("digest-three", "a digest with a third element", "CBOR_RANGE",
             {"signed": enc([-16, bytes(32), 1])}),
            ("manifest-first", "the manifest before its authentication",
             "SUIT_STRUCTURE", {"order": (3, 2)}),
            ("no-wrapper", "no authentication wrapper", "SUIT_STRUCTURE",
             {"order": (3,)}),
            ("no-manifest", "no manifest", "SUIT_STRUCTURE", {"order": (2,)}),
            ("wrapper-empty", "an authentication wrapper without digest",
             "CBOR_RANGE", {"wrapper": bstr(enc([]))}),
            ("wrapper-trailing", "bytes after the authentication array",
             "CBOR_TRAILING",
             {"wrapper": bstr(array(bstr(digest(b""))) + b"\0")}),
            ("label-99", "an unknown envelope member", "SUIT_STRUCTURE",
             {"members": {99: bstr(b"")}}),
            ("delegation", "the reserved member 1", "SUIT_STRUCTURE",
             {"members": {1: bstr(enc([]))}}),
            ("validate-in-envelope", "a member that cannot be severed",
             "SUIT_STRUCTURE", {"members": {7: bstr(seq(command(ABORT)))}}),
            ("payload-no-bstr", "an integrated payload that is text",
             "CBOR_TYPE", {"members": {"#x": enc("x")}})]:
        row(ident, text, envelope(ok, **kw), err)
    row("trailing", "a byte after the envelope", envelope(ok) + b"\0",
        "CBOR_TRAILING")
    row("label-twice", "a member twice", b"\xd8\x6b\xa4" + envelope(
        ok)[3:] + 2 * (enc("#a") + bstr(b"")), "CBOR_DUPLICATE")
    row("other-tag", "another tag", b"\xd8\x6c" + envelope(ok)[2:],
        "CBOR_TYPE")
    row("members-65", "more members than are taken", envelope(
        ok, payloads={"#%d" % i: b"" for i in range(63)}), "LIMIT")
    row("members-64", "as many members as are taken", envelope(
        ok, payloads={"#%d" % i: b"" for i in range(62)}))


def severing():
    body = bstr(seq(good(), command(FETCH), command(MATCH)))
    evil = bstr(seq(override(content=b"evil"), command(WRITE)))
    named = manifest({20: enc([-16, sha256(body)])})
    run = {"sections": [20], "serve": hexed([(URI, PAYLOAD)]),
           "holds": hexed([(name(0), PAYLOAD)])}
    row("severed", "install stands in the envelope and has its digest",
        envelope(named, members={20: body}), run=dict(run))
    row("severed-sha512", "a severed member with a SHA-512 digest", envelope(
        manifest({20: enc([-44, hashlib.sha512(body).digest()])}),
        members={20: body}), run=dict(run))
    row("severed-tampered", "install in the envelope is another one",
        envelope(named, members={20: evil}), "SUIT_DIGEST")
    row("severed-digest-without-head", "digest of a severed member without "
        "its bstr head", envelope(manifest({20: enc(
            [-16, sha256(seq(good(), command(FETCH), command(MATCH)))])}),
            members={20: body}), "SUIT_DIGEST")
    row("severed-absent", "install was severed and is not there",
        envelope(named), run=dict(sections=[20], result="SUIT_SEVERED"))
    row("severed-absent-not-run", "a severed section that is not run does "
        "no harm", envelope(named),
        run=dict(sections=[7], walk=ERRORS["SUIT_SEVERED"]))
    row("severed_install_without_digest", "an unsigned install appended to "
        "a signed envelope", envelope(manifest({7: bstr(seq(
            command(VENDOR)))}), members={20: evil}), "SUIT_DIGEST")
    row("severed_install_beside_install", "an unsigned install beside the "
        "one in the manifest", envelope(manifest({20: body}),
                                        members={20: evil}), "SUIT_DIGEST")
    for label, ident in [(16, "payload-fetch"), (15, "dependency-resolution"),
                         (18, "candidate-verification"), (23, "text"),
                         (14, "coswid")]:
        row("severed_%s_without_digest" % ident, "an unsigned member that "
            "the manifest does not name", envelope(
                manifest({20: body}), members={label: evil}), "SUIT_DIGEST")
    row("severed-validate", "a digest where validate must be", envelope(
        manifest({7: enc([-16, sha256(body)])})), "CBOR_TYPE")
    row("severed-uninstall", "a digest where uninstall must be", envelope(
        manifest({24: enc([-16, sha256(body)])})), "CBOR_TYPE")
    row("severed-digest-alg", "a severed member with an unknown digest",
        envelope(manifest({20: enc([-99, bytes(32)])}), members={20: body}),
        "COSE_ALG")
    text = bstr(enc({"en": {1: "text"}}))
    row("severed-text-absent", "text was severed: nothing needs it", envelope(
        manifest({20: body, 23: enc([-16, sha256(text)])})), run=dict(run))


def structure():
    body = bstr(seq(good(), command(FETCH), command(MATCH)))

    def bad(ident, text, err, content):
        row(ident, text, envelope(content), err)
    bad("version-2", "version 2", "SUIT_VERSION", manifest(version=2))
    bad("version-0", "version 0", "SUIT_VERSION", manifest(version=0))
    bad("version-missing", "no version", "SUIT_STRUCTURE",
        manifest({1: None}))
    bad("sequence-missing", "no sequence number", "SUIT_STRUCTURE",
        manifest({2: None}))
    bad("common-missing", "no common", "SUIT_STRUCTURE", manifest({3: None}))
    bad("sequence-negative", "a negative sequence number", "CBOR_TYPE",
        manifest(sequence=-1))
    bad("sequence-bignum", "a sequence number past 64 bits", "CBOR_TYPE",
        manifest(sequence=1 << 64))
    bad("install-17", "the install label of an old draft", "SUIT_STRUCTURE",
        manifest({17: body}))
    bad("validate-10", "the validate label of an old draft",
        "SUIT_STRUCTURE", manifest({10: body}))
    bad("label-negative", "a private manifest member", "SUIT_STRUCTURE",
        manifest({-1: body}))
    bad("label-text", "a manifest member with a text label",
        "SUIT_STRUCTURE", raw_map([(enc("a"), enc(1))]))
    bad("manifest-trailing", "bytes after the manifest's map",
        "CBOR_TRAILING", manifest() + b"\0")
    bad("common-trailing", "bytes after the common map", "CBOR_TRAILING",
        manifest({3: bstr(int_map({2: array(name(0))}) + b"\0")}))
    bad("common-label-3", "an unknown member of common", "SUIT_STRUCTURE",
        manifest(extra={3: enc(0)}))
    bad("manifest-label-twice", "a manifest label twice", "CBOR_DUPLICATE",
        b"\xa4" + manifest()[1:] + enc(2) + enc(2))
    bad("section-no-bstr", "a section that is not wrapped", "CBOR_TYPE",
        manifest({7: seq(command(VENDOR))}))
    bad("uri-utf8", "a reference URI that is not UTF-8", "CBOR_UTF8",
        manifest({4: b"\x61\xff"}))
    bad("uri-long", "a reference URI of 2049 bytes", "LIMIT",
        manifest({4: enc("u" * 2049)}))
    row("uri-2048", "a reference URI of 2048 bytes", envelope(
        manifest({4: enc("u" * 2048)})))
    row("sequence-max", "the greatest sequence number", envelope(
        manifest(sequence=(1 << 64) - 1)))
    bad("components-0", "an empty list of components", "CBOR_RANGE",
        manifest(raw_components=array()))
    bad("components_counted_against_the_array", "65 components",
        "SUIT_COMPONENT", manifest(components=65))
    row("components-64", "64 components", envelope(manifest(components=64)),
        run=dict(sections=[20]))
    bad("components-twice", "the same component twice", "SUIT_COMPONENT",
        manifest(raw_components=array(name(0), name(1), name(0))))
    bad("component-empty", "an identifier without elements",
        "SUIT_COMPONENT", manifest(raw_components=array(array())))
    bad("component-text", "an identifier of text", "SUIT_COMPONENT",
        manifest(raw_components=array(enc(["a"]))))
    bad("component-long", "an identifier of 257 bytes", "SUIT_COMPONENT",
        manifest(raw_components=array(enc([bytes(254)]))))
    row("component-256", "an identifier of 256 bytes", envelope(
        manifest(raw_components=array(enc([bytes(253)])))))
    bad("component-17", "an identifier of 17 elements", "SUIT_COMPONENT",
        manifest(raw_components=array(enc([b""] * 17))))
    bad("manifest-component-id-text", "a manifest-component-id of text",
        "SUIT_COMPONENT", manifest({5: enc(["a"])}))
    row("manifest-component-id", "a manifest-component-id", envelope(
        manifest({5: name(9)})))
    row("no-components", "a manifest without components", envelope(
        manifest(components=0)), run=dict(sections=[20]))
    for ident, label in [("dependency-resolution", 15),
                         ("candidate-verification", 18)]:
        case("section-" + ident, "a section of trust-domains",
             None, members={label: bstr(seq(
                 override(content=b"x"), command(WRITE)))},
             sections=[label], holds={0: b"x"})
    bad("dependency-no-index", "dependencies keyed by text", "CBOR_TYPE",
        manifest(extra={1: raw_map([(enc("a"), int_map({}))])}))
    bad("dependencies-0", "an empty map of dependencies", "CBOR_RANGE",
        manifest(extra={1: int_map({})}))


def fetching():
    one = [good(), command(FETCH), command(MATCH)]
    big = bytes(i * 7 & 255 for i in range(100000))
    case("fetch", "a payload from elsewhere", seq(*one),
         holds={0: PAYLOAD}, log="begin 0, end 0, ")
    case("fetch-integrated", "a payload in the envelope", seq(
        override(uri="#tc", digest=digest(b"inside")), command(FETCH),
        command(MATCH)), holds={0: b"inside"}, payloads={"#tc": b"inside"})
    case("fetch-integrated-absolute", "a payload in the envelope under an "
         "absolute URI", seq(override(
             uri=URI, digest=digest(b"inside")), command(FETCH),
             command(MATCH)), holds={0: b"inside"}, payloads={URI: b"inside"})
    case("payload_larger_than_any_buffer", "a payload of 100 000 bytes with "
         "its size", seq(override(uri="https://x.example/big",
                                  digest=digest(big), size=len(big)),
                         command(FETCH), command(MATCH)),
         holds={0: big}, serve=[("https://x.example/big", big)])
    case("fetch-empty", "a payload of no bytes", seq(
        override(uri=URI, digest=digest(b""), size=0), command(FETCH),
        command(MATCH)), holds={0: b""}, serve=[(URI, b"")])
    long_uri = "https://x.example/" + "u" * 2030
    case("uri_of_2048_bytes", "a URI of the greatest length", seq(
        override(uri=long_uri, digest=digest(PAYLOAD)), command(FETCH),
        command(MATCH)), holds={0: PAYLOAD}, serve=[(long_uri, PAYLOAD)])
    case("uri-2049", "a URI one byte longer", seq(
        override(uri=long_uri + "u"), command(FETCH)), "SUIT_PARAMETER")
    case("fetch-no-uri", "no URI is set", seq(
        override(digest=digest(PAYLOAD)), command(FETCH, 2)),
        "SUIT_PARAMETER", where=command(FETCH, 2))
    case("fetch-no-member", "a fragment that the envelope does not have",
         seq(override(uri="#tc"), command(FETCH)), "FETCH", log="")
    case("fetch-not-served", "a payload that cannot be had", seq(
        override(uri="https://x.example/no"), command(FETCH)), "FETCH")
    for n, ident in [(-1, "small"), (1, "large")]:
        case("size-too-" + ident, "image-size is not the payload's", seq(
            good(size=len(PAYLOAD) + n), command(FETCH), command(MATCH)),
            "SUIT_OPERATION")
        case("size-too-%s-integrated" % ident, "image-size is not the "
             "integrated payload's", seq(
                 override(uri="#tc", size=len(PAYLOAD) + n), command(FETCH)),
             "SUIT_OPERATION", payloads={"#tc": PAYLOAD})
        case("size-too-%s-write" % ident, "image-size is not the content's",
             seq(override(content=PAYLOAD, size=len(PAYLOAD) + n),
                 command(WRITE)), "SUIT_OPERATION")
        case("size-too-%s-copy" % ident, "image-size is not the source's",
             seq(command(INDEX, 0), override(source=1, size=len(PAYLOAD) + n),
                 command(COPY)), "SUIT_OPERATION", components=2,
             installed={1: PAYLOAD})
    case("match-wrong", "another payload arrives", seq(
        override(uri=URI, digest=digest(b"expected")), command(FETCH),
        command(MATCH, 3)), "SUIT_CONDITION", where=command(MATCH, 3))
    case("match-no-digest", "image-match without image-digest", seq(
        override(uri=URI), command(FETCH), command(MATCH)), "SUIT_CONDITION")
    case("match-no-content", "image-match of a component without content",
         seq(good(), command(MATCH)), "SUIT_CONDITION")
    for alg in (-43, -44):
        case("match-alg%d" % alg, "an image-digest by algorithm %d" % alg,
             seq(override(uri=URI, digest=digest(PAYLOAD, alg)),
                 command(FETCH), command(MATCH)), holds={0: PAYLOAD})
    case("match-after-fetch-alg", "the digest is set after the fetch and by "
         "another algorithm", seq(
             override(uri=URI), command(FETCH),
             override(digest=digest(PAYLOAD, -44)), command(MATCH)),
         holds={0: PAYLOAD})
    case("image_match_is_of_the_present_content", "image-match hashes what "
         "the component holds at that moment", seq(
             good(), command(FETCH), command(MATCH),
             override(content=b"other"), command(WRITE), command(MATCH)),
         "SUIT_CONDITION")
    case("unverified-fetch", "fetched and never verified", seq(
        good(), command(FETCH)), "SUIT_UNVERIFIED")
    case("unverified-integrated", "an integrated payload is not verified by "
         "being there", seq(override(uri="#tc"), command(FETCH)),
         "SUIT_UNVERIFIED", payloads={"#tc": b"x"})
    case("verified_before_written_again", "verified, then fetched again",
         seq(good(), command(FETCH), command(MATCH),
             override(uri="https://x.example/2"), command(FETCH)),
         "SUIT_UNVERIFIED", serve=[(URI, PAYLOAD),
                                   ("https://x.example/2", PAYLOAD)])
    case("verified-before-fetch", "image-match of the old content only",
         seq(good(), command(MATCH), command(FETCH)), "SUIT_UNVERIFIED",
         installed={0: PAYLOAD})
    case("verified-in-validate", "verified by a later section", seq(
        good(), command(FETCH)), members={7: bstr(seq(command(MATCH)))},
        sections=[20, 7], holds={0: PAYLOAD})
    case("verified-other-component", "another component is verified", seq(
        command(INDEX, 0), good(), command(FETCH), command(INDEX, 1),
        override(digest=digest(b"old")), command(MATCH)), "SUIT_UNVERIFIED",
        components=2, installed={1: b"old"})
    case("failed_image_match_then_forgiven", "a failed image-match does not "
         "verify, even when it is forgiven", seq(
             override(uri=URI, digest=digest(b"expected")), command(FETCH),
             try_each([command(MATCH)], [command(VENDOR)], None)),
         "SUIT_UNVERIFIED")
    case("write", "bytes from content", seq(
        override(content=b"bytes"), command(WRITE)), holds={0: b"bytes"})
    case("write-empty", "no bytes from content", seq(
        override(content=b""), command(WRITE)), holds={0: b""})
    case("write-no-content", "no content is set", seq(
        override(uri=URI), command(WRITE, 1)), "SUIT_PARAMETER",
        where=command(WRITE, 1))
    for ident, text, content, result in [
            ("same", "the same bytes", b"config", "OK"),
            ("other", "one byte differs", b"Config", "SUIT_CONDITION"),
            ("longer", "the component is longer", b"config.",
             "SUIT_CONDITION"),
            ("shorter", "the component is shorter", b"confi",
             "SUIT_CONDITION")]:
        case("check-content-" + ident, "check-content: " + text, seq(
            override(content=b"config"), command(CHECK)), result,
            installed={0: content})
    case("check-content-unset", "check-content without content", seq(
        override(uri=URI), command(CHECK)), "SUIT_CONDITION",
        installed={0: b"x"})
    case("check-content-verifies", "a fetch verified by check-content", seq(
        override(uri=URI, content=PAYLOAD), command(FETCH), command(CHECK)),
        holds={0: PAYLOAD})
    both = [command(INDEX, 0), good(), command(FETCH)]
    copy = [command(INDEX, 1), override(source=0), command(COPY)]
    case("copy-verified", "a copy of what was verified", seq(
        *both, command(MATCH), *copy), components=2,
        holds={0: PAYLOAD, 1: PAYLOAD}, log="begin 0, end 0, begin 1, end 1, ")
    case("copy-unverified", "a copy of what was not verified", seq(
        *both, *copy, command(INDEX, 0), command(MATCH)), "SUIT_UNVERIFIED",
        components=2)
    case("copy-verified-after", "a copy that is itself verified", seq(
        command(INDEX, 1), override(source=0, digest=digest(b"old")),
        command(COPY), command(MATCH)), components=2, installed={0: b"old"},
        holds={1: b"old"})
    case("copy-no-source-content", "the source has no content", seq(*copy),
         "SUIT_OPERATION", components=2)
    case("copy-no-source", "no source is set", seq(
        command(INDEX, 1), override(uri=URI), command(COPY)),
        "SUIT_PARAMETER", components=2)
    case("copy-itself", "a component copied onto itself", seq(
        override(source=0), command(COPY)), "SUIT_OPERATION",
        installed={0: b"old"})
    case("copy-source-index", "a source that is no component", seq(
        override(source=1), command(COPY)), "SUIT_COMPONENT")
    case("copy-source-index-256", "a source index past 8 bits", seq(
        override(source=256), command(COPY)), "SUIT_COMPONENT",
        installed={0: b"old"})
    case("host-write-fails", "the device cannot write", seq(*one), "STORE",
         fail_write=ERRORS["STORE"])
    case("host-write-says-condition", "a device's odd answer is no soft "
         "failure", seq(try_each([good(), command(FETCH)],
                                 [command(VENDOR)])), "SUIT_OPERATION",
         fail_write=ERRORS["SUIT_CONDITION"])


def conditions():
    ids = dict(vendor=V, klass=C, device=D)
    for ident, label, number in [("vendor", "vendor", VENDOR),
                                 ("class", "klass", CLASS),
                                 ("device", "device", DEVICE)]:
        other = dict(ids)
        other[label] = bytes(16)
        one = command(number, 2)
        case(ident, "the device's identifier", seq(override(**ids), one))
        case(ident + "-other", "another identifier", seq(
            override(**other), one), "SUIT_CONDITION", where=one, records=1)
        case(ident + "-unset", "no identifier is set", seq(
            override(uri=URI), one), "SUIT_CONDITION", where=one)
        for n in (15, 17):
            case("%s-%d" % (ident, n), "an identifier of %d bytes" % n, seq(
                override(**{label: bytes(n)}), one), "SUIT_PARAMETER")
        case(ident + "-text", "an identifier of text", seq(
            override(**{label: "0123456789abcdef"}), one), "SUIT_PARAMETER")
    pen = Raw(head(6, 112) + enc(b"\x84\x01"))
    case("vendor-pen", "a vendor by enterprise number, not this one", seq(
        override(vendor=pen), command(VENDOR)), "SUIT_CONDITION")
    case("vendor-pen-16", "a PEN that looks like a UUID", seq(
        override(vendor=Raw(head(6, 112) + enc(V))), command(VENDOR)),
        "SUIT_PARAMETER")
    case("vendor-other-tag", "a tagged UUID", seq(
        override(vendor=Raw(head(6, 37) + enc(V))), command(VENDOR)),
        "SUIT_PARAMETER")
    case("slot", "the current slot", seq(override(slot=3), command(SLOT)),
         slots={0: 3})
    case("slot-other", "another slot", seq(override(slot=2), command(SLOT)),
         "SUIT_CONDITION", slots={0: 3})
    case("slot-unset", "no slot is set", seq(override(uri=URI),
                                             command(SLOT)),
         "SUIT_CONDITION")
    case("abort", "abort", seq(command(ABORT, 2)), "SUIT_CONDITION",
         where=command(ABORT, 2), records=1)


def control():
    w = [override(content=b"one"), command(WRITE)]
    w2 = [override(content=b"two"), command(WRITE)]
    case("try_each_stops_after_success", "alternatives after one that "
         "succeeded are not run", seq(try_each(w, w2)), holds={0: b"one"},
         log="begin 0, end 0, ")
    case("try-each-second", "the second alternative", seq(
        try_each([command(ABORT)], w2)), holds={0: b"two"})
    case("try-each-none", "no alternative succeeds", seq(
        try_each([command(ABORT, 1)], [command(ABORT, 2)])),
        "SUIT_CONDITION", where=command(ABORT, 2))
    case("try-each-nil", "no alternative succeeds, and nil", seq(
        try_each([command(ABORT)], [command(ABORT)], None), *w),
        holds={0: b"one"})
    for ident, text, arg, err in [
            ("one", "one alternative", array(bstr(seq(*w))), "CBOR_RANGE"),
            ("one-nil", "one alternative and nil", array(
                bstr(seq(*w)), b"\xf6"), "CBOR_TYPE"),
            ("nil-first", "nil before an alternative", array(
                b"\xf6", bstr(seq(*w)), bstr(seq(*w))), "CBOR_TYPE"),
            ("nil-between", "nil between alternatives", array(
                bstr(seq(command(ABORT))), bstr(seq(command(ABORT))), b"\xf6",
                bstr(seq(*w))), "CBOR_TYPE"),
            ("false", "false for an alternative", array(
                bstr(seq(*w)), bstr(seq(*w)), b"\xf4"), "CBOR_TYPE"),
            ("no-bstr", "an alternative that is not wrapped", array(
                seq(*w), seq(*w)), "CBOR_TYPE"),
            ("empty-seq", "an alternative without commands", array(
                bstr(array()), bstr(array())), "CBOR_RANGE"),
            ("uint", "a number for alternatives", enc(0), "CBOR_TYPE")]:
        case("try-each-" + ident, "try-each: " + text, seq(
            command(TRY, arg)), err, log="")
    case("try-each-hard", "soft failure false: a failed condition aborts",
         seq(try_each([override(soft=False), command(ABORT, 3)], w)),
         "SUIT_CONDITION", log="", where=command(ABORT, 3))
    case("try-each-hard-nested", "soft failure false aborts an outer "
         "try-each too", seq(try_each([try_each(
             [override(soft=False), command(ABORT)], w)], w)),
         "SUIT_CONDITION", log="")
    case("try-each-directive", "a failed directive aborts whatever soft "
         "failure is", seq(try_each([command(FETCH)], w)), "SUIT_PARAMETER",
         log="")
    case("try-each-unknown", "an unknown command is no soft failure", seq(
        try_each([command(99)], w)), "SUIT_COMMAND", log="")
    case("try-each-nested", "an inner try-each that fails is a failed "
         "condition of the outer one's alternative", seq(try_each(
             [try_each([command(ABORT)], [command(ABORT)])], w2)),
         holds={0: b"two"})
    case("try-each-sequence", "a failed run-sequence fails its alternative",
         seq(try_each([run_sequence(command(ABORT))], w2)),
         holds={0: b"two"})
    case("try-each-params", "parameters of a failed alternative stay", seq(
        try_each([override(content=b"one"), command(ABORT)],
                 [command(WRITE)])), holds={0: b"one"})
    case("ab-slots", "the A/B template of Section 7.7", seq(
        try_each([override(slot=0), command(SLOT),
                  override(uri="https://x.example/0", digest=digest(b"A"))],
                 [override(slot=1), command(SLOT),
                  override(uri="https://x.example/1", digest=digest(b"B"))]),
        command(FETCH), command(MATCH)), slots={0: 1}, holds={0: b"B"},
        serve=[("https://x.example/0", b"A"), ("https://x.example/1", b"B")])
    case("fetch-in-alternative", "a fetch inside try-each", seq(
        try_each([command(ABORT)], [good(), command(FETCH), command(MATCH)])),
        holds={0: PAYLOAD})
    case("run-sequence", "a sequence", seq(run_sequence(*w)),
         holds={0: b"one"})
    case("run-sequence-fails", "a failed condition in a sequence", seq(
        run_sequence(command(ABORT, 5)), *w), "SUIT_CONDITION", log="",
        where=command(ABORT, 5))
    case("run-sequence-soft", "soft failure true: the sequence halts and "
         "the rest goes on", seq(run_sequence(
             override(soft=True), command(ABORT), *w), *w2),
         holds={0: b"two"}, log="begin 0, end 0, ")
    case("run-sequence-soft-directive", "a failed directive is not soft",
         seq(run_sequence(override(soft=True), command(FETCH)), *w2),
         "SUIT_PARAMETER", log="")
    case("soft-outside", "soft failure set outside of try-each and "
         "run-sequence", seq(override(soft=True)), "SUIT_PARAMETER")
    case("soft-not-inherited", "soft failure is not inherited", seq(
        run_sequence(override(soft=True), run_sequence(
            command(ABORT), *w), *w), *w2), holds={0: b"two"},
        log="begin 0, end 0, ")
    case("soft-reverts", "soft failure reverts when a sequence ends", seq(
        run_sequence(run_sequence(override(soft=True), command(VENDOR)),
                     command(ABORT)), *w2), "SUIT_CONDITION", log="",
        shared=seq(override(vendor=V)))
    deep = w
    for n in range(1, 10):
        deep = [run_sequence(*deep)]
        if n >= 8:
            case("depth-%d" % n, "%d nested sequences" % n, seq(*deep),
                 "OK" if n == 8 else "LIMIT", holds={0: b"one"} if n == 8
                 else None)
    for ident, body, err in [
            ("empty", array(), "CBOR_RANGE"),
            ("odd", array(enc(ABORT), enc(0), enc(ABORT)), "SUIT_STRUCTURE"),
            ("map", int_map({}), "CBOR_TYPE"),
            ("trailing", seq(*w) + b"\0", "CBOR_TRAILING"),
            ("text", array(enc("a"), enc(0)), "CBOR_TYPE"),
            ("huge", array(enc(1 << 40), enc(0)), "CBOR_RANGE"),
            ("cut", seq(*w)[:-1], "CBOR_END")]:
        case("sequence-" + ident, "a malformed sequence", body, err, log="")
    for ident, text, arg, err in [("16", "a policy of 16", 16, "CBOR_RANGE"),
                                  ("negative", "a negative policy", -1,
                                   "CBOR_TYPE"),
                                  ("nil", "nil for a policy", None,
                                   "CBOR_TYPE")]:
        case("policy-" + ident, text, seq(*w, command(WRITE, arg)), err)
    case("too-many-commands", "more commands than a section may run", seq(
        command(INDEX, True), override(vendor=V),
        *[run_sequence(command(INDEX, True), command(VENDOR))] * 4),
        "LIMIT", components=64)
    for number, err in [(0, "SUIT_COMMAND"), (5000, "SUIT_COMMAND"),
                        (9, "SUIT_COMMAND"), (10, "SUIT_COMMAND"),
                        (13, "SUIT_COMMAND"),
                        (17, "SUIT_COMMAND"), (30, "SUIT_COMMAND"),
                        (36, "SUIT_COMMAND"), (-1, "SUIT_COMMAND"),
                        (-257, "SUIT_COMMAND"), (2147483647, "SUIT_COMMAND")]:
        case("command%d" % number if number < 0 else "command-%d" % number,
             "a command that is not supported", seq(command(number, 7)), err,
             log="", where=command(number, 7),
             reason=5)


def shared_sequence():
    for number in (FETCH, WRITE, COPY, INVOKE, UNLINK, 29, 31, 11, -300):
        case("shared%s%d" % ("" if number < 0 else "-", number),
             "a command that the shared sequence must not have",
             seq(command(VENDOR)),
             "SUIT_COMMAND",
             shared=seq(override(uri=URI, content=b"x", source=0),
                        command(number, 6)), log="",
             where=command(number, 6), section=3)
    case("shared-first", "the shared sequence runs before each section",
         seq(command(WRITE)), shared=seq(
             override(vendor=V, content=b"x"), command(VENDOR)),
         holds={0: b"x"})
    case("shared-fails", "a failed condition of the shared sequence", seq(
        override(content=b"x"), command(WRITE)), "SUIT_CONDITION",
        shared=seq(override(vendor=bytes(16)), command(VENDOR, 2)), log="",
        where=command(VENDOR, 2), section=3)
    case("shared-without-section", "a section that is not there runs "
         "nothing", None, shared=seq(command(ABORT)), sections=[20])


def indices():
    w = [override(content=b"x"), command(WRITE)]
    for value, ident in [(1, "1"), (2, "2"), (255, "255"), (256, "256"),
                         (1 << 16, "65536"), (1 << 32, "2to32"),
                         ((1 << 64) - 1, "max")]:
        case("index_not_cut_to_8_bits" if value == 256 else "index-" + ident,
             "an index past the components", seq(command(INDEX, value), *w),
             "SUIT_COMPONENT", log="", where=command(INDEX, value))
    for ident, arg, err in [("false", False, "CBOR_TYPE"),
                            ("text", "0", "CBOR_TYPE"),
                            ("negative", -1, "CBOR_TYPE"),
                            ("nil", None, "CBOR_TYPE"),
                            ("list-empty", [], "CBOR_RANGE"),
                            ("list-past", [0, 1], "SUIT_COMPONENT"),
                            ("list-256", [256], "SUIT_COMPONENT"),
                            ("list-nested", [[0]], "CBOR_TYPE"),
                            ("list-true", [True], "CBOR_TYPE")]:
        case("index-" + ident, "a component index that is none", seq(
            command(INDEX, arg), *w), err, log="")
    case("index-none", "several components and no index", seq(*w),
         "SUIT_COMPONENT", components=2, log="")
    case("index-none-nested", "several components and no index, nested",
         seq(run_sequence(*w)), "SUIT_COMPONENT", components=2, log="")
    case("index-true-none", "all components of none", seq(
        command(INDEX, True), command(VENDOR)), "SUIT_COMPONENT",
        components=0)
    case("index-true", "each command for all components", seq(
        command(INDEX, True), *w), components=3,
        holds={0: b"x", 1: b"x", 2: b"x"},
        log="begin 0, end 0, begin 1, end 1, begin 2, end 2, ")
    case("index-list", "each command for the listed components", seq(
        command(INDEX, [2, 0]), *w), components=3, holds={0: b"x", 2: b"x"},
        log="begin 2, end 2, begin 0, end 0, ")
    case("index-list-fetch", "fetches for a list of components", seq(
        command(INDEX, [1, 0]), good(), command(FETCH), command(MATCH)),
        components=2, holds={0: PAYLOAD, 1: PAYLOAD})
    case("index-true-fails", "a condition fails for the second component",
         seq(command(INDEX, 0), override(content=b"a"), command(INDEX, 1),
             override(content=b"b"), command(INDEX, True),
             command(CHECK, 2)), "SUIT_CONDITION", components=2,
         installed={0: b"a", 1: b"x"}, where=command(CHECK, 2), component=1,
         records=1)
    case("index-true-try-each", "try-each once for each component", seq(
        command(INDEX, True), override(content=b"a"),
        try_each([command(CHECK)], [command(WRITE)])), components=3,
        installed={0: b"a", 1: b"b", 2: b"a"},
        holds={0: b"a", 1: b"a", 2: b"a"}, log="begin 1, end 1, ")
    case("index-true-sequence", "a sequence once for each component, with "
         "one index inside", seq(command(INDEX, True),
                                 run_sequence(*w)), components=2,
         log="begin 0, end 0, begin 1, end 1, ")
    case("index-list-sequence-inner", "an index set in a sequence does not "
         "outlive it", seq(command(INDEX, [0, 1]), run_sequence(
             command(INDEX, 2), *w), *w), components=3,
         log="begin 2, end 2, begin 2, end 2, "
             "begin 0, end 0, begin 1, end 1, ")
    case("index-list-soft", "a sequence that halts for one component goes "
         "on with the next", seq(
             command(INDEX, [0, 1]), override(content=b"a"), run_sequence(
                 override(soft=True), command(CHECK),
                 override(content=b"new"), command(WRITE))),
         components=2, installed={0: b"z", 1: b"a"},
         holds={0: b"z", 1: b"new"})


def parameters():
    case("override-replaces", "override-parameters replaces", seq(
        override(content=b"old"), override(content=b"new"), command(WRITE)),
        holds={0: b"new"})
    case("set-keeps", "set-parameters keeps what is set", seq(
        override(content=b"old"), command(SET, params(content=b"new")),
        command(WRITE)), holds={0: b"old"})
    case("set-when-unset", "set-parameters sets what is not set", seq(
        command(SET, params(content=b"new")), command(WRITE)),
        holds={0: b"new"})
    case("params-by-component", "parameters belong to one component", seq(
        command(INDEX, 0), override(content=b"a"), command(INDEX, 1),
        command(WRITE)), "SUIT_PARAMETER", components=2, log="")
    case("params-stay", "parameters outlive their section", seq(
        override(content=b"x"), command(WRITE)), sections=[20, 7],
        members={7: bstr(seq(command(CHECK)))})
    case("params-empty", "no parameters", seq(command(OVERRIDE, int_map({}))),
         "SUIT_STRUCTURE")
    case("params-array", "an array of parameters", seq(
        command(OVERRIDE, array())), "CBOR_TYPE")
    case("params-twice", "a parameter twice", seq(command(
        OVERRIDE, b"\xa2" + 2 * (enc(21) + enc(URI)))), "CBOR_DUPLICATE")
    for label, value, ident in [
            (0, 0, "0"), (19, b"", "encryption-info-empty"),
            (25, b"", "fetch-arguments"), (31, 1, "31"),
            (99, 0, "unknown"), (-1, 0, "negative"), (-300, 0, "custom"),
            ("a", 0, "text")]:
        case("param-" + ident, "a parameter that is not supported", seq(
            command(OVERRIDE, raw_map([(enc(label), enc(value))]))),
            "SUIT_PARAMETER", log="", reason=8)
    for key, value in [("digest", b"\x01"), ("size", -1), ("size", b""),
                       ("slot", -1), ("slot", "a"), ("content", "text"),
                       ("uri", b"bytes"), ("uri", ""), ("source", b""),
                       ("args", 1), ("strict", 1), ("soft", None)]:
        case("param-type-%s-%s" % (key, type(value).__name__ + (
            "-empty" if value == "" else "")), "a parameter of another type",
            seq(run_sequence(override(**{key: value}))), "SUIT_PARAMETER")
    case("param-digest-alg", "an image-digest by an unknown algorithm", seq(
        override(digest=enc([-99, bytes(32)]))), "COSE_ALG", reason=3)
    case("param-uri-utf8", "a URI that is not UTF-8", seq(
        override(uri=Raw(b"\x61\xff"))), "SUIT_PARAMETER")


def strict_order():
    loose = override(strict=False)
    get = [command(INDEX, 0), good()]
    copy = [command(INDEX, 1), override(source=0), command(COPY, 9)]
    case("strict-copy", "fetch, then copy from it, in strict order", seq(
        *get, command(FETCH), command(MATCH), *copy), components=2,
        holds={1: PAYLOAD})
    case("strict_order_is_honoured", "target and source of one sequence "
         "while strict order is false", seq(
             *get, loose, command(FETCH), command(MATCH), *copy),
         "SUIT_OPERATION", components=2, where=command(COPY, 9), component=1)
    case("loose-source-first", "source, then target, while strict order is "
         "false", seq(command(INDEX, 1), loose, override(source=0),
                      command(COPY), command(INDEX, 0), good(),
                      command(FETCH)), "SUIT_OPERATION", components=2,
         installed={0: PAYLOAD})
    case("loose-apart", "targets and sources apart", seq(
        command(INDEX, 0), loose, override(content=b"x"), command(WRITE),
        command(INDEX, 1), override(source=2, digest=digest(b"s")),
        command(COPY), command(MATCH)), components=3, installed={2: b"s"},
        holds={0: b"x", 1: b"s"})
    case("loose-until-strict", "strict order true again orders what follows",
         seq(*get, loose, command(FETCH), command(MATCH),
             override(strict=True), *copy), components=2, holds={1: PAYLOAD})
    case("loose-ends-with-its-sequence", "two sequences that each give up "
         "strict order, one reading what the other writes", seq(
             command(INDEX, 1), override(source=0, digest=digest(b"s")),
             run_sequence(loose, command(COPY), command(MATCH)),
             command(INDEX, 0), override(content=b"x"),
             run_sequence(loose, command(WRITE)),
             command(INDEX, 2), override(source=0),
             run_sequence(loose, command(COPY))),
         components=3, installed={0: b"s"}, holds={0: b"x", 1: b"s", 2: b"x"})
    case("loose-in-sequence", "strict order is true inside run-sequence", seq(
        command(INDEX, 0), loose, run_sequence(
            command(INDEX, 0), good(), command(FETCH), command(MATCH))),
        components=2, holds={0: PAYLOAD})
    case("loose-sequence-no-index", "run-sequence that does not begin with "
         "set-component-index while strict order is false", seq(
             command(INDEX, 0), loose, run_sequence(good(), command(FETCH))),
         "SUIT_COMMAND", components=2, log="")
    case("loose-sequence-second-index", "a second set-component-index", seq(
        command(INDEX, 0), loose, run_sequence(
            command(INDEX, 0), command(INDEX, 1))), "SUIT_COMMAND",
        components=2, log="")
    case("loose-sequence-nested-index", "a second set-component-index, "
         "nested", seq(command(INDEX, 0), loose, run_sequence(
             command(INDEX, 0), run_sequence(command(INDEX, 1)))),
         "SUIT_COMMAND", components=2, log="")
    case("loose-list-index", "set-component-index where the index is preset",
         seq(command(INDEX, [0, 1]), loose, run_sequence(command(INDEX, 0))),
         "SUIT_COMMAND", components=2, log="")
    case("loose-list", "a sequence for preset indices", seq(
        command(INDEX, [0, 1]), loose, run_sequence(
            override(content=b"x"), command(WRITE))), components=2,
        holds={0: b"x", 1: b"x"})


def devices():
    case("unlink", "uninstall", None, sections=[24],
         members={24: bstr(seq(command(UNLINK)))}, log="unlink 0, ")
    case("unlink-true", "uninstall of all components", None, sections=[24],
         members={24: bstr(seq(command(INDEX, True), command(UNLINK)))},
         components=2, log="unlink 0, unlink 1, ")
    case("invoke", "invoke with arguments", None, sections=[9],
         members={9: bstr(seq(override(args=b"abc"), command(INVOKE)))},
         log="invoke 3, ")
    case("invoke-plain", "invoke without arguments", None, sections=[9],
         members={9: bstr(seq(command(INVOKE)))}, log="invoke 0, ")
    case("invoke-unverified", "what was fetched is invoked before it is "
         "verified", seq(good(), command(FETCH), command(INVOKE)),
         "SUIT_UNVERIFIED", log="begin 0, end 0, ")
    case("invoke-verified", "what was fetched and verified is invoked", seq(
        good(), command(FETCH), command(MATCH), command(INVOKE)),
        log="begin 0, end 0, invoke 0, ")
    case("refused-component", "a component that the signer may not touch",
         seq(command(INDEX, 0), command(ABORT)), "SUIT_UNAUTHORISED",
         components=2, refuse=[0, name(1).hex(), ERRORS["SUIT_UNAUTHORISED"]], log="",
         reason=7)
    case("refused-no-component", "a component that cannot exist here", seq(
        command(ABORT)), "SUIT_COMPONENT", refuse=[
            0, name(0).hex(), ERRORS["SUIT_COMPONENT"]], log="", reason=6)
    every = override(uri=URI, digest=digest(b"old"), content=b"old",
                     source=1, vendor=V, klass=C, device=D, slot=0)
    for number in (VENDOR, CLASS, DEVICE, MATCH, CHECK, SLOT, FETCH, WRITE,
                   COPY, INVOKE, UNLINK):
        case("refused-%d" % number, "a command that the signer may not use",
             seq(command(INDEX, 0), try_each(
                 [every, command(number, 9)], [every, command(ABORT)], None)),
             "SUIT_UNAUTHORISED", components=2,
             installed={0: b"old", 1: b"old"}, where=command(number, 9),
             refuse=[number, name(0).hex(), ERRORS["SUIT_UNAUTHORISED"]],
             log="", reason=7)
    case("refused-source", "a source that the signer may not read", seq(
        command(INDEX, 0), every, command(COPY)), "SUIT_UNAUTHORISED",
        components=2, installed={0: b"old", 1: b"old"},
        refuse=[COPY, name(1).hex(), ERRORS["SUIT_UNAUTHORISED"]], log="")
    case("records-success", "records and claims of what succeeded", seq(
        good(vendor=V), command(VENDOR, 5), command(FETCH, 5),
        command(MATCH, 5)), records=6)
    case("records-none", "no policy, no record", seq(
        good(vendor=V), command(VENDOR, 10), command(FETCH, 10),
        command(MATCH, 10)), records=0)
    case("records-failure", "records of failures that were forgiven", seq(
        override(digest=digest(b"other")), try_each(
            [command(MATCH, 10)], [command(ABORT, 10)], None)),
        installed={0: b"old"}, records=3)


def version_rows():
    """All five comparisons, with what the text says of each."""
    for op, ident, holds in [(1, "greater", "more"), (2, "greater-equal",
                                                      "more same"),
                             (3, "equal", "same"),
                             (4, "lesser-equal", "less same"),
                             (5, "lesser", "less")]:
        for have, how in [([1, 2, 4], "more"), ([1, 2, 3], "same"),
                          ([1, 2, 2], "less")]:
            case("version-%s-%s" % (ident, how), "a version compared", seq(
                override(version=[op, [1, 2, 3]]), command(VERSION, 2)),
                "OK" if how in holds else "SUIT_CONDITION",
                versions={0: have}, reason=0 if how in holds else 10,
                **({} if how in holds else {"where": command(VERSION, 2),
                                            "records": 1}))
    for ident, text, op, want, have, ok in [
            ("prefix", "all versions that begin so are equal", 3, [1],
             [1, 9, 9], True),
            ("shorter", "a missing integer counts as 0", 3, [1, 0], [1],
             True),
            ("shorter-below", "1 is below 1.0.1", 2, [1, 0, 1], [1], False),
            ("rc", "2.0-rc.1 is below 2.0.0", 5, [2, 0, 0], [2, 0, -1, 1],
             True),
            ("rc-above", "2.0-rc.1 is above every 1.x", 1, [1, 99],
             [2, 0, -1, 1], True),
            ("beta", "a beta is below a release candidate", 5, [1, 2, -1],
             [1, 2, -2], True),
            ("final", "1.2 is above 1.2-rc", 1, [1, 2, -1], [1, 2], True),
            ("wide", "integers of 64 bits", 1, [1 << 62], [(1 << 62) + 1],
             True),
            ("narrow", "they are not cut", 5, [1 << 32], [1], True),
            ("sixteen", "as many integers as are taken", 3, [1] * 16,
             [1] * 16, True)]:
        case("version-" + ident, text, seq(
            override(version=[op, want]), command(VERSION)),
            "OK" if ok else "SUIT_CONDITION", versions={0: have})
    case("version-range", "two comparisons, one after another", seq(
        override(version=[2, [1, 0]]), command(VERSION),
        override(version=[5, [1, 10]]), command(VERSION)),
        versions={0: [1, 9, 7]})
    case("version-unset", "no version is asked for", seq(
        override(uri=URI), command(VERSION)), "SUIT_CONDITION",
        versions={0: [1]})
    case("version-none", "the component has no version", seq(
        override(version=[3, [1]]), command(VERSION)), "SUIT_CONDITION")
    case("version-soft", "a version that does not fit is a failed condition",
         seq(try_each([override(version=[1, [2]], content=b"new"),
                       command(VERSION), command(WRITE)],
                      [override(content=b"old"), command(WRITE)])),
         versions={0: [1, 5]}, holds={0: b"old"})
    case("version-lacks", "a device that knows no versions", seq(
        override(version=[3, [1]]), command(VERSION, 3)), "SUIT_COMMAND",
        versions={0: [1]}, lacks=["version"], reason=5,
        where=command(VERSION, 3))
    for ident, value in [
            ("op-0", [0, [1]]), ("op-6", [6, [1]]), ("op-text", ["<", [1]]),
            ("empty", [1, []]), ("text", [1, "1.2"]), ("part", [1, [1, "2"]]),
            ("three", [1, [1], 1]), ("one", [1]), ("map", {}),
            ("seventeen", [1, [1] * 17]), ("number", Raw(enc(1))),
            ("no-bstr", Raw(enc([1, [1]]))), ("bytes", Raw(bstr(b""))),
            ("trailing", Raw(bstr(enc([1, [1]]) + b"\0"))),
            ("bignum", [1, [1 << 64]])]:
        case("version-type-" + ident, "a version parameter that is none",
             seq(override(version=value), command(VERSION)),
             "SUIT_PARAMETER", reason=8, versions={0: [1]})


def management():
    digests = dict(digest=digest(b"old"))
    for ident, text, kw, ok, content in [
            ("other", "the content is another one", digests, True, b"new"),
            ("same", "the content is that one", digests, False, b"old"),
            ("none", "there is no content", digests, True, None),
            ("unset", "no digest is set", dict(uri=URI), False, b"new")]:
        case("not-match-" + ident, "image-not-match: " + text, seq(
            override(**kw), command(NOT_MATCH, 2)),
            "OK" if ok else "SUIT_CONDITION",
            installed=None if content is None else {0: content},
            **({} if ok else dict(where=command(NOT_MATCH, 2), records=1)))
    case("not-match-verifies-nothing", "image-not-match is no verification",
         seq(override(uri=URI, **digests), command(FETCH),
             command(NOT_MATCH)), "SUIT_UNVERIFIED")
    case("not-match-skip", "an update that is not fetched when it is there",
         seq(good(), try_each([command(NOT_MATCH), command(FETCH)],
                              [command(VENDOR)], None), command(MATCH)),
         installed={0: PAYLOAD}, holds={0: PAYLOAD}, log="")
    measured = {3: Raw(bstr(digest(b"new")))}
    body = [override(**digests), command(NOT_MATCH, 5)]
    case("not-match-records", "what was found is told when it is another "
         "value than the manifest's", seq(*body), installed={0: b"new"},
         records=[found(NOT_MATCH, 20, seq(*body).index(body[1]), 0,
                        measured), claims(0, 3, measured[3])])
    for ident, parameter, number, good_, bad, fact in [
            ("use-before", "before", USE_BEFORE, 101, 100, dict(now=100)),
            ("battery", "battery", BATTERY, 50, 51, dict(battery=50)),
            ("authorized", "priority", AUTHORIZED, -3, -2,
             dict(priority=-3))]:
        one = command(number, 2)
        member = "now" if ident == "use-before" else ident
        case(ident, "a condition that holds", seq(
            override(**{parameter: good_}), one), records=0, **fact)
        case(ident + "-fails", "a condition that does not hold, by one", seq(
            override(**{parameter: bad}), one), "SUIT_CONDITION", where=one,
            records=1, reason=10, **fact)
        case(ident + "-unset", "the parameter is not set", seq(
            override(uri=URI), one), "SUIT_CONDITION", where=one, reason=10,
            **fact)
        case(ident + "-lacks", "the device does not know", seq(
            override(**{parameter: good_}), one), "SUIT_COMMAND", where=one,
            reason=5, lacks=[member], **fact)
        case(ident + "-lacks-in-try-each", "what is not supported is no "
             "failed condition", seq(try_each(
                 [override(**{parameter: good_}), one],
                 [override(content=b"x"), command(WRITE)])), "SUIT_COMMAND",
             log="", lacks=[member], **fact)
        case(ident + "-shared", "in the shared sequence", seq(
            override(content=b"x"), command(WRITE)), "SUIT_CONDITION",
            shared=seq(override(**{parameter: bad}), one), log="", where=one,
            section=3, **fact)
        for value, kind in [("1", "text"), (b"1", "bytes"), (None, "nil"),
                            (1 << 64, "bignum")] + (
                                [(-1, "negative")]
                                if ident != "authorized" else []):
            case("%s-type-%s" % (ident, kind), "a parameter of another type",
                 seq(override(**{parameter: value}), one), "SUIT_PARAMETER",
                 reason=8, **fact)
    case("use-before-max", "the greatest time of 64 bits", seq(
        override(before=(1 << 64) - 1), command(USE_BEFORE)), now=1 << 40)
    case("use-before-no-clock", "without a time that can be relied on the "
         "condition fails", seq(override(before=1 << 40),
                                command(USE_BEFORE)), "SUIT_CONDITION",
         now=-1, reason=10)
    case("battery-max", "the greatest level", seq(
        override(battery=(1 << 64) - 1), command(BATTERY)),
        "SUIT_CONDITION", battery=1 << 40)
    case("authorized-extremes", "the least and the greatest priority", seq(
        override(priority=-(1 << 63)), command(AUTHORIZED),
        override(priority=(1 << 63) - 1), command(AUTHORIZED)),
        priority=(1 << 63) - 1)
    version_rows()


def waiting():
    write = [override(content=b"x"), command(WRITE)]
    other = [b"dev", [[2, [1]], [5, [2]]]]
    for event, ident, value in [
            (1, "authorization", 5), (2, "power", -1), (3, "network", 0),
            (4, "other-device", other), (6, "time-of-day", 86399),
            (7, "day-of-week", 6)]:
        one = [override(wait={event: value}), command(WAIT, 2)]
        case("wait-" + ident, "the event has come", seq(*one, *write),
             holds={0: b"x"}, log="begin 0, end 0, ")
        case("wait-%s-later" % ident, "the event comes", seq(*one, *write),
             holds={0: b"x"}, events_after=2,
             log="wait %d, wait %d, begin 0, end 0, " % (event, event))
        case("wait-%s-never" % ident, "the event is given up", seq(
            *one, *write), "BUSY", events_after=-1, where=one[1], records=1)
        case("wait-%s-unsupported" % ident, "the event is not supported",
             seq(*one, *write), "SUIT_PARAMETER", no_event=event, log="",
             reason=8, where=one[1])
    thursday = 0
    for event, ident, value, now, log in [
            (5, "time", 120, 120, ""), (5, "time-later", 120, 100,
                                        "wait 5, wait 5, "),
            (8, "time-of-day-utc", 3600, 86400 + 3600, ""),
            (8, "time-of-day-utc-later", 3600, 86400 + 3595, "wait 8, "),
            (9, "day-of-week-utc", 4, thursday, ""),
            (9, "day-of-week-utc-later", 5, thursday + 86395, "wait 9, "),
            (9, "day-of-week-sunday", 0, 3 * 86400, "")]:
        case("wait-" + ident, "a time in UTC", seq(
            override(wait={event: value}), command(WAIT), *write), now=now,
            holds={0: b"x"}, log=log + "begin 0, end 0, ")
    case("wait-no-clock", "a time is not awaited for ever", seq(
        override(wait={5: 1}), command(WAIT)), "BUSY", now=-1)
    case("wait-lacks-now", "a time on a device without", seq(
        override(wait={5: 1}), command(WAIT)), "SUIT_PARAMETER",
        lacks=["now"])
    case("wait-all", "all events must have come at one time", seq(
        override(wait={3: 1, 5: 130}), command(WAIT), *write), now=100,
        events_after=1, log="wait 3, wait 5, wait 5, begin 0, end 0, ")
    case("wait-unsupported-first", "an event that is not supported is told "
         "before another is awaited", seq(
             override(wait={3: 1, 7: 1}), command(WAIT)), "SUIT_PARAMETER",
         events_after=-1, no_event=7, log="")
    case("wait-unset", "no event is named", seq(
        override(uri=URI), command(WAIT, 2)), "SUIT_PARAMETER",
        where=command(WAIT, 2), records=1)
    case("wait-lacks", "a device that does not wait", seq(
        override(wait={3: 1}), command(WAIT)), "SUIT_COMMAND", reason=5,
        lacks=["wait"])
    case("wait-in-try-each", "a wait is no failed condition", seq(try_each(
        [override(wait={3: 1}), command(WAIT), command(ABORT)], write)),
        events_after=1, holds={0: b"x"}, log="wait 3, begin 0, end 0, ")
    case("wait-between-fetches", "a fetch, a wait and a fetch", seq(
        command(INDEX, 0), good(wait={3: 1}), command(FETCH),
        command(MATCH), command(WAIT), command(INDEX, 1), good(),
        command(FETCH), command(MATCH)), events_after=1, components=2,
        holds={0: PAYLOAD, 1: PAYLOAD},
        log="begin 0, end 0, wait 3, begin 1, end 1, ")
    case("wait-each-component", "a wait for each of the components", seq(
        command(INDEX, True), override(wait={3: 1}), command(WAIT)),
        components=2, events_after=1, log="wait 3, ")
    case("wait-refused", "a wait that the signer may not use", seq(
        override(wait={3: 1}), command(WAIT)), "SUIT_UNAUTHORISED",
        refuse=[WAIT, name(0).hex(), ERRORS["SUIT_UNAUTHORISED"]], log="")
    for ident, value in [
            ("empty", {}), ("event-0", {0: 1}), ("event-10", {10: 1}),
            ("event-text", {"a": 1}), ("array", []), ("power-text", {2: "a"}),
            ("time-negative", {5: -1}), ("day-7", {7: 7}), ("day-9-7", {9: 7}),
            ("second-86400", {6: 86400}), ("second-8", {8: 86400}),
            ("device-text", {4: ["d", [[1, [1]]]]}),
            ("device-no-match", {4: [b"d", []]}),
            ("device-match", {4: [b"d", [[0, [1]]]]}),
            ("device-three", {4: [b"d", [[1, [1]]], 1]}),
            ("map", Raw(enc({3: 1}))), ("bytes", Raw(bstr(b""))),
            ("twice", Raw(bstr(b"\xa2\x03\x01\x03\x01"))),
            ("trailing", Raw(bstr(enc({3: 1}) + b"\0")))]:
        case("wait-type-" + ident, "wait-info that is none", seq(
            override(wait=value), command(WAIT)), "SUIT_PARAMETER", log="",
            reason=8)


def metadata_rows():
    uuid = cbor2.CBORTag(37, V)
    every = {1: 0x3fff, 2: {"user": 7, 1000: 6}, 3: {b"g": 1}, 4: {uuid: 0},
             5: 1, 6: cbor2.CBORTag(1, 0), 7: cbor2.CBORTag(1, 1 << 40),
             8: uuid}
    for ident, text, kw, cmds, log, extra in [
            ("fetch", "before a fetch", dict(uri=URI, digest=digest(PAYLOAD)),
             [command(FETCH), command(MATCH)],
             "metadata 0, begin 0, end 0, ", {}),
            ("integrated", "before a fetch from the envelope",
             dict(uri="#tc", digest=digest(b"x")),
             [command(FETCH), command(MATCH)],
             "metadata 0, begin 0, end 0, ", dict(payloads={"#tc": b"x"})),
            ("write", "before a write", dict(content=b"x"), [command(WRITE)],
             "metadata 0, begin 0, end 0, ", {}),
            ("copy", "before a copy", dict(source=1, digest=digest(b"x")),
             [command(INDEX, 0), command(COPY), command(MATCH)],
             "metadata 0, begin 0, end 0, ",
             dict(components=2, installed={1: b"x"}))]:
        case("metadata-" + ident, "component-metadata " + text, seq(
            command(INDEX, 0), override(metadata=every, **kw), *cmds),
            log=log, **extra)
    case("metadata-empty", "metadata that says nothing", seq(
        override(metadata={}, content=b"x"), command(WRITE)))
    case("metadata-lacks", "a device that keeps none refuses it", seq(
        override(content=b"x"), command(WRITE),
        override(metadata={5: 1})), "SUIT_PARAMETER", reason=8,
        lacks=["metadata"])
    case("metadata-lacks-set", "set-parameters does not hide it", seq(
        command(SET, params(metadata={5: 1}))), "SUIT_PARAMETER", reason=8,
        lacks=["metadata"])
    many = {i: 1 for i in range(64)}
    case("metadata-64-actors", "as many actors as are taken", seq(
        override(metadata={2: many})))
    for ident, value in [
            ("label-0", {0: 1}), ("label-9", {9: 1}), ("label-text", {"a": 1}),
            ("array", []), ("bits", {1: 0x4000}), ("bits-text", {1: "rwx"}),
            ("map-empty", {2: {}}), ("map-array", {3: []}),
            ("actors", {2: {**many, 64: 1}}),
            ("actor-twice", Raw(bstr(b"\xa1\x02\xa2\x01\x01\x01\x02"))),
            ("actor-nil", {4: {None: 1}}), ("actor-uuid", {8: cbor2.CBORTag(
                37, V[:15])}), ("actor-tag", {8: cbor2.CBORTag(38, V)}),
            ("type-0", {5: 0}), ("type-4", {5: 4}), ("time-bare", {6: 1}),
            ("time-tag", {7: cbor2.CBORTag(0, 1)}),
            ("time-negative", {6: cbor2.CBORTag(1, -1)}),
            ("time-float", {6: cbor2.CBORTag(1, 1.5)}),
            ("map", Raw(enc({5: 1}))), ("bytes", Raw(bstr(b""))),
            ("trailing", Raw(bstr(enc({5: 1}) + b"\0")))]:
        case("metadata-type-" + ident, "metadata that is none", seq(
            override(metadata=value, content=b"x"), command(WRITE)),
            "SUIT_PARAMETER", log="", reason=8)


def several():
    def multiple(*pairs):
        return command(MULTIPLE, raw_map([(enc(i), p) for i, p in pairs]))

    def copy_params(v):
        return command(COPY_PARAMS, enc(v))
    two = multiple((0, params(content=b"a")), (1, params(content=b"b")))
    case("multiple", "parameters for two components; the last is the present "
         "one after it", seq(two, command(WRITE), command(INDEX, 0),
                             command(WRITE)), components=2,
         holds={0: b"a", 1: b"b"}, log="begin 1, end 1, begin 0, end 0, ",
         walk=[0, 3, 3, 0])
    case("multiple-replaces", "it overrides", seq(
        override(content=b"old"), multiple((0, params(content=b"new"))),
        command(WRITE)), holds={0: b"new"})
    case("multiple-once", "it is carried out once, whatever the index was",
         seq(command(INDEX, True), two, command(WRITE)), components=3,
         holds={1: b"b"}, log="begin 1, end 1, ")
    case("multiple-in-sequence", "its index does not outlive its sequence",
         seq(command(INDEX, 0), run_sequence(two), command(WRITE)),
         components=2, log="begin 0, end 0, ")
    case("multiple-loose", "where an index may not be set", seq(
        command(INDEX, 0), override(strict=False), run_sequence(
            command(INDEX, 0), two)), "SUIT_COMMAND", components=2, log="")
    case("multiple-past", "an index that is no component", seq(
        multiple((0, params(content=b"a")), (2, params(content=b"b")))),
        "SUIT_COMPONENT", components=2, walk="SUIT_COMPONENT")
    case("multiple-2to32", "an index is not cut", seq(
        multiple((1 << 32, params(content=b"a")))), "SUIT_COMPONENT",
        components=2, walk="SUIT_COMPONENT")
    case("multiple-bad-parameter", "an ill-typed parameter", seq(
        multiple((0, params(content=b"a")), (1, params(content="b")))),
        "SUIT_PARAMETER", components=2, walk="SUIT_PARAMETER", component=1,
        where=multiple((0, params(content=b"a")), (1, params(content="b"))))
    for ident, arg, err in [
            ("empty", int_map({}), "SUIT_STRUCTURE"),
            ("no-parameters", int_map({0: int_map({})}), "SUIT_STRUCTURE"),
            ("text", raw_map([(enc("a"), params(content=b"a"))]), None),
            ("negative", raw_map([(enc(-1), params(content=b"a"))]),
             "SUIT_COMPONENT"),
            ("array", array(enc(0), params(content=b"a")), "CBOR_TYPE"),
            ("value", int_map({0: enc(0)}), "CBOR_TYPE"),
            ("twice", b"\xa2" + 2 * (enc(0) + params(content=b"a")),
             "CBOR_DUPLICATE")]:
        case("multiple-" + ident, "an argument that is none", seq(
            command(MULTIPLE, arg)), err or "SUIT_COMPONENT", log="",
            walk=err or "SUIT_COMPONENT")
    base = [command(INDEX, 0), override(content=b"a", uri="#a", size=1),
            command(INDEX, 1)]
    case("copy-params", "parameters of another component", seq(
        *base, override(content=b"b"), copy_params({0: [18, 14]}),
        command(WRITE)), components=2, holds={1: b"a"}, walk=[0, 2, 2, 0])
    case("copy-params-digest", "a digest of another component", seq(
        command(INDEX, 0), good(), command(INDEX, 1),
        copy_params({0: [3, 21]}), command(FETCH), command(MATCH)),
        components=2, holds={1: PAYLOAD}, walk=[3, 2, 2, 0])
    case("copy-params-two", "from two components, the last counts", seq(
        *base, override(content=b"bb"), command(INDEX, 2),
        copy_params({0: [18], 1: [18]}), command(WRITE)), components=3,
        holds={2: b"bb"})
    case("copy-params-only-named", "what is not named is not copied", seq(
        *base, copy_params({0: [18, 14]}), command(FETCH, 2)),
        "SUIT_PARAMETER", components=2, where=command(FETCH, 2), component=1)
    case("copy-params-unset", "a parameter that the other has not", seq(
        *base, copy_params({0: [18, 3]})), "SUIT_PARAMETER", components=2,
        where=copy_params({0: [18, 3]}), component=1)
    case("copy-params-snapshot", "the value of that moment", seq(
        *base, copy_params({0: [18]}), command(INDEX, 0),
        override(content=b"z"), command(INDEX, 1), command(WRITE)),
        components=2, holds={1: b"a"})
    case("copy-params-list", "for a list of components", seq(
        *base, command(INDEX, [1, 2]), copy_params({0: [18]}),
        command(WRITE)), components=3, holds={1: b"a", 2: b"a"})
    case("copy-params-no-index", "no component is the present one", seq(
        copy_params({0: [18]})), "SUIT_COMPONENT", components=2)
    for ident, arg, err in [
            ("empty", {}, "SUIT_STRUCTURE"), ("none", {0: []}, "CBOR_RANGE"),
            ("past", {2: [18]}, "SUIT_COMPONENT"),
            ("2to32", {1 << 32: [18]}, "SUIT_COMPONENT"),
            ("negative", {-1: [18]}, "SUIT_COMPONENT"),
            ("label-text", {0: ["a"]}, "CBOR_TYPE"),
            ("label", {0: 18}, "CBOR_TYPE"), ("array", [0], "CBOR_TYPE")]:
        case("copy-params-type-" + ident, "an argument that is none", seq(
            *base, copy_params(arg)), err, components=2, walk=err, log="")


def swapping():
    ab = {0: b"A", 1: b"B"}
    check = [command(INDEX, 1), override(digest=digest(b"B")),
             command(MATCH), command(INDEX, 0),
             override(digest=digest(b"A"), source=1), command(MATCH)]
    case("swap", "two components exchanged, verified before", seq(
        *check, command(SWAP, 1)), components=2, installed=ab,
        holds={0: b"B", 1: b"A"}, log="swap 0, with 1, ", records=1,
        walk=[3, 3, 0, 0])
    case("swap-verified-after", "verified where they came to", seq(
        command(INDEX, 0), override(source=1, digest=digest(b"B")),
        command(SWAP), command(MATCH), command(INDEX, 1),
        override(content=b"A"), command(CHECK)), components=2, installed=ab,
        holds={0: b"B", 1: b"A"}, walk=[1, 3, 3, 0])
    case("swap-fetched", "a payload is fetched and swapped in", seq(
        command(INDEX, 0), override(digest=digest(b"A")), command(MATCH),
        command(INDEX, 1), good(), command(FETCH), command(MATCH),
        command(INDEX, 0), override(source=1), command(SWAP)), components=2,
        installed={0: b"A"}, holds={0: PAYLOAD, 1: b"A"})
    case("swap-then-fetch", "a run that is cut after a swap begins before "
         "it", seq(*check, command(SWAP), command(INDEX, 2), good(),
                   command(FETCH), command(MATCH)), components=3,
         installed=ab, holds={0: b"B", 1: b"A", 2: PAYLOAD})
    case("swap-twice", "there and back", seq(
        *check, command(SWAP), command(SWAP)), components=2, installed=ab,
        holds=ab, log="swap 0, with 1, swap 0, with 1, ")
    case("swap-unverified", "nothing verified them", seq(
        command(INDEX, 0), override(source=1), command(SWAP)),
        "SUIT_UNVERIFIED", components=2, installed=ab)
    case("swap-half-verified", "the source was not verified", seq(
        command(INDEX, 0), override(source=1, digest=digest(b"B")),
        command(SWAP), command(MATCH)), "SUIT_UNVERIFIED", components=2,
        installed=ab)
    case("swap-match-is-of-the-present-content", "a digest that was measured "
         "before does not count", seq(*check, command(SWAP),
                                      command(MATCH, 2)), "SUIT_CONDITION",
         components=2, installed=ab, where=command(MATCH, 2))
    case("swap-no-source-content", "the source has no content", seq(
        command(INDEX, 0), override(source=1), command(SWAP)),
        "SUIT_OPERATION", components=2, installed={0: b"A"})
    case("swap-no-source", "no source is set", seq(
        override(uri=URI), command(SWAP)), "SUIT_PARAMETER",
        installed={0: b"A"})
    case("swap-itself", "a component with itself", seq(
        override(source=0), command(SWAP)), "SUIT_OPERATION",
        installed={0: b"A"})
    case("swap-loose", "each is target and source, which strict order false "
         "forbids", seq(command(INDEX, 0), override(source=1, strict=False),
                        command(SWAP)), "SUIT_OPERATION", components=2,
         installed=ab, log="")
    case("swap-lacks", "a device that cannot", seq(
        command(INDEX, 0), override(source=1), command(SWAP)),
        "SUIT_COMMAND", components=2, installed=ab, lacks=["swap"], reason=5)
    case("swap-refused-source", "a source that the signer may not change",
         seq(command(INDEX, 0), override(source=1), command(SWAP)),
         "SUIT_UNAUTHORISED", components=2, installed=ab,
         refuse=[SWAP, name(1).hex(), ERRORS["SUIT_UNAUTHORISED"]], log="")


def extension_metadata():
    body = bstr(seq(good(), command(FETCH), command(MATCH)))
    run = {"sections": [20], "serve": hexed([(URI, PAYLOAD)]),
           "holds": hexed([(name(0), PAYLOAD)])}
    for ident, value in [("one", [1]), ("three", [1, 2, 3]),
                         ("rc", [2, 0, -1, 1]), ("sixteen", [1] * 16)]:
        row("set-version-" + ident, "a version", envelope(
            manifest({6: bstr(enc(value)), 20: body})), run=dict(run))
    for ident, value in [("empty", enc([])), ("text", enc("1.2")),
                         ("part", enc([1, "2"])), ("seventeen", enc([1] * 17)),
                         ("match", enc([1, [1]])),
                         ("trailing", enc([1]) + b"\0"),
                         ("cut", enc([1, 2])[:-1])]:
        row("set-version-" + ident, "a version that is none", envelope(
            manifest({6: bstr(value), 20: body})),
            "LIMIT" if ident == "seventeen" else "SUIT_STRUCTURE")
    row("set-version-no-bstr", "a version that is not wrapped", envelope(
        manifest({6: enc([1]), 20: body})), "CBOR_TYPE")
    tag = bstr(enc({0: "id", 12: 1}))
    row("coswid", "a CoSWID in the manifest is passed over", envelope(
        manifest({14: tag, 20: body})), run=dict(run))
    severed = manifest({14: digest(tag), 20: body})
    row("coswid-severed", "a CoSWID beside the manifest", envelope(
        severed, members={14: tag}), run=dict(run))
    row("coswid-discarded", "a CoSWID that was taken out", envelope(severed),
        run=dict(run))
    row("coswid-tampered", "another CoSWID", envelope(
        severed, members={14: bstr(enc({0: "di", 12: 1}))}), "SUIT_DIGEST")


def found(command_, section, offset, component, properties=None):
    """A SUIT_Record."""
    return array(array(), enc(section), enc(offset), enc(component),
                 int_map(properties or {}))


def claims(i, label, value):
    """system-property-claims of component i."""
    return int_map({0: name(i), label: value})


def records():
    body = [command(INDEX, 1), good(vendor=V), command(VENDOR, 5),
            command(FETCH, 5), command(MATCH, 5), override(
                digest=digest(b"other"), content=b"1234", slot=9),
            command(SLOT, 4), try_each([command(MATCH, 10)],
                                       [command(ABORT, 2)], None),
            command(WRITE, 4)]
    content = seq(*body)

    def at(n):
        return content.index(body[n]) if n != 7 else 0
    inner = content.index(command(MATCH, 10))
    abort = content.index(command(ABORT, 2))
    measured = Raw(bstr(digest(PAYLOAD)))
    case("records-exact", "records and claims, byte for byte", content,
         components=2, records=[
             found(VENDOR, 20, at(2), 1), claims(1, 1, enc(V)),
             found(FETCH, 20, at(3), 1), claims(1, 14, enc(len(PAYLOAD))),
             found(MATCH, 20, at(4), 1), claims(1, 3, measured),
             claims(1, 5, enc(9)),
             found(MATCH, 20, inner, 1, {3: measured}),
             claims(1, 3, measured),
             found(ABORT, 20, abort, 1), claims(1, 14, enc(4))])


def walks():
    """What pst_suit_manifest_images says: bits of components."""
    def bits(digests=0, written=0, verified=0, unlinked=0):
        return [digests, written, verified, unlinked]
    get = [good(), command(FETCH)]
    case("walk-verified", "fetched and verified", seq(*get, command(MATCH)),
         walk=bits(1, 1, 1))
    case("walk-unverified", "verified, then fetched", seq(
        *get, command(MATCH), command(FETCH)), "SUIT_UNVERIFIED",
        walk=bits(1, 1, 0))
    case("walk-not-written", "verified only", seq(
        override(digest=digest(b"old")), command(MATCH)),
        installed={0: b"old"}, walk=bits(1, 0, 0))
    case("walk-uninstall", "unlink counts in uninstall, a digest does not",
         seq(command(UNLINK)), members={24: bstr(seq(
             override(digest=digest(b"old")), command(UNLINK)))},
         walk=bits(0, 0, 0, 1))
    case("walk-install-unlinks", "unlink elsewhere is no uninstall",
         seq(command(UNLINK)), walk=bits())
    case("walk-alternatives", "each alternative begins with the index "
         "around it", seq(command(INDEX, 0), try_each(
             [command(INDEX, 2), override(content=b"a"), command(ABORT)],
             [override(content=b"b"), command(WRITE)])), components=3,
         walk=bits(0, 1, 1))
    case("walk-list", "a list of components", seq(
        command(INDEX, [3, 1]), run_sequence(
            override(content=b"b"), command(WRITE))), components=4,
         walk=bits(0, 10, 10))
    case("walk-no-index", "several components and no index", seq(
        override(content=b"b")), "SUIT_COMPONENT", components=2,
        walk="SUIT_COMPONENT")
    case("walk-severed", "a section that is not there", None,
         "SUIT_SEVERED", members={20: enc([-16, bytes(32)])},
         walk="SUIT_SEVERED")
    case("walk-unsupported", "a command in an alternative that is not run",
         seq(try_each([override(content=b"b"), command(WRITE)],
                      [command(COPY, 99)])), walk="CBOR_RANGE")
    case("size-max", "an image-size that would mean none", seq(
        override(size=(1 << 64) - 1)), "SUIT_PARAMETER")


def custom_rows():
    def case_(ident, text, install, result="OK", **more):
        case("custom-" + ident, text, install, result, custom=True, **more)

    def fetching(arguments):
        return seq(good(), command(OVERRIDE, int_map({25: arguments})),
                   command(FETCH), command(MATCH))

    def setting(value):
        return command(OVERRIDE, int_map({-300: value}))
    case_("fetch-arguments", "the device has fetch-arguments",
          fetching(bstr(b"a")), holds={0: PAYLOAD},
          log="arguments 0, begin 0, end 0, ")
    case_("fetch-arguments-refused", "and judges them", fetching(bstr(b"")),
          "SUIT_PARAMETER", log="arguments 0, ", reason=8)
    case_("fetch-arguments-type", "fetch-arguments of text",
          fetching(enc("a")), "SUIT_PARAMETER", log="")
    for ident, value in [("int", enc(7)), ("negative", enc(-7)),
                         ("bool", b"\xf5"), ("text", enc("seven")),
                         ("bytes", bstr(b"seven"))]:
        case_("parameter-" + ident, "a custom parameter that the device has",
              seq(setting(value)))
    for ident, value in [("array", enc([])), ("map", enc({})),
                         ("float", b"\xf9\x00\x00"), ("null", b"\xf6"),
                         ("tag", b"\xc1\x00")]:
        case_("parameter-" + ident, "a type that no custom parameter has",
              seq(setting(value)), "SUIT_PARAMETER")
    case_("parameter-long", "a value that the device does not take",
          seq(setting(enc("nine letters"))), "SUIT_PARAMETER", reason=8)
    case_("parameter-other", "a custom parameter that it has not",
          seq(command(OVERRIDE, int_map({-301: enc(0)}))), "SUIT_PARAMETER")
    case_("parameter-reserved", "a negative parameter that is not custom",
          seq(command(OVERRIDE, int_map({-256: enc(0)}))), "SUIT_PARAMETER")
    case_("parameter-shared", "a custom parameter in the shared sequence",
          seq(command(VENDOR)), "SUIT_PARAMETER", shared=seq(
              override(vendor=V), setting(enc(7))))
    for ident, value in [("int", enc(7)), ("bytes", bstr(b"x")),
                         ("text", enc("x"))]:
        case_("command-" + ident, "a custom command that the device has",
              seq(setting(value), command(-300, value)), log="custom 0, ")
    case_("command-null", "a custom command without argument", seq(
        try_each([command(-300, None)], [override(content=b"x"),
                                         command(WRITE)])),
        log="custom 0, begin 0, end 0, ")
    case_("command-fails", "it is a condition, and fails", seq(
        setting(enc(7)), command(-300, 8)), "SUIT_CONDITION", reason=10)
    for ident, value in [("array", enc([])), ("bool", b"\xf5")]:
        case_("command-" + ident, "an argument that no custom command has",
              seq(command(-300, value)), "CBOR_TYPE", log="")
    case_("command-other", "a custom command that the device has not",
          seq(command(-301, 0)), "SUIT_COMMAND", log="", reason=5)
    case_("command-reserved", "a negative command that is not custom",
          seq(command(-256, 0)), "SUIT_COMMAND", log="", reason=5)
    case_("command-shared", "a custom command in the shared sequence",
          seq(command(VENDOR)), "SUIT_COMMAND", shared=seq(
              override(vendor=V), command(-300, 0)), log="")
    case_("command-verified", "what was verified before it is not after it",
          seq(good(), setting(enc(7)), command(FETCH), command(MATCH),
              command(-300, 7)), "SUIT_UNVERIFIED")
    case_("command-refused", "a custom command that the signer may not use",
          seq(setting(enc(7)), command(-300, 7)), "SUIT_UNAUTHORISED",
          refuse=[-300, name(0).hex(), ERRORS["SUIT_UNAUTHORISED"]], log="")
    case_("copied", "a custom parameter is copied", seq(
        command(INDEX, 0), setting(enc(7)), command(INDEX, 1),
        command(COPY_PARAMS, enc({0: [-300]})), command(-300, 7)),
        components=2, log="custom 1, ")


# --- trees of manifests -------------------------------------------------------

INTEGRITY, IS_DEPENDENCY, PROCESS = 7, 8, 11
RESOLVE, PREFETCH, CANDIDATE, INSTALL, VALIDATE = 15, 16, 18, 20, 7
LOAD, UNINSTALL = 8, 24
UPDATE = [RESOLVE, PREFETCH, CANDIDATE, INSTALL, VALIDATE]
DEP_URI = "https://x.example/dependency"


def ident_of(text):
    return enc([t.encode() for t in text.split("/")])


class Node:
    """A manifest of a tree: its envelope, and the digest of its manifest."""

    def __init__(self, components, sections, deps=None, shared=None,
                 key=SIGNER, payloads=None, severed=(), blocks=None):
        extra = {}
        if deps:
            extra[1] = int_map({
                i: int_map({1: ident_of(p)} if p else {})
                for i, p in (deps if isinstance(deps, dict) else
                             dict.fromkeys(deps)).items()})
        members = {k: bstr(seq(*v)) for k, v in sections.items()}
        outside = {k: members[k] for k in severed}
        members.update({k: enc([-16, sha256(v)]) for k, v in outside.items()})
        self.manifest = manifest(
            members, raw_components=array(*[ident_of(c) for c in components]),
            shared=seq(*shared) if shared else None, extra=extra)
        self.digest = digest(bstr(self.manifest))
        self.data = envelope(
            self.manifest, members=outside, payloads=payloads,
            blocks=[lambda d: sign1(d, key)] if blocks is None else blocks)


def at(index):
    return command(INDEX, index)


def get(index, node, uri=DEP_URI):
    """Fetch a dependency and check its integrity."""
    return [at(index), override(uri=uri, digest=node.digest), command(FETCH),
            command(INTEGRITY)]


def write(content, index=None):
    return ([] if index is None else [at(index)]) + [
        override(content=content), command(WRITE)]


def process(index):
    return [at(index), command(PROCESS)]


def leaf(component="leaf", content=b"leaf", **more):
    return Node([component], {INSTALL: write(content)}, **more)


def tree(ident, expected, root, result="OK", serve=None, holds=None,
         installed=None, sections=None, log=None, rights=None, others=None,
         where=None, walk=None, **more):
    """A root that is run. `where` is (manifest-id, section, command, node)."""
    serve = serve or {}
    run = {"sections": sections or UPDATE, "result": result,
           "vendor": V.hex(), "class": C.hex(), "device": D.hex(),
           "serve": hexed([(u, n.data if isinstance(n, Node) else n)
                           for u, n in serve.items()])}

    def named(pairs):
        return hexed([(ident_of(k), v.data if isinstance(v, Node) else v)
                      for k, v in pairs.items()])
    if holds:
        run["holds"] = named(holds)
    if installed:
        run["installed"] = named(installed)
    if log is not None:
        run["log"] = log
    if rights:
        run["rights"] = [[r[0], ident_of(r[1]).hex(), *r[2:]]
                         for r in rights]
    if others:
        run["others"] = [ident_of(n).hex() for n in others]
    if walk is not None:
        run["walk"] = ERRORS[walk] if isinstance(walk, str) else walk
    if where is not None:
        run["manifest_id"], section, component, body, what = where
        body = seq(*body)
        assert body.count(what) == 1, ident
        run["report"] = {"section": section, "component": component,
                         "offset": body.index(what)}
    run.update(more)
    row(ident, expected, root.data, run=run, keys=("signer", "author"))


def simple(dep, install=None, extra=None, **more):
    """A root that fetches one dependency and processes it in install."""
    sections = {RESOLVE: get(0, dep),
                INSTALL: install or process(0) + write(b"root", 1)}
    sections.update(extra or {})
    return Node(["dep", "root"], sections, deps=[0], **more)


def trees():
    one = leaf()
    both = {"dep": one, "leaf": b"leaf", "root": b"root"}
    tree("tree-fetched", "a dependency is fetched, checked and processed",
         simple(one), serve={DEP_URI: one}, holds=both,
         log="begin 0, end 0, begin 2, end 2, begin 1, end 1, ")
    tree("tree-integrated", "a dependency in the envelope of its dependent",
         Node(["dep", "root"], {
             RESOLVE: get(0, one, "#dep"),
             INSTALL: process(0) + write(b"root", 1)}, deps=[0],
             payloads={"#dep": one.data}), holds=both, integrated="OK")
    tree("tree-integrated-absolute", "and by the URI that it may be taken "
         "out under", Node(["dep", "root"], {
             RESOLVE: get(0, one), INSTALL: process(0) + write(b"root", 1)},
             deps=[0], payloads={DEP_URI: one.data}), holds=both,
         integrated="OK")
    tree("tree-installed", "a dependency that is there already", Node(
        ["dep", "root"], {
            RESOLVE: [at(0), command(INTEGRITY)],
            INSTALL: process(0) + write(b"root", 1)}, deps=[0],
        shared=[at(0), override(digest=one.digest)]),
        installed={"dep": one}, holds=both,
        log="begin 2, end 2, begin 1, end 1, ")
    lock = Node(["a"], {k: write(b"a%d" % k) for k in UPDATE},
                shared=[override(vendor=V), command(VENDOR)])
    tree("tree-lockstep", "each section with that of the dependency", Node(
        ["dep", "root"], {
            RESOLVE: get(0, lock) + process(0) + write(b"r15", 1),
            PREFETCH: write(b"r16", 1) + process(0),
            CANDIDATE: process(0) + write(b"r18", 1),
            INSTALL: write(b"r20", 1) + process(0) + write(b"r20!", 1),
            VALIDATE: process(0)}, deps=[0]), serve={DEP_URI: lock},
        holds={"a": b"a7", "root": b"r20!"},
        log="begin 0, end 0, begin 2, end 2, begin 1, end 1, "
        "begin 1, end 1, begin 2, end 2, begin 2, end 2, begin 1, end 1, "
        "begin 1, end 1, begin 2, end 2, begin 1, end 1, begin 2, end 2, ")
    mid = Node(["inner", "mid"], {
        RESOLVE: get(0, one, "#in"), INSTALL: process(0) + write(b"mid", 1)},
        deps=[0], payloads={"#in": one.data})
    row("tree-two-levels-dependency", "the dependency of the next", mid.data)
    tree("tree-two-levels", "a dependency of a dependency", simple(
        mid, extra={RESOLVE: get(0, mid) + [command(PROCESS)]}),
        serve={DEP_URI: mid}, holds={
            "inner": one, "mid": b"mid", "leaf": b"leaf", "root": b"root"})
    fetching = Node(["leaf"], {INSTALL: [good(), command(FETCH),
                                         command(MATCH)]})
    tree("tree-resumed", "a run waits for a payload of a dependency",
         simple(fetching), serve={DEP_URI: fetching, URI: PAYLOAD},
         holds={"leaf": PAYLOAD, "root": b"root"})
    severed = Node(["leaf"], {INSTALL: write(b"leaf")}, severed=[INSTALL])
    tree("tree-severable", "a dependency with a member in its envelope",
         simple(severed), serve={DEP_URI: severed}, holds={"leaf": b"leaf"})
    tree("tree-other-signer", "a dependency has a signer of its own", simple(
        leaf(key=AUTHOR)), serve={DEP_URI: leaf(key=AUTHOR)},
        holds={"leaf": b"leaf"}, rights=[
            (41, "leaf"), (40, "dep"), (40, "root")])
    # The digest is the manifest's: who signed it does not matter to it.
    tree("tree-signed-again", "a dependency that an intermediary signed "
         "again", simple(leaf(key=AUTHOR)), serve={DEP_URI: leaf()},
         holds={"leaf": b"leaf"})
    unsigned = leaf(blocks=[])
    tree("tree-no-keys", "where a dependency needs no signature its digest "
         "vouches for it", simple(unsigned), serve={DEP_URI: unsigned},
         holds={"leaf": b"leaf"}, no_keys=True, rights=[
             (40, "leaf"), (40, "dep"), (40, "root")])

    # parameters
    sets = Node(["leaf"], {INSTALL: [
        command(SET, params(content=b"default")), command(WRITE)]})
    tree("tree-default", "set-parameters of a dependency is its default",
         simple(sets), serve={DEP_URI: sets}, holds={"leaf": b"default"})
    for ident, cmd in [("set", SET), ("override", OVERRIDE)]:
        tree("tree-preset-" + ident, "a dependent presets a parameter with " +
             ident + "-parameters", Node(
                 ["dep", "leaf"], {
                     RESOLVE: get(0, sets), INSTALL: [
                         at(1), command(cmd, params(content=b"preset")),
                         *process(0)]}, deps=[0]),
             serve={DEP_URI: sets}, holds={"leaf": b"preset"})
    tree("tree-enforced", "override-parameters of a dependency is not preset",
         Node(["dep", "leaf"], {
             RESOLVE: get(0, one),
             INSTALL: [at(1), override(content=b"preset"), *process(0)]},
             deps=[0]), serve={DEP_URI: one}, holds={"leaf": b"leaf"})
    tree("tree-params-persist", "what a dependency sets its dependent has",
         Node(["dep", "leaf"], {
             RESOLVE: get(0, sets),
             INSTALL: process(0) + [at(1), command(CHECK)]}, deps=[0]),
         serve={DEP_URI: sets}, holds={"leaf": b"default"})
    mirrored = Node(["leaf"], {INSTALL: [
        command(SET, params(uri=URI)), override(digest=digest(PAYLOAD)),
        command(FETCH), command(MATCH)]})
    tree("tree-uri", "a dependent has a payload fetched from elsewhere", Node(
        ["dep", "leaf"], {
            RESOLVE: get(0, mirrored), INSTALL: [
                at(1), override(uri="https://m.example/p"), *process(0)]},
        deps=[0]), serve={DEP_URI: mirrored, "https://m.example/p": PAYLOAD},
        holds={"leaf": PAYLOAD})
    tree("tree-uri-integrated", "or from its own envelope", Node(
        ["dep", "leaf"], {
            RESOLVE: get(0, mirrored), INSTALL: [
                at(1), override(uri="#p"), *process(0)]},
        deps=[0], payloads={"#p": PAYLOAD}), serve={DEP_URI: mirrored},
        holds={"leaf": PAYLOAD}, integrated="OK")
    copying = Node(["leaf", "from"], {INSTALL: [
        at(0), override(source=1, digest=digest(b"from")), command(COPY),
        command(MATCH)]})
    tree("tree-source-index", "a source-component is an index of who set it",
         simple(copying), serve={DEP_URI: copying},
         installed={"from": b"from"}, holds={"leaf": b"from"})

    # index true, is-dependency
    tree("tree-index-true", "process-dependency for all that are one", Node(
        ["a", "root", "b"], {
            RESOLVE: get(0, one) + get(2, leaf("x", b"x"), "#x"),
            INSTALL: [at(True), command(PROCESS), *write(b"root", 1)]},
        deps=[0, 2], payloads={"#x": leaf("x", b"x").data}),
        serve={DEP_URI: one}, holds={"leaf": b"leaf", "x": b"x"})
    tree("tree-is-dependency", "dependencies and images told apart", Node(
        ["dep", "root"], {
            RESOLVE: [
                at(0), override(uri=DEP_URI, digest=one.digest), at(True),
                try_each([command(IS_DEPENDENCY), command(FETCH),
                          command(INTEGRITY), command(PROCESS)],
                         [override(content=b"root")], None)],
            INSTALL: [at(True), try_each(
                [command(IS_DEPENDENCY), command(PROCESS)],
                [command(WRITE)])]}, deps=[0]), serve={DEP_URI: one},
        holds=both)
    tree("tree-list", "a list of dependencies", Node(
        ["a", "root", "b"], {
            RESOLVE: get(0, one) + get(2, leaf("x", b"x"), "#x"),
            INSTALL: [at([2, 0]), command(PROCESS), *write(b"root", 1)]},
        deps=[0, 2], payloads={"#x": leaf("x", b"x").data}),
        serve={DEP_URI: one},
        log="begin 0, end 0, begin 2, end 2, begin 4, end 4, "
        "begin 3, end 3, begin 1, end 1, ")

    # image-match
    tree("tree-match", "image-match hashes the manifest of a dependency",
         Node(["dep", "root"], {
             RESOLVE: [at(0), override(
                 uri=DEP_URI, digest=one.digest, size=len(one.data)),
                 command(FETCH), command(MATCH), command(INTEGRITY)],
             INSTALL: process(0)}, deps=[0]), serve={DEP_URI: one},
         holds={"leaf": b"leaf"})
    tree("tree-match-then-process", "image-match stands for "
         "dependency-integrity, which is done then (Encrypted Manifest "
         "Template)", Node(["dep", "root"], {
             RESOLVE: [at(0), override(uri=DEP_URI, digest=one.digest),
                       command(FETCH), command(MATCH)],
             INSTALL: process(0)}, deps=[0]), serve={DEP_URI: one},
         holds={"leaf": b"leaf"})
    tree("tree-match-envelope", "the digest of the whole envelope is not it",
         Node(["dep", "root"], {
             RESOLVE: [at(0), override(
                 uri=DEP_URI, digest=digest(one.data)), command(FETCH),
                 command(MATCH)]}, deps=[0]), "SUIT_CONDITION",
         serve={DEP_URI: one})
    tree("tree-match-no-envelope", "what is no envelope matches nothing",
         Node(["dep", "root"], {
             RESOLVE: [at(0), override(
                 uri=DEP_URI, digest=digest(b"\x80")), command(FETCH),
                 command(MATCH)]}, deps=[0]), "SUIT_CONDITION",
         serve={DEP_URI: b"\x80"})

    # shapes
    tree("tree-index-beyond", "a dependency that is not in suit-components "
         "has its prefix as identifier", Node(
             ["root"], {RESOLVE: get(1, one),
                        INSTALL: process(1) + write(b"root", 0)},
             deps={1: "dep"}), serve={DEP_URI: one}, holds=both)
    tree("tree-prefix", "a prefix before each component", Node(
        ["dep", "root"], {RESOLVE: get(0, one), INSTALL: process(0)},
        deps={0: "p/q"}), serve={DEP_URI: one}, holds={"p/q/leaf": b"leaf"})
    inner = Node(["in"], {RESOLVE: get(0, one, "#in"), INSTALL: process(0)},
                 deps={0: "y"}, payloads={"#in": one.data})
    tree("tree-prefix-nested", "prefixes add up", Node(
        ["dep", "root"], {RESOLVE: get(0, inner) + process(0),
                          INSTALL: process(0)},
        deps={0: "x"}), serve={DEP_URI: inner},
        holds={"x/in": one, "x/y/leaf": b"leaf"})
    first = Node(["three"], {
        RESOLVE: get(0, one, "#3"), INSTALL: process(0)}, deps=[0],
        payloads={"#3": one.data})
    second = Node(["three"], {
        RESOLVE: [command(INTEGRITY)], INSTALL: process(0)}, deps=[0],
        shared=[override(digest=one.digest)])
    tree("tree-shared", "a dependency of two manifests", Node(
        ["one", "two"], {
            RESOLVE: get(0, first, "#1") + process(0) +
            get(1, second, "#2") + process(1),
            INSTALL: process(0) + process(1)}, deps=[0, 1],
        payloads={"#1": first.data,
            "#2": second.data}), holds={"three": one, "leaf": b"leaf"})
    node = leaf("bottom", b"bottom")
    for i in range(8):
        node = Node(["d%d" % i], {
            RESOLVE: get(0, node, "#d") + process(0), INSTALL: process(0)},
            deps=[0], payloads={"#d": node.data})
        if i == 7:
            tree("tree-depth-8", "as deep as a tree may be", node,
                 holds={"bottom": b"bottom"}, integrated="OK")
    tree("tree-depth-9", "one level too deep", Node(["d8"], {
        RESOLVE: get(0, node, "#d") + process(0), INSTALL: process(0)},
        deps=[0], payloads={"#d": node.data}), "LIMIT", reason=11,
        manifest_id=[0] * 8, integrated="LIMIT")
    many = [leaf("l%d" % i, b"%d" % i) for i in range(16)]
    tree("tree-16", "as many dependencies as are taken", Node(
        ["d%d" % i for i in range(16)], {
            RESOLVE: sum([get(i, n, "#%d" % i)
                          for i, n in enumerate(many)], []),
            INSTALL: [at(True), command(PROCESS)]}, deps=list(range(16)),
        payloads={"#%d" % i: n.data for i, n in enumerate(many)}),
        holds={"l0": b"0", "l15": b"15"})
    tree("tree-loose", "a dependency where order does not matter", Node(
        ["dep", "root"], {RESOLVE: get(0, one), INSTALL: [
            at(0), override(strict=False), command(PROCESS)]}, deps=[0]),
        serve={DEP_URI: one}, holds={"leaf": b"leaf"})
    tree("tree-loose-race", "and its targets and sources count there", Node(
        ["dep", "root"], {RESOLVE: get(0, copying), INSTALL: [
            at(0), override(strict=False), *process(0), *write(b"x", 1)]},
        deps=[0]), serve={DEP_URI: copying}, installed={"from": b"from"},
        holds={"leaf": b"from"})

    # failures inside
    soft = Node(["leaf"], {INSTALL: [try_each(
        [command(ABORT)], write(b"second"))]})
    tree("tree-try-each", "a dependency forgives itself", simple(soft),
         serve={DEP_URI: soft}, holds={"leaf": b"second"})
    hard = Node(["leaf"], {INSTALL: [command(ABORT)]})
    body = [at(0), try_each([command(PROCESS, 10)], [override(vendor=V)])]
    tree("tree-abort", "an Abort in a dependency is one of its dependent, "
         "which no try-each forgives", Node(
             ["dep", "root"], {RESOLVE: get(0, hard), INSTALL: body},
             deps=[0]), "SUIT_CONDITION", serve={DEP_URI: hard}, records=1,
         where=([0], INSTALL, 0, [command(ABORT)], command(ABORT)))
    tree("tree-records", "records of a dependency have its manifest-id",
         simple(Node(["leaf"], {INSTALL: [
             override(content=b"leaf"), command(WRITE, 1)]}), install=[
                 at(0), command(PROCESS, 1), at(1), override(content=b"root"),
                 command(WRITE, 1)]), serve={DEP_URI: Node(
                     ["leaf"], {INSTALL: [override(content=b"leaf"),
                                          command(WRITE, 1)]})},
         items=[enc([[0], 20, 9, 0, {}]).hex(), enc([[], 20, 3, 0, {}]).hex(),
                enc([[], 20, 15, 1, {}]).hex()])


def bad(ident, text, err, content):
    row(ident, text, envelope(content), err)


def integrated():
    """What is to be known of integrated payloads without installing them."""
    p = {"#p": PAYLOAD}
    both = [command(FETCH), command(MATCH)]
    case("integrated-copied", "URI and digest of another component", seq(
        command(INDEX, 0), override(uri="#p", digest=digest(PAYLOAD)), *both,
        command(INDEX, 1), command(COPY_PARAMS, enc({0: [21, 3]})), *both),
        components=2, payloads=p, holds={0: PAYLOAD, 1: PAYLOAD},
        integrated="OK")
    case("integrated-copied-digest", "the digest of another component", seq(
        command(INDEX, 0), override(digest=digest(PAYLOAD)),
        command(INDEX, 1), override(uri="#p"),
        command(COPY_PARAMS, enc({0: [3]})), *both), components=2,
        payloads=p, holds={1: PAYLOAD}, integrated="OK")
    case("integrated-copied-other", "the digest of another component, which "
         "is not it", seq(
             command(INDEX, 0), override(digest=digest(b"other")),
             command(INDEX, 1), override(uri="#p"),
             command(COPY_PARAMS, enc({0: [3]})), *both), "SUIT_CONDITION",
         components=2, payloads=p, integrated="SUIT_DIGEST")
    case("integrated-unused", "a payload that no command names", seq(
        command(VENDOR)), "SUIT_CONDITION", payloads=p,
        integrated="SUIT_STRUCTURE")
    case("integrated-no-digest", "a payload without digest", seq(
        override(uri="#p"), command(FETCH)), "SUIT_UNVERIFIED", payloads=p,
        integrated="SUIT_DIGEST")
    one = leaf()

    def around(dep, data, **more):
        return Node(["dep", "root"], {
            RESOLVE: get(0, dep, "#d"), INSTALL: process(0)}, deps=[0],
            payloads={"#d": data}, **more)
    tree("integrated-dependency-other", "another dependency is integrated",
         around(one, leaf(content=b"evil").data), "SUIT_DIGEST",
         integrated="SUIT_DIGEST")
    tree("integrated-no-envelope", "what is integrated is no envelope",
         around(one, b"\x80"), "CBOR_TYPE", integrated="SUIT_DIGEST")
    tree("integrated-dependency-signed-again", "signatures do not matter to "
         "it", around(one, leaf(key=AUTHOR).data), holds={"leaf": b"leaf"},
         integrated="OK")
    for ident, payload, err, found in [
            ("", PAYLOAD, "OK", "OK"),
            ("-other", b"other", "SUIT_CONDITION", "SUIT_DIGEST")]:
        inner = Node(["leaf"], {INSTALL: [
            override(uri="#p", digest=digest(PAYLOAD)), *both]},
            payloads={"#p": payload})
        tree("integrated-inside" + ident, "a payload in a dependency in an "
             "envelope", around(inner, inner.data), err, integrated=found)
    dep = leaf().manifest.replace(b"leaf", b"evil")
    damaged = envelope(dep, signed=enc([-16, sha256(bstr(leaf().manifest))]))
    tree("integrated-digest-only", "a dependency with the digest of another",
         around(one, damaged), "SUIT_DIGEST", integrated="SUIT_DIGEST")


def trees_refused():
    one = leaf()
    body = process(0)
    tree("tree-unchecked", "process-dependency before dependency-integrity",
         Node(["dep", "root"], {
             RESOLVE: [at(0), override(uri=DEP_URI, digest=one.digest),
                       command(FETCH)], INSTALL: body}, deps=[0]),
         "SUIT_DEPENDENCY", serve={DEP_URI: one}, reason=11)
    tree("tree-process-no-dependency", "process-dependency of what is none",
         simple(one, install=process(1)), "SUIT_DEPENDENCY",
         serve={DEP_URI: one}, reason=11,
         where=([], INSTALL, 1, process(1), command(PROCESS)))
    tree("tree-integrity-no-dependency", "dependency-integrity of what is "
         "none", Node(["dep", "root"], {
             RESOLVE: [at(1), try_each([command(INTEGRITY)],
                                       [override(vendor=V)])]},
             deps=[0]), "SUIT_DEPENDENCY", reason=11)
    tree("tree-integrity-no-digest", "dependency-integrity without digest",
         Node(["dep", "root"], {RESOLVE: [at(0), command(INTEGRITY)]},
              deps=[0]), "SUIT_PARAMETER", installed={"dep": one})
    tree("tree-integrity-other", "the dependency is another manifest", simple(
        one), "SUIT_DIGEST", serve={DEP_URI: leaf(content=b"evil")}, reason=4)
    tree("tree-integrity-hard", "which no try-each forgives", Node(
        ["dep", "root"], {RESOLVE: [
            at(0), override(uri=DEP_URI, digest=one.digest), command(FETCH),
            try_each([command(INTEGRITY)], [override(vendor=V)])]}, deps=[0]),
        "SUIT_DIGEST", serve={DEP_URI: leaf(content=b"evil")})
    tree("tree-stranger", "the dependency is signed by a stranger", simple(
        one), "COSE_SIGNATURE", serve={DEP_URI: leaf(key=STRANGER)}, reason=4)
    tree("tree-unsigned", "the dependency is not signed", simple(one),
         "SUIT_UNSIGNED", serve={DEP_URI: leaf(blocks=[])}, reason=4)
    tree("tree-manifest-changed", "the manifest is not what its digest says",
         simple(one), "SUIT_DIGEST", serve={
             DEP_URI: one.data.replace(b"leaf", b"evil")})
    sev = Node(["leaf"], {INSTALL: write(b"leaf")}, severed=[INSTALL])
    tree("tree-severed-changed", "a severed member of the dependency is not "
         "what was signed", simple(sev), "SUIT_DIGEST", serve={
             DEP_URI: sev.data.replace(b"\x44leaf", b"\x44evil")})
    added = envelope(leaf().manifest, members={PREFETCH: bstr(seq(
        *write(b"evil")))})
    tree("tree-member-added", "an unsigned member was added", simple(one),
         "SUIT_DIGEST", serve={DEP_URI: added})
    tree("tree-rollback", "a dependency that is older than what was there",
         simple(one), "SUIT_SEQUENCE", serve={DEP_URI: one}, oldest=2,
         reason=11, where=([], RESOLVE, 0, get(0, one), command(INTEGRITY)))
    tree("tree-missing", "a dependency that nobody has", simple(one),
         "SUIT_DEPENDENCY_MISSING", reason=11,
         where=([], RESOLVE, 0, get(0, one), command(FETCH)))
    tree("tree-missing-fragment", "a dependency that was taken out", Node(
        ["dep", "root"], {RESOLVE: get(0, one, "#gone")}, deps=[0]),
        "SUIT_DEPENDENCY_MISSING")
    tree("tree-missing-content", "a dependency that is not installed", Node(
        ["dep", "root"], {RESOLVE: [at(0), override(digest=one.digest),
                                    command(INTEGRITY)]}, deps=[0]),
        "SUIT_DEPENDENCY_MISSING")
    tree("tree-payload-missing", "a payload of a dependency is no dependency",
         simple(Node(["leaf"], {INSTALL: [good(), command(FETCH)]})),
         "FETCH", serve={DEP_URI: Node(["leaf"], {
             INSTALL: [good(), command(FETCH)]})}, manifest_id=[0])
    tree("tree-no-arena", "no room for a dependency", simple(one), "LIMIT",
         serve={DEP_URI: one}, arena=64)
    tree("tree-unverified", "a dependency that is fetched only", Node(
        ["dep", "root"], {RESOLVE: get(0, one)[:-1]}, deps=[0]),
        "SUIT_DEPENDENCY", serve={DEP_URI: one})

    # required checks
    early = Node(["leaf"], {PREFETCH: write(b"leaf"),
                            INSTALL: write(b"leaf")})
    tree("tree-section-unpopulated", "the dependent has not all sections of "
         "its dependency", simple(early), "SUIT_DEPENDENCY",
         serve={DEP_URI: early}, reason=11,
         where=([], RESOLVE, 0, get(0, early), command(INTEGRITY)))
    for section in (RESOLVE, PREFETCH, CANDIDATE, INSTALL, VALIDATE):
        some = Node(["leaf"], {section: write(b"leaf")})
        sections = {k: write(b"root", 1) for k in UPDATE}
        sections[RESOLVE] = get(0, some) + sections[RESOLVE]
        tree("tree-unprocessed-%d" % section, "a section of a dependency was "
             "not executed", Node(["dep", "root"], sections, deps=[0]),
             "SUIT_DEPENDENCY", serve={DEP_URI: some}, reason=11)
    tree("tree-unprocessed-try", "nor when an alternative would have", Node(
        ["dep", "root"], {RESOLVE: get(0, one), INSTALL: [at(0), try_each(
            [command(ABORT), command(PROCESS)],
            [override(vendor=V)])]}, deps=[0]),
        "SUIT_DEPENDENCY", serve={DEP_URI: one})
    tree("tree-no-index", "several components and no index, in a dependency",
         simple(Node(["a", "b"], {INSTALL: write(b"x")})), "SUIT_COMPONENT",
         serve={DEP_URI: Node(["a", "b"], {INSTALL: write(b"x")})},
         manifest_id=[0])

    # what was found is not known for ever
    tree("tree-fetched-again", "a dependency that was fetched again", Node(
        ["dep", "root"], {
            RESOLVE: get(0, one) + [command(FETCH), command(PROCESS)],
            INSTALL: process(0)}, deps=[0]), "SUIT_DEPENDENCY",
        serve={DEP_URI: one})
    tree("tree-copied-over", "a dependency that was copied over", Node(
        ["dep", "root"], {
            RESOLVE: get(0, one) + [override(source=1), command(COPY),
                                    command(PROCESS)],
            INSTALL: process(0)}, deps=[0]), "SUIT_DEPENDENCY",
        serve={DEP_URI: one}, installed={"root": one})
    ready = Node(["leaf"], {LOAD: write(b"leaf"), VALIDATE: write(b"v")})
    tree("tree-next-procedure", "a result does not outlive its procedure",
         Node(["dep", "root"], {VALIDATE: [
             at(0), command(INTEGRITY), command(PROCESS)], LOAD: process(0)},
             deps=[0], shared=[at(0), override(digest=ready.digest)]),
         "OK", sections=[VALIDATE, LOAD], installed={"dep": ready},
         holds={"leaf": b"leaf"})
    both = Node(["leaf"], {INSTALL: write(b"leaf"), LOAD: write(b"load")})
    tree("tree-other-procedure", "the Invocation Procedure asks again", Node(
        ["dep", "root"], {RESOLVE: get(0, both), INSTALL: process(0),
                          LOAD: process(0)}, deps=[0]), "SUIT_DEPENDENCY",
        sections=[RESOLVE, INSTALL, LOAD], serve={DEP_URI: both})
    valid = Node(["leaf"], {INSTALL: write(b"leaf"), VALIDATE: write(b"v")})
    tree("tree-validate-alone", "validate by itself asks too", Node(
        ["dep", "root"], {RESOLVE: get(0, valid), INSTALL: process(0),
                          VALIDATE: process(0)}, deps=[0]),
        "SUIT_DEPENDENCY", sections=[VALIDATE], installed={"dep": valid})
    second = Node(["three"], {INSTALL: process(0)}, deps=[0])
    tree("tree-other-context", "a result is not for another manifest", Node(
        ["two", "three"], {
            RESOLVE: get(0, second, "#2") + get(1, one, "#3"),
            INSTALL: process(1) + process(0)}, deps=[0, 1],
        payloads={"#2": second.data, "#3": one.data}), "SUIT_DEPENDENCY",
        manifest_id=[0])

    # bounds
    replaced = Node(["dep"], {
        INSTALL: get(0, one, "#in") + [command(PROCESS)]}, deps=[0],
        payloads={"#in": one.data})
    tree("tree-cycle", "a dependency that runs in the place of one that runs",
         simple(replaced), "SUIT_DEPENDENCY", serve={DEP_URI: replaced},
         reason=11, manifest_id=[0])
    bad("tree-17", "more dependencies than are taken", "LIMIT", manifest(
        extra={1: int_map({i: int_map({}) for i in range(17)})},
        components=17))
    pairs = [Node(["e%d" % k], {
        RESOLVE: get(0, leaf("l%d" % k), "#"), INSTALL: process(0)},
        deps=[0], payloads={"#": leaf("l%d" % k).data}) for k in range(9)]
    tree("tree-17-in-all", "more dependencies than a run takes", Node(
        ["d%d" % k for k in range(9)], {
            RESOLVE: sum([get(k, n, "#%d" % k) + [command(PROCESS)]
                          for k, n in enumerate(pairs)], []),
            INSTALL: [at(True), command(PROCESS)]}, deps=list(range(9)),
        payloads={"#%d" % k: n.data for k, n in enumerate(pairs)}), "LIMIT",
        reason=11)
    wide = [Node(["w%d-%d" % (k, i) for i in range(50)], {
        INSTALL: write(b"x", True)}) for k in range(3)]
    tree("tree-places", "more components than a run has places for", Node(
        ["d0", "d1", "d2"], {
            RESOLVE: sum([get(k, n, "#%d" % k)
                          for k, n in enumerate(wide)], []),
            INSTALL: [at(True), command(PROCESS)]}, deps=[0, 1, 2],
        payloads={"#%d" % k: n.data for k, n in enumerate(wide)}), "LIMIT")
    tree("tree-65-calls", "a dependency is processed too often", Node(
        ["dep", "root"], {RESOLVE: get(0, one),
                          INSTALL: [at(0)] + [command(PROCESS)] * 65},
        deps=[0]), "LIMIT", serve={DEP_URI: one}, reason=11)
    tree("tree-64-calls", "as often as it may be", Node(
        ["dep", "root"], {RESOLVE: get(0, one),
                          INSTALL: [at(0)] + [command(PROCESS)] * 64},
        deps=[0]), serve={DEP_URI: one}, holds={"leaf": b"leaf"})
    bad("dependency-index", "a dependency that is no component and has no "
        "prefix", "SUIT_COMPONENT", manifest(
            extra={1: int_map({1: int_map({})})}))
    bad("dependency-index-gap", "a dependency index beyond the next",
        "SUIT_COMPONENT", manifest(extra={1: int_map({
            2: int_map({1: name(5)})})}))
    bad("dependency-prefix-text", "a prefix of text", "SUIT_COMPONENT",
        manifest(extra={1: int_map({0: int_map({1: enc(["a"])})})}))
    bad("dependency-metadata", "unknown metadata of a dependency",
        "SUIT_STRUCTURE", manifest(
            extra={1: int_map({0: int_map({2: enc(0)})})}))
    long = Node(["/".join("p" * 13)], {INSTALL: write(b"x")})
    tree("tree-prefix-long", "an identifier with prefix of 17 elements", Node(
        ["dep"], {RESOLVE: get(0, long), INSTALL: process(0)},
        deps={0: "/".join("pppp")}), "SUIT_COMPONENT", serve={DEP_URI: long})
    tree("tree-damaged", "a dependency that is no CBOR", simple(one),
         "CBOR_END", serve={DEP_URI: one.data[:-1]}, reason=1)


def trees_uninstalled():
    gone = Node(["leaf"], {INSTALL: write(b"leaf"),
                           UNINSTALL: [command(UNLINK)]})

    def root(*uninstall):
        return Node(["dep", "root"], {UNINSTALL: list(uninstall)}, deps=[0],
                    shared=[at(0), override(digest=gone.digest)])
    there = {"dep": gone, "leaf": b"leaf", "root": b"root"}
    # In the log a component is counted as the device counts them.
    tree("tree-uninstall", "suit-uninstall of a dependency, then unlink",
         root(at(0), command(INTEGRITY), command(PROCESS), command(UNLINK),
              at(1), command(UNLINK)), sections=[UNINSTALL], installed=there,
         log="unlink 1, unlink 0, unlink 2, ")
    tree("tree-unlink-runs-uninstall", "unlink of the last reference runs "
         "suit-uninstall first", root(at(0), command(UNLINK), at(1),
                                      command(UNLINK)),
         sections=[UNINSTALL], installed=there,
         log="unlink 1, unlink 0, unlink 2, ")
    for ident, commands in [
            ("unlink", [command(UNLINK)]),
            ("uninstall", [command(INTEGRITY), command(PROCESS),
                           command(UNLINK)])]:
        tree("tree-%s-shared" % ident, "what others refer to is only "
             "unlinked", root(at(0), *commands), sections=[UNINSTALL],
             installed=there, others=["dep"], log="unlink 0, ")
    tree("tree-unlink-gone", "a dependency that is not there is unlinked",
         root(at(0), command(UNLINK), at(1), command(UNLINK)),
         sections=[UNINSTALL], installed={"root": b"root"},
         log="unlink 1, unlink 0, ")
    tree("tree-unlink-other", "a dependency that is another one is not",
         root(at(0), command(UNLINK)), "SUIT_DIGEST", sections=[UNINSTALL],
         installed={"dep": leaf()}, log="")
    tree("tree-uninstall-unprocessed", "suit-uninstall of a dependency that "
         "was looked at is not left out", root(at(0), command(INTEGRITY)),
         "SUIT_DEPENDENCY", sections=[UNINSTALL], installed=there)
    tree("tree-uninstall-untouched", "one that was not looked at stays", root(
        at(1), command(UNLINK)), sections=[UNINSTALL], installed=there,
        log="unlink 2, ")
    tree("tree-lacks-references", "a device without counts", root(
        at(0), command(UNLINK)), sections=[UNINSTALL], installed=there,
        lacks=["references"], log="unlink 1, unlink 0, ")
    inner = Node(["dep", "mid"], {UNINSTALL: [
        at(0), command(UNLINK), at(1), command(UNLINK)]}, deps=[0],
        shared=[at(0), override(digest=gone.digest)])
    tree("tree-uninstall-deep", "a dependency uninstalls its own", Node(
        ["in"], {UNINSTALL: [command(UNLINK)]}, deps=[0],
        shared=[override(digest=inner.digest)]), sections=[UNINSTALL],
        installed=dict(there, mid=b"mid", **{"in": inner}),
        log="unlink 1, unlink 0, unlink 3, unlink 4, ")
    new = leaf("leaf", b"new")
    tree("tree-replaced", "a dependency gives way to another in install",
         Node(["dep"], {
             INSTALL: [override(digest=gone.digest), command(INTEGRITY),
                       command(UNLINK), override(
                           uri=DEP_URI, digest=new.digest), command(FETCH),
                       command(INTEGRITY), command(PROCESS)]}, deps=[0]),
         sections=[INSTALL], installed=there, serve={DEP_URI: new},
         holds={"leaf": b"new", "dep": new})


def hostile_roots():
    """A root around somebody's genuine manifest: what that one sets with
    set-parameters is preset, and the author's rights would do the rest."""
    rights = [(41, "ta"), (41, "from"), (41, "other"), (40, "dep"),
              (40, "root")]
    evil = b"evil"

    def attack(ident, text, genuine, result, where=None, serve=None,
               holds=None, extra=None, **more):
        node = Node(["ta", "from", "other"], {
            INSTALL: [at(0), *genuine]}, key=AUTHOR)
        for kind, cmd in [("", OVERRIDE), ("-set", SET)]:
            tree("hostile-" + ident + kind, text, Node(
                ["dep", "ta", "from", "other"], {
                    RESOLVE: get(0, node), INSTALL: [
                        at(1), command(cmd, params(**more)),
                        *process(0)]}, deps=[0], **(extra or {})),
                result, serve=dict({DEP_URI: node}, **(serve or {})),
                rights=rights, holds=holds,
                installed={"from": b"good", "other": evil, "ta": b"old"},
                manifest_id=[0] if result != "OK" else [],
                reason=7 if result != "OK" else 0)
    fetch = [command(SET, params(uri=URI, digest=digest(PAYLOAD),
                                 size=len(PAYLOAD))),
             command(FETCH), command(MATCH)]
    attack("uri", "the URI is free", fetch, "OK",
           serve={"https://m.example/p": PAYLOAD}, holds={"ta": PAYLOAD},
           uri="https://m.example/p")
    attack("digest", "the digest of something else", fetch,
           "SUIT_UNAUTHORISED", serve={"https://m.example/p": evil},
           digest=digest(evil))
    attack("size", "another size", fetch, "SUIT_UNAUTHORISED",
           serve={URI: PAYLOAD}, size=4)
    attack("content", "other content", [
        command(SET, params(content=b"good")), command(WRITE)],
        "SUIT_UNAUTHORISED", content=evil)
    attack("check-content", "content to compare with", [
        command(SET, params(content=b"good")), command(CHECK)],
        "SUIT_UNAUTHORISED", content=b"old")
    attack("source", "another source", [
        command(SET, params(source=1)), command(COPY)],
        "SUIT_UNAUTHORISED", source=3)
    attack("args", "other arguments", [
        command(SET, params(args=b"--safe")), command(INVOKE)],
        "SUIT_UNAUTHORISED", args=b"--unsafe")
    attack("vendor", "the identity that the device has", [
        command(SET, params(vendor=D)), command(VENDOR)],
        "SUIT_UNAUTHORISED", vendor=V)
    attack("copied", "a value that a dependency copies on", [
        at(1), command(COPY_PARAMS, enc({0: [18]})), command(WRITE)],
        "SUIT_UNAUTHORISED", content=evil)
    genuine = Node(["ta"], {INSTALL: [
        command(SET, params(content=b"good")), command(WRITE)]}, key=AUTHOR)
    tree("hostile-own-right", "who has the right may preset", Node(
        ["dep", "ta"], {RESOLVE: get(0, genuine), INSTALL: [
            at(1), override(content=evil), *process(0)]}, deps=[0]),
        serve={DEP_URI: genuine}, rights=rights + [(40, "ta")],
        holds={"ta": evil})
    tree("hostile-command", "a root without rights writes itself", Node(
        ["dep", "ta"], {RESOLVE: get(0, genuine), INSTALL: process(0) +
                        write(evil, 1)}, deps=[0]), "SUIT_UNAUTHORISED",
        serve={DEP_URI: genuine}, rights=rights, manifest_id=[])
    tree("hostile-source-read", "a root copies what is not its own", Node(
        ["root", "from"], {INSTALL: [at(0), override(source=1),
                                     command(COPY)]}), "SUIT_UNAUTHORISED",
        rights=rights, installed={"from": b"secret"})
    tree("hostile-unlink", "a root unlinks what is not its own", Node(
        ["root", "ta"], {UNINSTALL: [at(1), command(UNLINK)]}),
        "SUIT_UNAUTHORISED", rights=rights, sections=[UNINSTALL], log="",
        installed={"ta": b"ta"})
    other = leaf("ta", evil, key=AUTHOR)
    inner = Node(["in"], {RESOLVE: [
        command(SET, params(digest=genuine.digest)), command(INTEGRITY)],
        INSTALL: process(0)}, key=AUTHOR, deps=[0])
    tree("hostile-dependency", "the digest of another dependency of the "
         "dependency", Node(["dep", "in"], {
             RESOLVE: get(0, inner) + [
                 at(1), override(digest=other.digest), *process(0)],
             INSTALL: process(0)}, deps=[0]), "SUIT_UNAUTHORISED",
         serve={DEP_URI: inner}, installed={"in": other},
         rights=rights + [(41, "in")], manifest_id=[0])
    tree("hostile-stranger-component", "a dependency acts on what is not its "
         "signer's", simple(leaf("root", evil, key=AUTHOR)),
         "SUIT_UNAUTHORISED", serve={
             DEP_URI: leaf("root", evil, key=AUTHOR)}, rights=rights,
         manifest_id=[0])


def main():
    os.makedirs(os.path.join(OUT, "keys"), exist_ok=True)
    for n in os.listdir(OUT):
        if n.endswith(".cbor"):
            os.remove(os.path.join(OUT, n))
    for file, data in [("signer.cose_key", enc(SIGNER.public)),
                       ("author.cose_key", enc(AUTHOR.public)),
                       ("signer-p256.cose_key", enc(NIST.public)),
                       ("hmac.bin", SECRET)] + list(
                           make_suit_encryption.KEYS.items()):
        with open(os.path.join(OUT, "keys", file), "wb") as f:
            f.write(data)
    for part in (authentication, severing, structure, fetching, conditions,
                 control, shared_sequence, indices, parameters, strict_order,
                 devices, records, walks, management, waiting, metadata_rows,
                 several, swapping, extension_metadata, custom_rows, integrated, trees, trees_refused,
                 trees_uninstalled, hostile_roots):
        part()
    make_suit_encryption.rows(sys.modules[__name__])
    with open(os.path.join(OUT, "vectors.jsonl"), "w") as f:
        for r in rows:
            f.write(json.dumps(r) + "\n")
    print(len(rows), "vectors")


main()
