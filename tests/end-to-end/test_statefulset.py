"""Containers as StatefulSets: specifics, and behaviour shared with Deployments."""

import concurrent.futures
import hashlib
import json
import threading
import time

import pytest

from api import BASE, spec
from monitors import deployment
from processes import wait_for
from watcher import Watcher

KINDS = ("Deployment", "StatefulSet")
MERGE = {"Content-Type": "application/merge-patch+json"}


def of_kind(kind, **hints):
    return {"provider_hints": {"kubernetes": {**({"kind": kind} if kind else {}), **hints}}}


def stateful(**hints):
    return of_kind("StatefulSet", **hints)


def headless(container_id):
    return "s-1" + hashlib.sha256(container_id.encode()).hexdigest()[:60]


def patch(stack, container_id, body, headers=None):
    return stack.api.call("PATCH", f"{BASE}/{container_id}", body, {**MERGE, **(headers or {})})


def method(stack, container_id, verb, body=None, headers=None):
    return stack.api.call("POST", f"{BASE}/{container_id}:{verb}", body, headers)


def pods(stack, container_id):
    """The Pods by name, without those that go."""
    return {p["metadata"]["name"]: p for p in stack.kube.of("pods", container_id)
            if not p["metadata"].get("deletionTimestamp")}


def wait_pods(stack, container_id, count, image="docker.io/library/nginx:1.27"):
    def all_there():
        found = pods(stack, container_id)
        return len(found) == count and all(
            p["spec"]["containers"][0]["image"] == image and p["status"]["phase"] == "Running"
            for p in found.values()) and found
    return wait_for(f"{count} Pods of {container_id} with {image}", all_there, 40, 0.1)


def objects_of(stack, container_id):
    return {kind: [o["metadata"]["name"] for o in stack.kube.of(kind, container_id)]
            for kind in ("deployments", "statefulsets", "services")}


# ---- its objects ----------------------------------------------------------------------------------------------------

def test_it_has_stable_names_and_a_headless_service(stack):
    answer = stack.api.create(spec(ports=[(80, "internal")], **stateful(replicas=2)), "db")
    assert answer.status == 201, answer.text
    assert answer.json["service"]["name"] == "db", "the one of its ports, not the headless one"
    assert answer.json["spec"]["provider_hints"]["kubernetes"] == {"kind": "StatefulSet", "replicas": 2}
    made = stack.kube.get("statefulsets", "db")
    assert stack.api.get("db").json["headless_service"] == headless("db")
    assert made["spec"]["serviceName"] == headless("db") and made["spec"]["podManagementPolicy"] == "Parallel"
    assert stack.kube.get("deployments", "db") is None
    assert set(wait_pods(stack, "db", 2)) == {"db-0", "db-1"}
    service = stack.kube.get("services", headless("db"))
    assert service["spec"]["clusterIP"] == "None" and service["spec"]["publishNotReadyAddresses"]
    assert service["spec"]["selector"] == made["spec"]["selector"]["matchLabels"]
    assert {o["kind"] for o in service["metadata"]["ownerReferences"]} == {"StatefulSet"}
    shown = stack.wait_status("db", "RUNNING")
    wait_for("all are ready", lambda: stack.api.get("db").json["replicas"] == {
        "desired": 2, "ready": 2, "updated": 2, "available": 2})
    assert shown["revision"] == 1 and shown["service"]["name"] == "db"
    before = {name: p["metadata"]["uid"] for name, p in pods(stack, "db").items()}
    stack.kube.delete("pods", "db-1")
    wait_for("another Pod of the name", lambda: (p := pods(stack, "db")).keys() == before.keys()
             and p["db-1"]["metadata"]["uid"] != before["db-1"], 30)
    assert stack.api.delete("db").status == 204
    wait_for("everything is deleted", lambda: not any(objects_of(stack, "db").values()) and not stack.kube.of("pods", "db"), 30)
    wait_for("its revisions too", lambda: not stack.kube.of("controllerrevisions", "db"), 30)


