"""A TCP load balancer that can drop connections during a request."""

import socket

from listener import Listener


class Proxy(Listener):
    """Connections use the ports in turn. lose = n: each of the next n requests is the last one of its connection."""

    def __init__(self, *ports):
        self.ports, self.turn, self.lose = ports, 0, 0
        super().__init__(self._connect)

    def _connect(self, client):
        port = self.ports[self.turn % len(self.ports)]
        self.turn += 1
        server = socket.create_connection(("127.0.0.1", port))
        self.start(self._copy, client, server, False)
        self._copy(server, client, True)

    def _copy(self, source, sink, answers):
        try:
            while data := source.recv(65536):
                last = not answers and self.lose > 0 and data.endswith(b"}")
                if last:  # sent together with the end of the connection, so that no response is sent in between
                    sink.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
                sink.sendall(data)
                if last:
                    self.lose -= 1
                    break
        except OSError:
            pass
        self.end(sink, source)
