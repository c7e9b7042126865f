"""Rows of make_suit.py for encrypted payloads
(draft-ietf-suit-firmware-encryption): written by an independent implementation
(python3-cryptography), opened by the processor.

A device has the keys below. What a row calls `secrets` the device under test
is given; all are test keys, derived from texts, and nothing else.
"""
import hashlib

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import (
    AESGCM, ChaCha20Poly1305)
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import aes_key_wrap

A128GCM, CHACHA, A128CTR, A256CTR = 1, 24, -65534, -65532
A128KW, A256KW, DIRECT, ECDH = -3, -5, -6, -29
KEY_BYTES = {A128GCM: 16, CHACHA: 32, A128CTR: 16, A256CTR: 32}
OTHER = b"SUIT Payload Encryption"
PLAIN = b"what only the device may read"
CIPHER_URI = "https://x.example/c"


def enc(v):
    return cbor2.dumps(v, canonical=True)


def seed(name, size):
    return hashlib.shake_256(b"postern test key " + name.encode()).digest(size)


def private(name):
    return ec.derive_private_key(int.from_bytes(seed(name, 31), "big"),
                                 ec.SECP256R1())


def cose_key(key):
    n = key.public_key().public_numbers()
    return {1: 2, -1: 1, -2: n.x.to_bytes(32, "big"),
            -3: n.y.to_bytes(32, "big")}


DEVICE = private("suit device")
OTHER_DEVICE = private("suit other device")
KEK = seed("suit kek", 16)
KEK_256 = seed("suit kek 256", 32)
KEYS = {
    "kek.bin": KEK,
    "kek256.bin": KEK_256,
    "device.cose_key": enc({**cose_key(DEVICE), -4: DEVICE.private_numbers()
                            .private_value.to_bytes(32, "big")}),
}
SECRETS = ["keys/kek.bin", "keys/kek256.bin", "keys/device.cose_key"]


# --- encryption -------------------------------------------------------------

def seal(alg, plain, salt=""):
    """Content key, IV and ciphertext; the same each time."""
    cek = seed("cek %d %s" % (alg, salt), KEY_BYTES[alg])
    if alg in (A128CTR, A256CTR):
        iv = seed("iv " + salt, 16)
        c = Cipher(algorithms.AES(cek), modes.CTR(iv)).encryptor()
        return cek, iv, c.update(plain) + c.finalize()
    iv = seed("iv " + salt, 12)
    aad = enc(["Encrypt", enc({1: alg}), b""])
    make = AESGCM if alg == A128GCM else ChaCha20Poly1305
    return cek, iv, make(cek).encrypt(iv, plain, aad)


def agree(public, cek, other=OTHER, salt=None, who="ephemeral"):
    mine = private(who)
    protected = enc({1: ECDH})
    info = enc([A128KW, [None] * 3, [None] * 3, [128, protected, other]])
    kek = HKDF(hashes.SHA256(), 16, salt, info).derive(
        mine.exchange(ec.ECDH(), public))
    header = {-1: cose_key(mine), 4: b"kid-2"}
    if salt:
        header[-20] = salt
    return [protected, header, aes_key_wrap(kek, cek)]


def recipient(how, cek, **kw):
    if how == ECDH:
        return agree(kw.pop("public", DEVICE.public_key()), cek, **kw)
    kek = kw.get("kek", KEK if how == A128KW else KEK_256)
    return [b"", {1: how, 4: b"kid-1"}, aes_key_wrap(kek, cek)]


def message(alg, iv, recipients, tag=96, ciphertext=None, protect=None,
            iv_label=5):
    ctr = alg in (A128CTR, A256CTR)
    protect = not ctr if protect is None else protect
    item = [enc({1: alg}) if protect else b"",
            {iv_label: iv} if protect else {1: alg, iv_label: iv},
            ciphertext, recipients]
    return enc(cbor2.CBORTag(tag, item)) if tag else enc(item)


