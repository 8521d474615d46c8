"""A minimal Kubernetes client with admin rights for tests."""

import base64
import http.client
import json
import os
import ssl
import tempfile
import urllib.parse

import yaml

PATHS = {"deployments": "/apis/apps/v1", "statefulsets": "/apis/apps/v1", "replicasets": "/apis/apps/v1",
         "controllerrevisions": "/apis/apps/v1", "pods": "/api/v1", "services": "/api/v1",
         "resourcequotas": "/api/v1", "horizontalpodautoscalers": "/apis/autoscaling/v2", "limitranges": "/api/v1", "events": "/api/v1"}


ROOT_KINDS = {"deployments": "Deployment", "statefulsets": "StatefulSet"}
ROOTS = ("apps/deployments", "apps/statefulsets")  # these, regardless of Kube.roots


class Kube:
    """Calls with the credentials of a kubeconfig's current context, in one namespace."""

    roots = "deployments"  # the kind used by a test for that name (conftest.py, root_kind)

    def __init__(self, kubeconfig, namespace):
        with open(kubeconfig) as f:
            config = yaml.safe_load(f)
        context = next(c for c in config["contexts"] if c["name"] == config["current-context"])["context"]
        cluster = next(c for c in config["clusters"] if c["name"] == context["cluster"])["cluster"]
        user = next(u for u in config["users"] if u["name"] == context["user"])["user"]
        self.namespace = namespace
        self.url = urllib.parse.urlsplit(cluster["server"])
        self.headers = {"Authorization": f"Bearer {user['token']}"} if "token" in user else {}
        self.context = self._tls(cluster, user) if self.url.scheme == "https" else None

    @staticmethod
    def _tls(cluster, user):
        context = ssl.create_default_context()
        if "certificate-authority-data" in cluster:
            context.load_verify_locations(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
        elif "certificate-authority" in cluster:
            context.load_verify_locations(cluster["certificate-authority"])
        if "client-certificate-data" in user:
            with tempfile.NamedTemporaryFile("wb", delete=False) as f:
                f.write(base64.b64decode(user["client-certificate-data"]) + b"\n")
                f.write(base64.b64decode(user["client-key-data"]))
            context.load_cert_chain(f.name)
            os.unlink(f.name)
        elif "client-certificate" in user:
            context.load_cert_chain(user["client-certificate"], user["client-key"])
        return context

    def call(self, method, path, body=None, content_type="application/json", timeout=30):
        """(status, JSON or text)"""
        if self.context:
            connection = http.client.HTTPSConnection(self.url.hostname, self.url.port, context=self.context,
                                                     timeout=timeout)
        else:
            connection = http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=timeout)
        try:
            headers = dict(self.headers, **({"Content-Type": content_type} if body is not None else {}))
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text

    def path(self, kind, name=None):
        kind = self.roots if kind == "deployments" else kind.removeprefix("apps/")
        path = f"{PATHS[kind]}/namespaces/{self.namespace}/{kind}"
        return f"{path}/{name}" if name else path

    def list(self, kind, selector="dcm.project/managed-by=dcm"):
        """All objects of a kind that match the label selector ("" = all)."""
        query = urllib.parse.urlencode({"labelSelector": selector} if selector else {})
        status, body = self.call("GET", f"{self.path(kind)}?{query}")
        assert status == 200, body
        return body["items"]

    def of(self, kind, container_id):
        """The objects of one container."""
        return self.list(kind, f"dcm.project/dcm-instance-id={container_id}")

    def get(self, kind, name):
        """The object; None: it does not exist."""
        status, body = self.call("GET", self.path(kind, name))
        assert status in (200, 404), body
        return body if status == 200 else None

    def create(self, kind, body):
        status, answer = self.call("POST", self.path(kind), body)
        assert status == 201, answer
        return answer

    def delete(self, kind, name):
        status, answer = self.call("DELETE", self.path(kind, name))
        assert status in (200, 202, 404), answer

    def delete_all(self, kind):
        """All objects of a kind, without grace. Requests longer than a minute are aborted by the server."""
        for _ in range(10):
            try:
                status, answer = self.call("DELETE", f"{self.path(kind)}?gracePeriodSeconds=0", timeout=90)
            except OSError as error:
                status, answer = 504, error
            if status == 200:
                return
            assert status == 504, answer
        raise AssertionError(f"{kind} are still there: {answer}")

    def patch(self, kind, name, body, subresource=""):
        status, answer = self.call("PATCH", self.path(kind, name) + subresource, body, "application/merge-patch+json")
        assert status == 200, answer
        return answer
