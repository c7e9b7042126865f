#!/usr/bin/env python3
"""Every published sample of Evidence through `postern eat appraise`: the
outcome that is known of it, at the time when it was valid and afterwards, and
with one byte of each part of it changed.

The samples are read in place; without them the test is skipped."""
import base64
import hashlib
import os
import sys

from tool import Case, json, unittest

SHARED = os.environ.get("POSTERN_SHARED", "")
SAMPLES = os.path.join(SHARED, "vectors", "attest")

# name, technology, file, anchors, keys, collateral, time, nonce,
# what refuses it (check, word of why); None: it is accepted
ROWS = [
    ("snp_milan", "snp", "snp/google_milan_report.bin",
     ["snp/google_milan_cert_chain.pem"], [], ["snp/google_milan_vcek.der"],
     "2024-01-01T00:00:00Z", "0102030405", ("debug", "")),
    ("snp_genoa", "snp", "snp/veraison_genoa_report.bin",
     ["snp/roots_ask_ark_genoa.pem"], [], ["snp/veraison_genoa_auxblob.bin"],
     "2025-06-01T00:00:00Z", None, None),
    ("snp_genoa_tsm", "application/vnd.veraison.tsm-report+cbor",
     "snp/veraison_sevsnp-tsm-report.cbor", ["snp/roots_ask_ark_genoa.pem"],
     [], [], "2025-06-01T00:00:00Z", None, None),
    ("snp_flipped", "snp", "snp/derived_genoa_measurement_flip.bin",
     ["snp/roots_ask_ark_genoa.pem"], [], ["snp/veraison_genoa_auxblob.bin"],
     "2025-06-01T00:00:00Z", None, ("signature", "")),
    ("snp_other_root", "snp", "snp/veraison_genoa_report.bin",
     ["snp/roots_ask_ark_milan.pem"], [], ["snp/veraison_genoa_auxblob.bin"],
     "2025-06-01T00:00:00Z", None, ("certificate", "")),
    ("nitro_debug", "nitro", "nitro/evervault_ga.bin",
     ["nitro/aws_nitro_root.der"], [], [], "2023-09-18T15:03:40Z", None,
     ("debug", "")),
    ("nitro_beta", "nitro", "nitro/evervault_beta_valid.bin",
     ["nitro/aws_nitro_root.der"], [], [], "2022-10-13T08:58:10Z", None,
     None),
    ("nitro_cape", "nitro", "nitro/cape_1.bin",
     ["nitro/evervault_nitro_root.pem"], [], [], "2022-09-28T15:33:37Z",
     None, None),
    ("nitro_tampered", "nitro", "nitro/eternis_invalid.bin",
     ["nitro/aws_nitro_root.der"], [], [], "2024-07-23T21:29:50Z", None,
     ("signature", "")),
    ("nitro_corrupt", "nitro", "nitro/base_2026_indefinite_corrupt.bin",
     ["nitro/aws_nitro_root.der"], [], [], "2026-01-01T00:00:00Z", None,
     ("format", "")),
    ("psa_2_0_0", "application/eat-cwt; profile=\"http://arm.com/psa/2.0.0\"",
     "psa/tfm_psa-2_0_0_sign1.bin", [], ["psa/tfm_public.pem"], [], None,
     None, None),
    ("psa_iot_1", "application/psa-attestation-token",
     "psa/tfm_psa-iot-1_sign1.bin", [], ["psa/tfm_public.pem"], [], None,
     None, None),
    ("psa_rfc9783", "application/eat+cwt; eat_profile=\""
     "tag:psacertified.org,2023:psa#tfm\"", "psa/rfc9783_sign1.cbor", [],
     ["psa/rfc9783_es_iak.pem"], [], None, None, None),
    ("psa_veraison", "psa", "psa/veraison_psa.good.cose", [],
     ["psa/veraison_ec.p256.jwk"], [], None, None, None),
    ("psa_tools", "psa", "psa/tfm_tools_iat.cbor", [],
     ["psa/tfm_tools_key.pem"], [], None, None, None),
    ("psa_flipped", "psa", "psa/tfm_psa-2_0_0_sign1_bitflip.bin", [],
     ["psa/tfm_public.pem"], [], None, None, ("signature", "")),
    ("psa_other_key", "psa", "psa/tfm_psa-2_0_0_sign1.bin", [],
     ["psa/veraison_ec.p256.jwk"], [], None, None, ("signature", "")),
    ("cca_rmm", "application/eat-collection; "
     "profile=\"http://arm.com/CCA-SSD/1.0.0\"", "cca/tfrmm_cca_token.cbor",
     [], ["cca/tfrmm_cca_platform.pub.pem"], [], None, "ab" * 64, None),
    ("cca_tfm", "cca", "cca/tfm_cca_example_token.cbor", [],
     ["cca/tfm_cca_platform.pem"], [], None, None, None),
    ("cca_veraison", "cca", "cca/veraison_cca-good.cbor", [],
     ["cca/veraison_ec.p256.jwk"], [], None, None, None),
    ("cca_flipped", "cca", "cca/tfrmm_cca_token_bitflip.cbor", [],
     ["cca/tfrmm_cca_platform.pub.pem"], [], None, None,
     ("signature", "realm")),
    ("cca_platform_alone", "cca", "cca/tfm_cca_platform_token_only.cbor", [],
     ["cca/tfm_cca_platform.pem"], [], None, None, ("format", "")),
    ("tpm", "tpm", "tpm/q_ecc.msg", [], ["tpm/ak_ecc.pub.pem"],
     ["tpm/q_ecc.sig", "tpm/q_ecc.pcrs"], None,
     "00112233445566778899aabbccddeeff" * 2, None),
    ("tpm_plain", "tpm", "tpm/q_ecc_plain.msg", [], ["tpm/ak_ecc.pub.pem"],
     ["tpm/q_ecc_plain.sig.der"], None, None, None),
    ("tpm_bound", "tpm", "tpm/q_bind.msg", [], ["tpm/ak_ecc.pub.pem"],
     ["tpm/q_bind.sig", "tpm/q_bind.pcrs"], None, None, None),
    ("tpm_enacttrust", "application/vnd.enacttrust.tpm-evidence",
     "tpm/enacttrust_basic.token", [], ["tpm/enacttrust_ak.pub.pem"], [],
     None, None, None),
    ("tpm_bad_magic", "tpm", "tpm/derived_q_ecc_badmagic.msg", [],
     ["tpm/ak_ecc.pub.pem"], ["tpm/q_ecc.sig"], None, None, ("format", "")),
    ("dcap_sgx_v3", "dcap", "dcap/phala_sgx_v3.quote",
     ["dcap/intel_root_ca.der"], [], ["dcap/phala_sgx_v3.collateral.json"],
     "2025-06-25T00:00:00Z", "Hello, world!".encode().hex(),
     ("tcb-level", "ConfigurationAndSWHardeningNeeded")),
    ("dcap_tdx_v4", "dcap", "dcap/phala_tdx_v4.quote",
     ["dcap/intel_root_ca.der"], [], ["dcap/phala_tdx_v4.collateral.json"],
     "2025-06-25T00:00:00Z", None, None),
    ("dcap_tdx_v5", "dcap", "dcap/google_tdx_v5.quote",
     ["dcap/intel_root_ca.der"], [], ["dcap/google_tdx_v5.collateral.json"],
     "2026-02-20T00:00:00Z", None, None),
    ("dcap_tdx_v5_api", "dcap", "dcap/google_tdx_v5.quote",
     ["dcap/intel_root_ca.der"], [],
     ["dcap/google_tcbinfo_90c06f.json", "dcap/google_tdx_v5.collateral.json"],
     "2026-02-20T00:00:00Z", None, None),
    ("dcap_flipped", "dcap", "dcap/derived_tdx_v4_reportdata_flip.quote",
     ["dcap/intel_root_ca.der"], [], ["dcap/phala_tdx_v4.collateral.json"],
     "2025-06-25T00:00:00Z", None, ("signature", "quote")),
    ("dcap_no_collateral", "dcap", "dcap/phala_tdx_v4.quote",
     ["dcap/intel_root_ca.der"], [], [], "2025-06-25T00:00:00Z", None,
     ("collateral", "no TCB information")),
    ("dcap_collateral_expired", "dcap", "dcap/phala_tdx_v4.quote",
     ["dcap/intel_root_ca.der"], [], ["dcap/phala_tdx_v4.collateral.json"],
     "2026-06-25T00:00:00Z", None, ("certificate", "CRL")),
]


