"""GET /containers:watch: the initial state and all changes."""

import concurrent.futures
import contextlib
import http.client
import json
import os
import random
import signal
import socket
import threading
import time

import pytest

from api import BASE, spec
from container_logs import Follower
from processes import wait_for
from test_methods import call
from watcher import Watcher, path

SLOWER = int(os.environ.get("E2E_SLOWER", "1"))


@pytest.fixture
def watch():
    """A watching client; closed at the end."""
    watchers = []

    def make(stack, **kwargs):
        watchers.append(Watcher(kwargs.pop("port", stack.api_port), **kwargs))
        return watchers[-1].sync()
    yield make
    for watcher in watchers:
        watcher.close()


def create(stack, container_id, labels=None, **changes):
    metadata = {"name": "web", **({"labels": labels} if labels else {})}
    answer = stack.api.create(spec(metadata=metadata, **changes), container_id)
    assert answer.status == 201, answer.text
    return answer.json


def listed(stack, **query):
    return {c["id"]: c for c in stack.api.list(max_page_size=1000, **query).json["containers"]}


def settle(stack, watcher, *ids):
    """Read until each is equal to its GET."""
    end = time.monotonic() + 30
    for container_id in ids:
        while True:
            shown = stack.api.get(container_id).json
            if watcher.state.get(container_id) == shown:
                break
            assert time.monotonic() < end, (shown, watcher.state.get(container_id))
            assert watcher.event()


def test_watch_sends_the_snapshot_and_each_change(stack, watch):
    create(stack, "before")
    stack.wait_status("before", "RUNNING")
    watcher = watch(stack)
    assert watcher.answer.getheader("Content-Type") == "text/event-stream"
    settle(stack, watcher, "before")
    assert ("snapshot", "before") in watcher.log and watcher.log.count(("synced", None)) == 1
    create(stack, "after")
    watcher.until_status("after", "RUNNING")
    assert ("ADDED", "after") in watcher.log and ("MODIFIED", "after") in watcher.log
    assert call(stack, "after", "stop").status == 200
    watcher.until_status("after", "STOPPED")
    assert call(stack, "after", "start").status == 200
    watcher.until_status("after", "RUNNING")
    assert call(stack, "before", "scale", {"replicas": 3}).status == 200
    watcher.until("three replicas", lambda s: s["before"]["replicas"]["ready"] == 3)
    changed = stack.api.call("PATCH", f"{BASE}/before",
                             {"spec": {"image": {"reference": "docker.io/library/nginx:1.28"}}})
    assert changed.status == 200, changed.text
    watcher.until("the new image", lambda s: s["before"]["etag"] == changed.json["etag"])
    assert stack.api.delete("after").status == 204
    watcher.until_status("after", "gone")
    assert watcher.log[-1] == ("DELETED", "after")


def test_watch_shows_containers_like_get(stack, watch):
    rich = spec(ports=[(80, "external"), (9090, "internal")], provider_hints={"kubernetes": {"replicas": 2}, "x": [1.5, None]},
                process={"command": ["a", "b"], "env": [{"name": "A", "value": "ü\n\r\t\u2028"}]})
    rich["metadata"] = {"name": "rich", "labels": {"team": "shop"}}
    assert stack.api.create(rich, "rich").status == 201
    create(stack, "plain")
    for container_id in ("rich", "plain"):
        stack.wait_status(container_id, "RUNNING")
    early = watch(stack)
    settle(stack, early, "rich", "plain")
    assert call(stack, "rich", "scale", {"replicas": 1}).status == 200
    assert call(stack, "plain", "restart").status == 200
    create(stack, "late", provider_hints={"kubernetes": {"replicas": 2}})
    for container_id in ("rich", "plain", "late"):
        stack.wait_status(container_id, "RUNNING")
    wait_for("rolled out", lambda: all(c["replicas"]["ready"] == c["replicas"]["desired"] == c["replicas"]["updated"]
                                       for c in listed(stack).values()), 30)
    late = watch(stack)

    def are_as_listed():
        for watcher in (early, late):
            settle(stack, watcher, "rich", "plain", "late")
        return early.state == late.state == listed(stack)
    wait_for("both match the list", are_as_listed)


