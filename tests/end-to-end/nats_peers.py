"""The environment of a single process under test: a nats-server and responders."""

import json
import socket
import threading

from ports import free_port
from processes import Process, listens, wait_for


def tls(certificates, server="server", more=""):
    """Configuration of a server."""
    return (f"tls {{ cert_file: '{certificates.path(server + '.crt')}', "
            f"key_file: '{certificates.path(server + '.key')}' {more} }}\n")


class NatsServer:
    """A nats-server on its own port that can be killed and started again on the same port."""

    def __init__(self, folder, *options):
        self.port = free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self.process = Process(f"nats-{self.port}", ["nats-server", "-a", "127.0.0.1", "-p", str(self.port), *options],
                               {}, str(folder))

    def start(self):
        self.process.start()
        wait_for("nats-server", lambda: listens(self.port))
        return self

    def stop(self):
        self.process.kill()


class Subscriber:
    """take(subject, reply, headers, body) for each received message, on a separate thread."""

    def __init__(self, nats, subject, queue="", **options):
        self.socket = socket.create_connection(("127.0.0.1", nats.port), 5)
        self.socket.settimeout(None)
        self.file = self.socket.makefile("rb")
        self.file.readline()
        options = json.dumps({"verbose": False, "headers": True, "no_responders": True, **options})
        self.socket.sendall(f"CONNECT {options}\r\nSUB {subject} {queue} 1\r\nPING\r\n".encode())
        assert self.file.readline() == b"PONG\r\n"
        threading.Thread(target=self._run, args=(self.file,), daemon=True).start()

    def _run(self, file):
        try:
            while line := file.readline():
                words = line.split()
                if words[0] == b"PING":
                    self.socket.sendall(b"PONG\r\n")
                elif words[0] in (b"MSG", b"HMSG"):
                    sizes = 2 if words[0] == b"HMSG" else 1
                    data = file.read(int(words[-1]) + 2)[:-2]
                    head_len = int(words[-2]) if sizes == 2 else 0
                    head = dict(h.split(": ", 1) for h in data[:head_len].decode().split("\r\n") if ": " in h)
                    reply = words[3].decode() if len(words) == 4 + sizes else ""
                    self.take(words[1].decode(), reply, head, data[head_len:])
        except (OSError, ValueError):
            pass

    def publish(self, subject, headers, data):
        """No effect without a connection."""
        block = ("NATS/1.0\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n").encode()
        try:
            self.socket.sendall(f"HPUB {subject} {len(block)} {len(block) + len(data)}\r\n".encode() + block + data
                                + b"\r\n")
        except OSError:
            pass

    def stop(self):
        """Disconnect as after kill -9."""
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()
