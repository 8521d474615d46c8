"""The connection to NATS, through a proxy that cuts it, or passes it on in pieces."""

import re
import socket
import threading
import time

import pytest

from listener import Listener
from nats_peers import tls
from ports import free_port
from stage import SLOW

MANY = 64 << 20


class Path(Listener):
    """To nats-server. pieces: what passes at once, in bytes."""

    def __init__(self, port, pieces=None):
        self.nats_port, self.pieces, self.lock = port, pieces, threading.Lock()
        self.open = {}  # sockets of the client, by the name that it announces
        self.stalled = False  # nothing passes
        super().__init__(self._connect)

    def _connect(self, client):
        server = socket.create_connection(("127.0.0.1", self.nats_port))
        self.start(self._copy, server, client)
        self._copy(client, server)

    def _copy(self, source, sink):
        try:
            while data := source.recv(self.pieces or 65536):
                if found := re.match(rb'CONNECT .*?"name":"([^"]*)"', data):
                    with self.lock:
                        self.open[found[1].decode()] = source
                while self.stalled:
                    time.sleep(0.05)
                sink.sendall(data)
                if self.pieces and len(data) == self.pieces:
                    time.sleep(0.0002)  # otherwise they arrive together
        except OSError:
            pass
        self.end(sink, source)

    def cut(self, name):
        with self.lock:
            self.open.pop(name).shutdown(socket.SHUT_RDWR)


@pytest.fixture
def paths():
    """Closed after the processes: cnats' thread that connects again is not joined, and may end after the process began to."""
    made = []
    yield made
    for path in made:
        path.close()


@pytest.fixture
def start_behind(paths, start):
    """Start all, connected to NATS through a Path."""
    def start_one(nats=None, scheme="nats", pieces=None, **settings):
        port = free_port()
        paths.append(Path(port, pieces))
        stage = start(nats=nats, nats_port=port, SP_NATS_URL=f"{scheme}://127.0.0.1:{paths[-1].port}", **settings)
        return stage, paths[-1]

    yield start_one
    for path in paths:
        path.stalled = False


@pytest.mark.parametrize("process", ("api-svc", "kube-worker"))
def test_a_lost_connection_ends_no_idle_stream(start_behind, process):
    """Only data that was on its way is lost, detectably; it is made again before the silence timeout."""
    stage, path = start_behind()
    idle, busy = stage.get("mode=hang"), stage.get(f"mode=bytes&bytes={MANY}")
    for _ in range(20):
        busy.more()
    path.cut(process)
    size = busy.read_pattern()
    assert busy.complete == (size == MANY)
    time.sleep(4)  # longer than the silence timeout
    assert len(stage.ended()) == 1, stage.worker.log()
    stream = stage.get("mode=bytes&bytes=100000")
    assert stream.read_pattern() == 100000 and stream.complete
    idle.close()
    stage.wait_ended(3)


def test_tls_records_arrive_in_pieces(start_behind, certificates):
    stage, _ = start_behind(tls(certificates), scheme="tls", pieces=97, SP_NATS_TLS_CA=str(certificates.path("ca.crt")))
    stream = stage.get("mode=bytes&bytes=100000")
    assert stream.read_pattern() == 100000 and stream.complete


def test_half_a_tls_record_does_not_spin(start_behind, certificates):
    """The loop waits for the rest, without processor time."""
    stage, path = start_behind(tls(certificates), scheme="tls", SP_NATS_TLS_CA=str(certificates.path("ca.crt")))
    path.pieces = 7
    stream = stage.get("mode=lines&interval_ms=20")
    stream.more()
    path.stalled = True
    time.sleep(0.2)
    before = {p: p.cpu_s() for p in (stage.svc, stage.worker)}
    time.sleep(2)
    used = [p.cpu_s() - at for p, at in before.items()]
    assert max(used) < 0.5 * SLOW, used
    stream.close()