def encrypted(alg, how, plain=PLAIN, salt="", **kw):
    """Encryption-info and ciphertext."""
    cek, iv, c = seal(alg, plain, salt)
    return message(alg, iv, [recipient(how, cek, **kw)]), c


def flip(data, at):
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


PROFILES = [("kw-a128ctr", A128CTR, A128KW), ("ecdh-a128ctr", A128CTR, ECDH),
            ("ecdh-a128gcm", A128GCM, ECDH), ("ecdh-chacha", CHACHA, ECDH),
            ("kw256-a256ctr", A256CTR, A256KW), ("kw-a128gcm", A128GCM, A128KW)]
ALGS = [("gcm", A128GCM), ("chacha", CHACHA), ("ctr", A128CTR),
        ("ctr256", A256CTR)]


def is_ctr(alg):
    return alg in (A128CTR, A256CTR)


class Maker:
    """What the parts below say often."""

    def __init__(self, m):
        self.m = m
        self.override = m.override
        self.command = m.command
        self.get = [m.command(m.INDEX, 1), m.override(uri=CIPHER_URI),
                    m.command(m.FETCH)]
        self.match = m.command(m.MATCH)

    def case(self, ident, expected, commands, *a, serve=None, **kw):
        if serve is not None:
            kw["serve"] = [(CIPHER_URI, serve)] if isinstance(
                serve, bytes) else serve
        self.m.case("enc-" + ident, expected, self.m.seq(*commands), *a,
                    secrets=SECRETS, **kw)

    def copy(self, info, **kw):
        """From component 1, decrypted, to component 0."""
        m = self.m
        return [m.command(m.INDEX, 0), m.override(info=info, source=1, **kw),
                m.command(m.COPY)]

    def digest(self, data=PLAIN):
        return self.m.digest(data)


# --- parts ------------------------------------------------------------------

def writing(k):
    m = k.m
    for ident, alg, how in PROFILES:
        info, c = encrypted(alg, how)
        k.case("write-" + ident, "content of the manifest, decrypted", [
            m.override(content=c, info=info), m.command(m.WRITE)],
            holds={0: PLAIN})
        k.case("write-match-" + ident, "and compared with a digest", [
            m.override(content=c, info=info, digest=k.digest(),
                       size=len(PLAIN)), m.command(m.WRITE), k.match],
            holds={0: PLAIN})
        k.case("write-other-" + ident, "another digest", [
            m.override(content=c, info=info, digest=k.digest(c)),
            m.command(m.WRITE), k.match], "SUIT_CONDITION", where=k.match)
    for ident, alg in ALGS:
        info, c = encrypted(alg, A256KW, b"")
        k.case("write-empty-" + ident, "nothing, encrypted", [
            m.override(content=c, info=info), m.command(m.WRITE)],
            holds={0: b""})
    info, c = encrypted(A128GCM, A128KW)
    k.case("write-altered", "content that does not fit its tag: a failed "
           "directive, which no try-each forgives", [m.try_each(
               [m.override(content=flip(c, 0), info=info),
                m.command(m.WRITE)], [m.override(content=c)], None)],
           "COSE_DECRYPT", installed={0: b"old"}, holds={0: b"old"}, reason=11)
    k.case("write-size-of-ciphertext", "image-size is of the plaintext", [
        m.override(content=c, info=info, size=len(c)), m.command(m.WRITE)],
        "SUIT_OPERATION", holds={0: b"old"}, installed={0: b"old"})
    k.case("write-size-less", "image-size is of the plaintext", [
        m.override(content=c, info=info, size=len(PLAIN) - 1),
        m.command(m.WRITE)], "SUIT_OPERATION")
    big = bytes(range(256)) * 40
    for ident, alg in ALGS:
        info, c = encrypted(alg, A256KW, big)
        k.case("write-large-" + ident, "more than the work buffer holds", [
            m.override(content=c, info=info, digest=k.digest(big)),
            m.command(m.WRITE), k.match], holds={0: big})


