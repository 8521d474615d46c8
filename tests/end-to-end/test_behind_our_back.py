"""Changes by others, and containers created by others: reported as they are, without errors."""

import threading
import time

from api import spec
from monitors import labels_of
from processes import wait_for
from test_life import foreign_deployment

STRATEGIC = "application/strategic-merge-patch+json"  # what kubectl sends
GRACE = 2  # SP_FAILED_GRACE of the stack


def set_image(kube, name, image):
    """As `kubectl set image`."""
    containers = kube.get("deployments", name)["spec"]["template"]["spec"]["containers"]
    patch = {"spec": {"template": {"spec": {"containers": [{"name": containers[0]["name"], "image": image}]}}}}
    status, answer = kube.call("PATCH", kube.path("deployments", name), patch, STRATEGIC)
    assert status == 200, answer


def scale(kube, name, replicas):
    """As `kubectl scale`."""
    kube.patch("deployments", name, {"spec": {"replicas": replicas}}, "/scale")


def living_pods(kube, container_id):
    return [p for p in kube.of("pods", container_id) if "deletionTimestamp" not in p["metadata"]]


class Watcher:
    """Polls a container at full rate until stopped."""

    def __init__(self, api, container_id):
        self.answers, self.stopping = [], threading.Event()
        self.thread = threading.Thread(target=self._run, args=(api, container_id))
        self.thread.start()
        wait_for("a first answer", lambda: self.answers)

    def _run(self, api, container_id):
        while not self.stopping.is_set():
            self.answers.append(api.get(container_id))

    def stop(self):
        """(status, address) of the responses, once for each change."""
        self.stopping.set()
        self.thread.join()
        assert {a.status for a in self.answers} == {200}, [a.text for a in self.answers if a.status != 200][:3]
        shown = [(a.json["status"], a.json["spec"].get("network", {}).get("ip")) for a in self.answers]
        return [s for i, s in enumerate(shown) if i == 0 or s != shown[i - 1]]


def test_a_sidecar_is_ignored_at_any_position(stack):
    """`kubectl patch` inserts new elements before existing ones."""
    made = stack.api.create(spec(ports=[(80, "internal")], process={"command": ["serve"], "env": [
        {"name": "A", "value": "b"}]}), "beside").json
    sidecar = {"name": "sidecar", "image": "docker.io/library/envoy:1", "ports": [{"containerPort": 15001}],
               "env": [{"name": "X", "value": "y"}]}
    status, answer = stack.kube.call("PATCH", stack.kube.path("deployments", "beside"),
                                     {"spec": {"template": {"spec": {"containers": [sidecar]}}}}, STRATEGIC)
    assert status == 200, answer
    names = [c["name"] for c in stack.kube.get("deployments", "beside")["spec"]["template"]["spec"]["containers"]]
    assert names == ["sidecar", "web"], names
    stack.wait_status("beside", "RUNNING")
    for shown in (stack.api.get("beside").json, stack.api.list().json["containers"][0]):
        assert {k: v for k, v in shown["spec"].items() if k != "network"} == {
            k: v for k, v in made["spec"].items() if k != "network"}
        assert shown["spec"]["network"]["ports"] == made["spec"]["network"]["ports"]


def test_during_a_rollout_the_status_is_that_of_the_new_pod(own_stack):
    """The new Pod starts late: PENDING in between, then its address for good. One worker, as each has its own watch."""
    stack = own_stack(1)
    stack.api.create(spec(metadata={"name": "web", "labels": {"dcm-test/start-delay": "1s"}}), "rolled")
    old = stack.wait_status("rolled", "RUNNING")["spec"]["network"]["ip"]
    watcher = Watcher(stack.api, "rolled")
    set_image(stack.kube, "rolled", "docker.io/library/nginx:1.28")
    new = wait_for("an address of the new Pod", lambda: [
        a for a in [watcher.answers[-1].json["spec"].get("network", {}).get("ip")] if a and a != old], 30)[0]
    wait_for("the old Pod is deleted", lambda: len(stack.kube.of("pods", "rolled")) == 1, 30)
    shown = watcher.stop()
    print(shown, len(watcher.answers))
    assert shown == [("RUNNING", old), ("PENDING", None), ("RUNNING", new)]
    assert stack.api.get("rolled").json["spec"]["image"]["reference"] == "docker.io/library/nginx:1.28"


def test_a_stuck_rollout_shows_the_new_pod_and_can_be_rolled_back(stack):
    stack.api.create(spec(), "stuck")
    stack.wait_status("stuck", "RUNNING")
    set_image(stack.kube, "stuck", "registry.invalid/nonexistent:1")
    stack.wait_status("stuck", "PENDING")
    set_image(stack.kube, "stuck", "docker.io/library/nginx:1.27")
    stack.wait_status("stuck", "RUNNING")


