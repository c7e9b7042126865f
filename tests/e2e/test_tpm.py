#!/usr/bin/env python3
"""A device whose attestation key is in a TPM, played by swtpm: it is enrolled
by that key, its quotes are appraised, and a TPM that was not enrolled, or whose
quote is of another session, gets nothing."""
import os
import shutil
import socket
import subprocess
import sys
import time
import unittest

from world import HELLO, Failed, Process, World, call  # noqa: F401


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
