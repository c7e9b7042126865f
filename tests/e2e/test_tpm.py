#!/usr/bin/env python3
"""A device whose attestation key is in a TPM, played by swtpm: it is enrolled
by that key, its quotes are appraised, and a TPM that was not enrolled, or whose
quote is of another session, gets nothing."""
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import time
import unittest

from world import COUNTER, HELLO, Failed, Process, World, call  # noqa: F401


def listens(path):
    """A socket has its name before anybody listens on it."""
    with socket.socket(socket.AF_UNIX) as s:
        return s.connect_ex(path) == 0


class Tpm:
    """swtpm on a UNIX socket in the world's folder."""

    def __init__(self, world, name):
        self.path = world.path(name)
        os.mkdir(self.path)
        sock = os.path.join(self.path, "sock")
        self.popen = subprocess.Popen(
            ["swtpm", "socket", "--tpm2", "--tpmstate", "dir=" + self.path,
             "--server", "type=unixio,path=" + sock, "--ctrl",
             "type=unixio,path=" + sock + ".ctrl", "--flags",
             "not-need-init,startup-clear"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 30
        while not listens(sock):
            if self.popen.poll() is not None or time.monotonic() > end:
                raise Failed("swtpm does not start")
            time.sleep(0.01)
        self.lines = ["attestation:", "  technology: tpm",
                      "  tcti: swtpm:path=" + sock,
                      "  pcrs: [0, 1, 2, 3, 7, 16]"]

    def command(self, code, body):
        """One command with an empty password (TPM 2.0 Library, Part 3)."""
        auth = b"\0\0\0\x09\x40\0\0\x09\0\0\0\0\0"
        body = struct.pack(">I", 16) + auth + body
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(30)
            s.connect(os.path.join(self.path, "sock"))
            s.sendall(struct.pack(">HII", 0x8002, 10 + len(body), code) + body)
            answer = s.recv(4096)
        if struct.unpack(">I", answer[6:10])[0] != 0:
            raise Failed("the TPM refuses: " + answer.hex())

    def extend(self):
        """PCR 16 gets another value: TPM2_PCR_Extend, one SHA-256."""
        self.command(0x182, struct.pack(">IH", 1, 0x0b) + b"\x5a" * 32)

    def reset(self):
        """PCR 16 is zeros again: TPM2_PCR_Reset."""
        self.command(0x13d, b"")

    def end(self):
        self.popen.terminate()
        self.popen.wait(30)


class Quotes(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)
        self.tam = self.world.tam(options=["--any-software", "tpm"])
        self.tpms = []

    def tpm(self, name):
        tpm = Tpm(self.world, name)
        self.addCleanup(tpm.end)
        return tpm

    def test_a_device_is_enrolled_by_its_tpm_and_gets_its_ta(self):
        tee = self.world.tee(self.tam, extra=self.tpm("tpm").lines)
        self.world.publish_hello(self.tam, 1)
        tee.sync()
        self.assertIn("hello", tee.hello().lower())
        shown = self.tam.cli("devices", "show", "tee")
        self.assertIn(HELLO[5:13], shown)

    def reference(self, tam, pcr16):
        path = self.world.path("rules.json")
        with open(path, "w", encoding="ascii") as out:
            json.dump({"tpm": {"pcr16": [pcr16]}}, out)
        tam.cli("anchors", "add", "board", "--kind", "reference", "--file",
                path)

    def test_without_reference_values_a_tpm_says_nothing(self):
        tam = self.world.tam("strict")
        tee = self.world.tee(tam, uri="http://127.0.0.1:%d/tam" % tam.port,
                             extra=self.tpm("tpm").lines)
        self.world.publish_hello(tam, 1)
        tee.sync(status=None)
        tee.hello(status=1)
        self.assertIn("reference-values (none are configured)",
                      tam.cli("devices", "show", "tee"))
        # a running TAM takes them
        self.reference(tam, "00" * 32)
        tee.sync()
        tee.hello()

    def test_a_changed_pcr_is_refused_and_remedied(self):
        tam = self.world.tam("strict")
        tpm = self.tpm("tpm")
        tee = self.world.tee(tam, uri="http://127.0.0.1:%d/tam" % tam.port,
                             extra=tpm.lines)
        self.reference(tam, "00" * 32)
        tee.sync()
        self.assertEqual(tam.json("devices", "show", "tee")["attestation"]
                         ["why"], [])
        tpm.extend()
        self.world.publish_hello(tam, 1)
        tee.sync(status=None)
        tee.hello(status=1)
        shown = tam.cli("devices", "show", "tee")
        self.assertIn("reference (pcr16)", shown)
        self.assertIn("reference (pcr16)", tam.log())
        # the remedy comes, and what is for devices in policy does not
        tam.cli("publish", self.world.manifest(
            COUNTER, 1, self.world.image("counter.ta")))
        tam.cli("assign", COUNTER + "/ta", "--to", "all", "--remediation")
        self.assertIn("remediation", tam.cli("assign"))
        tee.sync()
        self.assertIn(COUNTER[5:13], tee.installed())
        tee.hello(status=1)
        self.assertIn("reference (pcr16)", tam.cli("devices", "show", "tee"))
        # it did its work: the device is accepted
        tpm.reset()
        tee.sync()
        tee.hello()
        self.assertEqual(tam.json("devices", "show", "tee")["attestation"]
                         ["why"], [])

    def test_the_key_is_the_same_after_a_restart(self):
        tee = self.world.tee(self.tam, extra=self.tpm("tpm").lines)
        with open(tee.attestation_key, encoding="ascii") as f:
            before = f.read()
        tee.restart()
        with open(tee.attestation_key, encoding="ascii") as f:
            self.assertEqual(f.read(), before)
        self.world.publish_hello(self.tam, 1)
        tee.sync()
        tee.hello()

    def test_another_tpm_is_nobody(self):
        tpm = self.tpm("one")
        tee = self.world.tee(self.tam, extra=tpm.lines)
        self.world.publish_hello(self.tam, 1)
        tee.process.end()
        # the same device, with another TPM in it
        tee.extra = self.tpm("two").lines
        tee.write_config()
        tee.start()
        tee.sync(status=None)
        tee.hello(status=1)
        self.assertIn("enroll", self.tam.log())

    def test_a_tpm_that_is_not_there_is_said(self):
        with self.assertRaises(Failed) as caught:
            self.world.tee(self.tam, enroll=False, extra=[
                "attestation:", "  technology: tpm",
                "  tcti: swtpm:path=/nonexistent"])
        self.assertIn("the TPM cannot be reached", str(caught.exception))

    def test_what_the_configuration_says_must_fit(self):
        for lines, says in (
                (["  technology: tpn"], "software, tpm, tsm or gramine"),
                (["  technology: software", "  pcrs: [1]"], "are of a tpm"),
                (["  technology: tpm", "  path: /x"], "tsm and gramine"),
                (["  technology: tpm", "  pcrs: [24]"], "0 to 23"),
                (["  technology: tsm", "  path: /nonexistent"],
                 "no configfs-tsm"),
                (["  technology: gramine", "  path: /nonexistent"],
                 "not under Gramine"),
                (["  tcti: x"], "'technology' is missing")):
            with self.subTest(lines):
                with self.assertRaises(Failed) as caught:
                    self.world.tee(self.tam, enroll=False,
                                   extra=["attestation:", *lines])
                self.assertIn(says, str(caught.exception))


if __name__ == "__main__":
    if shutil.which("swtpm") is None:
        print("no swtpm; skipped")
        sys.exit(77)
    unittest.main()
