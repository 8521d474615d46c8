"""Peers of the registrar for its component tests: a real nats-server, the presence of api-svc and kube-worker in NATS's
own text protocol, and the real process. Everything listens on free ports of 127.0.0.1 and is ended by its pid."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import threading
import time

from ports import free_port

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build"))
PATIENCE = float(os.environ.get("TEST_PATIENCE", "15"))


def wait_for(condition, what, timeout=None):
    end = time.monotonic() + (timeout or PATIENCE)
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"timed out waiting for {what}")


class NatsServer:
    """A nats-server on a port of its own that can be killed and started again on the same port."""

    def __init__(self, folder):
        self.port = free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self.log = open(folder / f"nats-{self.port}.log", "ab")
        self.process = None
        self.start()

    def start(self):
        binary = os.environ.get("NATS_SERVER") or shutil.which("nats-server") or "/usr/sbin/nats-server"
        self.process = subprocess.Popen([binary, "-a", "127.0.0.1", "-p", str(self.port)],
                                        stdout=self.log, stderr=self.log)
        wait_for(self.answers, "nats-server")

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 0.2) as s:
                s.settimeout(1)
                return s.recv(4) == b"INFO"
        except OSError:
            return False

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


class Responder:
    """Subscribes to one subject, and answers every request with answer(headers, body): (headers, body) or None."""

    def __init__(self, nats, subject, answer):
        self.answer = answer
        self.count = 0
        self.socket = socket.create_connection(("127.0.0.1", nats.port), 5)
        self.socket.settimeout(None)
        self.file = self.socket.makefile("rb")
        self.file.readline()
        options = json.dumps({"verbose": False, "headers": True, "no_responders": True})
        self.socket.sendall(f"CONNECT {options}\r\nSUB {subject} 1\r\nPING\r\n".encode())
        assert self.file.readline() == b"PONG\r\n"
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        try:
            while line := self.file.readline():
                words = line.split()
                if words[0] == b"PING":
                    self.socket.sendall(b"PONG\r\n")
                elif words[0] in (b"MSG", b"HMSG"):
                    self.take(words, self.file.read(int(words[-1]) + 2)[:-2])
        except (OSError, ValueError):
            pass

    def take(self, words, data):
        head_len = int(words[-2]) if words[0] == b"HMSG" else 0
        head = dict(line.split(": ", 1) for line in data[:head_len].decode().split("\r\n") if ": " in line)
        self.count += 1
        answer = self.answer(head, data[head_len:])
        if answer:
            headers, body = answer
            block = ("NATS/1.0\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n").encode()
            self.socket.sendall(f"HPUB {words[3].decode()} {len(block)} {len(block) + len(body)}\r\n".encode()
                                + block + body + b"\r\n")

    def stop(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()


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