def test_of_three_pods_the_worst_state_is_shown(stack):
    stack.api.create(spec(ports=[(80, "internal")]), "three")
    stack.wait_status("three", "RUNNING")
    scale(stack.kube, "three", 3)
    wait_for("three run", lambda: [p["status"].get("phase") for p in living_pods(stack.kube, "three")] == ["Running"] * 3)
    shown = stack.wait_status("three", "RUNNING")
    assert shown["spec"]["network"]["ip"] in [p["status"]["podIP"] for p in living_pods(stack.kube, "three")]
    one = living_pods(stack.kube, "three")[0]["metadata"]["name"]
    stack.kube.patch("pods", one, {"status": {"phase": "Pending"}}, "/status")
    stack.wait_status("three", "PENDING")
    scale(stack.kube, "three", 0)
    stack.wait_status("three", "FAILED")
    assert "ip" not in stack.api.get("three").json["spec"]["network"]
    scale(stack.kube, "three", 1)
    stack.wait_status("three", "RUNNING")
    assert stack.api.delete("three").status == 204


def test_an_evicted_pod_with_a_replacement_is_ignored(stack):
    stack.api.create(spec(), "evicted")
    stack.wait_status("evicted", "RUNNING")
    watcher = Watcher(stack.api, "evicted")
    first = living_pods(stack.kube, "evicted")[0]["metadata"]["name"]
    stack.kube.patch("pods", first, {"status": {"phase": "Failed", "reason": "Evicted"}}, "/status")
    second = wait_for("a successor runs", lambda: [
        p for p in stack.kube.of("pods", "evicted")
        if p["metadata"]["name"] != first and p["status"].get("phase") == "Running"])[0]
    wait_for("its address", lambda: stack.api.get("evicted").json["spec"]["network"].get("ip") == second["status"]["podIP"])
    time.sleep(GRACE + 1)
    assert stack.kube.get("pods", first), "an evicted Pod stays as an object"
    listed = stack.api.list().json["containers"][0]
    shown = watcher.stop()
    assert "FAILED" not in {status for status, _ in shown}, shown
    assert shown[-1] == ("RUNNING", second["status"]["podIP"])
    assert listed["status"] == "RUNNING" and listed["spec"]["network"]["ip"] == second["status"]["podIP"]


def test_an_evicted_pod_without_a_replacement_is_failed_after_the_grace_period(stack, no_pods):
    stack.api.create(spec(), "alone")
    stack.wait_status("alone", "RUNNING")
    no_pods(True)
    pod = living_pods(stack.kube, "alone")[0]["metadata"]["name"]
    before = time.monotonic()
    stack.kube.patch("pods", pod, {"status": {"phase": "Failed", "reason": "Evicted"}}, "/status")
    stack.wait_status("alone", "PENDING")
    stack.wait_status("alone", "FAILED")
    assert time.monotonic() - before > GRACE / 2  # Kubernetes' times are whole seconds
    assert stack.api.list().json["containers"][0]["status"] == "FAILED"


def test_a_later_address_of_a_load_balancer_is_shown(own_stack):
    stack = own_stack(1, SP_K8S_EXTERNAL_SVC_TYPE="LoadBalancer")
    made = stack.api.create(spec(ports=[(80, "external")]), "balanced")
    assert made.status == 201 and made.json["service"]["type"] == "LoadBalancer", made.text
    assert "external_ip" not in stack.api.get("balanced").json["service"]
    for ingress, shown in (({"ip": "203.0.113.7"}, "203.0.113.7"), ({"hostname": "lb.example"}, "lb.example")):
        stack.kube.patch("services", "balanced", {"status": {"loadBalancer": {"ingress": [ingress]}}}, "/status")
        wait_for("the address", lambda s=shown: stack.api.get("balanced").json["service"].get("external_ip") == s)
        wait_for("the address in the list, which is as fresh as the watch", lambda s=shown: stack.api.list().json[
            "containers"][0].get("service", {}).get("external_ip") == s)


def test_a_deleted_service_is_neither_shown_nor_an_error(stack):
    stack.api.create(spec(ports=[(80, "internal")]), "bare")
    stack.kube.delete("services", "bare")
    wait_for("not shown", lambda: "service" not in stack.api.get("bare").json)
    assert "service" not in stack.api.list().json["containers"][0]
    assert stack.api.get("bare").json["spec"]["network"]["ports"] == [{"container_port": 80, "visibility": "internal"}]
    assert stack.api.delete("bare").status == 204
    stack.api.get("bare").problem(404, "NOT_FOUND")


