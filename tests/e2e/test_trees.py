#!/usr/bin/env python3
"""Manifests that depend on each other, from YAML through TAM and broker to the
TEE: integrated and shared ones, one that another TAM has, and what is left
when a root goes. And an agent that verifies all six profiles."""

import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from tool import cbor2, make_cose  # noqa: E402
from world import (  # noqa: E402
    COUNTER, HELLO, POSTERN, Tee, World, call)

PARTNER = "uuid:52c1d4a5-9c0f-4a52-8f56-3f0a2bb8cf10"


class TwoTams(Tee):
    """A TEE that trusts a second TAM for the partner's components. The first
    one may use them and put them into their place, which the partner's own
    signer has to sign for; its developer may only process them."""

    def write_config(self):
        super().write_config()
        partner = getattr(self, "partner", None)
        if partner is None:
            return
        with open(self.config, encoding="utf-8") as text:
            lines = text.read().splitlines()
        ours = json.dumps(self.prefixes)
        used = [ours[:-1] + ", {prefix: \"%s\", commands: [%s]}]" % (PARTNER, c)
                for c in ("fetch, process-dependency, unlink",
                          "fetch, process-dependency")]
        at = lines.index("signers:")
        lines = [x.replace(ours, used[i > at]) for i, x in enumerate(lines)]
        lines[at:at] = ["  - name: partner", "    uri: " + partner["uri"],
                        "    keys: " + json.dumps(partner["keys"]),
                        "    confidential-transport: true",
                        '    prefixes: ["%s"]' % PARTNER]
        lines += ["  - name: partner-developer",
                  "    key: " + partner["signer"],
                  '    prefixes: ["%s"]' % PARTNER]
        with open(self.config, "w", encoding="utf-8") as out:
            out.write("\n".join(lines) + "\n")


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)
        self.tam = self.world.tam()

    def write(self, name, content):
        path = self.world.path(name)
        with open(path, "wb") as out:
            out.write(content if isinstance(content, bytes)
                      else content.encode())
        return path

    def create(self, name, signer=None, **what):
        """A signed envelope; returns its path."""
        source = self.write(name + ".yaml", json.dumps(what))
        path = self.world.path(name + ".suit")
        call(POSTERN, "manifest", "create", "-o", path, source)
        call(POSTERN, "manifest", "sign", "--key", signer or self.world.signer,
             path)
        return path

    def leaf(self, name, component, content, sequence=1, signer=None):
        payload = self.write(name + ".bin", content)
        return self.create(name, signer, sequence=sequence,
                           component=component, payload=payload,
                           **{"manifest-id": component + "/manifest"})

    def root(self, name, own, dependencies, sequence=1, content="own",
             signer=None, **sections):
        """A root with a component of its own; dependencies: component and
        envelope, and perhaps where it is."""
        payload = self.write(name + ".bin", content)
        parts = [dict(zip(("component", "dependency", "uri"), d))
                 for d in dependencies]
        parts.append({"component": own, "payload": payload})
        return self.create(name, signer, sequence=sequence, components=parts,
                           **{"manifest-id": own + "/manifest"}, **sections)

    def publish(self, path, component, tam=None, on_request=False):
        tam = tam or self.tam
        tam.cli("publish", path)
        tam.cli("assign", component, "--to", "all",
                *(["--on-request"] if on_request else []))

    def listed(self, tee):
        return {c["component"] for c in json.loads(tee.broker(
            "list", "--json"))["components"]}


