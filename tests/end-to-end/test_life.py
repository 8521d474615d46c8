"""Container life cycle: create, read, list, delete according to the contract, checked on both sides."""

import concurrent.futures
import copy
import re
import time

import pytest

from api import BASE, Api, spec
from processes import wait_for

pytestmark = pytest.mark.usefixtures("root_kind")

LONG_ID = "7" + "a" * 62
LEGAL_IDS = ["a", "9", "7abc", "s-7abc", "s-s-7abc", "stack1-db", "web", "0fe3a1c2-1b2c-4d5e-8f90-a1b2c3d4e5f6",
             "x" * 63, LONG_ID, "s-" + "7" + "a" * 60, "a-1", "1-a"]

FULL = {
    "service_type": "container",
    "metadata": {"name": "everything", "labels": {"team": "a", "example.com/tier": "db-1", "empty": ""}},
    "image": {"reference": "docker.io/library/nginx:1.27"},
    "resources": {"cpu": {"min": 1, "max": "2000m"}, "memory": {"min": "1024MB", "max": "2GB"}},
    "process": {"command": ["sh", "-c"], "args": ["", "say \"hi\"", "two\nlines", "ünïcödé \U0001F600", "$(HOME)"],
                "env": [{"name": "EMPTY", "value": ""}, {"name": "QUOTED", "value": "a \"b\" 'c'\n\td"}]},
    "network": {"ports": [{"container_port": 80, "visibility": "external"}, {"container_port": 81, "visibility": "none"},
                          {"container_port": 82, "visibility": "internal"}]},
    "provider_hints": {"kubernetes": {"deep": [1, 2.5, None, True, {"x": "y"}]}},
}


def services(kube):
    """Services of ports: each StatefulSet also has a headless one."""
    return [s for s in kube.list("services") if s["spec"]["clusterIP"] != "None"]


def without_outputs(written):
    """The spec of a response without output-only fields."""
    written = copy.deepcopy(written)
    written["metadata"].pop("namespace")
    if "network" in written:
        written["network"].pop("ip", None)
        if not written["network"]:
            written.pop("network")
    return written