def fetching(k):
    m = k.m
    plain = bytes(range(97)) * 3
    for ident, alg in ALGS:
        info, c = encrypted(alg, A256KW, plain)
        fetch = [m.override(uri=CIPHER_URI, info=info), m.command(m.FETCH)]
        match = [m.override(digest=k.digest(plain), size=len(plain)), k.match]
        k.case("fetch-" + ident, "decrypted as it comes; AES-CTR has no tag",
               fetch, "SUIT_UNVERIFIED" if is_ctr(alg) else "OK", serve=c,
               holds={0: plain})
        k.case("fetch-match-" + ident, "decrypted, then compared",
               fetch[:1] + match[:1] + fetch[1:] + match[1:], serve=c,
               holds={0: plain})
        k.case("fetch-altered-" + ident, "an altered payload leaves nothing",
               fetch[:1] + match[:1] + fetch[1:] + match[1:],
               "SUIT_CONDITION" if is_ctr(alg) else "COSE_DECRYPT",
               serve=flip(c, 5), **({} if is_ctr(alg) else dict(
                   installed={0: b"old"}, holds={0: b"old"}, reason=11)))
        k.case("fetch-integrated-" + ident, "decrypted from the envelope", [
            m.override(uri="#c", info=info), m.command(m.FETCH)],
            "SUIT_UNVERIFIED" if is_ctr(alg) else "OK", payloads={"#c": c},
            holds={0: plain})
    info, c = encrypted(A128GCM, A128KW, plain)
    for ident, data in [("last", flip(c, -1)), ("cut", c[:-1]),
                        ("longer", c + b"\0"), ("shorter-than-tag", c[:15]),
                        ("empty", b"")]:
        k.case("fetch-tag-" + ident, "no payload with a good tag", [
            m.override(uri=CIPHER_URI, info=info), m.command(m.FETCH)],
            "COSE_DECRYPT", serve=data, installed={0: b"old"},
            holds={0: b"old"})
    k.case("fetch-endless", "more than the image may have", [
        m.override(uri=CIPHER_URI, info=info, size=len(plain)),
        m.command(m.FETCH)], "SUIT_OPERATION", serve=c * 50,
        installed={0: b"old"}, holds={0: b"old"})
    k.case("fetch-check-content", "check-content verifies as well", [
        m.override(uri=CIPHER_URI, info=encrypted(A128CTR, A128KW, plain)[0],
                   content=plain), m.command(m.FETCH), m.command(m.CHECK)],
        serve=encrypted(A128CTR, A128KW, plain)[1], holds={0: plain})
    two = encrypted(CHACHA, A256KW, PLAIN, salt="two")
    k.case("fetch-two", "two payloads in turn", [
        m.command(m.INDEX, 0), m.override(uri=CIPHER_URI, info=info),
        m.command(m.FETCH), m.command(m.INDEX, 1),
        m.override(uri=m.URI, info=two[0]), m.command(m.FETCH)], components=2,
        serve=[(CIPHER_URI, c), (m.URI, two[1])], holds={0: plain, 1: PLAIN})
    k.case("fetch-other-info", "the same URI for the same component, "
           "with another key: fetched again", [m.try_each(
               [m.override(uri=CIPHER_URI, info=info), m.command(m.FETCH),
                m.command(m.ABORT)],
               [m.override(info=two[0]), m.command(m.FETCH)])],
           "COSE_DECRYPT", serve=c)


