"""Rows of make_cose.py for messages with content keys (RFC 9052, Sections 5
and 6.1): COSE_Encrypt0, COSE_Encrypt and COSE_Mac, made by an independent
implementation (python3-cryptography). The keys are test keys."""
import hashlib
import hmac

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import (
    AESGCM, ChaCha20Poly1305)
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import aes_key_wrap

ENCRYPT0, ENCRYPT, MAC = 16, 96, 97
AEADS = {1: 16, 2: 24, 3: 32, 24: 32}
CTRS = {-65534: 16, -65533: 24, -65532: 32}
WRAPS = {-3: 16, -4: 24, -5: 32}
KINDS = {ENCRYPT0: "COSE_Encrypt0", ENCRYPT: "COSE_Encrypt", MAC: "COSE_Mac"}
TEXT = b"content under a key of its own"
SUIT = b"SUIT Payload Encryption"


def enc(v):
    return cbor2.dumps(v)


def seed(name, size):
    return hashlib.shake_256(b"postern test key " + name.encode()).digest(size)


class Kek:
    """A secret key of `size` bytes."""

    def __init__(self, name, size):
        self.name, self.k = "%s-%d" % (name, 8 * size), seed(name, size)
        self.public = {1: 4, -1: self.k}


class Pair:
    """A private key that is agreed with."""

    def __init__(self, name):
        self.name = name
        self.private = ec.derive_private_key(
            int.from_bytes(seed(name, 31), "big"), ec.SECP256R1())
        self.public = {**self.half(), -4: self.private.private_numbers()
                       .private_value.to_bytes(32, "big")}

    def half(self):
        n = self.private.public_key().public_numbers()
        return {1: 2, -1: 1, -2: n.x.to_bytes(32, "big"),
                -3: n.y.to_bytes(32, "big")}


def wrapped(kek, cek):
    alg = {16: -3, 24: -4, 32: -5}[len(kek.k)]
    return [b"", {1: alg}, aes_key_wrap(kek.k, cek)]


def direct():
    return [b"", {1: -6}, b""]


def agreed(to, cek, wrap=-3, other=None, salt=None):
    alg = {-3: -29, -4: -30, -5: -31}[wrap]
    mine, protected = Pair("cose ephemeral"), enc({1: alg})
    info = [wrap, [None] * 3, [None] * 3, [8 * WRAPS[wrap], protected]]
    if other:
        info[3].append(other)
    kek = HKDF(hashes.SHA256(), WRAPS[wrap], salt, enc(info)).derive(
        mine.private.exchange(ec.ECDH(), to.private.public_key()))
    header = {-1: mine.half()}
    if salt:
        header[-20] = salt
    return [protected, header, aes_key_wrap(kek, cek)]


def encrypt(alg, cek, recipients, *, tag=ENCRYPT, tagged=True, aad=b"",
            detached=False, text=TEXT, edit=None):
    ctr = alg in CTRS
    protected = b"" if ctr else enc({1: alg})
    iv = seed("cose iv", 16 if ctr else 12)
    context = "Encrypt0" if tag == ENCRYPT0 else "Encrypt"
    if ctr:
        c = Cipher(algorithms.AES(cek), modes.CTR(iv)).encryptor()
        content = c.update(text) + c.finalize()
    else:
        make = ChaCha20Poly1305 if alg == 24 else AESGCM
        content = make(cek).encrypt(iv, text, enc([context, protected, aad]))
    parts = [protected, {1: alg, 5: iv} if ctr else {5: iv},
             None if detached else content]
    if tag == ENCRYPT:
        parts.append(recipients)
    if edit:
        edit(parts)
    return enc(cbor2.CBORTag(tag, parts) if tagged else parts), content


def mac(key, recipients, *, alg=5, aad=b"", tagged=True, edit=None):
    protected = enc({1: alg})
    tag = hmac.new(key, enc(["MAC", protected, aad, TEXT]),
                   hashlib.sha256).digest()
    parts = [protected, {}, TEXT, tag, recipients]
    if edit:
        edit(parts)
    return enc(cbor2.CBORTag(MAC, parts) if tagged else parts)