def test_create_shows_the_container_and_makes_the_objects(stack):
    answer = stack.api.create(FULL, "full-1")
    assert answer.status == 201, answer.text
    body = answer.json
    assert body["id"] == "full-1" and body["path"] == "containers/full-1" and body["status"] == "PENDING"
    assert body["spec"]["metadata"]["namespace"] == stack.target.namespace
    assert body["create_time"] == body["update_time"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", body["create_time"])
    assert without_outputs(body["spec"]) == FULL
    assert body["service"]["name"] == "full-1" and body["service"]["type"] == "NodePort"
    assert [p["port"] for p in body["service"]["ports"]] == [80, 82]

    deployment = stack.kube.get("deployments", "full-1")
    assert deployment["metadata"]["uid"] == body["uid"] and deployment["spec"]["replicas"] == 1
    ours = {"dcm.project/managed-by": "dcm", "dcm.project/dcm-instance-id": "full-1",
            "dcm.project/dcm-service-type": "container"}
    assert deployment["spec"]["selector"]["matchLabels"] == ours
    assert ours.items() <= deployment["metadata"]["labels"].items()
    assert deployment["metadata"]["labels"]["team"] == "a"
    assert ours.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
    service = stack.kube.get("services", "full-1")
    assert service["metadata"]["ownerReferences"][0]["uid"] == body["uid"]
    assert [p["name"] for p in service["spec"]["ports"]] == ["port-80", "port-82"]


def test_get_shows_the_spec_and_the_state(stack):
    created = stack.api.create(FULL, "full-2").json
    running = stack.wait_status("full-2", "RUNNING")
    assert without_outputs(running["spec"]) == FULL
    assert running["create_time"] == created["create_time"] and running["uid"] == created["uid"]
    assert running["update_time"] >= running["create_time"]
    pod = stack.kube.of("pods", "full-2")[0]
    assert running["spec"]["network"]["ip"] == pod["status"]["podIP"]
    assert running["service"]["cluster_ip"] and running["service"]["ports"][0]["node_port"] >= 30000


@pytest.mark.parametrize("change", [
    {"resources": {"cpu": {"min": 1, "max": 1}, "memory": {"min": "1MB", "max": "1TB"}}},
    {"resources": {"cpu": {"min": "500m", "max": "1"}, "memory": {"min": "2048MB", "max": "2GB"}}},
    {"process": {"command": [], "args": [], "env": []}}, {"process": {}}, {"network": {"ports": []}},
    {"metadata": {"name": "n", "labels": {}}}, {"provider_hints": {}},
])
def test_every_form_of_a_spec_is_returned_unchanged(stack, change):
    wanted = spec(**change)
    assert stack.api.create(wanted, "form").status == 201
    assert without_outputs(stack.api.get("form").json["spec"]) == wanted


@pytest.mark.parametrize("network", [None, {}, {"ports": None}, {"ports": []}])
def test_all_forms_of_no_ports_create_no_service(stack, network):
    answer = stack.api.create(spec(network=network), "portless")
    assert answer.status == 201 and "service" not in answer.json
    assert services(stack.kube) == []


def test_a_generated_id_is_a_uuid(stack):
    body = stack.api.create(spec()).json
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", body["id"])
    assert stack.api.get(body["id"]).status == 200


@pytest.mark.deployments
def test_every_valid_id_works_with_a_service(stack):
    names = set()
    for container_id in LEGAL_IDS:
        answer = stack.api.create(spec(ports=[(80, "internal")]), container_id)
        assert answer.status == 201, answer.text
        names.add(answer.json["service"]["name"])
        assert stack.api.get(container_id).json["service"]["name"] == answer.json["service"]["name"]
    assert len(names) == len(LEGAL_IDS)
    assert stack.api.get("stack1-db").json["service"]["name"] == "stack1-db"
    assert len(stack.kube.list("services")) == len(LEGAL_IDS)
    for container_id in LEGAL_IDS:
        assert stack.api.delete(container_id).status == 204
    wait_for("Services deleted", lambda: not stack.kube.list("services"))


def test_an_id_in_use_is_rejected_without_changes(stack):
    first = stack.api.create(spec("first", [(80, "internal")]), "taken").json
    stack.api.create(spec("second", [(81, "internal")]), "taken").problem(409, "ALREADY_EXISTS")
    again = stack.api.get("taken").json
    assert again["uid"] == first["uid"] and again["spec"]["metadata"]["name"] == "first"
    assert len(services(stack.kube)) == 1


def test_two_containers_may_share_a_name(stack):
    assert stack.api.create(spec("same"), "one").status == 201
    assert stack.api.create(spec("same"), "two").status == 201
    assert {c["id"] for c in stack.api.list().json["containers"]} == {"one", "two"}


def pod_ip(stack, container_id, uid):
    """The address of the Pod that belongs to the root of that uid, through its ReplicaSet when it is a Deployment."""
    owners = {r["metadata"]["uid"] for r in stack.kube.of("replicasets", container_id)
              if r["metadata"]["ownerReferences"][0]["uid"] == uid}
    return next(p["status"].get("podIP") for p in stack.kube.of("pods", container_id)
                if p["metadata"]["ownerReferences"][0]["uid"] in {uid, *owners})


def test_delete_then_get_and_create_again_immediately(stack):
    for _ in range(5):
        assert stack.api.create(spec("old", [(80, "internal")]), "again").status == 201
        stack.wait_status("again", "RUNNING")
        assert stack.api.delete("again").status == 204
        for _ in range(4):  # whichever worker answers
            stack.api.get("again").problem(404, "NOT_FOUND")
        assert stack.api.list().json["containers"] == []
        answer = stack.api.create(spec("new", [(80, "internal")]), "again")
        assert answer.status == 201, answer.text
        shown = stack.api.get("again").json
        assert shown["uid"] == answer.json["uid"] and shown["spec"]["metadata"]["name"] == "new"
        assert shown["status"] == "PENDING" or pod_ip(stack, "again", shown["uid"]) == shown["spec"]["network"]["ip"]
        assert shown["service"]["name"] == "again"
        assert stack.api.delete("again").status == 204


def test_delete_leaves_nothing(stack):
    stack.api.create(FULL, "gone")
    stack.wait_status("gone", "RUNNING")
    answer = stack.api.delete("gone")
    assert answer.status == 204 and answer.text == ""
    stack.api.delete("gone").problem(404, "NOT_FOUND")
    wait_for("all deleted", lambda: not any(stack.kube.of(k, "gone")
                                         for k in ("deployments", "replicasets", "pods", "services")), 30)


def test_delete_by_key_of_a_missing_container_succeeds(stack):
    assert stack.api.delete("absent", {"Idempotency-Key": "k1"}).status == 204


def test_unknown_and_empty_ids_are_rejected(stack):
    stack.api.get("absent").problem(404, "NOT_FOUND")
    stack.api.call("GET", BASE + "/").problem(400, "INVALID_ARGUMENT")
    stack.api.call("DELETE", BASE + "/").problem(400, "INVALID_ARGUMENT")


def test_concurrent_creates_of_one_id_have_one_success(stack):
    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(lambda i: stack.api.create(spec(f"n{i}", [(80, "internal")]), "race").status, range(100)))
    assert sorted(answers) == [201] + [409] * 99
    assert len(stack.kube.list("deployments")) == 1 and len(services(stack.kube)) == 1