def test_watch_with_a_filter_adds_and_deletes_when_matching_changes(stack, watch):
    create(stack, "blue", labels={"team": "blue"})
    create(stack, "red", labels={"team": "red"})
    for container_id in ("blue", "red"):
        stack.wait_status(container_id, "RUNNING")
    by_label = watch(stack, filter='labels.team = "blue"')
    by_status = watch(stack, filter='status = "RUNNING"')
    by_label.until("blue", lambda s: set(s) == {"blue"})
    by_status.until("both", lambda s: set(s) == {"blue", "red"})
    assert call(stack, "red", "stop").status == 200
    by_status.until("red has left", lambda s: set(s) == {"blue"})
    assert by_status.log[-1] == ("DELETED", "red")
    assert call(stack, "red", "start").status == 200
    by_status.until("red is back", lambda s: set(s) == {"blue", "red"})
    assert by_status.log[-1] == ("ADDED", "red")
    patched = stack.api.call("PATCH", f"{BASE}/red", {"spec": {"metadata": {"labels": {"team": "blue"}}}})
    assert patched.status == 200, patched.text
    by_label.until("red is blue", lambda s: set(s) == {"blue", "red"})
    assert by_label.log[-1] == ("ADDED", "red") and "red" not in [i for _, i in by_label.log[:-1]]
    assert stack.api.delete("red").status == 204
    by_label.until("red is gone", lambda s: set(s) == {"blue"})
    assert by_label.log[-1] == ("DELETED", "red")
    by_status.until("red is gone", lambda s: set(s) == {"blue"})
    for text in ('create_time > "2020-01-01T00:00:00Z"', 'name = "web"', 'image : "nginx"', 'NOT id = "blue"', "labels:team"):
        assert set(watch(stack, filter=text).state) == set(listed(stack, filter=text)), text


def test_watch_resumes_after_an_event(stack, watch):
    for container_id in ("stays", "goes", "changes"):
        create(stack, container_id)
        stack.wait_status(container_id, "RUNNING")
    watcher = watch(stack)
    settle(stack, watcher, "stays", "goes", "changes")
    watcher.close()
    assert stack.api.delete("goes").status == 204
    assert call(stack, "changes", "stop").status == 200
    create(stack, "comes")
    stack.wait_status("comes", "RUNNING")
    again = Watcher(stack.api_port, last_id=watcher.last_id)
    again.state = dict(watcher.state)
    try:
        again.until("all is told", lambda s: set(s) == {"stays", "changes", "comes"} and
                    s["changes"]["status"] == "STOPPED" and s["comes"]["status"] == "RUNNING")
        kinds = {kind for kind, _ in again.log}
        assert "snapshot" not in kinds and "stays" not in {i for _, i in again.log}, again.log
        assert ("DELETED", "goes") in again.log and ("ADDED", "comes") in again.log
    finally:
        again.close()


@pytest.mark.parametrize("last_id", ["", "x", "0-0-0", "5b0c9e7f12345678-2a-cbf29ce4", "%", "-1", "\u00ff" * 10, "9" * 1024])
def test_watch_restarts_with_a_snapshot_after_an_unknown_id(stack, last_id):
    create(stack, "known")
    watcher = Watcher(stack.api_port, last_id=last_id or None)
    try:
        settle(stack, watcher.sync(), "known")
        assert watcher.log[0][0] != "DELETED" and ("synced", None) in watcher.log
    finally:
        watcher.close()


def test_watch_ids_belong_to_their_filter(stack, watch):
    create(stack, "blue", labels={"team": "blue"})
    other = watch(stack, filter='labels.team = "red"')
    again = watch(stack, last_id=other.last_id)
    settle(stack, again, "blue")
    assert ("synced", None) in again.log


@pytest.mark.parametrize("query, pointer", [
    ({"filter": "status ="}, "/query/filter"), ({"filter": 'nothing = "x"'}, "/query/filter"),
    ({"order_by": "name"}, "/query/order_by"), ({"max_page_size": "10"}, "/query/max_page_size"),
    ({"page_token": "x"}, "/query/page_token")])
def test_watch_rejects_unsupported_parameters(stack, query, pointer):
    problem = stack.api.call("GET", path(**query)).problem(400, "INVALID_ARGUMENT")
    assert pointer in [e["pointer"] for e in problem["errors"]], problem