def flip(part, at=0):
    def edit(parts):
        data = parts[part]
        i = at % len(data)
        parts[part] = data[:i] + bytes([data[i] ^ 1]) + data[i + 1:]
    return edit


def put(part, value):
    def edit(parts):
        parts[part] = value
    return edit


def rows(m):
    kek = {n: Kek("cose-kek", n) for n in (16, 24, 32)}
    pair, stranger = Pair("cose-pair"), Pair("cose-other-pair")
    other = Kek("cose-other-kek", 16)
    cek = {n: seed("cose cek", n) for n in (16, 24, 32)}

    def row(ident, data, keys, why=None, kind=ENCRYPT, **kw):
        more = {k: kw.pop(k) for k in ("kdf_other", "unauthenticated",
                                       "content") if k in kw}
        m.add(ident, KINDS[kind], data, keys, "must be rejected: " + why
              if why else "verifies with the key(s) given", payload=TEXT, **kw)
        for k, v in more.items():
            m.rows[-1][k] = v.hex() if isinstance(v, bytes) else v

    for alg, n in AEADS.items():
        row("encrypt0-%d" % alg, encrypt(alg, kek[n].k, None, tag=ENCRYPT0)[0],
            [kek[n]], kind=ENCRYPT0)
        row("encrypt-%d" % alg, encrypt(
            alg, cek[n], [wrapped(kek[16], cek[n])])[0], [kek[16]])
    for alg, n in CTRS.items():
        data = encrypt(alg, cek[n], [wrapped(kek[32], cek[n])])[0]
        row("encrypt%d" % alg, data, [kek[32]], unauthenticated=True)
        row("refused-encrypt%d" % alg, data, [kek[32]],
            "AES-CTR where nothing else authenticates")
    for n in kek:
        row("encrypt-kw-%d" % (8 * n), encrypt(
            1, cek[16], [wrapped(kek[n], cek[16])])[0], [kek[n]])
        row("mac-kw-%d" % (8 * n), mac(
            cek[32], [wrapped(kek[n], cek[32])]), [kek[n]], kind=MAC)
    for wrap, n in WRAPS.items():
        row("encrypt-ecdh%d" % wrap, encrypt(
            1, cek[16], [agreed(pair, cek[16], wrap)])[0], [pair])
    row("encrypt-ecdh-salt", encrypt(
        1, cek[16], [agreed(pair, cek[16], salt=b"salt")])[0], [pair])
    suit = encrypt(24, cek[32], [agreed(pair, cek[32], other=SUIT)])[0]
    row("encrypt-ecdh-suit", suit, [pair], kdf_other=SUIT)
    row("refused-ecdh-context", suit, [pair], "a KDF context without other")
    row("encrypt-direct", encrypt(1, kek[16].k, [direct()])[0], [kek[16]])
    row("encrypt-two", encrypt(1, cek[16], [
        wrapped(kek[16], cek[16]), agreed(pair, cek[16])])[0],
        [kek[16], pair])
    row("encrypt-untagged-aad", encrypt(
        1, cek[16], [wrapped(kek[16], cek[16])], tagged=False,
        aad=b"bound")[0], [kek[16]], aad=b"bound")
    row("encrypt0-untagged", encrypt(
        1, kek[16].k, None, tag=ENCRYPT0, tagged=False)[0], [kek[16]],
        kind=ENCRYPT0)
    data, content = encrypt(1, cek[16], [wrapped(kek[16], cek[16])],
                            detached=True)
    row("encrypt-detached", data, [kek[16]], content=content)
    row("refused-encrypt-detached", data, [kek[16]],
        "another ciphertext", content=content[:-1])
    row("mac-direct", mac(kek[32].k, [direct()]), [kek[32]], kind=MAC)
    row("mac-ecdh", mac(cek[32], [agreed(pair, cek[32])]), [pair], kind=MAC)
    row("mac-untagged-aad", mac(cek[32], [wrapped(kek[16], cek[32])],
                                tagged=False, aad=b"bound"), [kek[16]],
        kind=MAC, aad=b"bound")
    refused(row, kek, cek, pair, stranger, other)