def test_without_ports_it_has_the_headless_service_only(stack):
    assert "service" not in stack.api.create(spec(**stateful()), "alone").json
    stack.wait_status("alone", "RUNNING")
    assert "service" not in stack.api.get("alone").json
    assert [s["metadata"]["name"] for s in stack.kube.of("services", "alone")] == [headless("alone")]
    assert patch(stack, "alone", {"spec": {"network": {"ports": [{"container_port": 80, "visibility": "internal"}]}}}).status == 200
    assert {s["metadata"]["name"] for s in stack.kube.of("services", "alone")} == {headless("alone"), "alone"}
    answer = patch(stack, "alone", {"spec": {"network": None, "metadata": {"labels": {"team": "shop"}}}})
    assert answer.status == 200 and "service" not in answer.json, answer.text
    left, = stack.kube.of("services", "alone")
    assert left["metadata"]["name"] == headless("alone") and left["metadata"]["labels"]["team"] == "shop"


def test_a_missing_headless_service_is_recreated(stack):
    stack.api.create(spec(**stateful()), "mended")
    stack.kube.delete("services", headless("mended"))
    # Of a young container, only objects never seen are created: the cache may have seen this one.
    answer = patch(stack, "mended", {"spec": {"metadata": {"labels": {"a": "b"}}}})
    assert answer.status == 200, answer.text
    assert stack.kube.get("services", headless("mended"))


def test_an_autoscaler_has_it_as_its_target(stack):
    assert stack.api.create(spec(**stateful(autoscale={"max": 3, "cpu_percent": 50})), "scaled").status == 201
    target = stack.kube.get("horizontalpodautoscalers", "scaled")["spec"]["scaleTargetRef"]
    assert target == {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "scaled"}


# ---- rejected requests -----------------------------------------------------------------------------------------------

def test_unsupported_combinations_are_rejected_with_a_pointer(stack):
    where = "/spec/provider_hints/kubernetes/"
    for hints, pointers in (
            ({"kind": "Pod"}, {"kind"}), ({"kind": 7}, {"kind"}), ({"kind": "statefulset"}, {"kind"}),
            ({"kind": "StatefulSet", "strategy": {"type": "recreate"}}, {"strategy/type"}),
            ({"kind": "StatefulSet", "strategy": {"type": "rolling", "max_surge": 1}}, {"strategy/max_surge"}),
            ({"kind": "StatefulSet", "strategy": {"type": "rolling", "max_surge": 1, "max_unavailable": 1}},
             {"strategy/max_surge", "strategy/max_unavailable"})):
        problem = stack.api.create(spec(provider_hints={"kubernetes": hints}), "no").problem(400, "INVALID_ARGUMENT")
        assert {e["pointer"] for e in problem["errors"]} == {where + p for p in pointers}, problem
    assert stack.api.create(spec(**stateful(strategy={"type": "rolling"})), "y" * 52).status == 201
    problem = stack.api.create(spec(**stateful()), "n" * 53).problem(400, "INVALID_ARGUMENT")
    assert "52" in problem["detail"] and problem["errors"][0]["pointer"] == "/query/id", problem
    stack.wait_status("y" * 52, "RUNNING")


@pytest.mark.parametrize("kind", [None, *KINDS])
def test_the_kind_cannot_be_changed(stack, kind):
    stack.api.create(spec(**of_kind(kind, x=1)), "fixed")
    etag = stack.api.get("fixed").headers["etag"]
    other = "StatefulSet" if kind != "StatefulSet" else "Deployment"
    changes = [{"kubernetes": {"kind": other}}] + ([{"kubernetes": {"kind": None}}, None] if kind == "StatefulSet" else [])
    for hints in changes:
        problem = patch(stack, "fixed", {"spec": {"provider_hints": hints}}).problem(400, "INVALID_ARGUMENT")
        assert [e["pointer"] for e in problem["errors"]] == ["/spec/provider_hints/kubernetes/kind"], problem
    assert stack.api.get("fixed").headers["etag"] == etag
    same = patch(stack, "fixed", {"spec": {"provider_hints": {"kubernetes": {"kind": kind or "Deployment", "x": 2}}}})
    assert same.status == 200, same.text