def test_watch_rejects_other_methods_and_media_types(stack):
    for method in ("POST", "DELETE", "PATCH", "PUT"):
        answer = stack.api.call(method, path(), {} if method in ("POST", "PATCH") else None)
        answer.problem(405, "INVALID_ARGUMENT")
        assert answer.headers["allow"] == "GET, HEAD"
    for accept in ("application/json", "text/plain, image/*", "text/event-stream;q=0, */*"):
        stack.api.call("GET", path(), headers={"Accept": accept}).problem(406, "INVALID_ARGUMENT")
    for accepts in (["text/*"], ["*/*"], ["application/json, text/event-stream"], ["application/json", "text/event-stream"]):
        connection = http.client.HTTPConnection("127.0.0.1", stack.api_port, timeout=20)
        connection.putrequest("GET", path())
        for accept in accepts:
            connection.putheader("Accept", accept)
        connection.endheaders()
        assert connection.getresponse().status == 200
        connection.close()
    stack.api.call("GET", path(), headers={"Last-Event-ID": "9" * 1025}).problem(400, "INVALID_ARGUMENT")
    head = stack.api.call("HEAD", path())
    assert head.status == 200 and head.headers["content-type"] == "text/event-stream" and head.text == ""


def test_watch_by_two_instances_of_api_svc(stack, own_stack, watch, target, tmp_path):
    create(stack, "shared")
    stack.wait_status("shared", "RUNNING")
    second = own_stack(workers=0, nats_port=stack.nats_port, name=stack.name)
    here, there = watch(stack), watch(second)
    settle(stack, here, "shared")
    settle(second, there, "shared")
    assert call(second, "shared", "stop").status == 200
    for watcher in (here, there):
        watcher.until_status("shared", "STOPPED")
    assert ("snapshot", "shared") in watch(second, last_id=here.last_id).log


def feeds(stack):
    """Workers that feed an api-svc."""
    return [w for w in stack.workers if w.alive() and _open(stack, w)]


def _open(stack, worker):
    """Whether the worker has an open stream: it has an additional informer thread for each feed."""
    return threads(worker) > worker.threads_without_feed


def threads(process):
    return len(os.listdir(f"/proc/{process.popen.pid}/task"))


def descriptors(process):
    return len(os.listdir(f"/proc/{process.popen.pid}/fd"))


def stack_of_two(own_stack):
    stack = own_stack(workers=2)
    time.sleep(1)
    for worker in stack.workers:
        worker.threads_without_feed = threads(worker)
    return stack


FILTERS = [None, 'status = "RUNNING"', "labels.n > 4", 'NOT labels.n = "3" AND status != "STOPPED"']


def test_watch_converges_to_the_list_despite_failures(own_stack, watch):
    stack = own_stack(workers=2)
    watchers = [watch(stack, **({"filter": text} if text else {})) for text in FILTERS]
    stop = threading.Event()

    def read(watcher):
        while watcher.event() and not (stop.is_set() and "last" in watcher.state):
            pass

    def change(seed):
        chosen = random.Random(seed)
        for _ in range(25):
            container_id, n = f"c{seed}-{chosen.randrange(4)}", chosen.randrange(8)
            answer = chosen.choice([
                lambda i, n: stack.api.create(spec(metadata={"name": "web", "labels": {"n": str(n)}}), i),
                lambda i, n: stack.api.delete(i),
                lambda i, n: call(stack, i, "stop"),
                lambda i, n: call(stack, i, "start"),
                lambda i, n: stack.api.call("PATCH", f"{BASE}/{i}", {"spec": {"metadata": {"labels": {"n": str(n)}}}}),
            ])(container_id, n)
            assert answer.status in (200, 201, 204, 404, 409), answer.text
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        readers = [pool.submit(read, w) for w in watchers]
        changers = [pool.submit(change, seed) for seed in range(4)]
        time.sleep(1)
        stack.workers[0].kill()
        stack.add_worker()
        time.sleep(2)
        stack.workers[1].kill()
        for future in changers:
            future.result(120)
        stop.set()
        create(stack, "last", labels={"n": "7"})
        for future in readers:
            future.result(60)
    for watcher, text in zip(watchers, FILTERS):
        query = {"filter": text} if text else {}
        wait_for(text, lambda: watcher.state == listed(stack, **query) or (watcher.event() and False), 30)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP])
