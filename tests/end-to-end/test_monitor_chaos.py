"""
A scripted life cycle of many containers while NATS, monitors and the API server are killed or faulty. Finally DCM knows the state of every container, and no event was out of order.

  SP_TEST_SEED        repeats a run (its seed is printed)
  SP_TEST_SECONDS     duration of the faults (15)
  SP_TEST_CONTAINERS  number at the start (200)

Every change of a Pod carries a number in its message, which grows for each container: events must not count down.
"""

import collections
import http.client
import json
import os
import random
import re
import threading
import time

from api import spec
from control_plane import CLUSTER, ROOT, restart_api_server
from processes import wait_for

SEED = os.environ.get("SP_TEST_SEED", str(random.randrange(1_000_000)))
SECONDS = float(os.environ.get("SP_TEST_SECONDS", "15"))
CONTAINERS = int(os.environ.get("SP_TEST_CONTAINERS", "200"))
THREADS = 4
SETTLE = 90  # a silent watch is detected within 60 s

# Every kind of fault of kubesim that affects lists, watches and reads.
FAULTS = [
    {"kind": "watch-error", "status": 410}, {"kind": "watch-error", "status": 500}, {"kind": "watch-eof"},
    {"kind": "watch-eof", "broken": True}, {"kind": "watch-chunk", "bytes": 3}, {"kind": "event-duplicate", "count": 5},
    {"kind": "event-cut"}, {"kind": "event-pad", "mib": 2}, {"kind": "watch-silent"},
    {"match": {"verb": "watch"}, "kind": "status", "status": 410},
    {"match": {"verb": "watch"}, "kind": "status", "status": 429, "retryAfter": "1"},
    {"match": {"verb": "watch"}, "kind": "status", "status": 502, "html": True},
    {"match": {"verb": "watch"}, "kind": "forbidden"}, {"match": {"verb": "watch"}, "kind": "drop"},
    {"match": {"verb": "watch"}, "kind": "hang"}, {"match": {"verb": "watch"}, "kind": "latency", "ms": 2000},
    {"match": {"verb": "list"}, "kind": "status", "status": 500, "count": 2},
    {"match": {"verb": "list"}, "kind": "status", "status": 410},
    {"match": {"verb": "list"}, "kind": "slow-body", "bytes": 4096, "ms": 1},
    {"match": {"verb": "list"}, "kind": "drop"}, {"match": {"verb": "list"}, "kind": "drop", "when": "after"},
    {"match": {"verb": "list"}, "kind": "forbidden"}, {"match": {"verb": "list"}, "kind": "hang"},
    {"match": {"verb": "list"}, "kind": "latency", "ms": 2000},
    {"match": {"verb": "get"}, "kind": "status", "status": 503, "count": 3},
    {"match": {"verb": "get"}, "kind": "drop", "count": 2}, {"match": {"verb": "get"}, "kind": "latency", "ms": 500},
    {"match": {"verb": "get"}, "kind": "forbidden"}, {"match": {"verb": "get"}, "kind": "hang"},
    {"match": {"verb": "get"}, "kind": "slow-body", "bytes": 64, "ms": 1},
]
NOT_OF_READERS = {"quota"}