class Trees(Case):
    DEP, DATA = HELLO + "/shared-manifest", HELLO + "/shared"

    def setUp(self):
        super().setUp()
        self.tee = self.world.tee(self.tam)
        self.shared = self.leaf("shared", self.DATA, "of all")

    def sync(self, *there, status=0):
        self.tee.sync(status=status)
        self.assertEqual(self.listed(self.tee), set(there))

    def test_a_shared_dependency_stays_until_its_last_root_goes(self):
        a, b = HELLO + "/a", HELLO + "/b"
        self.publish(self.root("a", a, [(self.DEP, self.shared)]), a)
        self.sync(a, self.DEP, self.DATA)
        # Nothing is sent again.
        before = len(self.world.relay.exchanges)
        self.sync(a, self.DEP, self.DATA)
        after = self.world.relay.exchanges[before:]
        self.assertEqual([e.status for e in after], [200, 204])
        self.publish(self.root("b", b, [(self.DEP, self.shared)]), b)
        self.sync(a, b, self.DEP, self.DATA)
        self.tam.cli("assign", a, "--to", "all", "--remove")
        self.sync(b, self.DEP, self.DATA)
        self.tee.restart()
        self.tam.cli("assign", b, "--to", "all", "--remove")
        self.sync()

    def test_a_version_brings_another_dependency(self):
        a = HELLO + "/a"
        self.publish(self.root("a", a, [(self.DEP, self.shared)]), a)
        self.sync(a, self.DEP, self.DATA)
        other = self.leaf("other", COUNTER + "/other", "only now")
        self.publish(self.root("a2", a, [(COUNTER + "/manifest", other)],
                               sequence=2), a)
        self.sync(a, COUNTER + "/manifest", COUNTER + "/other")

    def test_what_is_shared_is_not_altered(self):
        a, b = HELLO + "/a", HELLO + "/b"
        self.publish(self.root("a", a, [(self.DEP, self.shared)]), a)
        self.sync(a, self.DEP, self.DATA)
        changed = self.leaf("changed", self.DATA, "of one", sequence=2)
        self.publish(self.root("b", b, [(self.DEP, changed)]), b)
        self.sync(a, self.DEP, self.DATA, status=1)
        # It backs off and does not say so again.
        self.sync(a, self.DEP, self.DATA)

    def test_three_levels(self):
        a = HELLO + "/a"
        middle = self.root("middle", HELLO + "/middle",
                           [(self.DEP, self.shared)])
        self.publish(self.root("a", a, [(HELLO + "/m", middle)]), a)
        self.sync(a, HELLO + "/m", HELLO + "/middle", self.DEP, self.DATA)
        self.tam.cli("assign", a, "--to", "all", "--remove")
        self.sync()


class Missing(Case):
    def setUp(self):
        super().setUp()
        self.partner = self.world.key("partner")
        self.developer = self.world.key("wide")
        self.second = self.world.tam("second")
        for tam, key in ((self.tam, self.developer),
                         (self.second, self.partner)):
            tam.cli("anchors", "add", "--kind", "signer", "--key",
                    self.world.public(key), "--prefix", HELLO, "--prefix",
                    PARTNER, "for-partner")
        uri = "http://127.0.0.1:%d/tam" % self.second.port
        tee = TwoTams(self.world, "tee", self.world.relay.uri,
                      self.world.tam_keys(self.tam),
                      {"developer": self.world.public(self.developer)},
                      [HELLO])
        tee.partner = {"uri": uri, "keys": self.world.tam_keys(self.second),
                       "signer": self.world.public(self.partner)}
        tee.write_config()
        tee.start()
        self.world.tees.append(tee)
        for tam in (self.tam, self.second):
            tam.cli("devices", "enroll", "--key", tee.attestation_key, "tee")
        self.tee, self.uri = tee, uri

    def test_a_dependency_of_another_tam_is_asked_for_there(self):
        a, kept = HELLO + "/a", PARTNER + "/manifest"
        theirs = self.leaf("theirs", PARTNER + "/data", "theirs",
                           signer=self.partner)
        self.publish(self.root("a", a, [(kept, theirs, self.uri)],
                               signer=self.developer), a)
        # The other TAM does not have it yet: nothing is half installed.
        self.assertIn("dependency", self.tee.sync(status=1))
        self.assertEqual(self.listed(self.tee), set())
        bundle = self.create(
            "bundle", self.partner, sequence=1,
            components=[{"component": kept, "dependency": theirs}],
            **{"manifest-id": PARTNER + "/bundle"})
        self.publish(bundle, kept, self.second, on_request=True)
        # One round: refused, brought by the other, and then it is there.
        said = self.tee.sync(status=1).splitlines()
        self.assertEqual([self.uri in line for line in said[:3]],
                         [False, True, False])
        self.assertIn("done", said[2])
        self.assertEqual(self.listed(self.tee),
                         {a, kept, PARTNER + "/data"})
        self.tee.sync()
        # It belongs to both of them.
        self.tam.cli("assign", a, "--to", "all", "--remove")
        self.tee.sync()
        self.assertEqual(self.listed(self.tee), {kept, PARTNER + "/data"})


    def test_every_alternative_may_name_the_tam(self):
        """It is there already, or comes from a server, or a TAM has it."""
        a, kept = HELLO + "/a", PARTNER + "/manifest"
        theirs = self.leaf("theirs", PARTNER + "/data", "theirs",
                           signer=self.partner)
        nowhere = "http://127.0.0.1:9/theirs.suit"
        resolution = [
            {"set-component-index": kept},
            {"try-each": [
                ["image-match"],
                [{"override-parameters": {"uri": nowhere}}, "fetch"],
                [{"override-parameters": {"uri": self.uri}}, "fetch"]]},
            "dependency-integrity"]
        self.publish(self.root(
            "a", a, [(kept, theirs, nowhere)], signer=self.developer,
            **{"dependency-resolution": resolution}), a)
        bundle = self.create(
            "bundle", self.partner, sequence=1,
            components=[{"component": kept, "dependency": theirs}],
            **{"manifest-id": PARTNER + "/bundle"})
        self.publish(bundle, kept, self.second, on_request=True)
        self.tee.sync(status=1)
        self.assertEqual(self.listed(self.tee),
                         {a, kept, PARTNER + "/data"})


