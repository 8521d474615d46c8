"""Admission that rejects or changes created objects, on a real API server, since kubesim has no policies."""

import base64
import http.server
import json
import ssl
import threading
import time

import pytest

from api import spec
from certificates import Certificates
from monitors import deployment
from ports import free_port
from processes import wait_for

POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
BINDINGS = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"
WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
NAME = "dcm-test"
PORTS = [(80, "internal")]
PROBES = {  # rejected by the policy, used to wait until it is in force
    "deployments": deployment("probe", image="untrusted.example/x:1"),
    "services": {"metadata": {"name": "probe"}, "spec": {"ports": [{"port": 1}]}},
    "pods": {"metadata": {"name": "probe"}, "spec": {"containers": [{"name": "x", "image": "untrusted.example/x:1"}]}},
}


@pytest.fixture
def policy(target):
    """Call with a resource, an expression that must be true, the message otherwise, and the reason: in force until the end."""
    kube = target.admin

    def make(resource, expression, message, reason=None):
        validation = {"expression": expression, "message": message, **({"reason": reason} if reason else {})}
        status, answer = kube.call("POST", POLICIES, {
            "metadata": {"name": NAME}, "spec": {
                "failurePolicy": "Fail", "validations": [validation],
                "matchConstraints": {"resourceRules": [{
                    "apiGroups": ["apps" if resource == "deployments" else ""], "apiVersions": ["v1"],
                    "operations": ["CREATE"], "resources": [resource]}]}}})
        assert status == 201, answer
        status, answer = kube.call("POST", BINDINGS, {"metadata": {"name": NAME}, "spec": {
            "policyName": NAME, "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": target.namespace}}}}})
        assert status == 201, answer
        wait_for("the policy is in force",
                 lambda: kube.call("POST", kube.path(resource) + "?dryRun=All", PROBES[resource])[0] in (403, 422))

    yield make
    kube.call("DELETE", f"{BINDINGS}/{NAME}")
    kube.call("DELETE", f"{POLICIES}/{NAME}")
    wait_for("it is forgotten", lambda: all(kube.call("POST", kube.path(r) + "?dryRun=All", PROBES[r])[0] == 201
                                            for r in PROBES))


TRUSTED = "object.spec.template.spec.containers.all(c, !c.image.startsWith('untrusted.example/'))"


class Webhook:
    """Admission that changes created objects, like a registry mirror or a service mesh."""

    def __init__(self, certificates):
        certificates.authority("authority")
        certificates.sign("authority", "webhook")
        self.certificates, self.port, self.server = certificates, free_port(), None

    def start(self, patch):
        """Answer each object with its patch (RFC 6902)."""
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["request"]
                body = json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": {
                    "uid": request["uid"], "allowed": True, "patchType": "JSONPatch",
                    "patch": base64.b64encode(json.dumps(patch(request["object"])).encode()).decode()}}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificates.path("webhook.crt"), self.certificates.path("webhook.key"))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def configuration(self, namespace):
        authority = base64.b64encode(self.certificates.text("authority.crt").encode()).decode()
        return {"metadata": {"name": NAME}, "webhooks": [{
            "name": "images.dcm.example", "admissionReviewVersions": ["v1"], "sideEffects": "None", "timeoutSeconds": 5,
            "failurePolicy": "Fail",
            "clientConfig": {"url": f"https://127.0.0.1:{self.port}/", "caBundle": authority},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            "rules": [{"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"],
                       "resources": ["deployments"]}]}]}


@pytest.fixture
def webhook(target, tmp_path):
    """Called for each new Deployment until the end; it does not respond before start()."""
    kube, hook = target.admin, Webhook(Certificates(tmp_path))

    def probe():
        return kube.call("POST", kube.path("deployments") + "?dryRun=All", deployment("probe"))[0]

    status, answer = kube.call("POST", WEBHOOKS, hook.configuration(target.namespace))
    assert status == 201, answer
    wait_for("the webhook is called", lambda: probe() == 500)
    yield hook
    hook.stop()
    kube.call("DELETE", f"{WEBHOOKS}/{NAME}")
    wait_for("it is forgotten", lambda: probe() == 201)


def to_mirror(deployment):
    image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    return [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": f"mirror.example/{image}"},
            {"op": "add", "path": "/metadata/labels/team", "value": "platform"},
            {"op": "add", "path": "/spec/template/metadata/annotations", "value": {"mesh": "on"}}]