def copying(k):
    m = k.m
    for ident, alg in ALGS:
        info, c = encrypted(alg, A256KW)
        k.case("copy-" + ident, "fetched, then decrypted; AES-CTR has no tag",
               k.get + k.copy(info),
               "SUIT_UNVERIFIED" if is_ctr(alg) else "OK", components=2,
               serve=c, holds={0: PLAIN, 1: c})
        k.case("copy-after-" + ident, "image-match after decryption is for "
               "the ciphertext, too",
               k.get + k.copy(info, digest=k.digest()) + [k.match],
               components=2, serve=c, holds={0: PLAIN, 1: c})
        k.case("copy-before-" + ident, "image-match before decryption",
               [m.command(m.INDEX, 1), m.override(digest=k.digest(c))]
               + k.get + [k.match] + k.copy(info), components=2, serve=c,
               holds={0: PLAIN, 1: c})
        k.case("copy-altered-" + ident, "an altered ciphertext",
               k.get + k.copy(info, digest=k.digest()) + [k.match],
               "SUIT_CONDITION" if is_ctr(alg) else "COSE_DECRYPT",
               components=2, serve=flip(c, 3))
        k.case("copy-altered-before-" + ident, "is not even decrypted",
               [m.command(m.INDEX, 1), m.override(digest=k.digest(c))]
               + k.get + [k.match] + k.copy(info), "SUIT_CONDITION",
               components=2, serve=flip(c, 3), installed={0: b"old"},
               holds={0: b"old"})
    info, c = encrypted(A128CTR, A128KW)
    ok = [m.command(m.INDEX, 1), m.override(digest=k.digest(c))] + k.get + [
        k.match]
    again = k.get
    k.case("copy-source-again", "the source is fetched again after it was "
           "decrypted: it is not verified any more",
           ok + k.copy(info) + again, "SUIT_UNVERIFIED", components=2, serve=c)
    k.case("copy-source-again-verified", "and verified again",
           ok + k.copy(info) + again + [k.match], components=2, serve=c,
           holds={0: PLAIN, 1: c})
    k.case("copy-source-other", "what the source holds later does not count "
           "against what was decrypted before", ok + k.copy(info) + [
               m.command(m.INDEX, 1), m.override(content=b"other"),
               m.command(m.WRITE)], components=2, serve=c,
           holds={0: PLAIN, 1: b"other"})
    k.case("copy-source-first", "verified, then fetched again, then decrypted",
           ok + again + k.copy(info), "SUIT_UNVERIFIED", components=2, serve=c)
    k.case("copy-match-is-of-one-source", "image-match on the plaintext says "
           "nothing of what the source holds by then",
           k.get + k.copy(info, digest=k.digest()) + again + [
               m.command(m.INDEX, 0), k.match], "SUIT_UNVERIFIED",
           components=2, serve=c)
    k.case("copy-target-again", "nor of what the target held before",
           k.get + k.copy(info, digest=k.digest(b"other")) + [
               m.override(content=b"other"), m.command(
                   m.CHECK)], "SUIT_CONDITION", components=2, serve=c)
    inner, c1 = encrypted(A128CTR, A128KW, salt="inner")
    outer, c2 = encrypted(A256CTR, A256KW, c1, salt="outer")
    twice = [m.command(m.INDEX, 2), m.override(uri=CIPHER_URI),
             m.command(m.FETCH), m.command(m.INDEX, 1),
             m.override(info=outer, source=2), m.command(m.COPY)]
    k.case("copy-twice-encrypted", "one digest is enough for all",
           twice + k.copy(inner, digest=k.digest()) + [k.match], components=3,
           serve=c2, holds={0: PLAIN, 1: c1, 2: c2})
    k.case("copy-twice-unverified", "none is not", twice + k.copy(inner),
           "SUIT_UNVERIFIED", components=3, serve=c2)
    gcm, c = encrypted(A128GCM, A128KW)
    k.case("copy-plain-of-decrypted", "a copy of what a tag verified",
           k.get + k.copy(gcm) + [
               m.command(m.INDEX, 2), m.override(source=0), m.command(m.COPY)],
           components=3, serve=c, holds={0: PLAIN, 1: c, 2: PLAIN})
    k.case("copy-no-source-content", "nothing to decrypt", k.copy(gcm),
           "SUIT_OPERATION", components=2)
    k.case("copy-info-of-source", "encryption-info counts for the component "
           "that it is set for",
           k.get + [m.override(info=gcm), m.command(m.INDEX, 0),
                    m.override(source=1, digest=k.digest(c)),
                    m.command(m.COPY), k.match],
           "SUIT_UNVERIFIED", components=2, serve=c, holds={0: c})
    k.case("copy-invoke", "what a tag verified may be invoked",
           k.get + k.copy(gcm) + [m.command(m.INVOKE)], components=2, serve=c)
    k.case("copy-then-swap", "swapped in, both verified",
           k.get + k.copy(gcm) + [
               m.command(m.INDEX, 2), m.override(content=b"old"),
               m.command(m.CHECK), m.override(source=0), m.command(m.SWAP)],
           components=3, serve=c, installed={2: b"old"},
           holds={0: b"old", 2: PLAIN})