def sample(name):
    with open(os.path.join(SAMPLES, name), "rb") as f:
        return f.read()


class Appraise(Case):
    def appraise(self, row, evidence=None, time=None, nonce=None,
                 collateral=None, reference=None, more=()):
        _, tech, file, anchors, keys, coll, when, row_nonce, _ = row
        folder = self.path("anchors")
        os.makedirs(folder, exist_ok=True)
        for old in os.listdir(folder):
            os.unlink(os.path.join(folder, old))
        for a in anchors:
            with open(os.path.join(folder, os.path.basename(a)), "wb") as f:
                f.write(sample(a))
        self.write("evidence", sample(file) if evidence is None else evidence)
        args = ["eat", "appraise", "--json", "--evidence", "evidence",
                "--format", tech, "--anchors", folder]
        for k in keys:
            args += ["--key", os.path.join(SAMPLES, k)]
        for i, c in enumerate(coll if collateral is None else collateral):
            if isinstance(c, bytes):
                c = self.path(self.write(f"collateral{i}", c))
            args += ["--collateral", os.path.join(SAMPLES, c)]
        if reference is not None:
            args += ["--reference",
                     self.path(self.write("reference",
                                          json.dumps(reference)))]
        when = time or when
        if when:
            args += ["--time", when]
        nonce = nonce if nonce is not None else row_nonce
        if nonce:
            args += ["--nonce", nonce]
        r = self.call(*args, *more)
        self.assertIn(r.returncode, (0, 1), (args, r.stderr))
        out = json.loads(r.stdout)
        self.assertEqual(out["accepted"], r.returncode == 0)
        return out

    def failed(self, out):
        return [(c["check"], c.get("why", "")) for c in out["checks"]
                if not c["passed"]]

    def claim(self, out, name):
        return [c["value"] for c in out["claims"] if c["claim"] == name]

    def refused_for(self, out, *checks):
        self.assertFalse(out["accepted"])
        self.assertIn(self.failed(out)[0][0], checks, self.failed(out))