class Script:
    """The life cycles of the containers of one thread."""

    def __init__(self, monitors, api, part, end):
        self.m, self.api, self.part, self.end = monitors, api, part, end
        self.random = random.Random(f"{SEED}-{part}")
        self.alive, self.deleted, self.step = [], [], 0
        self.failed = None
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _attempt(self, action):
        """The API server misbehaves towards us as well."""
        end = time.monotonic() + 60
        while True:
            try:
                return action()
            except (OSError, http.client.HTTPException, AssertionError):
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def _run(self):
        try:
            for i in range(CONTAINERS // THREADS):
                self._create(f"c{self.part}-{i}")
            number = CONTAINERS
            while time.monotonic() < self.end:
                kind = self.random.random()
                if kind < 0.1:
                    self._create(f"c{self.part}-{number}")
                    number += 1
                elif kind < 0.2:
                    self._delete(self.random.choice(self.alive))
                elif kind < 0.4:
                    self._scale(self.random.choice(self.alive))
                else:
                    self._change_pod(self.random.choice(self.alive))
        except BaseException as error:
            self.failed = error
            raise

    def _create(self, container_id):
        """A rejected create leaves nothing: a 409 after it is temporary."""
        def create():
            answer = self.api.create(spec(), container_id)
            assert answer.status == 201, answer.text
        self._attempt(create)
        self.alive.append(container_id)

    def _delete(self, container_id):
        if len(self.alive) > 5:
            self._attempt(lambda: self.m.delete(container_id))
            self.alive.remove(container_id)
            self.deleted.append(container_id)

    def _scale(self, container_id):
        replicas = self.random.choice([0, 1, 1])
        self._attempt(lambda: self.m.scale(container_id, replicas))

    def _change_pod(self, container_id):
        self.step += 1
        phase = self.random.choice(["Running", "Running", "Pending"])
        waiting = {"reason": "Step", "message": f"{self.step:06d}"}
        pods = self._attempt(lambda: self.m.kube.of("pods", container_id))
        for pod in pods[:1]:
            path = self.m.kube.path("pods", pod["metadata"]["name"]) + "/status"
            status = {"phase": phase, "containerStatuses": [{"name": "main", "ready": False, "restartCount": 0,
                                                             "image": "nginx", "imageID": "",
                                                             "state": {"waiting": waiting}}]}
            self._attempt(lambda: self.m.kube.call("PATCH", path, {"status": status}, "application/merge-patch+json"))


def break_things(m, end):
    """Until the end: kill and restart NATS and the monitors, and inject faults into the API server."""
    rng = random.Random(f"{SEED}-faults")
    happened = []
    killed_api = False
    while time.monotonic() < end:
        time.sleep(rng.uniform(0.2, 0.8))
        kind = rng.random()
        if kind < 0.15:
            m.nats.kill()
            time.sleep(rng.uniform(0.1, 2))
            m.start_nats()
            happened.append("nats")
        elif kind < 0.3:
            victim = rng.choice(m.processes)
            victim.kill()
            time.sleep(rng.uniform(0, 1))
            victim.start()
            happened.append(victim.name)
        elif m.target.simulated:
            fault = dict(rng.choice(FAULTS))
            fault["match"] = {**fault.get("match", {}), "resource": rng.choice(["deployments", "replicasets", "pods"])}
            m.target.faults(fault)
            happened.append(fault["kind"])
        elif CLUSTER and (not killed_api or rng.random() < 0.1):
            killed_api = True
            restart_api_server("--kill", "--down", "1")
            happened.append("kube-apiserver")
    return happened


def truth(kube):
    """The state of every container by contract §3, from the objects themselves; None: it is about to change."""
    pods = {}
    for pod in kube.list("pods"):
        if "deletionTimestamp" not in pod["metadata"]:
            pods.setdefault(pod["metadata"]["labels"]["dcm.project/dcm-instance-id"], []).append(pod["status"]["phase"])
    states = {}
    for d in kube.list("deployments"):
        name = d["metadata"]["name"]
        phases = pods.get(name, [])
        if d["spec"]["replicas"] == 0:
            states[name] = "FAILED" if not phases else None
        else:
            states[name] = phases[0].upper() if len(phases) == 1 else None
    return states


def made_again(workers):
    """The containers whose create was executed more than once: the results of earlier ones were undone."""
    lines = [json.loads(line) for worker in workers for line in worker.log().splitlines()]
    creates = collections.Counter(line["id"] for line in lines if line.get("operation") == "create" and "id" in line)
    return {container_id for container_id, times in creates.items() if times > 1}


def check_order(events, twice):
    """No event of a container is older than the previous one."""
    step, deleted, times = {}, set(), {}
    for container_id, status, message, timestamp in events:
        assert timestamp >= times.get(container_id, ""), f"{container_id}: {timestamp} after {times[container_id]}"
        times[container_id] = timestamp
        assert status == "DELETED" or container_id not in deleted - twice, f"{container_id}: {status} after DELETED"
        if status == "DELETED":
            deleted.add(container_id)
        number = re.search(r"Step: (\d+)", message)
        if number:
            assert int(number[1]) >= step.get(container_id, 0), f"{container_id}: {message} after {step[container_id]}"
            step[container_id] = int(number[1])


def test_all_faults_of_kubesim_are_used():
    with open(os.path.join(ROOT, "tests/kubesim/faults.c"), encoding="utf-8") as source:
        kinds = set(re.findall(r'\{ "([a-z-]+)", ACTION_', source.read()))
    assert {fault["kind"] for fault in FAULTS} == kinds - NOT_OF_READERS


def test_dcm_knows_all_final_states_after_random_faults(monitors, own_stack):
    print(f"SP_TEST_SEED={SEED}")
    m = monitors(count=2)
    stack = own_stack(name=m.name, nats_port=m.port)
    end = time.monotonic() + SECONDS
    scripts = [Script(m, stack.api, part, end) for part in range(THREADS)]
    happened = break_things(m, end)
    for script in scripts:
        script.thread.join()
        assert script.failed is None, script.failed
    if m.target.simulated:
        m.target.faults()
    for process in m.processes:
        if not process.alive():
            process.start()
    deleted = {i for s in scripts for i in s.deleted}

    def settled():
        expected = {**truth(m.kube), **{i: "DELETED" for i in deleted}}
        return None not in expected.values() and m.dcm.last() == expected

    started = time.monotonic()
    try:
        wait_for(f"the final state of all (SP_TEST_SEED={SEED})", settled, SETTLE, 0.5)
    except AssertionError as error:
        expected, last = {**truth(m.kube), **{i: "DELETED" for i in deleted}}, m.dcm.last()
        wrong = {i: (expected.get(i), last.get(i)) for i in {*expected, *last} if expected.get(i) != last.get(i)}
        raise AssertionError(f"{error}: expected and published: {dict(list(wrong.items())[:10])}") from None
    print(f"{len(m.dcm.last())} containers, {len(deleted)} deleted, {len(m.dcm.events)} events; all right after "
          f"{time.monotonic() - started:.1f} s; what happened: {' '.join(happened)}")
    check_order(m.dcm.events, made_again(stack.workers))
    assert not m.dcm.bad
    assert all(not s.startswith("dcm.") for n, subjects in m.streams().items() if n != "dcm-status" for s in subjects)