def events_since(stack, kind, version):
    """The events of a watch of a kind after a resource version."""
    status, text = stack.kube.call("GET", f"{stack.kube.path(kind)}?watch=1&timeoutSeconds=1&resourceVersion={version}")
    assert status == 200, text
    events = [text] if isinstance(text, dict) else [json.loads(line) for line in text.splitlines()]
    return [(e["type"], e["object"]["metadata"]["name"]) for e in events if e]


def test_a_statefulset_of_another_program_is_shown_with_its_kind(stack):
    stack.kube.create("apps/statefulsets", {**deployment("theirs"), "kind": "StatefulSet"})
    shown = wait_for("it shows", lambda: (a := stack.api.get("theirs")).status == 200 and a).json
    assert shown["spec"]["provider_hints"] == {"kubernetes": {"kind": "StatefulSet"}} and "headless_service" not in shown
    assert stack.api.list().json["containers"][0]["spec"]["provider_hints"] == shown["spec"]["provider_hints"]
    resources = spec()["resources"]
    problem = patch(stack, "theirs", {"spec": {"resources": resources, **of_kind("Deployment")}}).problem(400, "INVALID_ARGUMENT")
    assert [e["pointer"] for e in problem["errors"]] == ["/spec/provider_hints/kubernetes/kind"], problem
    assert patch(stack, "theirs", {"spec": {"resources": resources}}).json["spec"]["provider_hints"] == shown["spec"]["provider_hints"]


# ---- one id, one container ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("first,second", [KINDS, KINDS[::-1]])
def test_an_id_used_by_the_other_kind_is_rejected(stack, first, second):
    made = stack.api.create(spec(ports=[(80, "internal")], **of_kind(first)), "mine")
    assert made.status == 201
    before = objects_of(stack, "mine")
    other = f"{second.lower()}s"
    wait_for("all workers have it in their caches",
             lambda: all("mine" in [c["id"] for c in stack.api.list().json["containers"]] for _ in range(20)))
    version = stack.kube.call("GET", stack.kube.path(other))[1]["metadata"]["resourceVersion"]
    for key in ({}, {"Idempotency-Key": f"{second}-1"}):
        problem = stack.api.create(spec(ports=[(81, "internal")], **of_kind(second)), "mine", key).problem(409, "ALREADY_EXISTS")
        assert "mine" in problem["detail"], problem
    assert events_since(stack, other, version) == []
    assert objects_of(stack, "mine") == before and stack.api.get("mine").json["uid"] == made.json["uid"]
    assert stack.api.delete("mine").status == 204
    again = stack.api.create(spec(ports=[(81, "internal")], **of_kind(second)), "mine")
    assert again.status == 201 and stack.api.get("mine").json["uid"] == again.json["uid"], again.text


