"""A client of :watch, comparable to curl."""

import http.client
import json
import time
import urllib.parse

from api import BASE


def path(**query):
    return f"{BASE}:watch" + ("?" + urllib.parse.urlencode(query) if query else "")


class Watcher:
    """Reads events, and keeps the resulting state."""

    def __init__(self, port, last_id=None, timeout=30.0, host="127.0.0.1", **query):
        self.connection = http.client.HTTPConnection(host, port, timeout=timeout)
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last_id} if last_id else {})
        self.connection.request("GET", path(**query), headers=headers)
        self.socket = self.connection.sock
        self.answer = self.connection.getresponse()
        self.status = self.answer.status
        self.last_id, self.resumed = last_id, last_id is not None
        self.state, self.log, self.comments = {}, [], 0
        self._fresh = True

    def event(self):
        """(kind, container) of the next: snapshot, synced, ADDED, MODIFIED or DELETED; None: the stream has ended."""
        kind, data = "message", None
        while True:
            line = self.answer.readline()
            if not line.endswith(b"\n"):
                return None  # also within a line, when it breaks off
            line = line.rstrip(b"\n").decode()
            if line.startswith(":"):
                self.comments += 1
            elif line.startswith("id: "):
                self.last_id = line[4:]
            elif line.startswith("event: "):
                kind = line[7:]
            elif line.startswith("data: "):
                data = json.loads(line[6:])
            elif line == "" and data is not None:
                return self._apply(kind, data)

    def _apply(self, kind, data):
        kind = data.get("type", kind)
        container = data.get("container")
        if kind == "snapshot" and self._fresh:
            self.state, self._fresh = {}, False
        elif kind == "synced":
            self._fresh = True
        if not self.resumed:
            assert kind != "ADDED" or container["id"] not in self.state, f"{container['id']} is added twice"
            assert kind not in ("MODIFIED", "DELETED") or container["id"] in self.state, f"{kind} {container['id']}, not known"
        if kind == "DELETED":
            self.state.pop(container["id"], None)
        elif container:
            self.state[container["id"]] = container
        self.log.append((kind, container and container["id"]))
        return kind, container

    def sync(self):
        """Read the initial state."""
        assert self.status == 200, self.answer.read()
        while self.event()[0] != "synced":
            pass
        return self

    def until(self, what, condition, timeout=30.0):
        """Read until the condition on the state is true."""
        end = time.monotonic() + timeout
        while not condition(self.state):
            assert time.monotonic() < end, f"not sent within {timeout} s: {what}: {self.log[-20:]}"
            assert self.event(), f"the stream has ended, before {what}"
        return self

    def until_status(self, container_id, status, timeout=30.0):
        return self.until(f"{container_id} is {status}",
                          lambda s: s.get(container_id, {}).get("status", "gone") == status, timeout)

    def close(self):
        self.answer.close()
        self.connection.close()