def recipients(k):
    m = k.m
    cek, iv, c = seal(A128GCM, PLAIN)
    mine = recipient(A128KW, cek)
    other = recipient(A128KW, cek, kek=seed("suit other kek", 16))
    agreed = recipient(ECDH, cek)
    far = recipient(ECDH, cek, public=OTHER_DEVICE.public_key())

    def write(ident, text, info, result="OK", **kw):
        k.case(ident, text, [m.override(content=c, info=info),
                             m.command(m.WRITE)], result,
               **({"holds": {0: PLAIN}} if result == "OK" else
                  {"installed": {0: b"old"}, "holds": {0: b"old"}}), **kw)
    write("to-several", "this device is one of several", message(
        A128GCM, iv, [other, far, agreed]))
    write("to-thirty-two", "as many as are taken", message(
        A128GCM, iv, [far] * 31 + [mine]))
    write("to-thirty-three", "one more", message(
        A128GCM, iv, [far] * 32 + [mine]), "SUIT_PARAMETER")
    write("to-others", "this device is none of them", message(
        A128GCM, iv, [other, far]), "SUIT_RECIPIENT", reason=11)
    write("salt", "a salt is taken into the key derivation", message(
        A128GCM, iv, [recipient(ECDH, cek, salt=b"salt")]))
    write("context", "a key for another protocol", message(
        A128GCM, iv, [recipient(ECDH, cek, other=b"EAT Encryption")]),
        "SUIT_RECIPIENT")
    write("recipient-protected-map", "an empty map instead of an empty bstr",
          message(A128GCM, iv, [[enc({})] + mine[1:]]))
    write("recipient-alg-unprotected", "ECDH whose alg is not protected",
          message(A128GCM, iv, [[b"", {**agreed[1], 1: ECDH}, agreed[2]]]),
          "COSE_ALG", reason=3)
    write("direct", "a key that nothing wraps", message(
        A128GCM, iv, [[b"", {1: DIRECT}, b""]]), "COSE_ALG", reason=3)
    write("alg-unknown", "content of an unknown algorithm", message(
        99, iv, [mine]), "COSE_ALG", reason=3)
    write("alg-unprotected", "an AEAD whose alg is not protected", message(
        A128GCM, iv, [mine], protect=False), "COSE_ALG", reason=3)
    write("ctr-protected", "AES-CTR with a protected header", message(
        A128CTR, seed("iv ", 16), [mine], protect=True), "COSE_STRUCTURE",
        reason=2)
    write("iv-missing", "without IV", message(
        A128GCM, iv, [mine], iv_label=6), "COSE_STRUCTURE", reason=2)
    write("iv-16", "an IV of another length", message(
        A128GCM, iv + bytes(4), [mine]), "COSE_ALG")
    good = message(A128GCM, iv, [mine])
    for ident, info in [
            ("untagged", message(A128GCM, iv, [mine], tag=None)),
            ("encrypt0-tag", message(A128GCM, iv, [mine], tag=16)),
            ("attached", message(A128GCM, iv, [mine], ciphertext=c)),
            ("no-recipient", message(A128GCM, iv, [])),
            ("trailing", good + b"\0"), ("cut", good[:-1]),
            ("mac", enc(cbor2.CBORTag(97, [b"", {}, None, b"", [mine]]))),
            ("nested", message(A128GCM, iv, [mine + [[mine]]])),
            ("text", enc("info"))]:
        write("info-" + ident, "what is no SUIT_Encryption_Info", info,
              "SUIT_PARAMETER", reason=8)
    k.case("info-no-bstr", "not wrapped", [m.override(info=m.Raw(b"")),
                                           m.command(m.WRITE)],
           "SUIT_PARAMETER")
    m.case("enc-no-secrets", "a device without any key", m.seq(
        m.override(content=c, info=good), m.command(m.WRITE)),
        "SUIT_RECIPIENT", reason=11)