def outcome(row):
    def test(self):
        out = self.appraise(row)
        expected = row[8]
        if expected is None:
            self.assertEqual(self.failed(out), [])
            self.assertTrue(out["accepted"])
        else:
            check, why = expected
            self.assertFalse(out["accepted"])
            self.assertEqual(self.failed(out)[0][0], check, self.failed(out))
            self.assertIn(why, self.failed(out)[0][1])
    return test


class Samples(Appraise):
    """One case a sample, at the time when it was valid."""


for _row in ROWS:
    setattr(Samples, "test_" + _row[0], outcome(_row))

BY_NAME = {row[0]: row for row in ROWS}


class Times(Appraise):
    def test_certificates_are_not_valid_for_ever(self):
        for name, time in (("snp_genoa", "2060-01-01T00:00:00Z"),
                           ("snp_genoa", "2000-01-01T00:00:00Z"),
                           ("dcap_tdx_v4", "2055-01-01T00:00:00Z")):
            with self.subTest(name, time=time):
                out = self.appraise(BY_NAME[name], time=time)
                self.refused_for(out, "certificate")

    def test_a_nitro_document_grows_old(self):
        for time in ("2022-10-13T12:00:00Z", "2022-10-13T08:00:00Z"):
            out = self.appraise(BY_NAME["nitro_beta"], time=time)
            self.refused_for(out, "age")

    def test_collateral_is_used_in_its_time_only(self):
        out = self.appraise(BY_NAME["dcap_tdx_v5"],
                            time="2026-02-01T00:00:00Z")
        self.assertFalse(out["accepted"])
        self.assertTrue({c for c, _ in self.failed(out)} <=
                        {"collateral", "certificate"}, self.failed(out))


