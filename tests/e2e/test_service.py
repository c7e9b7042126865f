"""postern broker serve: one service in front of two TEEs, and applications
that talk to it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from world import (  # noqa: E402
    COUNTER, HELLO, PATIENCE_S, POSTERN, Failed, World)


class Application:
    """A connection to the service: a line of JSON each way."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE_S)
        try:
            self.socket.connect(path)
        except OSError:
            self.socket.close()
            raise
        self.lines = self.socket.makefile("r", encoding="utf-8")

    def ask(self, command, **members):
        line = json.dumps(dict(members, command=command)) + "\n"
        self.socket.sendall(line.encode())
        return json.loads(self.lines.readline())

    def close(self):
        self.lines.close()
        self.socket.close()


class Service(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)
        self.path = self.world.path("broker.sock")
        self.log = self.world.path("broker.log")
        self.tam = self.world.tam()
        self.one = self.world.tee(self.tam, "one")
        self.two = self.world.tee(self.tam, "two")

    def serve(self):
        """The service, once it answers, and an application of it."""
        with open(self.log, "ab") as out:
            service = subprocess.Popen(
                [POSTERN, "broker", "serve", "--tee", self.one.socket,
                 "--tee", self.two.socket, "--socket", self.path,
                 "--interval", "3600"], stdout=out, stderr=out)
        self.addCleanup(service.wait)
        self.addCleanup(service.kill)
        app = self.connect(service)
        self.addCleanup(app.close)
        return service, app

    def connect(self, service):
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end and service.poll() is None:
            try:
                return Application(self.path)
            except OSError:
                time.sleep(0.01)
        raise Failed("no service: " + self.text())

    def text(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def done(self, app, command, **members):
        answer = app.ask(command, **members)
        self.assertEqual(answer["status"], "done", (answer, self.text()))
        return answer

    def until(self, what):
        """Wait for what the service does by itself."""
        end = time.monotonic() + PATIENCE_S
        while not what():
            self.assertLess(time.monotonic(), end, self.text())
            time.sleep(0.05)

    def publish_counter(self):
        self.tam.cli("publish", self.world.manifest(
            COUNTER, 1, self.world.image("counter.ta")))
        self.tam.cli("assign", COUNTER + "/ta", "--to", "all", "--on-request")

    def test_every_tee_gets_what_is_assigned_to_it(self):
        path = self.world.manifest(HELLO, 1, self.world.image("hello-v1.ta"))
        self.tam.cli("publish", path)
        self.tam.cli("assign", HELLO + "/ta", "--to", "device:two")
        service, app = self.serve()
        self.done(app, "sync")
        self.assertNotIn(HELLO, self.one.installed())
        self.assertIn("version 1", self.two.hello())
        self.tam.cli("assign", HELLO + "/ta", "--to", "device:one")
        self.done(app, "sync", tee=self.one.socket)
        self.assertIn("version 1", self.one.hello())
        service.send_signal(signal.SIGTERM)
        self.assertEqual(service.wait(PATIENCE_S), 0)
        self.assertFalse(os.path.exists(self.path))

    def test_a_component_goes_to_the_tee_that_is_named_or_has_it(self):
        self.publish_counter()
        _, app = self.serve()
        answer = self.done(app, "request", component=COUNTER + "/ta",
                           tee=self.two.socket)
        self.assertEqual(answer["tee"], self.two.socket)
        self.assertIn(COUNTER, self.two.installed())
        self.assertNotIn(COUNTER, self.one.installed())
        # Without a name it is looked for where it is.
        answer = self.done(app, "unrequest", component=COUNTER + "/ta")
        self.assertEqual(answer["tee"], self.two.socket)
        self.assertNotIn(COUNTER, self.two.installed())
        # And without a place for it the first one gets it.
        answer = self.done(app, "request", component=COUNTER + "/ta")
        self.assertEqual(answer["tee"], self.one.socket)
        self.assertIn(COUNTER, self.one.installed())
        self.assertEqual(app.ask("sync", tee="other")["status"], "refused")

    def test_a_tee_that_died_does_not_keep_the_other_waiting(self):
        self.world.publish_hello(self.tam, 1)
        _, app = self.serve()
        self.done(app, "sync")
        self.world.publish_hello(self.tam, 2)
        self.one.process.kill()
        answer = app.ask("sync")
        self.assertEqual(answer["status"], "failed", answer)
        self.assertIn("no TEE is running at " + self.one.socket,
                      answer["message"])
        self.assertIn("version 2", self.two.hello())
        self.one.start()
        self.done(app, "sync")
        self.assertIn("version 2", self.one.hello())

    def test_both_are_asked_at_the_start_without_an_application(self):
        self.world.publish_hello(self.tam, 1)
        self.serve()
        for tee in (self.one, self.two):
            self.until(lambda t=tee: HELLO in t.installed())

    def test_two_applications_share_a_component(self):
        self.publish_counter()
        service, app = self.serve()
        other = self.connect(service)
        self.addCleanup(other.close)
        self.done(app, "request", component=COUNTER + "/ta")
        self.done(other, "request", component=COUNTER + "/ta")
        self.done(other, "request", component=COUNTER + "/ta",
                  tee=self.two.socket)
        for tee in (self.one, self.two):
            self.assertIn(COUNTER, tee.installed())
        self.done(app, "unrequest", component=COUNTER + "/ta",
                  tee=self.two.socket)
        self.assertIn(COUNTER, self.one.installed())
        self.assertNotIn(COUNTER, self.two.installed())


if __name__ == "__main__":
    unittest.main(verbosity=2)
