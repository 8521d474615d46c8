"""A minimal Kubernetes client for the tests: JSON over HTTP."""

import base64
import http.client
import json
import os
import re
import ssl
import tempfile
import time
from urllib.parse import quote

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


def _value(text, key):
    found = re.search(rf"^\s*-?\s*{key}:\s*\"?([^\"\n]+?)\"?\s*$", text, re.M)
    return found.group(1) if found else None


def _file(text, key, folder):
    """The path of a member of the kubeconfig, which is a file name or inline data."""
    inline = _value(text, key + "-data")
    if inline:
        with tempfile.NamedTemporaryFile(delete=False) as out:
            out.write(base64.b64decode(inline))
        return out.name
    name = _value(text, key)
    return os.path.join(folder, name) if name else None


class Kube:
    """The server of a kubeconfig with one context."""

    def __init__(self, kubeconfig, simulated):
        with open(kubeconfig, encoding="utf-8") as source:
            text = source.read()
        folder = os.path.dirname(os.path.abspath(kubeconfig))
        self.simulated = simulated
        self.kubeconfig = kubeconfig
        self.token = _value(text, "token")
        scheme, self.host = _value(text, "server").rstrip("/").split("://")
        self.tls = None
        if scheme == "https":
            self.tls = ssl.create_default_context(cafile=_file(text, "certificate-authority", folder))
            certificate = _file(text, "client-certificate", folder)
            if certificate:
                self.tls.load_cert_chain(certificate, _file(text, "client-key", folder))

    def connect(self, timeout=20):
        if self.tls:
            return http.client.HTTPSConnection(self.host, context=self.tls, timeout=timeout)
        return http.client.HTTPConnection(self.host, timeout=timeout)

    def request(self, method, path, body=None, headers=None, timeout=20):
        """(status, headers, text) of one call on its own connection."""
        sent = {"Accept": "application/json"}
        if self.token:
            sent["Authorization"] = "Bearer " + self.token
        if body is not None:
            sent["Content-Type"] = "application/json"
            if not isinstance(body, (str, bytes)):
                body = json.dumps(body)
        sent.update(headers or {})
        connection = self.connect(timeout)
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode()
        finally:
            connection.close()

    def call(self, method, path, body=None, headers=None):
        """(status, parsed body)"""
        status, _, text = self.request(method, path, body, headers)
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text

    def get(self, path):
        status, body = self.call("GET", path)
        assert status == 200, body
        return body

    def post(self, path, body):
        status, answer = self.call("POST", path, body)
        assert status == 201, answer
        return answer

    def patch(self, path, body, kind=MERGE):
        status, answer = self.call("PATCH", path, body, {"Content-Type": kind})
        assert status == 200, answer
        return answer

    def watch(self, path, **options):
        return Watch(self, path, options)


class Watch:
    """An open watch. Iterating yields events until the server ends it."""

    def __init__(self, kube, path, options):
        query = "&".join(f"{key}={quote(str(value), safe='')}" for key, value in options.items())
        self.connection = kube.connect()
        headers = {"Accept": "application/json"}
        if kube.token:
            headers["Authorization"] = "Bearer " + kube.token
        self.connection.request("GET", f"{path}?watch=1&{query}", headers=headers)
        self.answer = self.connection.getresponse()
        self.status = self.answer.status

    def __iter__(self):
        return self

    def __next__(self):
        line = self.answer.readline()
        if not line:
            raise StopIteration
        return json.loads(line)

    def until(self, wanted, limit=200):
        """All events up to the first that `wanted` accepts."""
        seen = []
        for event in self:
            seen.append(event)
            if wanted(event):
                return seen
            assert len(seen) < limit, "too many events"
        raise AssertionError(f"the watch ended after {[e['type'] for e in seen]}")

    def close(self):
        self.answer.close()
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def eventually(check, seconds=15, step=0.05):
    """The first true result of check(); fails after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        result = check()
        if result:
            return result
        assert time.monotonic() < end, "not within the time allowed"
        time.sleep(step)


def container(**more):
    return {"name": "main", "image": "nginx:1", **more}


def deployment(name, labels=None, replicas=1, **container_members):
    labels = labels or {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": dict(labels)},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": dict(labels)},
            "template": {
                "metadata": {"labels": dict(labels)},
                "spec": {"containers": [container(**container_members)]},
            },
        },
    }


def service(name, **spec):
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": [{"port": 80}], **spec},
    }


def condition(obj, kind):
    """The condition of that type, or {}."""
    return next((c for c in obj.get("status", {}).get("conditions", []) if c["type"] == kind), {})