def test_watch_continues_after_the_end_of_its_worker(own_stack, watch, how):
    stack = stack_of_two(own_stack)
    for container_id in ("one", "two", "three"):
        create(stack, container_id)
        stack.wait_status(container_id, "RUNNING")
    watcher = watch(stack)
    settle(stack, watcher, "one", "two", "three")
    told = len(watcher.log)
    worker, = feeds(stack)
    worker.popen.send_signal(how)
    try:
        wait_for("another worker feeds", lambda: [w for w in feeds(stack) if w is not worker], 30)
        assert stack.api.delete("one").status == 204
        create(stack, "four")
        watcher.until("all is told", lambda s: set(s) == {"two", "three", "four"} and s["four"]["status"] == "RUNNING", 60)
        assert {i for kind, i in watcher.log[told:] if kind in ("DELETED", "snapshot")} == {"one"}, watcher.log[told:]
    finally:
        if how == signal.SIGSTOP:
            worker.popen.send_signal(signal.SIGCONT)


def test_watch_continues_after_an_outage_of_nats(own_stack, watch):
    stack = own_stack(workers=1)
    for container_id in ("one", "two"):
        create(stack, container_id)
        stack.wait_status(container_id, "RUNNING")
    watcher = watch(stack)
    settle(stack, watcher, "one", "two")
    told = len(watcher.log)
    stack.nats.kill()
    time.sleep(1)
    stack.start_nats()
    wait_for("healthy", lambda: stack.api.health() == "healthy", 30)
    assert stack.api.delete("one").status == 204
    watcher.until("one is gone", lambda s: set(s) == {"two"}, 60)
    assert {i for kind, i in watcher.log[told:] if kind in ("DELETED", "snapshot")} == {"one"}, watcher.log[told:]


def test_watch_without_a_worker_is_rejected(own_stack, watch):
    stack = own_stack(workers=0)
    stack.api.call("GET", path()).problem(503, "UNAVAILABLE")
    stack.add_worker()
    assert watch(stack).state == {}


