"""Peers of the registrar for its component tests: a real nats-server, the presence of api-svc and kube-worker in NATS's
own text protocol, and the real process. Everything listens on free ports of 127.0.0.1 and is stopped by pid."""

import json
import os
import pathlib
import subprocess
import time

from nats_peers import Subscriber

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build"))
PATIENCE = float(os.environ.get("TEST_PATIENCE", "15"))


class Responder(Subscriber):
    """Subscribes to one subject, and answers every request with answer(headers, body): (headers, body) or None."""

    def __init__(self, nats, subject, answer):
        self.answer = answer
        self.count = 0
        super().__init__(nats, subject)

    def take(self, _subject, reply, headers, body):
        self.count += 1
        answer = self.answer(headers, body)
        if answer:
            self.publish(reply, *answer)


def api_presence(nats, provider):
    """What an api-svc of that provider answers to a ping."""
    body = json.dumps({"type": "io.nats.micro.v1.ping_response", "name": "api-svc", "id": "x", "version": "0.1.0",
                       "metadata": {"provider": provider}}).encode()
    return Responder(nats, "$SRV.PING.api-svc", lambda headers, _: ({}, body))


class Worker(Responder):
    """A kube-worker's health."""

    def __init__(self, nats, provider, healthy=True):
        self.healthy = healthy
        self.asked = []
        super().__init__(nats, f"k8s-container-sp.{provider}.op.health", self.health)

    def health(self, headers, body):
        self.asked.append((headers, body))
        return {"Sp-Status": "OK"}, json.dumps({"healthy": self.healthy}).encode()


class Registrar:
    """The real process."""

    def __init__(self, folder, nats, registry_url, *arguments, **environment):
        self.log_path = folder / f"registrar-{time.monotonic_ns()}.log"
        env = {k: v for k, v in os.environ.items() if not k.startswith(("SP_", "DCM_")) and "proxy" not in k.lower()}
        env |= {"SP_NAME": "provider", "SP_NATS_URL": nats.url if nats else "nats://127.0.0.1:1",
                "SP_ENDPOINT": "http://provider.example:8080", "DCM_REGISTRATION_URL": registry_url, **environment}
        env = {k: v for k, v in env.items() if v is not None}
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([BUILD / "bin" / "registrar", *arguments], env=env, cwd="/", stderr=log,
                                            stdout=log)

    def text(self):
        return self.log_path.read_text(errors="replace")

    def logs(self):
        lines = []
        for line in self.text().splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:
                lines.append({"msg": line})
        return lines

    def attempts(self):
        return [line for line in self.logs() if "attempt" in line]

    def find_log(self, start):
        return [line for line in self.logs() if line["msg"].startswith(start)]

    def wait(self, timeout=None):
        return self.process.wait(timeout or PATIENCE)

    def terminate(self, timeout=None):
        self.process.terminate()
        return self.wait(timeout)
