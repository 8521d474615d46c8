"""Each permission of the Roles is necessary: removing it changes a response or a log message."""

import concurrent.futures
import json
import os
import subprocess
import types

from api import BASE, spec
from conftest import Stack
from control_plane import CLUSTER, ROOT
from kube import Kube
from processes import Process, wait_for
from watcher import Watcher

BIN = os.environ["E2E_BIN"]
ROLES = "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles"
PORTS = [(80, "internal")]
MERGE_PATCH = {"Content-Type": "application/merge-patch+json"}
NO_NETWORK, NETWORK = {"spec": {"network": None}}, {"spec": {"network": spec(ports=PORTS)["network"]}}
AUTOSCALE = {"provider_hints": {"kubernetes": {"autoscale": {"min": 1, "max": 3, "cpu_percent": 70}}}}
OTHER_PORT = {"spec": {"network": spec(ports=[(81, "internal")])["network"]}}
MORE, NONE = ({"spec": {"provider_hints": {"kubernetes": {"autoscale": value}}}} for value in ({"max": 4}, None))
AT_ONCE = 6
SLOW_S = 10


def tenant(name):
    """A namespace with separate Roles, like those of the fixture `target`."""
    kubeconfig = subprocess.run([os.path.join(ROOT, "tests/cluster/tenant.sh"), CLUSTER, name], check=True,
                                stdout=subprocess.PIPE, text=True).stdout.strip()
    return types.SimpleNamespace(simulated=False, namespace=name, kubeconfig=kubeconfig,
                                 admin=Kube(f"{CLUSTER}/admin.kubeconfig", name))


def rights_of(kube):
    """[(role, group, resource, verb)]"""
    status, found = kube.call("GET", ROLES.format(kube.namespace))
    assert status == 200, found
    return [(role["metadata"]["name"], rule["apiGroups"][0], resource, verb) for role in found["items"]
            for rule in role["rules"] for resource in rule["resources"] for verb in rule["verbs"]]


def take_away(where, right):
    role, group, resource, verb = right
    path = f"{ROLES.format(where.namespace)}/{role}"
    rules = []
    for rule in where.admin.call("GET", path)[1]["rules"]:
        for one in rule["resources"]:
            taken = rule["apiGroups"] == [group] and one == resource
            rules.append({**rule, "resources": [one], "verbs": [v for v in rule["verbs"] if not taken or v != verb]})
    status, answer = where.admin.call("PATCH", path, {"rules": [rule for rule in rules if rule["verbs"]]}, "application/merge-patch+json")
    assert status == 200, answer
    main, _, subresource = resource.partition("/")
    review = {"spec": {"resourceAttributes": {"namespace": where.namespace, "group": group, "resource": main,
                                              "subresource": subresource, "verb": verb}}}
    wait_for("the permission is removed", lambda: not Kube(where.kubeconfig, where.namespace).call(
        "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)[1]["status"]["allowed"])


def use(stack):
    """Everything that a client can do, with the statuses of the answers: {call: status}; with both kinds of roots."""
    return {f"{name} ({kind})": status for kind in ("Deployment", "StatefulSet")
            for name, status in use_kind(stack, kind, kind.lower()).items()}


def use_kind(stack, kind, container_id):
    said, hints = {}, {"provider_hints": {"kubernetes": {**AUTOSCALE["provider_hints"]["kubernetes"], "kind": kind}}}

    def call(name, method, path, body=None, headers=None):
        said[name] = stack.api.call(method, f"{BASE}{path}", body, headers).status

    def seen_by_all():
        return (answer := stack.api.get(container_id)).status == 200 and answer.json["status"] == "RUNNING"

    call("create", "POST", f"?id={container_id}", {"spec": spec(ports=PORTS, **hints)})
    try:
        wait_for("RUNNING", seen_by_all, SLOW_S)
    except AssertionError:
        said["it is never RUNNING"] = True
    for name in ("", "/revisions", "/events", "/logs"):
        call(f"get {name}", "GET", f"/{container_id}{name}")
    said["usage is forbidden"] = stack.api.call("GET", f"{BASE}/{container_id}/usage").status == 403  # else it depends on the cluster
    call("list", "GET", "")
    call("exec", "POST", f"/{container_id}:exec", {"command": ["true"]})
    for name, change in (("autoscaler", MORE), ("another port", OTHER_PORT), ("no Service", NO_NETWORK),
                         ("Service", NETWORK), ("no autoscaler", NONE)):
        call(f"patch: {name}", "PATCH", f"/{container_id}", change, MERGE_PATCH)
    for method in ("stop", "start", "restart", "rollback"):
        call(method, "POST", f"/{container_id}:{method}")
    said["watch"] = Watcher(stack.api.port).status
    call("delete", "DELETE", f"/{container_id}")
    call("create again", "POST", f"?id={container_id}", {"spec": spec(ports=PORTS)})
    return said


def complaints(folder, number, right=None):
    """Responses and logs without a permission, of a pipeline without JetStream, which uses marks on objects."""
    where = tenant(f"rights-{number}")
    folder = folder / str(number)
    folder.mkdir()
    if right:
        take_away(where, right)
    stack = Stack(where, str(folder))
    stack.nats.args = ["nats-server", "-a", "127.0.0.1", "-p", str(stack.nats_port)]
    monitor = Process("monitor", [f"{BIN}/monitor"], stack.env, str(folder))
    try:
        stack.start()
        monitor.start().wait_log('"ready"')
        said = use(stack)
    finally:
        monitor.stop()
        stack.stop()
        where.admin.call("DELETE", f"/api/v1/namespaces/{where.namespace}")
    logged = [json.loads(line) for process in (monitor, *stack.workers) for line in process.log().splitlines()]
    return said, {entry["msg"]: entry for entry in logged if entry["level"] in ("warn", "error")}


def test_each_removed_permission_has_an_effect(tmp_path):
    usual, usually_logged = complaints(tmp_path, 0)
    assert not [name for name, status in usual.items() if status >= 400], usual
    rights = rights_of(Kube(f"{CLUSTER}/admin.kubeconfig", os.environ["E2E_NAMESPACE"]))
    assert len(rights) > 20, rights
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(lambda numbered: complaints(tmp_path, *numbered), enumerate(rights, 1)))
    missed = {right: {k: v for k, v in said.items() if v != usual.get(k)} or logged.keys() - usually_logged.keys()
              for right, (said, logged) in zip(rights, found)}
    for right, how in missed.items():
        print(right, how)
    assert not [right for right, how in missed.items() if not how]
