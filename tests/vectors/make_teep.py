#!/usr/bin/python3
"""Writes teep/ and eat/: messages made by python3-cbor2 and signed by
python3-cryptography, so that nothing of Postern has a part in them. Rows are
like those of the published lists; a row that must be rejected says with which
number of enum pst_err ("err").

The keys are test keys, derived from the words below. ECDSA signatures differ
from run to run, so the outputs are kept beside this script.
"""
import hashlib
import json
import os
import shutil
import sys

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils

ES256, ESP256, ED25519 = -7, -9, -19
SIGN1, SIGN = 18, 98
TOKEN = bytes.fromhex("a0a1a2a3a4a5a6a7")
CHALLENGE = bytes(range(32))
SUITES = [[[18, -9]], [[18, -19]]]
PROFILES = [[-16, -9, -29, -65534], [-16, -19, -29, -65534],
            [-16, -9, -29, 1], [-16, -19, -29, 24]]
CBOR_TYPE, CBOR_RANGE, CBOR_DUPLICATE, CBOR_UTF8 = 102, 103, 107, 108
CBOR_PREFERRED, CBOR_INDEFINITE, TRAILING = 104, 105, 109
COSE_STRUCTURE, COSE_ALG, COSE_CRIT, COSE_SIGNATURE = 200, 201, 202, 204
EAT_CLAIM = 400
TEEP_TYPE, TEEP_FIELD = 500, 501


def enc(value):
    return cbor2.dumps(value)