def test_an_idempotency_key_returns_the_first_result(stack):
    headers = {"Idempotency-Key": f"order-1-{stack.api.kind}"}
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: stack.api.create(spec(ports=[(80, "internal")]), headers=headers), range(50)))
    assert [a.status for a in answers] == [201] * 50, [a.text for a in answers if a.status != 201][:1]
    assert len({a.json["uid"] for a in answers}) == 1 and all(a.json["service"] for a in answers)
    assert len(stack.kube.list("deployments")) == 1
    with_id = [stack.api.create(spec(), "keyed", {"Idempotency-Key": "order-2"}) for _ in range(2)]
    assert [a.status for a in with_id] == [201, 201] and with_id[0].json["uid"] == with_id[1].json["uid"]
    stack.api.create(spec(), "keyed", {"Idempotency-Key": "another"}).problem(409, "ALREADY_EXISTS")
    stack.api.create(spec(), "keyed").problem(409, "ALREADY_EXISTS")


def test_a_bare_spec_requires_a_key(stack):
    stack.api.call("POST", BASE, spec()).problem(400, "INVALID_ARGUMENT")
    assert stack.api.call("POST", BASE, spec(), {"Idempotency-Key": "agent-1"}).status == 201


def test_a_foreign_service_with_the_name_is_not_changed(stack):
    stack.kube.create("services", {"metadata": {"name": "mine"}, "spec": {"ports": [{"port": 1}]}})
    before = stack.kube.get("services", "mine")["metadata"]["uid"]
    problem = stack.api.create(spec(ports=[(80, "internal")]), "mine").problem(409, "ALREADY_EXISTS")
    assert "Service" in problem["detail"]
    assert stack.kube.get("services", "mine")["metadata"]["uid"] == before
    wait_for("nothing left", lambda: not stack.kube.list("deployments", ""))
    assert stack.api.create(spec(), "mine").status == 201  # without ports there is no conflict


def foreign_deployment(name, container_id=None, **labels):
    if container_id:
        labels.update({"dcm.project/managed-by": "dcm", "dcm.project/dcm-instance-id": container_id,
                       "dcm.project/dcm-service-type": "container"})
    pod_labels = {"app": name, **labels}
    return {"metadata": {"name": name, "labels": labels},
            "spec": {"selector": {"matchLabels": {"app": name}},
                     "template": {"metadata": {"labels": pod_labels},
                                  "spec": {"containers": [{"name": "c", "image": "nginx"}]}}}}