def dependencies(k):
    """Encrypted manifests (trust-domains, Encrypted Manifest Template)."""
    m = k.m
    leaf = m.leaf()

    def root(info, uri=m.DEP_URI, payloads=None, **more):
        return m.Node(["dep", "root"], {
            m.RESOLVE: [m.at(0), m.command(m.SET, m.params(
                uri=uri, info=info, **more)), m.command(m.FETCH),
                m.command(m.INTEGRITY)],
            m.INSTALL: m.process(0) + m.write(b"root", 1),
            m.VALIDATE: [m.at(0), m.command(m.MATCH)]},
            deps=[0], payloads=payloads,
            shared=[m.at(0), m.override(digest=leaf.digest)])

    def tree(ident, *a, **kw):
        m.tree("enc-tree-" + ident, *a, secrets=SECRETS, **kw)
    holds = {"dep": leaf, "leaf": b"leaf", "root": b"root"}
    for ident, alg, how in PROFILES:
        info, c = encrypted(alg, how, leaf.data)
        tree("manifest-" + ident, "a dependency is decrypted as it is fetched",
             root(info), serve={m.DEP_URI: c}, holds=holds)
        tree("integrated-" + ident, "an integrated dependency, encrypted",
             root(info, "#d", {"#d": c}), holds=holds)
    info, c = encrypted(A128GCM, A128KW, leaf.data)
    ctr, d = encrypted(A128CTR, A128KW, leaf.data)
    tree("altered", "a manifest that does not fit its tag", root(info),
         "COSE_DECRYPT", serve={m.DEP_URI: flip(c, 40)}, log="begin 0, ")
    tree("altered-ctr", "a manifest that does not fit its digest", root(ctr),
         "SUIT_DIGEST", serve={m.DEP_URI: flip(d, -1)})
    tree("size", "image-size is of the envelope that is decrypted",
         root(info, size=len(leaf.data)), serve={m.DEP_URI: c}, holds=holds)
    tree("size-of-ciphertext", "and not of its ciphertext",
         root(info, size=len(c)), "SUIT_OPERATION", serve={m.DEP_URI: c})
    other = encrypted(A128GCM, A128KW, leaf.data,
                      kek=seed("suit other kek", 16))
    tree("other", "a manifest for another device", root(other[0]),
         "SUIT_RECIPIENT", serve={m.DEP_URI: other[1]})
    tree("not-encrypted", "a manifest that is not encrypted", root(info),
         "COSE_DECRYPT", serve={m.DEP_URI: leaf})


