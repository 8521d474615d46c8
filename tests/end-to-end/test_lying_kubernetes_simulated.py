"""The processes with a faulty API server: clients get 503, delays and memory are bounded."""

import itertools
import json
import re

import pytest

from api import spec
from conftest import BIN, Stack
from kube_liar import Liar, http, said
from ports import free_port
from processes import Process, listens, wait_for

LIMIT_KB = 300 * 1024
PROGRAMS = ["kube-worker", "monitor"]


class Nowhere:
    """A target for a stack, with a faulty API server."""

    admin = None

    def __init__(self, folder, liar):
        self.namespace, self.kubeconfig, self.liar = "dcm-sp", f"{folder}/liar.kubeconfig", liar
        with open(self.kubeconfig, "w") as f:
            json.dump({"current-context": "x", "contexts": [{"name": "x", "context": {"cluster": "c"}}],
                       "clusters": [{"name": "c", "cluster": {"server": liar.url}}]}, f)


@pytest.fixture
def lie(tmp_path):
    """Call with the answer; the target."""
    liars = []

    def make(answer):
        liars.append(Liar(answer))
        return Nowhere(str(tmp_path), liars[-1])

    yield make
    for liar in liars:
        liar.close()


@pytest.fixture
def run(tmp_path):
    """run(program, target) starts kube-worker or monitor with a separate NATS."""
    port, started = free_port(), []

    def start(program, target):
        nats = Process("nats", ["nats-server", "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(tmp_path / "js")], {},
                       str(tmp_path)).start()
        wait_for("nats-server", lambda: listens(port))
        one = Process(program, [f"{BIN}/{program}"], {
            "SP_NAME": "liar", "SP_NATS_URL": f"nats://127.0.0.1:{port}", "SP_K8S_KUBECONFIG": target.kubeconfig,
            "SP_K8S_NAMESPACE": target.namespace, "SP_K8S_EXTERNAL_SVC_TYPE": "NodePort"}, str(tmp_path)).start()
        started.extend([one, nats])
        return one

    yield start
    for process in started:
        process.stop(expect=None if process.name == "nats" else 0)


# ---- responses to clients --------------------------------------------------------------------------------------------

NAMELESS = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {}}
HTML = "<html><body>nginx</body></html>"
LIES = {
    "not HTTP": lambda *_: b"SSH-2.0-OpenSSH_9.2\r\n",
    "400 in HTML": lambda *_: http(400, HTML),
    "404 in HTML": lambda *_: http(404, HTML),
    "409 in HTML": lambda *_: http(409, HTML),
    "418": lambda *_: http(418, HTML),
    "an error above 16 MiB": lambda *_: http(404, b" " * (16 * 1024 * 1024 + 1)),
    "200 in HTML": lambda *_: http(200, HTML),
    "200 with a list": lambda *_: http(200, []),
    "objects without a name": lambda method, path: http(200, {"items": [{}]} if "limit=" in path else NAMELESS),
}


@pytest.mark.parametrize("name", LIES)
def test_errors_of_kubernetes_are_not_reported_as_errors_of_the_client(lie, tmp_path, name):
    target = lie(lambda method, path: http(200, {"gitVersion": "v1.2.3"}) if path == "/version"
                 else LIES[name](method, path))
    stack = Stack(target, str(tmp_path), SP_SERVER_REQUEST_TIMEOUT="2s").start()
    try:
        answers = {"get": stack.api.get("x"), "create": stack.api.create(spec(), "x"), "list": stack.api.list(),
                   "delete": stack.api.delete("x")}
    finally:
        stack.stop()
    for operation, answer in answers.items():
        assert answer.status in (503, 504) and answer.json["type"] == "UNAVAILABLE", (operation, answer.text)


def test_labels_that_are_not_a_mapping_are_ignored(lie, tmp_path):
    odd = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"spec": {"containers": {"a": []}}}},
           "metadata": {"name": "odd", "uid": "00000000-0000-4000-8000-000000000001", "labels": [1, ["a"], {"b": 2}],
                        "creationTimestamp": "2026-01-01T00:00:00Z", "resourceVersion": "1"}}

    def answer(_, path):
        if path == "/version":
            return http(200, {"gitVersion": "v1.2.3"})
        items = [odd] if "/deployments?" in path else []
        return http(200, {"items": items, "metadata": {"resourceVersion": "1"}} if "limit=" in path else odd)

    stack = Stack(lie(answer), str(tmp_path)).start()
    try:
        listed = stack.api.list()
    finally:
        stack.stop()
    assert listed.status == 200 and [c["spec"]["metadata"] for c in listed.json["containers"]] == [
        {"name": "odd"}], listed.text


# ---- how long we wait ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("answer", [
    said(429, headers=["Retry-After: 86399"]),
    said(429, details={"retryAfterSeconds": 2147483647}),
], ids=["header", "Status"])
def test_a_huge_retry_after_does_not_stop_the_informers(lie, run, program, answer):
    process = run(program, lie(answer))
    process.wait_log('"informer interrupted; retrying"')
    pauses = [int(n) for n in re.findall(r'"pause_ms":(-?\d+)', process.log())]
    assert pauses and all(0 < n <= 60_000 for n in pauses), pauses


def test_a_forbidden_watch_falls_back_to_polling_even_with_a_forbidden_readyz(lie, run):
    def answer(_, path):
        if "limit=" in path:
            return http(200, {"items": [], "metadata": {"resourceVersion": "7"}})
        return said(403, "Forbidden")

    monitor = run("monitor", lie(answer))
    monitor.wait_log('"cannot watch: polling instead', 15)


# ---- how much we take ------------------------------------------------------------------------------------------------

class Endless:
    """Pages of objects not seen before, until `sane`; then empty lists."""

    ITEM = ('{"metadata":{"name":"n%0200d","uid":"00000000-0000-4000-8000-%012d","labels":{"dcm.project/dcm-instance-id":'
            '"i%d"}}}')

    def __init__(self):
        self.numbers, self.sane, self.watched = itertools.count(1), False, set()

    def __call__(self, _, path):
        if "watch=true" in path:
            self.watched.add(path.split("?")[0])
            return http(500, "")
        if self.sane or "limit=" not in path:
            return http(200, {"items": [], "metadata": {"resourceVersion": "7"}})
        items = ",".join(self.ITEM % (n, n, n) for n in itertools.islice(self.numbers, 2000))
        return http(200, f'{{"items":[{items}],"metadata":{{"continue":"on","resourceVersion":"7"}}}}')


@pytest.mark.parametrize("program", PROGRAMS)
def test_endless_pages_are_limited(lie, run, program):
    server = Endless()
    process = run(program, lie(server))
    process.wait_log("the containers exceed 64 MiB", 60)
    assert process.sanitized() or process.rss_kb() < LIMIT_KB, process.rss_kb()
    server.sane = True
    wait_for("it watches", lambda: len(server.watched) >= 3, 40)
    assert process.sanitized() or process.rss_kb() < LIMIT_KB, process.rss_kb()
