"""Fake API servers with faulty responses."""

import json
import socket

from listener import Listener


class Liar(Listener):
    """Responds to every request with the same bytes, or the result of a function of method and path, and closes."""

    def __init__(self, answer):
        self.answer = answer
        super().__init__(self._answer)
        self.url = f"http://127.0.0.1:{self.port}"

    def _answer(self, client):
        with client:
            head = b""
            while b"\r\n\r\n" not in head and (data := client.recv(65536)):
                head += data
            method, path = head.decode(errors="replace").split(" ")[:2]
            client.sendall(self.answer(method, path) if callable(self.answer) else self.answer)
            client.shutdown(socket.SHUT_WR)
            while client.recv(65536):
                pass


def http(status, body, *headers):
    if not isinstance(body, (bytes, str)):
        body = json.dumps(body)
    body = body.encode() if isinstance(body, str) else body
    head = [f"HTTP/1.1 {status} x", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return ("\r\n".join(head) + "\r\n\r\n").encode() + body


def said(status, reason="", message="simulated", headers=(), **more):
    """A Kubernetes Status with an error."""
    return http(status, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status, "reason": reason,
                         "message": message, **more}, *headers)