def overriding(k):
    """A distributor (40) encrypts what an author (41) wrote (trust-domains,
    Overriding Encryption Info Template)."""
    m = k.m
    plain = [m.at(1), m.override(digest=k.digest(), size=len(PLAIN))]
    take = [m.at(0), m.command(m.FETCH), m.at(1), m.override(source=0),
            m.command(m.COPY)]
    match = [m.command(m.MATCH)]

    def author(install, shared=plain):
        return m.Node(["enc", "plain"], {m.INSTALL: install}, shared=shared,
                      key=m.AUTHOR)

    def distributor(dep, install):
        return m.Node(["dep", "enc", "plain"], {
            m.RESOLVE: m.get(0, dep), m.INSTALL: install + m.process(0)},
            deps=[0])

    def preset(info, **more):
        return [m.at(1), m.command(m.SET, m.params(uri=CIPHER_URI, **more)),
                m.at(2), m.command(m.SET, m.params(info=info))]
    both = [(41, "enc"), (41, "plain"), (40, "dep")]
    info_only = both + [(40, "plain", 19)]

    def tree(ident, expected, dep, install, result="OK", rights=None,
             payload=None, **kw):
        serve = {m.DEP_URI: dep}
        if payload is not None:
            serve[CIPHER_URI] = payload
        if result == "OK":
            kw.setdefault("holds", {"plain": PLAIN})
        m.tree("enc-override-" + ident, expected, distributor(dep, install),
               result, serve=serve, rights=rights or info_only,
               secrets=SECRETS, **kw)
    checks, trusts = author(take + match), author(take)
    for ident, alg in ALGS:
        info, c = encrypted(alg, A256KW)
        tree(ident, "the author's digest verifies what comes out", checks,
             preset(info), payload=c, holds={"plain": PLAIN, "enc": c})
        tree("trusted-" + ident, "without a digest a key that the distributor "
             "chose verifies nothing", trusts, preset(info),
             "SUIT_UNVERIFIED", payload=c)
        tree("right-" + ident, "unless he might write the component himself",
             trusts, preset(info), "SUIT_UNVERIFIED" if is_ctr(alg) else "OK",
             rights=both + [(40, "plain")], payload=c)
        evil, c = encrypted(alg, A256KW, b"something evil for the device")
        tree("evil-" + ident, "what the distributor would rather install",
             checks, preset(evil), "SUIT_CONDITION", payload=c)
    info, c = encrypted(A128GCM, A128KW)
    ctr, d = encrypted(A128CTR, A128KW)
    tree("refused", "encryption-info of one who may not even say it", checks,
         preset(info), "SUIT_UNAUTHORISED", rights=both, payload=c)
    tree("replaced", "encryption-info of the author goes before it", author(
        [m.at(0), m.command(m.FETCH), m.at(1), m.override(
            source=0, info=info), m.command(m.COPY)]),
        preset(encrypted(A128GCM, A128KW, salt="else")[0]), payload=c)
    known = [m.at(0), m.override(digest=k.digest(d))]
    early = [m.at(0), m.command(m.FETCH), m.command(m.MATCH)] + take[2:]
    tree("source", "a ciphertext that the author knows, under a key that the "
         "distributor chose", author(early, known), preset(ctr),
         "SUIT_UNVERIFIED", payload=d)
    # Who may say what a ciphertext is may not thereby say what comes of it.
    own = author(early[:3] + [m.at(1), m.override(source=0, info=ctr),
                              m.command(m.COPY)], None)
    said = [m.at(1), m.command(m.SET, m.params(
        uri=CIPHER_URI, digest=k.digest(d)))]
    tree("digest-of-source", "a digest of the ciphertext by the distributor",
         own, said, "SUIT_UNVERIFIED", rights=both + [(40, "enc")], payload=d)
    tree("digest-of-both", "who might say the digest of the plaintext, too",
         own, said, rights=both + [(40, "enc"), (40, "plain", 3)], payload=d)
    copies = author(early, None)
    tree("plain-copy", "neither does a copy that decrypts nothing", copies, [
        m.at(1), m.command(m.SET, m.params(uri=CIPHER_URI,
                                           digest=k.digest(b"any")))],
        "SUIT_UNVERIFIED", rights=both + [(40, "enc")], payload=b"any")
    writes = [m.at(1), m.command(m.WRITE)]
    given = [m.at(2), m.command(m.SET, m.params(content=c, info=info))]
    say = both + [(40, "plain", 18), (40, "plain", 19)]
    tree("content", "content and its key by the distributor, the digest by "
         "the author", author(writes + match), given, rights=say)
    tree("content-trusted", "without the digest", author(writes), given,
         "SUIT_UNVERIFIED", rights=say)
    tree("content-plain", "content by one who may only say it", author(
        writes), [m.at(2), m.command(m.SET, m.params(content=PLAIN))],
        "SUIT_UNVERIFIED", rights=say)
    tree("content-right", "and by one who may write it", author(writes),
         [m.at(2), m.command(m.SET, m.params(content=PLAIN))],
         rights=both + [(40, "plain")])


def rows(m):
    k = Maker(m)
    writing(k)
    fetching(k)
    copying(k)
    recipients(k)
    dependencies(k)
    overriding(k)