class Changed(Appraise):
    """One byte of a part is changed; the check that names the part fails."""

    def change(self, name, at, *checks, bit=1):
        row = BY_NAME[name]
        data = bytearray(sample(row[2]))
        data[at] ^= bit
        with self.subTest(name, at=at):
            self.refused_for(self.appraise(row, evidence=bytes(data)),
                             *checks)

    def change_bytes(self, name, needle, *checks):
        at = sample(BY_NAME[name][2]).index(needle)
        self.change(name, at + len(needle) // 2, *checks)

    def test_snp(self):
        self.change("snp_genoa", 0x90, "signature")   # measurement
        self.change("snp_genoa", 0x50, "signature")   # report data
        self.change("snp_genoa", 0x2a0, "signature")  # r
        self.change("snp_genoa", 0x2e8, "signature")  # s
        self.change("snp_genoa", 0x2a0 + 50, "signature")  # must be zero
        self.change("snp_genoa", 0x180, "signature")  # reported TCB
        self.change("snp_genoa", 0x1a0, "signature")  # chip
        self.change("snp_genoa", 0x0a, "format", bit=2)  # policy, bit 17
        self.change("snp_genoa", 0x34, "format")      # algorithm

    def test_snp_certificate(self):
        row = BY_NAME["snp_milan"]
        der = bytearray(sample("snp/google_milan_vcek.der"))
        der[-5] ^= 1
        self.refused_for(self.appraise(row, collateral=[bytes(der)]),
                         "certificate")

    def test_a_certificate_of_another_chip_is_not_the_reports(self):
        # both are genuine, and each is of another chip and TCB
        out = self.appraise(BY_NAME["snp_genoa"], collateral=[
            "snp/google_milan_vcek.der", "snp/google_milan_cert_chain.pem"])
        self.assertFalse(out["accepted"])

    def test_nitro(self):
        row = "nitro_beta"
        data = sample(BY_NAME[row][2])
        self.change(row, len(data) - 4, "signature")
        self.change(row, data.index(b"pcrs") + 12, "signature")
        self.change(row, data.index(b"nonce") + 12, "signature")
        self.change(row, data.index(b"timestamp") + 13, "signature",
                    "certificate")
        self.change(row, data.index(b"certificate") + 200, "certificate",
                    "signature")
        self.change(row, data.index(b"cabundle") + 400, "certificate",
                    "signature")

    def test_psa(self):
        for row in ("psa_2_0_0", "psa_iot_1", "psa_rfc9783"):
            data = sample(BY_NAME[row][2])
            for at in (len(data) - 1, len(data) - 64, len(data) // 2, 40):
                self.change(row, at, "signature")

    def test_cca(self):
        row = "cca_rmm"
        data = sample(BY_NAME[row][2])
        realm = data.index(bytes.fromhex("19acd1"))
        self.change(row, realm - 10, "signature")       # platform signature
        self.change(row, len(data) - 3, "signature")    # realm signature
        self.change_bytes(row, b"\xab" * 64, "signature")  # realm challenge
        self.change(row, data.index(b"sha-256") - 40, "signature")

    def test_cca_tokens_of_two_devices_do_not_mix(self):
        import cbor2
        a = cbor2.loads(sample(BY_NAME["cca_rmm"][2]))
        b = cbor2.loads(sample(BY_NAME["cca_veraison"][2]))
        mixed = cbor2.dumps(cbor2.CBORTag(
            399, {44234: a.value[44234], 44241: b.value[44241]}))
        out = self.appraise(BY_NAME["cca_rmm"], evidence=mixed, nonce="")
        self.refused_for(out, "realm-key")

    def test_tpm(self):
        data = sample(BY_NAME["tpm"][2])
        self.change("tpm", 46, "signature")             # extraData
        self.change("tpm", len(data) - 1, "signature")  # PCR digest
        self.change("tpm", 10, "signature")             # signer's name

    def test_tpm_values_and_signature(self):
        row = BY_NAME["tpm"]
        sig = bytearray(sample("tpm/q_ecc.sig"))
        sig[20] ^= 1
        self.refused_for(self.appraise(
            row, collateral=[bytes(sig), "tpm/q_ecc.pcrs"]), "signature")
        pcrs = bytearray(sample("tpm/q_ecc.pcrs"))
        pcrs[0x198] ^= 1
        self.refused_for(self.appraise(
            row, collateral=["tpm/q_ecc.sig", bytes(pcrs)]), "pcrs")

    def test_dcap(self):
        row = "dcap_tdx_v4"
        self.change(row, 48 + 136, "signature")  # mrtd
        self.change(row, 48 + 520, "signature")  # report data
        self.change(row, 636 + 10, "signature")  # signature
        self.change(row, 636 + 64, "signature")  # attestation key
        self.change(row, 636 + 134 + 10, "signature")  # QE report
        self.change(row, 636 + 134 + 384 + 3, "signature")  # its signature
        self.change(row, 12, "format")           # vendor

    def test_dcap_collateral(self):
        row = BY_NAME["dcap_tdx_v4"]
        bundle = json.loads(sample("dcap/phala_tdx_v4.collateral.json"))
        for field in ("tcb_info", "qe_identity"):
            with self.subTest(field):
                changed = dict(bundle)
                changed[field] = changed[field].replace(
                    "UpToDate", "UpToDatf", 1)
                self.refused_for(self.appraise(row, collateral=[
                    json.dumps(changed).encode()]), "collateral")
        for field in ("pck_crl", "root_ca_crl"):
            with self.subTest(field):
                changed = dict(bundle)
                crl = bytearray.fromhex(changed[field])
                crl[-3] ^= 1
                changed[field] = crl.hex()
                self.refused_for(self.appraise(row, collateral=[
                    json.dumps(changed).encode()]), "certificate")


class Crls(Appraise):
    """Revocation lists in PEM: all of a file are used, or none is taken."""

    def setUp(self):
        super().setUp()
        self.row = BY_NAME["dcap_tdx_v4"]
        self.bundle = json.loads(sample("dcap/phala_tdx_v4.collateral.json"))

    def pem(self, der, end=b"-----END X509 CRL-----\n"):
        return (b"-----BEGIN X509 CRL-----\n" + base64.encodebytes(der) +
                end)

    def appraise_with(self, file):
        bundle = {k: v for k, v in self.bundle.items() if "crl" not in k or
                  "chain" in k}
        return self.appraise(self.row, collateral=[
            json.dumps(bundle).encode(), file])

    def test_good_ones_are_asked(self):
        crl = bytes.fromhex(self.bundle["pck_crl"])
        out = self.appraise_with(self.pem(crl))
        self.assertTrue(out["accepted"])
        self.assertEqual(self.claim(out, "revocation-checked"), [1])

    def test_certificates_beside_them_are_not_lost(self):
        bundle = {k: v for k, v in self.bundle.items() if "crl" not in k and
                  k != "tcb_info_issuer_chain" and
                  k != "qe_identity_issuer_chain"}
        crl = self.pem(bytes.fromhex(self.bundle["pck_crl"]))
        chain = self.bundle["tcb_info_issuer_chain"].encode()
        out = self.appraise(self.row, collateral=[
            json.dumps(bundle).encode(), crl + chain])
        self.assertTrue(out["accepted"], self.failed(out))

    def test_a_damaged_one_is_not_passed_over(self):
        crl = bytes.fromhex(self.bundle["pck_crl"])
        good = self.pem(crl)
        self.write("evidence", sample(self.row[2]))
        for name, data in (
                ("not DER", self.pem(b"\0\0\0")),
                ("cut", self.pem(crl[:-9])),
                ("no end", self.pem(crl, b"")),
                ("the second", good + self.pem(b"\0\0\0")),
                ("a digit", good.replace(b"A", b"*", 1))):
            with self.subTest(name):
                self.write("crl", data)
                r = self.call("eat", "appraise", "--evidence", "evidence",
                              "--format", "dcap", "--collateral", "crl")
                self.assertEqual(r.returncode, 1)
                self.assertIn(b"crl:", r.stderr)


class Nonces(Appraise):
    def test_another_nonce_is_refused(self):
        for name in ("tpm", "dcap_tdx_v4", "cca_rmm", "snp_milan"):
            with self.subTest(name):
                out = self.appraise(BY_NAME[name], nonce="00" * 31 + "01")
                self.assertIn("nonce", [c for c, _ in self.failed(out)])

    def test_a_part_of_a_nonce_is_no_nonce(self):
        for nonce in ("0102", "01020304", "010203040500000001"):
            out = self.appraise(BY_NAME["snp_milan"], nonce=nonce)
            self.assertIn("nonce", [c for c, _ in self.failed(out)])


class Policy(Appraise):
    def test_a_measurement_is_a_reference_value(self):
        row = BY_NAME["snp_genoa"]
        value = self.claim(self.appraise(row), "measurement")[0]
        good = {"snp": {"measurement": ["00" * 48, value]}}
        self.assertTrue(self.appraise(row, reference=good)["accepted"])
        other = {"snp": {"measurement": ["00" * 48]}}
        out = self.appraise(row, reference=other)
        self.refused_for(out, "reference")
        self.assertEqual(self.failed(out)[0][1], "measurement")

    def test_minimum_versions(self):
        row = BY_NAME["snp_genoa"]
        tcb = self.claim(self.appraise(row), "tcb-microcode")[0]
        for least, fine in ((tcb, True), (tcb + 1, False)):
            out = self.appraise(
                row, reference={"snp": {"tcb-microcode": {"min": least}}})
            self.assertEqual(out["accepted"], fine)

    def test_a_claim_that_is_not_there_is_refused(self):
        out = self.appraise(BY_NAME["snp_genoa"],
                            reference={"snp": {"tcb-fmc": {"min": 0}}})
        self.refused_for(out, "reference")

    def test_no_reference_value_can_be_refused(self):
        row = BY_NAME["snp_genoa"]
        out = self.appraise(row, more=["--need-reference"])
        self.refused_for(out, "reference-values")
        out = self.appraise(row, more=["--need-reference"],
                            reference={"tpm": {"firmware": {"min": 0}}})
        self.refused_for(out, "reference-values")

    def test_an_older_tcb_is_taken_by_saying_so(self):
        row = BY_NAME["dcap_sgx_v3"]
        out = self.appraise(row)
        self.assertEqual(self.claim(out, "tcb-status"),
                         ["ConfigurationAndSWHardeningNeeded"])
        self.assertEqual(self.claim(out, "advisory"),
                         ["INTEL-SA-00289", "INTEL-SA-00615"])
        policy = {"dcap": {"tcb-status": [
            "UpToDate", "ConfigurationAndSWHardeningNeeded"]}}
        self.assertTrue(self.appraise(row, reference=policy)["accepted"])
        policy = {"dcap": {"tcb-status": ["UpToDate"]}}
        self.assertFalse(self.appraise(row, reference=policy)["accepted"])

    def test_debug_is_refused_unless_allowed(self):
        row = BY_NAME["snp_milan"]
        self.assertFalse(self.appraise(row)["accepted"])
        self.assertTrue(
            self.appraise(row, more=["--allow-debug"])["accepted"])

    def test_what_is_no_policy_is_refused(self):
        for bad in ("[]", "{", '{"snp": 1}', '{"snp": {"vmpl": 1}}',
                    '{"nobody": {"x": [1]}}', '{"snp": {"vmpl": []}}',
                    '{"snp": {"vmpl": {"least": 1}}}',
                    '{"snp": {"vmpl": [-1]}}'):
            with self.subTest(bad):
                self.write("evidence", sample(BY_NAME["snp_genoa"][2]))
                self.write("bad", bad)
                r = self.call("eat", "appraise", "--evidence", "evidence",
                              "--format", "snp", "--reference", "bad")
                self.assertEqual(r.returncode, 1)
                self.assertIn(b"bad:", r.stderr)


class Corim(Appraise):
    """Reference Values as others write them."""

    def with_corim(self, name, *files):
        more = []
        for f in files:
            more += ["--reference", os.path.join(SAMPLES, f)]
        row = list(BY_NAME[name])
        row[4] = []  # the keys come out of the CoRIM
        return self.appraise(row, more=more + ["--need-reference"])

    def test_good_tokens_match(self):
        for name, files in (
                ("psa_veraison", ["corim/corim-psa-valid.cbor"]),
                ("cca_veraison", ["corim/corim-cca-platform-valid.cbor"]),
                ("cca_veraison", ["corim/corim-cca-platform-valid.cbor",
                                  "cca/veraison_corim-cca-realm-valid.cbor"]),
                ("tpm_enacttrust", ["corim/corim-enacttrust-valid.cbor"]),
                ("snp_genoa_tsm", ["snp/veraison_corim-sevsnp-valid.cbor"])):
            with self.subTest(name, files=files):
                out = self.with_corim(name, *files)
                self.assertEqual(self.failed(out), [])
                self.assertIn("reference",
                              [c["check"] for c in out["checks"]])

    def test_a_corim_is_used_in_its_time_only(self):
        import cbor2
        row = BY_NAME["psa_veraison"]
        corim = cbor2.loads(sample("corim/corim-psa-valid.cbor"))
        moment = 1750000000
        for validity, good in (
                ({0: moment - 5, 1: moment + 5}, True),
                ({1: moment}, True), ({1: moment - 1}, False),
                ({0: moment + 1, 1: moment + 5}, False)):
            with self.subTest(validity):
                corim.value[4] = {k: cbor2.CBORTag(1, t)
                                  for k, t in validity.items()}
                path = self.path(self.write("timed.corim",
                                            cbor2.dumps(corim)))
                out = self.appraise(row, time="2025-06-15T15:06:40Z",
                                    more=["--reference", path])
                self.assertEqual(out["accepted"], good, self.failed(out))
                if not good:
                    self.refused_for(out, "reference")

    def test_another_value_is_refused(self):
        row = BY_NAME["psa_veraison"]
        corim = sample("corim/corim-psa-valid.cbor")
        value = self.claim(self.appraise(row), "sw-value")[0]
        self.assertIn(bytes.fromhex(value), corim)
        other = corim.replace(bytes.fromhex(value), b"\x5a" * 32)
        path = self.path(self.write("other.corim", other))
        out = self.appraise(row, more=["--reference", path])
        self.refused_for(out, "reference")

    def test_what_is_no_corim_is_refused(self):
        good = sample("corim/corim-psa-valid.cbor")
        row = BY_NAME["psa_veraison"]
        self.write("evidence", sample(row[2]))
        for name, data in (
                ("no digests", sample(
                    "corim/corim-cca-platform-bad-refval-no-digests.cbor")),
                ("cut", good[:-1]), ("longer", good + b"\0"),
                ("half", good[:len(good) // 2]), ("tag", good[:3]),
                ("signed by nobody", b"\xd2\x84\x43\xa1\x01\x26\xa0\x41"
                 b"\x00\x40")):
            with self.subTest(name):
                self.write("bad", data)
                r = self.call("eat", "appraise", "--evidence", "evidence",
                              "--format", "psa", "--reference", "bad")
                self.assertEqual(r.returncode, 1)
                self.assertIn(b"bad:", r.stderr)


class Truncated(Appraise):
    def test_every_length(self):
        """Every 7th length and the ends: refused, and nothing else."""
        for name in ("snp_genoa", "nitro_beta", "psa_2_0_0", "cca_rmm", "tpm",
                     "dcap_tdx_v4"):
            data = sample(BY_NAME[name][2])
            # what follows a quote's signature data is not the quote's
            end = len(data) - 80 if name == "dcap_tdx_v4" else len(data)
            step = max(7, len(data) // 40)
            for n in sorted({*range(0, end, step), end - 1}):
                with self.subTest(name, n=n):
                    self.assertFalse(self.appraise(
                        BY_NAME[name], evidence=data[:n])["accepted"])


class Roots(unittest.TestCase):
    def test_the_samples_roots_are_the_vendors(self):
        self.assertEqual(
            hashlib.sha256(sample("nitro/aws_nitro_root.der")).hexdigest(),
            "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79"
            "bb5b")


if __name__ == "__main__":
    if not os.path.isdir(SAMPLES):
        print("no samples; skipped")
        sys.exit(77)
    unittest.main()