def test_several_deployments_with_one_id_are_one_container_for_get_and_delete(stack):
    for name in ("twin-a", "twin-b", "twin-c"):
        stack.kube.create("deployments", foreign_deployment(name, "twin"))
    stack.wait_known("twin")
    stack.wait_status("twin", "RUNNING")
    uids = {stack.api.get("twin").json["uid"] for _ in range(8)}
    assert len(uids) == 1, "all workers name the same one"
    assert {c["id"] for c in stack.api.list().json["containers"]} == {"twin"}
    stack.api.create(spec(), "twin").problem(409, "ALREADY_EXISTS")
    wait_for("all are known", lambda: all(len(stack.api.list().json["containers"]) == 3 for _ in range(4)))
    assert stack.api.delete("twin").status == 204
    assert stack.kube.list("deployments") == []
    stack.api.get("twin").problem(404, "NOT_FOUND")


FOREIGN = {
    "two containers": lambda pod: pod["containers"].append({"name": "side", "image": "busybox"}),
    "an init container": lambda pod: pod.update(initContainers=[{"name": "init", "image": "busybox"}]),
    "a named port over UDP": lambda pod: pod["containers"][0].update(
        ports=[{"name": "dns", "containerPort": 53, "protocol": "UDP"}]),
    "env from a Secret": lambda pod: pod["containers"][0].update(
        env=[{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": True}}}]),
    "odd quantities": lambda pod: pod["containers"][0].update(
        resources={"requests": {"cpu": "0.1", "memory": "1e6"}, "limits": {"memory": "123456789"}}),
    "only a GPU": lambda pod: pod["containers"][0].update(
        resources={"limits": {"example.com/gpu": "1"}}),
}


def test_foreign_deployments_are_shown_with_their_values(stack):
    ids = {what: what.lower().replace(" ", "-") for what in FOREIGN}
    for what, change in FOREIGN.items():
        body = foreign_deployment("their-" + ids[what], ids[what])
        change(body["spec"]["template"]["spec"])
        stack.kube.create("deployments", body)
    stack.wait_known(*ids.values())
    for what, container_id in ids.items():
        shown = stack.api.get(container_id).json
        assert shown["id"] == container_id and shown["spec"]["image"]["reference"] == "nginx" and shown["status"], shown
    assert {c["id"] for c in stack.api.list().json["containers"]} == set(ids.values())
    for container_id in ids.values():
        assert stack.api.delete(container_id).status == 204


def test_foreign_ids_in_another_format_cause_no_errors(stack):
    labels = ["", "Upper_Case", "dots.in.it", "x" * 63]
    for i, label in enumerate(labels):
        body = foreign_deployment(f"strange-{i}", "x")
        body["metadata"]["labels"].update(labels_of(label))
        stack.kube.create("deployments", body)
    assert stack.api.create(spec(), "ours").status == 201
    assert [c["id"] for c in stack.api.list().json["containers"]] == ["ours"] + labels
    stack.wait_known("ours", "x" * 63)
    assert all(w.alive() for w in stack.workers)


def test_malformed_annotations_are_ignored(stack):
    """GET then returns the values of the cluster."""
    stack.api.create(spec(provider_hints={"a": 1}), "edited")
    stack.wait_status("edited", "RUNNING")
    ours = [a for a in stack.kube.get("deployments", "edited")["metadata"]["annotations"] if a.startswith("dcm.project/")]
    for broken in ("{", "[]", "null", '{"resources": 7, "network": {"ports": {}}}', None):
        stack.kube.patch("deployments", "edited", {"metadata": {"annotations": {a: broken for a in ours}}})
        for shown in (stack.api.get("edited").json, stack.api.list().json["containers"][0]):
            assert shown["id"] == "edited" and shown["spec"]["image"]["reference"] == "docker.io/library/nginx:1.27"
            assert shown["spec"]["resources"]["memory"] == {"min": "64MB", "max": "128MB"}
    assert stack.api.delete("edited").status == 204


def test_labels_at_the_limits_of_kubernetes(stack):
    """63 characters round-trip; one more is rejected by our own rules, with a pointer."""
    longest = {"k" * 63: "v" * 63, "p" * 63 + "." + "q" * 63 + "/" + "n" * 63: "", "dcm.project/other": "fine"}
    answer = stack.api.create(spec(metadata={"name": "n", "labels": longest}), "labelled")
    assert answer.status == 201, answer.text
    assert stack.api.get("labelled").json["spec"]["metadata"]["labels"] == longest
    stack.wait_status("labelled", "RUNNING")
    for labels in ({"k": "v" * 64}, {"k" * 64: "v"}, {"p" * 254 + "/n": "v"}, {"a/b/c": "v"}, {"/n": "v"}, {"k": "-v"}):
        problem = stack.api.create(spec(metadata={"name": "n", "labels": labels}), "refused").problem(400, "INVALID_ARGUMENT")
        assert problem["errors"][0]["pointer"].startswith("/spec/metadata/labels"), problem
    assert [d["metadata"]["name"] for d in stack.kube.list("deployments")] == ["labelled"]