def test_watch_ends_immediately_with_its_client(stack):
    before = descriptors(stack.api_svc)
    sockets = []
    for _ in range(20):
        s = socket.create_connection(("127.0.0.1", stack.api_port))
        s.sendall(f"GET {path()} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert b"200 OK" in s.recv(4096)
        sockets.append(s)
    assert descriptors(stack.api_svc) >= before + 20
    for s in sockets:
        s.close()
    wait_for("all are deleted", lambda: descriptors(stack.api_svc) <= before + 1, 1.5 * SLOWER)


def test_watch_feed_ends_after_the_last_watcher(own_stack, watch):
    stack = stack_of_two(own_stack)
    watch(stack).close()
    assert len(feeds(stack)) == 1
    wait_for("the feed has ended", lambda: not feeds(stack), 45)


def test_watch_sends_only_the_latest_state_to_a_slow_reader(stack, watch):
    """While it does not read, its socket buffers fill up; then each container is sent once, with its latest state."""
    padding = {f"k{n}": "x" * 60 for n in range(30)}
    ids = [f"slow-{n}" for n in range(40)]
    for container_id in ids:
        create(stack, container_id, labels=padding)
    for container_id in ids:
        stack.wait_status(container_id, "RUNNING")
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.connect(("127.0.0.1", stack.api_port))
    slow.sendall(f"GET {path()} HTTP/1.0\r\nHost: x\r\n\r\n".encode())
    quick = watch(stack)
    for step in range(12):
        for container_id in ids:
            stack.kube.patch("deployments", container_id, {"metadata": {"labels": {"step": str(step)}}})
    quick.until("the last step", lambda s: all(s[i]["spec"]["metadata"]["labels"].get("step") == "11" for i in ids), 60)
    slow.settimeout(20)
    text, steps = b"", {i: [] for i in ids}
    while not all(s and s[-1] == "11" for s in steps.values()):
        block = slow.recv(65536)
        assert block, "the stream has ended"
        text += block
        while b"\n\n" in text:
            event, text = text.split(b"\n\n", 1)
            data = [line[6:] for line in event.split(b"\n") if line.startswith(b"data: ")]
            container = json.loads(data[0]).get("container") if data else None
            if container:
                steps[container["id"]].append(container["spec"]["metadata"]["labels"].get("step", "-"))
    slow.close()
    told = sum(len(s) for s in steps.values())
    assert told < 40 * 8, f"{told} events of {40 * 13} changes: {steps}"


def test_watch_of_large_containers(stack, watch):
    env = [{"name": f"V{n}", "value": "x" * 9000} for n in range(50)]
    watcher = watch(stack)
    create(stack, "large", process={"env": env})
    stack.wait_status("large", "RUNNING")
    settle(stack, watcher, "large")
    settle(stack, watch(stack, filter='id = "large"'), "large")
    assert len(json.dumps(watcher.state["large"])) > 450000


def test_watch_reports_exceeded_memory_and_recovers(own_stack, watch):
    """The list may use half of the memory: four of these containers."""
    stack = own_stack(workers=1, SP_SERVER_MEMORY=str(8 << 20))
    large = {"process": {"env": [{"name": f"V{n}", "value": "x" * 9000} for n in range(100)]}}
    for n in range(5):
        create(stack, f"large-{n}", **large)
    problem = stack.api.call("GET", path()).problem(503, "UNAVAILABLE")
    assert "SP_SERVER_MEMORY" in problem["detail"], problem
    assert stack.api.delete("large-0").status == 204
    watcher = watch(stack)
    settle(stack, watcher, "large-1", "large-4")
    assert stack.api.delete("large-1").status == 204
    create(stack, "another", **large)  # instead of the deleted one
    stack.wait_status("another", "RUNNING")
    watcher.until("another", lambda s: set(s) == {"large-2", "large-3", "large-4", "another"})
    create(stack, "too-many", **large)
    wait_for("the stream breaks off", lambda: is_over(watcher), 20)
    stack.api.call("GET", path()).problem(503, "UNAVAILABLE")


def is_over(watcher):
    try:
        return watcher.event() is None
    except http.client.IncompleteRead:
        return True


def test_watch_sends_a_state_changed_by_time(stack, watch, no_pods):
    """A persistent failure is sent after the grace period, without a change in the cluster."""
    create(stack, "alone")
    stack.wait_status("alone", "RUNNING")
    watcher = watch(stack)
    no_pods(True)
    pod, = [p for p in stack.kube.of("pods", "alone")]
    stack.kube.patch("pods", pod["metadata"]["name"], {"status": {"phase": "Failed", "reason": "Evicted"}}, "/status")
    watcher.until_status("alone", "PENDING")
    watcher.until_status("alone", "FAILED")
    settle(stack, watcher, "alone")


def test_watch_has_a_comment_with_the_id_every_15_s(stack, watch):
    create(stack, "quiet", labels={"team": "blue"})
    stack.wait_status("quiet", "RUNNING")
    watcher = watch(stack, filter='labels.team = "red"')
    at_first = watcher.last_id
    create(stack, "other")
    stack.wait_status("other", "RUNNING")
    begun = time.monotonic()
    assert watcher.answer.readline() == b":\n"
    assert 10 < time.monotonic() - begun < 17
    last_id = watcher.answer.readline().decode().strip().removeprefix("id: ")
    assert last_id != at_first and watcher.answer.readline() == b"\n"
    again = Watcher(stack.api_port, last_id=last_id, filter='labels.team = "red"')
    patched = stack.api.call("PATCH", f"{BASE}/other", {"spec": {"metadata": {"labels": {"team": "red"}}}})
    assert patched.status == 200
    assert again.event()[0] == "ADDED" and again.log == [("ADDED", "other")]
    again.close()


def test_followed_logs_leave_memory_for_the_list(own_stack, watch):
    stack = own_stack(workers=1, SP_WORKER_STREAMS="1")
    create(stack, "web")
    stack.wait_status("web", "RUNNING")
    with contextlib.closing(Follower(stack, "web")) as log:
        assert log.status == 200
        assert stack.api.call("GET", f"{BASE}/web/logs?tail_lines=1").status == 503
        watcher = watch(stack)
        create(stack, "later")
        watcher.until_status("later", "RUNNING")