@pytest.mark.deployments
def test_a_foreign_deployment_with_the_name_is_not_changed(stack):
    stack.kube.create("deployments", foreign_deployment("theirs"))
    before = stack.kube.get("deployments", "theirs")["metadata"]["uid"]
    problem = stack.api.create(spec(ports=[(80, "internal")]), "theirs").problem(409, "ALREADY_EXISTS")
    assert "Deployment" in problem["detail"]
    stack.api.get("theirs").problem(404, "NOT_FOUND")
    stack.api.delete("theirs").problem(404, "NOT_FOUND")
    assert stack.kube.get("deployments", "theirs")["metadata"]["uid"] == before
    assert services(stack.kube) == []


def test_containers_of_other_programs_are_fully_supported(stack):
    stack.kube.create("deployments", foreign_deployment("made-elsewhere", "elsewhere"))
    stack.wait_known("elsewhere")
    shown = stack.wait_status("elsewhere", "RUNNING")
    assert shown["id"] == "elsewhere" and shown["spec"]["image"]["reference"] == "nginx"
    assert [c["id"] for c in stack.api.list().json["containers"]] == ["elsewhere"]
    stack.api.create(spec(), "elsewhere").problem(409, "ALREADY_EXISTS")
    assert stack.api.delete("elsewhere").status == 204
    assert stack.kube.get("deployments", "made-elsewhere") is None
    assert stack.api.create(spec(), "elsewhere").status == 201  # immediately, even with an outdated cache of a worker
    assert stack.api.delete("elsewhere").status == 204
    wait_for("deleted for every worker", lambda: all(stack.api.get("elsewhere").status == 404 for _ in range(8)))


def test_a_leftover_service_of_a_deleted_container_is_replaced(stack):
    stack.api.create(spec(ports=[(80, "internal")]), "heir")
    deployment = stack.kube.get("deployments", "heir")
    stack.kube.delete("deployments", "heir")
    assert deployment
    answer = stack.api.create(spec(ports=[(81, "internal")]), "heir")
    assert answer.status == 201, answer.text
    assert answer.json["service"]["ports"][0]["port"] == 81
    time.sleep(1)  # what garbage collection takes must not be the new one
    assert stack.kube.get("services", "heir")["metadata"]["ownerReferences"][0]["uid"] == answer.json["uid"]


def test_changes_by_others_are_shown(stack):
    stack.api.create(spec(ports=[(80, "internal")]), "edited")
    stack.wait_status("edited", "RUNNING")
    stack.kube.patch("deployments", "edited", {"spec": {"replicas": 0}})
    stack.wait_status("edited", "FAILED")
    stack.kube.patch("deployments", "edited", {"spec": {"replicas": 1}})
    stack.wait_status("edited", "RUNNING")
    stack.kube.patch("deployments", "edited", {"metadata": {"labels": {"added": "later"}}})
    assert stack.api.get("edited").json["spec"]["metadata"]["labels"] == {"added": "later"}
    stack.kube.delete("services", "edited")
    wait_for("no service shown", lambda: "service" not in stack.api.get("edited").json)
    assert stack.api.delete("edited").status == 204


def test_failures_are_shown_according_to_the_contract(stack):
    stack.api.create(spec(image={"reference": "registry.invalid/nonexistent:1"}), "nopull")
    stack.api.create(spec(image={"reference": "registry.invalid/crashloop:1"}), "crash")
    stack.wait_status("crash", "RUNNING")
    time.sleep(1)
    assert stack.api.get("nopull").json["status"] == "PENDING"


def test_list_pages_are_ordered_without_duplicates(stack):
    ids = sorted(f"c{i:03d}" for i in range(57))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(a.status == 201 for a in pool.map(lambda i: stack.api.create(spec(), i), reversed(ids)))
    page = stack.api.list().json
    assert len(page["containers"]) == 50 and page["next_page_token"]
    for size in (1, 7, 56, 57, 1000):
        assert [c["id"] for c in stack.api.list_all(size)] == ids, size
    stack.api.list(page_token="garbage").problem(400, "INVALID_ARGUMENT")


