"""A client of the REST API, and the specs created by the tests."""

import http.client
import json
import urllib.parse

BASE = "/api/v1alpha1/containers"


def with_kind(body, kind):
    """The body of a create, for that kind unless it has another one."""
    hints = body["spec"].get("provider_hints") if isinstance(body.get("spec"), dict) else {}
    hints = {"kubernetes": {}} if hints is None else hints
    if not isinstance(hints, dict) or not isinstance(hints.get("kubernetes"), dict):
        return body  # the response could not be distinguished from the request
    kubernetes = {"kind": kind, **hints.get("kubernetes", {})}
    return {**body, "spec": {**body["spec"], "provider_hints": {**hints, "kubernetes": kubernetes}}}


def without_kind(value, kind):
    """The response, without the additions of with_kind()."""
    if isinstance(value, list):
        return [without_kind(element, kind) for element in value]
    if not isinstance(value, dict):
        return value
    value = {key: without_kind(member, kind) for key, member in value.items()}
    kubernetes = value["provider_hints"].get("kubernetes") if isinstance(value.get("provider_hints"), dict) else None
    if not isinstance(kubernetes, dict) or kubernetes.get("kind") != kind:
        return value
    hints = {**value["provider_hints"], "kubernetes": {k: v for k, v in kubernetes.items() if k != "kind"}}
    hints = {k: v for k, v in hints.items() if k != "kubernetes" or v}
    return {**value, "provider_hints": hints} if hints else {k: v for k, v in value.items() if k != "provider_hints"}


class Answer:
    """Status, headers (lower-case names) and body of an HTTP response."""

    def __init__(self, response, kind=None):
        self.kind = kind
        self.status = response.status
        self.headers = {k.lower(): v for k, v in response.getheaders()}
        self.text = response.read().decode()

    @property
    def json(self):
        value = json.loads(self.text)
        return without_kind(value, self.kind) if self.kind else value

    def problem(self, status, kind):
        """Check that this is the problem document for a status and type, and return it."""
        assert self.status == status, f"{self.status}: {self.text}"
        assert self.headers["content-type"] == "application/problem+json"
        body = self.json
        assert body["type"] == kind and body["status"] == status, body
        assert body["title"] and body["detail"] and body["instance"].startswith("/"), body
        return body


class Api:
    """One connection per call, unless `keep` is used."""

    kind = None  # of all containers that are made, where their spec names none (conftest.py, root_kind)

    def __init__(self, port, host="127.0.0.1"):
        self.port, self.host = port, host

    def call(self, method, path, body=None, headers=None, timeout=40.0):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            if self.kind and method == "POST" and path.split("?")[0] == BASE and isinstance(body, dict):
                body = with_kind(body, self.kind)
            if body is not None and not isinstance(body, (bytes, str)):
                body = json.dumps(body)
            if body is not None:
                headers = {"Content-Type": "application/json", **(headers or {})}
            connection.request(method, path, body, headers or {})
            return Answer(connection.getresponse(), self.kind)
        finally:
            connection.close()

    def create(self, spec, container_id=None, headers=None, **kwargs):
        query = "?" + urllib.parse.urlencode({"id": container_id}) if container_id is not None else ""
        return self.call("POST", BASE + query, {"spec": spec}, headers, **kwargs)

    def get(self, container_id, **kwargs):
        return self.call("GET", f"{BASE}/{container_id}", **kwargs)

    def delete(self, container_id, headers=None, **kwargs):
        return self.call("DELETE", f"{BASE}/{container_id}", headers=headers, **kwargs)

    def list(self, **query):
        return self.call("GET", BASE + ("?" + urllib.parse.urlencode(query) if query else ""))

    def list_all(self, size):
        """All containers, read page by page."""
        containers, token = [], ""
        while True:
            answer = self.list(max_page_size=size, page_token=token)
            assert answer.status == 200, answer.text
            containers += answer.json["containers"]
            token = answer.json["next_page_token"]
            if not token:
                return containers

    def health(self):
        answer = self.call("GET", BASE + "/health", timeout=5)
        assert answer.status == 200, answer.text
        return answer.json["status"]


def spec(name="web", ports=(), **changes):
    """A small valid spec; `ports` are (number, visibility)."""
    value = {
        "service_type": "container",
        "metadata": {"name": name},
        "image": {"reference": "docker.io/library/nginx:1.27"},
        "resources": {"cpu": {"min": 1, "max": 2}, "memory": {"min": "64MB", "max": "128MB"}},
    }
    if ports:
        value["network"] = {"ports": [{"container_port": p, "visibility": v} for p, v in ports]}
    value.update(changes)
    return value
