"""One address in front of several, as a load balancer is; and it can break down while a request is under way."""

import socket
import threading


class Proxy:
    """Connections go to the ports in turn. lose = n: each of the next n requests is the last that its connections bring."""

    def __init__(self, *ports):
        self.ports, self.turn, self.lose = ports, 0, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.ports[self.turn % len(self.ports)]))
            except OSError:
                client.close()
                continue
            finally:
                self.turn += 1
            threading.Thread(target=self._copy, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._copy, args=(server, client, True), daemon=True).start()

    def _copy(self, source, sink, answers):
        try:
            while data := source.recv(65536):
                last = not answers and self.lose > 0 and data.endswith(b"}")
                if last:  # its end and the end of the connection travel together: no answer comes in between
                    sink.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
                sink.sendall(data)
                if last:
                    self.lose -= 1
                    break
        except OSError:
            pass
        for s in (sink, source):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()