class Profiles(Case):
    """The device has the keys of all six; payloads travel encrypted."""

    PAIRS = (("hs256", "a128kw", "a128ctr"),
             ("esp256", "own", "a128ctr"), ("ed25519", "own", "a128ctr"),
             ("esp256", "own", "a128gcm"),
             ("ed25519", "own", "chacha20-poly1305"),
             ("hss-lms", "a256kw", "a256ctr"))

    def key(self, name, alg):
        path = self.world.path(name)
        call(POSTERN, "key", "generate", "--alg", alg, "-o", path)
        return path

    def setUp(self):
        super().setUp()
        # The TAM publishes what the developer signed as well; the device is
        # told to trust the second signature of each manifest only.
        self.keys = {"hs256": self.key("hs256", "hs256"),
                     "esp256": self.world.key("p-esp256"),
                     "ed25519": self.world.key("p-ed25519", "ed25519"),
                     "a128kw": self.key("a128kw", "a128kw"),
                     "a256kw": self.key("a256kw", "a256kw")}
        self.hss = make_cose.Hss("e2e-hss", [4, 3])
        hss = self.write("hss.pub", make_cose.enc(self.hss.public))
        self.tee = Tee(
            self.world, "tee", self.world.relay.uri,
            self.world.tam_keys(self.tam),
            {"mac": self.keys["hs256"],
             "esp": self.world.public(self.keys["esp256"]),
             "ed": self.world.public(self.keys["ed25519"]), "hss": hss},
            [HELLO])
        with open(self.tee.config, "a", encoding="utf-8") as out:
            out.write("decryption: [%s, %s]\n" % (
                self.keys["a128kw"], self.keys["a256kw"]))
        self.tee.start()
        self.world.tees.append(self.tee)
        self.tam.cli("devices", "enroll", "--key", self.tee.attestation_key,
                     "tee")
        self.keys["own"] = os.path.join(self.tee.state, "encryption.pub.pem")

    def sign(self, path, auth):
        if auth != "hss-lms":
            call(POSTERN, "manifest", "sign", "--key", self.keys[auth], path)
            return
        pub, tbs, sig = (self.world.path(n) for n in ("hss.pub", "tbs", "sig"))
        call(POSTERN, "manifest", "sign", "--export-tbs", tbs, "--key", pub,
             path)
        with open(tbs, "rb") as content:
            self.write("sig", self.hss.sign(-46, content.read()))
        call(POSTERN, "manifest", "sign", "--attach", sig, "--key", pub, path)

    def test_all_six_are_accepted(self):
        names = set()
        for auth, kex, alg in self.PAIRS:
            name = "%s-%s" % (auth, alg)
            component = HELLO + "/" + name
            plain = self.write(name + ".bin", os.urandom(5000))
            call(POSTERN, "manifest", "encrypt", "--to", self.keys[kex],
                 "--alg", alg, plain)
            path = self.create(
                name, sequence=1, component=component,
                payload=plain + ".enc", plaintext=plain,
                **{"encryption-info": plain + ".info",
                   "manifest-id": component + "/manifest"})
            self.sign(path, auth)
            self.publish(path, component)
            names.add(component)
            self.tee.sync()
            self.assertEqual(self.listed(self.tee), names)

    def test_status_shows_the_key_to_encrypt_to(self):
        status = json.loads(call(POSTERN, "tee", "status", "--json", "--tee",
                                 self.tee.socket))
        first = status["encryption-keys"][0]
        key = cbor2.loads(bytes.fromhex(first["cose-key"]))
        self.assertEqual(key[2].hex(), first["kid"])
        self.assertEqual(
            first["kid"],
            call(POSTERN, "key", "thumbprint", self.keys["own"]).strip())


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]] + sys.argv[1:])