def refused(row, kek, cek, pair, stranger, other):
    to = [wrapped(kek[16], cek[16])]
    protected = [[enc({}) + b"\0"] + to[0][1:]]
    for name, why, edit in [
            ("content", "ciphertext altered", flip(2)),
            ("tag", "tag altered", flip(2, -1)),
            ("short", "shorter than its tag", put(2, bytes(15))),
            ("empty", "no ciphertext", put(2, b"")),
            ("protected", "protected header altered", put(0, enc({1: 2}))),
            ("iv", "another IV", put(1, {5: bytes(12)})),
            ("iv-missing", "no IV", put(1, {})),
            ("iv-short", "an IV of 11 bytes", put(1, {5: bytes(11)})),
            ("alg-missing", "no alg", put(0, b"")),
            ("alg-unknown", "an unknown alg", put(0, enc({1: 99}))),
            ("alg-of-mac", "HMAC encrypts nothing", put(0, enc({1: 5}))),
            ("crit", "crit names an unknown header",
             put(0, enc({1: 1, 2: [700], 700: 1}))),
            ("recipients", "no recipient", put(3, [])),
            ("recipient-protected", "AES-KW with a protected header",
             put(3, protected)),
            ("recipient-of-recipient", "recipients of recipients",
             put(3, [to[0] + [to]])),
            ("wrapped", "a wrapped key altered",
             put(3, [to[0][:2] + [bytes(24)]])),
            ("wrapped-length", "a content key of another length", put(
                3, [wrapped(kek[16], cek[32])])),
            ("direct-carries", "a direct recipient with a ciphertext",
             put(3, [direct()[:2] + [b"x"]])),
            ("surplus", "surplus element", lambda p: p.append(0))]:
        row("refused-encrypt-" + name, encrypt(1, cek[16], to, edit=edit)[0],
            [kek[16]], why)
    good = encrypt(1, cek[16], to)[0]
    row("refused-encrypt-trailing", good + b"\0", [kek[16]], "trailing byte")
    row("refused-encrypt-key", good, [other], "another key")
    row("refused-encrypt-aad", good, [kek[16]], "external_aad differs",
        aad=b"x")
    row("refused-encrypt-pair", encrypt(
        1, cek[16], [agreed(pair, cek[16])])[0], [stranger], "another key")
    ephemeral = agreed(pair, cek[16])
    ephemeral[1][-1][-3] = bytes(32)
    row("refused-encrypt-ephemeral", encrypt(1, cek[16], [ephemeral])[0],
        [pair], "an ephemeral key that is no point of its curve")
    row("refused-encrypt0-as-encrypt", encrypt(
        1, kek[16].k, None, tag=ENCRYPT0)[0].replace(b"\xd0", b"\xd8\x60", 1),
        [kek[16]], "three elements with the tag of COSE_Encrypt")
    to = [wrapped(kek[16], cek[32])]
    for name, why, edit in [
            ("payload", "payload altered", put(2, TEXT[:-1])),
            ("tag", "tag altered", flip(3)),
            ("tag-short", "a tag of 8 bytes under HMAC 256/256",
             put(3, bytes(8))),
            ("tag-empty", "a tag of no bytes", put(3, b"")),
            ("alg", "an alg that is no MAC", put(0, enc({1: 1}))),
            ("recipients", "no recipient", put(4, []))]:
        row("refused-mac-" + name, mac(cek[32], to, edit=edit), [kek[16]],
            why, kind=MAC)
    row("refused-mac-key", mac(cek[32], to), [other], "another key", kind=MAC)