def test_later_pages_show_the_current_state(stack):
    """Not that of the first page, from which Kubernetes continues."""
    ids = [f"c{n:x}" for n in range(12)]
    old = {i: stack.api.create(spec(), i).json["uid"] for i in ids}
    token = stack.api.list(max_page_size=2).json["next_page_token"]
    assert stack.api.delete("c3").status == 204
    changed = stack.api.call("PATCH", f"{BASE}/c4", {"spec": {"image": {"reference": "registry.example/new:2"}}},
                             {"Content-Type": "application/merge-patch+json"})
    assert changed.status == 200, changed.text
    for container_id in ("c5", "c7", "c8"):
        assert stack.api.delete(container_id).status == 204
    again = stack.api.create(spec(), "c5")
    assert again.status == 201 and again.json["uid"] != old["c5"]
    left = ids[2:3] + ids[4:7] + ids[9:]
    for size in (1, 2, 3, 50):
        shown, at = [], token
        while at:
            page = stack.api.list(max_page_size=size, page_token=at)
            assert page.status == 200 and page.json["containers"], "none is empty"
            shown, at = shown + page.json["containers"], page.json["next_page_token"]
        assert [(c["id"], c["uid"], c["spec"]["image"]["reference"]) for c in shown] == [
            (i, again.json["uid"] if i == "c5" else old[i], (changed if i == "c4" else again).json["spec"]["image"]["reference"])
            for i in left], size


def test_every_page_has_containers_of_other_programs(stack):
    stack.api.create(spec(), "a-first")
    for name, container_id in (("their-1", "theirs"), ("their-2", "theirs"), ("their-3", ""), ("their-4", None)):
        body = foreign_deployment(name, "x")
        for labels in (body["metadata"]["labels"], body["spec"]["template"]["metadata"]["labels"]):
            labels["dcm.project/dcm-instance-id"] = container_id
            if container_id is None:
                del labels["dcm.project/dcm-instance-id"]
        stack.kube.create("deployments", body)
    stack.api.create(spec(), "z-last")
    made = sorted(d["metadata"]["uid"] for d in stack.kube.list("deployments"))
    for size in (1, 2, 3, 10):
        assert sorted(c["uid"] for c in stack.api.list_all(size)) == made, size


def test_request_ids_are_accepted_returned_and_logged(stack):
    answer = stack.api.get("absent", headers={"X-Request-Id": "my-request-42"})
    assert answer.headers["x-request-id"] == "my-request-42"
    assert stack.api.get("absent").headers["x-request-id"]
    wait_for("logged by api-svc", lambda: "my-request-42" in stack.api_svc.log())
    wait_for("logged by a worker", lambda: any("my-request-42" in w.log() for w in stack.workers))


def test_openapi_is_served(stack):
    assert stack.api.call("GET", "/openapi.yaml").text.startswith("openapi:")
    assert stack.api.call("GET", "/openapi.json").json["openapi"].startswith("3.0")


def test_two_providers_on_one_nats_are_isolated(stack, target, tmp_path):
    from conftest import Stack
    others = []
    try:
        for i, name in enumerate(["a", "a.b", "a b", "a*", ">"]):
            folder = tmp_path / str(i)
            folder.mkdir()
            other = Stack(target, str(folder), name=name, nats_port=stack.nats_port)
            other.api_svc.start()
            others.append(other)
            wait_for("api-svc", lambda o=other: _answers(o.api))
            assert other.api.health() == "unhealthy"  # it has no separate worker
        others[1].add_worker()
        wait_for("its own worker answers", lambda: others[1].api.health() == "healthy")
        assert [o.api.health() for o in others] == ["unhealthy", "healthy"] + ["unhealthy"] * 3
    finally:
        for other in others:
            other.stop()


def _answers(api: Api):
    try:
        return api.health()
    except OSError:
        return None
