"""Base of raw TCP servers for tests."""

import socket
import threading


class Listener:
    """Calls serve(client) for each connection, on its own thread; what breaks meanwhile ends that connection."""

    def __init__(self, serve):
        self.serve = serve
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start(self._accept)

    @staticmethod
    def start(function, *arguments):
        threading.Thread(target=function, args=arguments, daemon=True).start()

    @staticmethod
    def end(*sockets):
        """Close connections, also those that another thread is reading."""
        for s in sockets:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.start(self._serve, client)

    def _serve(self, client):
        try:
            self.serve(client)
        except (OSError, ValueError):
            client.close()

    def close(self):
        self.listener.close()
