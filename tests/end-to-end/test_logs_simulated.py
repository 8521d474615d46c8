"""Logs while the worker's cache is behind the cluster, and of very many replicas."""

import collections
import concurrent.futures
import time

import pytest

from api import spec
from container_logs import Follower, crash, pod_of, pods_of, restart, say
from processes import wait_for
from test_logs import logs, web

LOG = {"resource": "pods/log"}
SILENT = {"match": {"resource": "pods"}, "kind": "watch-silent", "count": -1}


@pytest.fixture
def follower_of(stack):
    """A client that follows a container; closed at the end, without faults."""
    followers = []

    def make(container_id, **options):
        followers.append(Follower(stack, container_id, **options))
        assert followers[-1].status == 200, followers[-1].answer.read()
        return followers[-1]
    yield make
    stack.target.faults()
    for follower in followers:
        follower.close()


def lines_of(run):
    return [f"run {run}, line {k}" for k in range(3)]


def start_run(stack, pod, run):
    restart(stack, pod, run)
    say(stack, pod, "".join(f"{line}\n" for line in lines_of(run)), run=run)


def follow_run_0(stack, follower_of, container_id):
    """Create a container, and follow its log: the Pod, and the follower after the only line of the first run."""
    web(stack, container_id)
    pod = pod_of(stack, container_id)
    say(stack, pod, "run 0\n")
    follower = follower_of(container_id)
    assert follower.line() == "run 0"
    return pod, follower


def test_logs_of_two_restarts_that_the_cache_has_not_seen(stack, follower_of):
    pod, follower = follow_run_0(stack, follower_of, "unseen")
    for run in (1, 3):
        stack.target.faults(SILENT)
        time.sleep(0.3)
        start_run(stack, pod, run)
        start_run(stack, pod, run + 1)
        assert follower.lines(6) == lines_of(run) + lines_of(run + 1)
        stack.target.faults()
        time.sleep(1)


def test_logs_of_a_restart_while_the_previous_run_is_read(stack, follower_of):
    pod, follower = follow_run_0(stack, follower_of, "during")
    for run in (1, 3, 5):
        stack.target.faults({"match": LOG, "kind": "latency", "ms": 1500, "count": 1})
        start_run(stack, pod, run)
        time.sleep(0.5)  # now the rest of the previous run is requested
        start_run(stack, pod, run + 1)
        assert follower.lines(6) == lines_of(run) + lines_of(run + 1)


def test_logs_of_runs_that_no_longer_exist_are_called_lost(stack, follower_of):
    pod, follower = follow_run_0(stack, follower_of, "skipped")
    stack.target.faults(SILENT)
    time.sleep(0.3)
    for run in (1, 2, 3):
        start_run(stack, pod, run)
    assert follower.line().startswith("[log lost between ")
    assert follower.lines(6) == lines_of(2) + lines_of(3)


@pytest.mark.parametrize("seen", [True, False])
def test_logs_of_a_run_that_crashed_at_once(stack, follower_of, seen):
    name = f"crashes-{str(seen).lower()}"
    web(stack, name)
    pod = pod_of(stack, name)
    say(stack, pod, "run 0\n")
    follower = follower_of(name)
    assert follower.line() == "run 0"
    for run in (1, 3):
        if not seen:
            stack.target.faults(SILENT)
            time.sleep(0.3)
        say(stack, pod, "".join(f"{line}\n" for line in lines_of(run)), run=run)  # a run that is over is read once
        crash(stack, pod, run)
        assert follower.lines(3) == lines_of(run)
        stack.target.faults()
        start_run(stack, pod, run + 1)
        assert follower.lines(3) == lines_of(run + 1)


def test_logs_of_a_silent_run_between_two_others(stack, follower_of):
    pod, follower = follow_run_0(stack, follower_of, "mute")
    for run in (1, 3):
        restart(stack, pod, run)
        start_run(stack, pod, run + 1)
        assert follower.lines(3) == lines_of(run + 1)


def test_logs_of_a_replaced_pod_with_the_same_name(stack, follower_of):
    answer = stack.api.create(spec(provider_hints={"kubernetes": {"kind": "StatefulSet"}}), "named")
    assert answer.status == 201, answer.text
    pod = pod_of(stack, "named")
    uid = stack.kube.get("pods", pod)["metadata"]["uid"]
    say(stack, pod, "old\n")
    follower = follower_of("named")
    assert follower.line() == "old"
    stack.target.faults(SILENT)
    time.sleep(0.3)
    stack.kube.delete("pods", pod)
    wait_for("another Pod runs", lambda: any(
        p["metadata"]["uid"] != uid and p["status"].get("phase") == "Running" for p in stack.kube.of("pods", "named")), 30)
    say(stack, pod, "new\n")
    time.sleep(2)
    stack.target.faults()
    assert follower.line() == "new"
    time.sleep(2)
    say(stack, pod, "next\n")
    assert follower.line() == "next"


def test_logs_of_more_containers_than_an_id_has_places_for(stack, follower_of):
    """Nothing is lost, and only the few without a place repeat lines."""
    count, kept = 40, 27
    web(stack, "crowd", replicas=count)
    pods = pods_of(stack, "crowd", count)
    accept = {"Accept": "text/event-stream"}
    got = []
    for round_number in range(2):
        for pod in pods:
            say(stack, pod, f"line {round_number}\n")
        follower = follower_of("crowd", headers=accept | ({"Last-Event-ID": got[-1][0]} if got else {}))
        wanted = {(pod, f"line {round_number}") for pod in pods}
        while wanted:
            got += follower.events(1)
            wanted.discard((got[-1][1]["replica"], got[-1][1]["line"]))
        follower.close()
    lines = [(event["replica"], event["line"]) for _, event in got]
    assert len(set(lines)) == 2 * count and len(lines) <= 2 * count + (count - kept), collections.Counter(lines).most_common(9)


def test_logs_wait_for_a_cache_that_is_behind(stack):
    """The Pod is ready according to its Deployment, so it has a log."""
    stack.target.faults(SILENT)
    time.sleep(0.3)
    try:
        web(stack, "behind")
        say(stack, pod_of(stack, "behind"), "a line\n")
        wait_for("ready", lambda: stack.kube.get("deployments", "behind")["status"].get("readyReplicas"))
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            answer = pool.submit(logs, stack, "behind")
            time.sleep(0.5)
            stack.target.faults()
            assert (answer.result().status, answer.result().text) == (200, "a line\n")
    finally:
        stack.target.faults()