class Key:
    """A test key; `words` name it and are its secret."""

    def __init__(self, words, okp=False):
        seed = hashlib.sha256(("Postern test key: " + words).encode()).digest()
        self.okp = okp
        if okp:
            self.key = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
            raw = self.key.public_key().public_bytes_raw() if hasattr(
                self.key.public_key(), "public_bytes_raw") else self._raw()
            self.public = {1: 1, -1: 6, -2: raw}
        else:
            self.key = ec.derive_private_key(
                int.from_bytes(seed, "big"), ec.SECP256R1())
            n = self.key.public_key().public_numbers()
            self.public = {1: 2, -1: 1, -2: n.x.to_bytes(32, "big"),
                           -3: n.y.to_bytes(32, "big")}
        # RFC 9679: the required members, in deterministic order.
        self.kid = hashlib.sha256(enc(self.public)).digest()
        self.file = "keys/test-" + words.replace(" ", "-") + ".cose_key"

    def _raw(self):
        from cryptography.hazmat.primitives import serialization
        return self.key.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw)

    def sign(self, data):
        if self.okp:
            return self.key.sign(data)
        r, s = utils.decode_dss_signature(
            self.key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


TAM = Key("tam esp256")
TAM_ED = Key("tam ed25519", okp=True)
AGENT = Key("agent esp256")
DEVICE = Key("attestation esp256")
STRANGER = Key("stranger esp256")


def sign1(payload, key, alg=None, tagged=True, protected=None, kid=True):
    alg = alg or (ED25519 if key.okp else ESP256)
    prot = enc({1: alg} if protected is None else protected)
    tbs = enc(["Signature1", prot, b"", payload])
    unprotected = {4: key.kid} if kid else {}
    msg = [prot, unprotected, payload, key.sign(tbs)]
    return enc(cbor2.CBORTag(SIGN1, msg) if tagged else msg)


def sign(payload, keys, tagged=True):
    sigs = []
    for key in keys:
        prot = enc({1: ED25519 if key.okp else ESP256})
        tbs = enc(["Signature", b"", prot, b"", payload])
        sigs.append([prot, {4: key.kid}, key.sign(tbs)])
    msg = [b"", {}, payload, sigs]
    return enc(cbor2.CBORTag(SIGN, msg) if tagged else msg)


class List:
    def __init__(self, folder):
        self.folder = folder
        self.rows = []
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(os.path.join(folder, "keys"))

    def add(self, name, data, expected, key=(), **more):
        with open(os.path.join(self.folder, name + ".cbor"), "wb") as f:
            f.write(data)
        row = {"id": name, "file": name + ".cbor",
               "source": "tests/vectors/make_teep.py", "expected": expected}
        if key:
            row["key"] = [k.file for k in key]
        row.update(more)
        self.rows.append(row)
        for k in key:
            with open(os.path.join(self.folder, k.file), "wb") as f:
                f.write(enc({**k.public, 2: k.kid}))

    def reject(self, name, data, why, err, key=()):
        self.add(name, data, "must be rejected: " + why, key, err=err)

    def write(self):
        with open(os.path.join(self.folder, "vectors.jsonl"), "w") as f:
            for row in self.rows:
                f.write(json.dumps(row) + "\n")


def teep_info(message):
    names = {1: "query-request", 2: "query-response", 3: "update",
             5: "success", 6: "error"}
    options = sorted(k for k in message[1] if k < 2 ** 31)
    info = {"type": names[message[0]], "options": options}
    if message[0] == 6:
        info["err_code"] = message[2]
    if 23 in message[1]:
        info["err_code"] = message[1][23]
    if message[0] == 1:
        info["data_item_requested"] = message[4]
    if 10 in message[1]:
        info["manifests"] = [{} for _ in message[1][10]]
    return {"info": info}


def messages():
    component = [bytes(16), b"ta"]
    digest = enc([-16, bytes(range(32))])
    report = enc({99: ["https://example.com/m", [-16, bytes(32)]],
                  3: [], 4: True})
    envelope = enc({2: enc([digest]), 3: enc({1: 1, 2: 1, 3: b""})})
    tagged = enc(cbor2.CBORTag(107, {2: b"", 3: b""}))
    return {
        "query-request-attested": [
            1, {2: CHALLENGE, 3: [0, 0xffffffff], 7: b"evidence",
                13: "application/eat+cwt; eat_profile=\"x\"",
                19: [report], 21: [0, 1]}, SUITES, PROFILES, 15],
        "query-request-token": [
            1, {3: [0], 20: TOKEN}, SUITES, PROFILES, 2],
        "query-request-extended": [
            1, {0: None, 5: [1], 20: TOKEN, 24: {"a": 1}, 2 ** 64 - 1: b""},
            [[[18, -7]], [[16, 1], [18, -9]], [[18, -9]]],
            [[-44, -36, -29, 3], PROFILES[0]], 2 | 0x80],
        "query-response": [
            2, {6: 0, 7: b"evidence", 8: [
                {0: component, 3: digest},
                {0: [b"x"], 3: digest, 14: 2 ** 32, 28: [1, 0, 0], -300: 1}],
                9: [1, 2], 13: "application/cbor",
                14: [{16: component},
                     {16: component, 17: 2 ** 63, 18: True}],
                15: [component, [b"a", b"", b"c"]], 19: [report],
                20: TOKEN}],
        "update": [
            3, {7: b"", 10: [envelope, tagged], 13: "a/b", 15: [component],
                20: TOKEN * 8}],
        "update-refusal": [
            3, {12: "attestation failed: \u00fc", 20: TOKEN, 22: "en",
                23: 7}],
        "success": [5, {11: "m" * 128, 19: [report, report], 20: TOKEN}],
        "success-empty": [5, {}],
        "error": [
            6, {1: SUITES, 2: bytes(512), 3: [0], 4: PROFILES, 12: "x",
                19: [report], 20: TOKEN, 21: [0], 22: "de"}, 5],
        "error-unknown-code": [6, {20: TOKEN}, 200],
    }


def teep(folder):
    out = List(folder)
    good = messages()
    agent_sends = ("query-response", "success", "error")
    for name, message in good.items():
        key = AGENT if name.startswith(agent_sends) else TAM
        what = ("COSE_Sign1 (tag 18): alg -9 signature verifies; message "
                "conforms to the newest CDDL")
        out.add(name, enc(message), "decodes; message conforms",
                teep=teep_info(message))
        out.add(name + "-esp256", sign1(enc(message), key), what, [key],
                teep=teep_info(message))
    request = good["query-request-attested"]
    plain = enc(request)
    info = teep_info(request)
    out.add("untagged-sign1", sign1(plain, TAM, tagged=False),
            "COSE_Sign1 (untagged): alg -9 signature verifies", [TAM],
            teep=info)
    out.add("ed25519", sign1(plain, TAM_ED),
            "COSE_Sign1 (tag 18): alg -19 signature verifies", [TAM_ED],
            teep=info)
    # pitfalls, Messages: works for a short payload and fails for a longer.
    long = [3, {10: [enc({2: b"", 3: bytes(20000)})], 20: TOKEN}]
    out.add("ed25519-long", sign1(enc(long), TAM_ED),
            "COSE_Sign1 (tag 18): alg -19 signature verifies", [TAM_ED],
            teep=teep_info(long))
    both = sign(plain, [TAM, TAM_ED])
    out.add("sign-both-esp256", both,
            "COSE_Sign (tag 98): alg -9 signature verifies", [TAM],
            teep=info)
    out.add("sign-both-ed25519", both,
            "COSE_Sign (tag 98): alg -19 signature verifies", [TAM_ED],
            teep=info)
    out.add("sign-untagged", sign(plain, [TAM, TAM_ED], tagged=False),
            "COSE_Sign (untagged): alg -19 signature verifies", [TAM_ED],
            teep=info)
    out.add("no-kid", sign1(plain, TAM, kid=False),
            "COSE_Sign1 (tag 18): alg -9 signature verifies", [TAM],
            teep=info)

    for key in (STRANGER, AGENT):
        out.reject("signed-by-" + key.file[10:-9], sign1(plain, key),
                   "signed by another key", COSE_SIGNATURE, [TAM])
    out.reject("sign-by-nobody-known", sign(plain, [STRANGER, AGENT]),
               "no signature by a trusted key", COSE_SIGNATURE, [TAM])
    out.reject("critical-header",
               sign1(plain, TAM, protected={1: ESP256, 2: [-70000],
                                            -70000: 1}),
               "a critical header that is not understood", COSE_CRIT, [TAM])
    out.reject("other-payload",
               sign1(plain, TAM).replace(b"evidence", b"Evidence"),
               "payload is not what was signed", COSE_SIGNATURE, [TAM])
    out.reject("token-1", enc([5, {20: b"x"}]), "token of 1 byte",
               CBOR_RANGE)
    out.reject("token-65", enc([5, {20: bytes(65)}]), "token of 65 bytes",
               CBOR_RANGE)
    out.reject("challenge-7",
               enc([1, {2: bytes(7)}, SUITES, PROFILES, 1]),
               "challenge of 7 bytes", CBOR_RANGE)
    out.reject("msg-129", enc([5, {11: "m" * 129}]), "msg of 129 bytes",
               CBOR_RANGE)
    out.reject("msg-0", enc([5, {11: ""}]), "msg of 0 bytes", CBOR_RANGE)
    out.reject("err-lang-36", enc([3, {22: "x" * 36}]),
               "err-lang of 36 bytes", CBOR_RANGE)
    out.reject("err-code-0", enc([6, {}, 0]), "err-code 0", TEEP_FIELD)
    out.reject("update-err-code-0", enc([3, {23: 0}]), "err-code 0",
               TEEP_FIELD)
    out.reject("surplus-element", enc([5, {}, 1]), "surplus element",
               CBOR_RANGE)
    out.reject("negative-label", enc([5, {-1: 0}]), "label -1", CBOR_TYPE)
    out.reject("text-label", enc([5, {"a": 0}]), "label is text", CBOR_TYPE)
    out.reject("misplaced-option", enc([5, {10: [b"\xa0"]}]),
               "manifest-list in Success", TEEP_FIELD)
    out.reject("no-token", enc([1, {}, SUITES, PROFILES, 2]),
               "neither attestation bit nor token", TEEP_FIELD)
    out.reject("challenge-unasked",
               enc([1, {2: CHALLENGE, 20: TOKEN}, SUITES, PROFILES, 2]),
               "challenge without attestation bit", TEEP_FIELD)
    out.reject("empty-list", enc([3, {10: []}]), "empty manifest-list",
               CBOR_RANGE)
    out.reject("old-component-key",
               enc([2, {8: [{16: [b"a"], 3: enc([-16, bytes(32)])}]}]),
               "component id under its old key", TEEP_FIELD)
    out.reject("have-binary-alone", enc([2, {14: [{16: [b"a"], 18: True}]}]),
               "have-binary without a sequence number", TEEP_FIELD)
    out.reject("not-utf8", bytes.fromhex("8205a10b61ff"), "msg is no UTF-8",
               CBOR_UTF8)
    out.reject("indefinite-options", bytes.fromhex("8205bfff"),
               "indefinite length", CBOR_INDEFINITE)
    out.reject("long-form", bytes.fromhex("821805a0"), "type in two bytes",
               CBOR_PREFERRED)
    out.reject("long-duplicate", bytes.fromhex("8205a2186400186401"),
               "an unknown label twice", CBOR_DUPLICATE)
    out.reject("type-24", bytes.fromhex("821818a0"), "unknown type",
               TEEP_TYPE)
    out.write()


def eat(folder):
    out = List(folder)
    reference = enc(["https://example.com/agent.suit", [-16, bytes(32)]])
    claims = {
        6: 1700000000, 8: {1: AGENT.public, 3: AGENT.kid}, 10: CHALLENGE,
        256: b"\x01" + bytes(16), 258: 76543, 259: b"model",
        260: ["1.0", 16384], 263: 1, 265: "urn:example:profile",
        270: "https://example.com/agent.suit", 271: ["0.1"],
        272: [[270, reference]], 273: [[60, enc({2: [-16, bytes(32)]})]],
        266: {"x": {10: b"12345678"}}, -70000: None, "text": 1}
    labels = sorted(k for k in claims if isinstance(k, int))

    def good(name, data, key=(), alg=""):
        out.add(name, data, "decodes" + alg, key, claims=labels, issues=[])

    good("claims", enc(claims))
    verifies = "; signature alg -9 verifies with the key given"
    good("token", sign1(enc(claims), DEVICE), [DEVICE], verifies)
    good("token-untagged", sign1(enc(claims), DEVICE, tagged=False),
         [DEVICE], verifies)
    good("token-cwt", b"\xd8\x3d" + sign1(enc(claims), DEVICE), [DEVICE],
         verifies)
    out.reject("token-stranger", sign1(enc(claims), STRANGER),
               "signature does not verify", COSE_SIGNATURE, [DEVICE])
    bad = {
        "nonce-7": {10: bytes(7)}, "nonce-65": {10: bytes(65)},
        "nonce-array": {10: [bytes(8), bytes(8)]}, "ueid-6": {256: bytes(6)},
        "ueid-34": {256: bytes(34)}, "oemid-4": {258: bytes(4)},
        "oemid-negative": {258: -1}, "hwmodel-0": {259: b""},
        "hwmodel-33": {259: bytes(33)}, "hwversion-text": {260: "1.0"},
        "dbgstat-5": {263: 5}, "manifests-empty": {272: []},
        "manifests-map": {272: [[60, {}]]}, "measurements-3":
        {273: [[60, b"", 1]]}, "iat-float": {6: 1.5}, "cnf-list": {8: []},
        "cnf-kid-text": {8: {3: "kid"}}, "cnf-key-bytes": {8: {1: b""}}}
    for name, change in bad.items():
        out.reject(name, enc({**claims, **change}), name, EAT_CLAIM)
    out.reject("claims-array", sign1(enc([1]), DEVICE),
               "claims-set is a map", EAT_CLAIM, [DEVICE])
    out.reject("label-twice", bytes.fromhex("a206010602"), "iat twice",
               CBOR_DUPLICATE)
    out.write()


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    teep(os.path.join(here, "teep"))
    eat(os.path.join(here, "eat"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