def test_changes_by_a_webhook_are_shown_and_affect_nothing_else(stack, webhook):
    webhook.start(to_mirror)
    written, key = spec(ports=PORTS), {"Idempotency-Key": "changed"}
    made = stack.api.create(written, "changed", key)
    assert made.status == 201, made.text
    assert made.json["spec"]["image"]["reference"] == f"mirror.example/{written['image']['reference']}"
    shown = stack.wait_status("changed", "RUNNING")["spec"]
    assert shown["image"] == made.json["spec"]["image"]
    assert shown["metadata"]["labels"] == {"team": "platform"}
    assert {**shown, **{k: written[k] for k in ("image", "metadata", "network")}} == written
    assert stack.api.create(written, "changed", key).json["uid"] == made.json["uid"]
    stack.api.create(written, "changed").problem(409, "ALREADY_EXISTS")
    assert len(stack.kube.list("deployments")) == len(stack.kube.list("services")) == 1
    assert stack.api.delete("changed").status == 204
    wait_for("nothing is left", lambda: not stack.kube.list("deployments") and not stack.kube.list("services"))


def test_an_unavailable_webhook_is_503_and_leaves_nothing(stack, webhook):
    started = time.monotonic()
    problem = stack.api.create(spec(ports=PORTS), "early").problem(503, "UNAVAILABLE")
    assert time.monotonic() - started < 10  # DCM's programs wait no longer
    assert not any(word in problem["detail"] for word in ("127.0.0.1", NAME)), problem
    assert not stack.kube.list("deployments") and not stack.kube.list("services")
    webhook.start(to_mirror)
    assert stack.api.create(spec(ports=PORTS), "early").status == 201


@pytest.mark.parametrize("reason, status, kind", [(None, 400, "INVALID_ARGUMENT"), ("Forbidden", 403, "PERMISSION_DENIED")])
def test_the_rejection_of_a_deployment_by_a_policy_is_reported_with_its_reason(stack, policy, reason, status, kind):
    policy("deployments", TRUSTED, "images come from our own registry", reason)
    problem = stack.api.create(spec(ports=PORTS, image={"reference": "untrusted.example/x:1"}), "refused").problem(status, kind)
    assert "images come from our own registry" in problem["detail"], problem
    assert not stack.kube.list("deployments") and not stack.kube.list("services")
    assert stack.api.create(spec(ports=PORTS), "trusted").status == 201


def test_the_deployment_is_removed_if_a_policy_rejects_the_service(stack, policy):
    policy("services", "false", "no Services in this namespace", "Forbidden")
    problem = stack.api.create(spec(ports=PORTS), "refused").problem(403, "PERMISSION_DENIED")
    assert "no Services in this namespace" in problem["detail"], problem
    assert not stack.kube.list("deployments")
    assert stack.api.create(spec(), "portless").status == 201


def test_pods_rejected_by_a_policy_are_failed_after_the_grace_period(monitors, own_stack, policy):
    m = monitors(SP_FAILED_GRACE="2s")
    stack = own_stack(name=m.name, nats_port=m.port)
    policy("pods", TRUSTED.replace("template.spec.", ""), "images come from our own registry")
    assert stack.api.create(spec(image={"reference": "untrusted.example/x:1"}), "podless").status == 201
    m.wait_last("podless", "FAILED")
    stack.wait_status("podless", "FAILED")
    assert "PENDING" in m.dcm.of("podless")
    m.wait_message("podless", "images come from our own registry")
    assert stack.api.delete("podless").status == 204
    m.wait_last("podless", "DELETED")


def test_pods_rejected_by_a_limit_range_are_failed_after_the_grace_period(monitors, own_stack):
    m = monitors(SP_FAILED_GRACE="2s")
    stack = own_stack(name=m.name, nats_port=m.port)
    m.kube.create("limitranges", {"metadata": {"name": "small"}, "spec": {"limits": [
        {"type": "Container", "max": {"memory": "1Mi"}}]}})
    assert stack.api.create(spec(), "big").status == 201
    m.wait_last("big", "FAILED")
    m.wait_message("big", "maximum memory usage per Container is 1Mi")
    stack.wait_status("big", "FAILED")
    m.kube.delete("limitranges", "small")


def test_defaults_of_a_limit_range_do_not_change_the_spec(stack):
    stack.kube.create("limitranges", {"metadata": {"name": "defaults"}, "spec": {"limits": [{
        "type": "Container", "default": {"cpu": "3", "ephemeral-storage": "1Gi"}, "defaultRequest": {"cpu": "100m"}}]}})
    written = spec()
    stack.kube.create("deployments", deployment("theirs"))
    assert stack.api.create(written, "ours").status == 201
    assert stack.wait_status("ours", "RUNNING")["spec"]["resources"] == written["resources"]
    pod = wait_for("a Pod", lambda: stack.kube.of("pods", "ours"))[0]
    assert pod["spec"]["containers"][0]["resources"]["limits"]["ephemeral-storage"] == "1Gi", "the limits did apply"
    assert stack.wait_status("theirs", "RUNNING")["spec"]["resources"] == {"cpu": {}, "memory": {}}
    stack.kube.delete("limitranges", "defaults")