def test_concurrent_creates_of_both_kinds_never_have_two_successes(stack):
    """Both may fail, and the id is free then; a container with a 201 response is kept, with all its objects."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for round_number in range(25):
            container_id, barrier = f"race-{round_number}", threading.Barrier(8)

            def attempt(number):
                kind = KINDS[number % 2]
                barrier.wait()
                return kind, stack.api.create(spec(ports=[(80, "internal")], **of_kind(kind)), container_id)

            answers = list(pool.map(attempt, range(8)))
            assert {a.status for _, a in answers} <= {201, 409}, [a.text for _, a in answers]
            won = [(kind, a.json["uid"]) for kind, a in answers if a.status == 201]
            assert len(won) <= 1, won
            if won:
                assert stack.api.get(container_id).json["uid"] == won[0][1]
            roots = {k: wanted for k, wanted in (("deployments", "Deployment"), ("statefulsets", "StatefulSet"))}
            wait_for(f"only the answered object is left of {container_id}", lambda: {
                roots[k]: o["metadata"]["uid"] for k in roots for o in stack.kube.of(k, container_id)} == dict(won))
            services = stack.kube.of("services", container_id)
            assert all(s["metadata"]["ownerReferences"][0]["uid"] == won[0][1] for s in services) if won else not services
            if not won:
                assert stack.api.create(spec(**of_kind(KINDS[round_number % 2])), container_id).status == 201


@pytest.mark.parametrize("first,second", [KINDS, KINDS[::-1]])
def test_of_two_roots_with_one_id_the_older_is_the_container(stack, first, second):
    """As temporarily during a create that will be rejected; here both are kept."""
    for container_id in ("a", "twin", "z"):
        made = stack.api.create(spec(**of_kind(first)), container_id)
        assert made.status == 201
    uids = {c["id"]: c["uid"] for c in stack.api.list_all(10)}
    time.sleep(1.1)  # Kubernetes has times in seconds
    stack.kube.create(f"apps/{second.lower()}s", {**deployment("twin"), "kind": second})
    for size in (1, 2, 3, 10):
        assert [(c["id"], c["uid"]) for c in stack.api.list_all(size)] == sorted(uids.items()), size
    wait_for("both have Pods", lambda: stack.kube.of("pods", "twin")[1:], 30)
    assert stack.api.get("twin").json["uid"] == uids["twin"]
    assert [c["uid"] for c in stack.api.list(order_by="id desc").json["containers"]] == [uids[i] for i in ("z", "twin", "a")]


def test_a_key_is_valid_for_one_kind(stack):
    key = {"Idempotency-Key": "one-kind"}
    first = stack.api.create(spec(**stateful()), "keyed", key)
    assert first.status == 201
    again = stack.api.create(spec(**stateful()), "keyed", key)
    assert again.status == 201 and again.json["uid"] == first.json["uid"], again.text
    stack.api.create(spec(), "keyed", key).problem(422, "INVALID_ARGUMENT")
    assert stack.kube.get("deployments", "keyed") is None


# ---- what both kinds do ---------------------------------------------------------------------------------------------

def test_lists_have_both_kinds_in_the_order_of_ids(stack):
    kinds = {f"c{number:02d}": KINDS[number % 3 == 0] for number in range(20)}
    for container_id, kind in kinds.items():
        assert stack.api.create(spec(metadata={"name": "web", "labels": {"kind": kind.lower()}}, **of_kind(kind)),
                                container_id).status == 201
    for size in (1, 2, 3, 7, 19, 20, 50):
        found = stack.api.list_all(size)
        assert [c["id"] for c in found] == sorted(kinds), size
        assert [c["spec"]["provider_hints"]["kubernetes"]["kind"] for c in found] == [kinds[i] for i in sorted(kinds)]
    pages, token = [], ""
    while token or not pages:
        answer = stack.api.list(max_page_size=6, page_token=token).json
        pages.append(len(answer["containers"]))
        token = answer["next_page_token"]
    assert pages == [6, 6, 6, 2], "no page is short"
    picked = stack.api.list(filter="labels.kind = statefulset").json["containers"]
    assert [c["id"] for c in picked] == [i for i in sorted(kinds) if kinds[i] == "StatefulSet"]
    wait_for("the cache has all", lambda: [c["id"] for c in stack.api.list(
        order_by="id desc", max_page_size=50).json["containers"]] == sorted(kinds, reverse=True), 20)
    answer = stack.api.list(order_by="id desc", max_page_size=8).json
    rest = stack.api.list(order_by="id desc", max_page_size=50, page_token=answer["next_page_token"]).json
    assert [c["id"] for c in answer["containers"] + rest["containers"]] == sorted(kinds, reverse=True)


@pytest.mark.parametrize("before,after", [KINDS, KINDS[::-1]])
@pytest.mark.parametrize("others", KINDS)
def test_an_id_whose_kind_changes_between_two_pages_is_shown_once(stack, others, before, after):
    """Kubernetes continues with a snapshot of one kind, and starts with the other."""
    kinds = {**{f"aa{n}": others for n in range(1, 7)}, "aa5": before,
             **{f"zz{n}": kind for n, kind in enumerate(2 * [KINDS[others == KINDS[0]]])}}
    for container_id, kind in kinds.items():
        assert stack.api.create(spec(**of_kind(kind)), container_id).status == 201
    first = stack.api.list(max_page_size=2).json
    assert stack.api.delete("aa5").status == 204
    made = stack.api.create(spec(**of_kind(after)), "aa5")
    assert made.status == 201, made.text
    for size in (1, 4, 50):
        shown, token = first["containers"], first["next_page_token"]
        while token:
            page = stack.api.list(max_page_size=size, page_token=token).json
            shown, token = shown + page["containers"], page["next_page_token"]
        assert [c["id"] for c in shown] == sorted(kinds), size
        assert [c["uid"] for c in shown if c["id"] == "aa5"] == [made.json["uid"]], size


def test_a_rollout_proceeds_from_the_last_pod_to_the_first(stack):
    stack.api.create(spec(**stateful(replicas=3)), "rolled")
    wait_pods(stack, "rolled", 3)
    assert patch(stack, "rolled", {"spec": {"image": {"reference": "registry.example/nonexistent:1"}}}).status == 200
    shown = wait_for("it hangs", lambda: (c := stack.api.get("rolled").json)["status"] == "PENDING" and
                     c["replicas"]["updated"] == 1 and "Pull" in c.get("status_message", "") and c, 30)
    assert shown["revision"] == 2, shown
    images = {name: p["spec"]["containers"][0]["image"] for name, p in pods(stack, "rolled").items()}
    assert images == {"rolled-0": "docker.io/library/nginx:1.27", "rolled-1": "docker.io/library/nginx:1.27",
                      "rolled-2": "registry.example/nonexistent:1"}


def test_a_rollback_repairs_a_broken_rollout(stack):
    """With the policy OrderedReady it would wait for the broken Pod forever (kubernetes#67250)."""
    stack.api.create(spec(**stateful(replicas=2)), "broken")
    old = wait_pods(stack, "broken", 2)
    assert patch(stack, "broken", {"spec": {"image": {"reference": "registry.example/nonexistent:1"}}}).status == 200
    wait_for("it hangs", lambda: stack.api.get("broken").json["status"] == "PENDING" and
             stack.api.get("broken").json.get("revision") == 2, 30)
    answer = method(stack, "broken", "rollback")
    assert answer.status == 200 and answer.json["spec"]["image"]["reference"] == "docker.io/library/nginx:1.27", answer.text
    new = wait_pods(stack, "broken", 2)
    assert new["broken-0"]["metadata"]["uid"] == old["broken-0"]["metadata"]["uid"], "it was never touched"
    wait_for("it runs as before", lambda: (c := stack.api.get("broken").json)["status"] == "RUNNING" and
             c.get("revision") == 3 and c["replicas"]["updated"] == 2, 30)


def test_revisions_list_earlier_specs(stack):
    stack.api.create(spec(ports=[(80, "none")], **stateful()), "told")
    wait_for("the first", lambda: stack.api.get("told").json.get("revision") == 1)
    visible = {"spec": {"network": {"ports": [{"container_port": 80, "visibility": "internal"}]}}}
    assert patch(stack, "told", visible).status == 200
    assert stack.api.get("told").json["revision"] == 1, "no Pod is another one"
    listed = stack.api.call("GET", f"{BASE}/told/revisions").json["revisions"]
    assert [r["revision"] for r in listed] == [1] and listed[0]["current"]
    assert listed[0]["spec"]["network"] == visible["spec"]["network"], "the current revision is the current template"
    assert patch(stack, "told", {"spec": {"image": {"reference": "nginx:2"}}}).status == 200
    wait_for("the second", lambda: stack.api.get("told").json.get("revision") == 2)
    listed = stack.api.call("GET", f"{BASE}/told/revisions").json["revisions"]
    assert [(r["revision"], r["current"], r["spec"]["image"]["reference"]) for r in listed] == [
        (2, True, "nginx:2"), (1, False, "docker.io/library/nginx:1.27")]
    assert all(r["spec"]["provider_hints"]["kubernetes"]["kind"] == "StatefulSet" for r in listed)
    one = stack.api.call("GET", f"{BASE}/told/revisions/1")
    assert one.status == 200 and one.json == listed[1]
    method(stack, "told", "rollback", {"revision": 7}).problem(404, "NOT_FOUND")
    assert method(stack, "told", "rollback", {"revision": 1}).status == 200
    wait_for("the third", lambda: stack.api.get("told").json.get("revision") == 3)
    assert [r["revision"] for r in stack.api.call("GET", f"{BASE}/told/revisions").json["revisions"]] == [3, 2]
    method(stack, "told", "rollback", {"revision": 1}).problem(404, "NOT_FOUND")  # Kubernetes keeps no earlier number


def test_large_hints_do_not_prevent_changes(stack):
    """All annotations of an object are limited to 256 KiB: notes about revisions are dropped."""
    assert stack.api.create(spec(**stateful(note="x" * 20_000)), "large").status == 201
    for number, size in enumerate((20_000, 20_000, 20_000, 20_000, 20_000, 150_000, 190_000, 190_000, 1_000), 2):
        body = {"image": {"reference": f"nginx:{number}"}, **stateful(note="y" * size)}
        answer = patch(stack, "large", {"spec": body})
        assert answer.status == 200, answer.text
        wait_for("its revision", lambda: stack.api.get("large").json.get("revision") == number)
    for wanted in (190_000, 1_000):
        answer = method(stack, "large", "rollback")
        assert answer.status == 200 and answer.json["spec"]["provider_hints"]["kubernetes"]["note"] == "y" * wanted, answer.text[:300]
        number += 1
        wait_for("its revision", lambda: stack.api.get("large").json.get("revision") == number)


def test_stop_and_start_keep_the_names(stack):
    stack.api.create(spec(**stateful(replicas=2)), "paused")
    wait_pods(stack, "paused", 2)
    assert method(stack, "paused", "stop").json["status"] == "STOPPED"
    wait_for("no Pods", lambda: not stack.kube.of("pods", "paused"), 30)
    assert stack.api.get("paused").json["replicas"]["desired"] == 0
    assert method(stack, "paused", "start").status == 200
    assert set(wait_pods(stack, "paused", 2)) == {"paused-0", "paused-1"}
    assert method(stack, "paused", "scale", {"replicas": 1}).status == 200
    wait_for("the first is left", lambda: set(pods(stack, "paused")) == {"paused-0"}, 30)


def test_a_watch_has_both_kinds(stack):
    watcher = Watcher(stack.api_port).sync()
    for kind in KINDS:
        stack.api.create(spec(**of_kind(kind)), f"seen-{kind.lower()}")
        watcher.until_status(f"seen-{kind.lower()}", "RUNNING")
    for kind in KINDS:
        stack.api.delete(f"seen-{kind.lower()}")
        watcher.until_status(f"seen-{kind.lower()}", "gone")
    watcher.close()


# ---- a Role that does not know them ---------------------------------------------------------------------------------

def take_both(without):
    without("apps", "statefulsets")
    without("apps", "controllerrevisions")


def test_an_older_role_affects_statefulsets_only(stack, own_stack, without):
    """After an upgrade of the programs alone: Deployments are unchanged, StatefulSets are rejected, and this is logged once."""
    take_both(without)
    old = own_stack(name="older-role")
    answer = old.api.create(spec(ports=[(80, "internal")]), "plain")
    assert answer.status == 201, answer.text
    old.wait_status("plain", "RUNNING")
    assert [c["id"] for c in old.api.list().json["containers"]] == ["plain"]
    wait_for("the cache has it", lambda: [c["id"] for c in old.api.list(order_by="id desc").json["containers"]] == ["plain"])
    assert patch(old, "plain", {"spec": {"image": {"reference": "nginx:2"}}}).status == 200
    assert old.api.call("GET", f"{BASE}/plain/revisions").status == 200
    assert old.api.call("GET", f"{BASE}/plain/events").status == 200
    old.api.get("absent").problem(404, "NOT_FOUND")
    problem = old.api.create(spec(**stateful()), "set").problem(403, "PERMISSION_DENIED")
    assert "statefulsets" in problem["detail"], problem
    assert old.api.delete("plain").status == 204
    old.api.get("plain").problem(404, "NOT_FOUND")
    log = old.workers[0].log()
    lines = [json.loads(line) for line in log.splitlines() if "not allowed to list" in line]
    assert sorted(line["kind"] for line in lines) == ["controllerrevisions", "statefulsets"], lines
