"""NATS accepts connections but does not respond: the processes detect it and keep responding."""

import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from api import Api, spec
from conftest import BIN, PROGRAMS
from ports import free_port
from processes import Process, listens, wait_for

POLLS = 100


class Silent:
    """Accepts connections, and sends nothing."""

    def __init__(self, port):
        self.accepted = []
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", port))
        self.socket.listen(100)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                self.accepted.append(self.socket.accept()[0])
            except OSError:
                return

    def stop(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for connection in self.accepted:
            connection.close()


def poll(api, polls=POLLS, at_once=2):
    """Request the health many times; returns the longest response time in seconds."""
    def ask(_):
        started = time.monotonic()
        assert api.health() == "unhealthy"
        time.sleep(0.05)  # spread over a few attempts to connect
        return time.monotonic() - started - 0.05

    with ThreadPoolExecutor(at_once) as pool:
        return max(pool.map(ask, range(polls)))


def test_health_responds_immediately_after_a_disconnect(start):
    sp = start("")
    sp.wait_healthy()
    sp.wait_connected()
    sp.nats.process.kill()
    silent = Silent(sp.nats.port)
    try:
        wait_for("unhealthy", lambda: sp.api.health() == "unhealthy")
        wait_for("all try to connect", lambda: len(silent.accepted) >= len(PROGRAMS))
        assert poll(sp.api) < 0.4
        started = time.monotonic()
        sp.stop()  # asserts that each ends with 0
        assert time.monotonic() - started < 4 * 6  # one after the other; each may wait for an attempt that runs
    finally:
        silent.stop()


def test_health_responds_immediately_after_startup(tmp_path):
    port, api_port = free_port(), free_port()
    silent = Silent(port)
    api_svc = Process("api-svc", [str(BIN / "api-svc")],
                      {"SP_NAME": "provider", "SP_NATS_URL": f"nats://127.0.0.1:{port}",
                       "SP_SERVER_ADDRESS": f"127.0.0.1:{api_port}"}, str(tmp_path)).start()
    try:
        wait_for("api-svc", lambda: listens(api_port))
        assert poll(Api(api_port)) < 0.4
    finally:
        started = time.monotonic()
        api_svc.stop()
        silent.stop()
    assert time.monotonic() - started < 6


def test_health_responds_while_the_server_is_stopped(start):
    """The connection remains open: detectable only by timeout."""
    sp = start("")
    sp.wait_healthy()
    sp.nats.process.suspend()
    try:
        assert poll(sp.api, at_once=10) < 0.9
        wait_for("not ready", lambda: sp.api.call("GET", "/readyz").status == 503, 20)
    finally:
        sp.nats.process.popen.send_signal(signal.SIGCONT)
    sp.wait_healthy()


def test_health_responds_while_all_buffers_are_full(start):
    """The server reads nothing until all socket buffers are full, and a write blocks."""
    sp = start("")
    sp.wait_healthy()
    large = spec(provider_hints={"text": "x" * 150_000})
    lost = threading.Event()

    def create(n):
        while not lost.is_set():
            assert sp.api.create(large, f"large-{n}").status in (503, 504)

    sp.nats.process.suspend()
    try:
        with ThreadPoolExecutor(50) as pool:
            creates = [pool.submit(create, n) for n in range(50)]
            slowest, end = 0, time.monotonic() + 25
            while "NATS connection lost" not in sp.processes["api-svc"].log() and time.monotonic() < end:
                slowest = max(slowest, poll(sp.api, polls=10, at_once=5))
            lost.set()
            assert slowest < 0.95
            assert time.monotonic() < end, "the buffers were never full"
            for c in creates:
                c.result()
    finally:
        lost.set()
        sp.nats.process.popen.send_signal(signal.SIGCONT)
    sp.wait_healthy()
