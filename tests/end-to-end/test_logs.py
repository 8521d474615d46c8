"""Logs of a container, complete and followed."""

import http.client
import json
import os
import time

import pytest

from api import BASE, spec
from container_logs import Follower, path, pod_of, pods_of, restart, say
from processes import wait_for
from test_methods import call


@pytest.fixture
def follow(stack):
    """A following client; closed at the end."""
    followers = []

    def make(container_id, **kwargs):
        followers.append(Follower(stack, container_id, **kwargs))
        assert followers[-1].status == 200, followers[-1].answer.read()
        return followers[-1]
    yield make
    for follower in followers:
        follower.close()


def logs(stack, container_id, headers=None, **query):
    return stack.api.call("GET", path(container_id, **query), headers=headers)


def web(stack, container_id, replicas=1, **changes):
    answer = stack.api.create(spec(provider_hints={"kubernetes": {"replicas": replicas}}, **changes), container_id)
    assert answer.status == 201, answer.text


def numbered(*numbers):
    return "".join(f"line {n}\n" for n in range(*numbers))


def test_logs_are_the_output_of_the_container(stack):
    web(stack, "says")
    pod = pod_of(stack, "says")
    say(stack, pod, numbered(2000))
    answer = logs(stack, "says")
    assert answer.status == 200 and answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text == numbered(1000, 2000)
    assert logs(stack, "says", tail_lines=2).text == numbered(1998, 2000)
    assert logs(stack, "says", tail_lines=5000).text == numbered(2000)
    assert logs(stack, "says", tail_lines=0).text == ""
    assert logs(stack, "says", limit_bytes=11).text == "line 1000\nl"
    assert logs(stack, "says", replica=pod, container="web", tail_lines=1).text == "line 1999\n"
    assert logs(stack, "says", since_time="1000-01-01T00:00:00Z").text == numbered(1000, 2000)
    assert logs(stack, "says", since_seconds=3600).text == numbered(1000, 2000)
    stamped = logs(stack, "says", timestamps="true", tail_lines=3).text.splitlines()
    assert [line.split(" ", 1)[1] for line in stamped] == numbered(1997, 2000).splitlines()
    time.sleep(1.1)
    say(stack, pod, "late\n")
    since = logs(stack, "says", timestamps="true", tail_lines=1).text.split(" ")[0]
    assert logs(stack, "says", since_time=since).text == "late\n"
    assert logs(stack, "says", since_seconds=1).text == "late\n"


def test_logs_of_all_replicas_have_their_names(stack):
    web(stack, "pair", replicas=2)
    pods = pods_of(stack, "pair", 2)
    for pod in pods:
        say(stack, pod, "one\ntwo\n")
    assert sorted(logs(stack, "pair").text.splitlines()) == sorted(
        f"[{pod}/web] {word}" for pod in pods for word in ("one", "two"))
    assert logs(stack, "pair", replica=pods[1]).text == "one\ntwo\n"


def test_logs_keep_every_byte(stack):
    web(stack, "bytes")
    pod = pod_of(stack, "bytes")
    raw = bytes(b for b in range(256) if b != 10) + b"\n"
    say(stack, pod, raw)
    connection = http.client.HTTPConnection("127.0.0.1", stack.api_port)
    connection.request("GET", path("bytes"))
    assert connection.getresponse().read() == raw
    event = logs(stack, "bytes", headers={"Accept": "text/event-stream"}).text
    assert "\\ufffd" in event.lower() or "\ufffd" in event


def test_logs_of_a_long_line_are_complete(stack, follow):
    web(stack, "long", replicas=2)
    pods = pods_of(stack, "long", 2)
    line = "".join(f"{n:08d}" for n in range(50000))
    say(stack, pods[0], line + "\nshort\n")
    say(stack, pods[1], "other\n" * 50)
    got = logs(stack, "long").text.splitlines()
    assert sorted(got) == sorted([f"[{pods[0]}/web] {line}", f"[{pods[0]}/web] short"] + [f"[{pods[1]}/web] other"] * 50)
    follower = follow("long", headers={"Accept": "text/event-stream"}, replica=pods[0])
    pieces = []
    while not pieces or pieces[-1].get("partial"):
        pieces.append(follower.events(1)[0][1])
    assert "".join(p["line"] for p in pieces) == line and len(pieces) > 2


def test_logs_of_a_long_line_are_split_at_characters(stack, follow):
    web(stack, "euro")
    pod = pod_of(stack, "euro")
    line = "x" + "\u00e9" * 40000 + "\u20ac" * 40000 + "\U0001f600" * 30000
    say(stack, pod, line + "\nnext\n")
    accept = {"Accept": "text/event-stream"}
    follower = follow("euro", headers=accept)
    pieces = []
    while not pieces or pieces[-1][1].get("partial"):
        pieces += follower.events(1)
    assert "".join(p["line"] for _, p in pieces) == line and len(pieces) > 3
    assert follower.events(1)[0][1]["line"] == "next"
    again = follow("euro", headers={**accept, "Last-Event-ID": pieces[-1][0]})
    assert again.events(1)[0][1]["line"] == "next"
    assert logs(stack, "euro").text == line + "\nnext\n"


def test_logs_are_followed_through_a_restart(stack, follow):
    web(stack, "again")
    pod = pod_of(stack, "again")
    say(stack, pod, numbered(3))
    follower = follow("again")
    assert follower.lines(3) == numbered(3).splitlines()
    say(stack, pod, numbered(3, 6))
    assert follower.lines(3) == numbered(3, 6).splitlines()
    restart(stack, pod, 1)
    say(stack, pod, numbered(6, 8), run=1)
    assert follower.lines(2) == numbered(6, 8).splitlines()
    restart(stack, pod, 2)
    say(stack, pod, numbered(8, 10), run=2)
    assert follower.lines(2) == numbered(8, 10).splitlines()
    assert logs(stack, "again", previous="true").text == numbered(6, 8)
    assert logs(stack, "again").text == numbered(8, 10)


def test_logs_of_runs_that_start_together_are_not_reported_as_lost(stack, follow):
    web(stack, "hasty")
    pod = pod_of(stack, "hasty")
    say(stack, pod, "run 0\n")
    follower = follow("hasty")
    assert follower.line() == "run 0"
    for run in (1, 3, 5):
        for n in (run, run + 1):
            restart(stack, pod, n)
            say(stack, pod, "".join(f"run {n}, line {k}\n" for k in range(5)), run=n)
        assert follower.lines(10) == [f"run {n}, line {k}" for n in (run, run + 1) for k in range(5)]


def test_logs_are_followed_through_rollout_and_scaling(stack, follow):
    web(stack, "moves")
    first = pod_of(stack, "moves")
    say(stack, first, "first\n")
    follower = follow("moves")
    assert follower.line() == "first"
    assert call(stack, "moves", "scale", {"replicas": 2}).status == 200
    second = next(p for p in (pod_of(stack, "moves", n) for n in (1, 0)) if p != first)
    say(stack, second, "second\n")
    assert follower.line() == "second"
    assert call(stack, "moves", "scale", {"replicas": 1}).status == 200
    uids = {p["metadata"]["uid"] for p in stack.kube.of("pods", "moves")}
    assert call(stack, "moves", "restart").status == 200
    wait_for("new Pods", lambda: (now := {p["metadata"]["uid"] for p in stack.kube.of("pods", "moves")}) and not uids & now, 60)
    third = pod_of(stack, "moves")
    say(stack, third, "third\n")
    assert follower.line() == "third"
    assert stack.api.delete("moves").status == 204
    follower.rest()  # its last lines; then the stream ends


@pytest.mark.parametrize("pause", [0, 0.05, 0.1])
def test_logs_end_with_their_container_if_its_id_is_reused(stack, follow, pause, root_kind):
    name = f"reused-{int(pause * 1000)}"
    accept = {"Accept": "text/event-stream"}
    web(stack, name)
    old = pod_of(stack, name)
    uids = {p["metadata"]["uid"] for p in stack.kube.of("pods", name)}
    say(stack, old, "old\n")
    follower = follow(name, headers=accept, timeout=60)
    event_id, event = follower.events(1)[0]
    assert event["line"] == "old"
    assert stack.api.delete(name).status == 204
    time.sleep(pause)
    wait_for("the id is free", lambda: stack.api.create(spec(), name).status == 201)
    new = wait_for("another Pod runs", lambda: next(
        (p["metadata"]["name"] for p in stack.kube.of("pods", name)
         if p["metadata"]["uid"] not in uids and p["status"].get("phase") == "Running"), None), 30)
    say(stack, new, "new\n")
    assert b"new" not in follower.rest()
    resumed = follow(name, headers={**accept, "Last-Event-ID": event_id})
    event = resumed.events(1)[0][1]
    assert (event["replica"], event["line"]) == (new, "new")


def test_logs_resume_with_more_replicas_than_fit_in_an_event_id(stack, follow):
    web(stack, "worn", replicas=2)
    accept = {"Accept": "text/event-stream"}
    stays, leaves = pods_of(stack, "worn", 2)
    follower = follow("worn", headers=accept)
    for n in range(18):
        say(stack, leaves, f"{n}\n")
        assert follower.events(1)[0][1]["line"] == str(n)
        if n < 17:
            stack.kube.delete("pods", leaves)
            leaves = wait_for("another Pod runs", lambda old=leaves: next(
                (p["metadata"]["name"] for p in stack.kube.of("pods", "worn")
                 if p["metadata"]["name"] not in (stays, old) and p["status"].get("phase") == "Running"), None), 30)
    say(stack, stays, "last\n")
    event_id, event = follower.events(1)[0]
    assert event["line"] == "last"
    follower.close()
    say(stack, stays, "next\n")
    assert follow("worn", headers={**accept, "Last-Event-ID": event_id}).events(1)[0][1]["line"] == "next"


def test_logs_wait_for_a_replica(stack, follow):
    web(stack, "waits", metadata={"name": "web", "labels": {"dcm-test/start-delay": "2s"}})
    answer = logs(stack, "waits").problem(409, "CONFLICT")
    assert "has not started" in answer["detail"] or "has no replica" in answer["detail"], answer
    follower = follow("waits")
    say(stack, pod_of(stack, "waits"), "at last\n")
    assert follower.line() == "at last"


def test_logs_of_an_unschedulable_pod(stack):
    web(stack, "large", resources={"cpu": {"min": 1000000, "max": 1000000}, "memory": {"min": "64MB", "max": "128MB"}})
    wait_for("the message is shown", lambda: "nodes are available" in logs(stack, "large").text)
    assert "has not started: " in logs(stack, "large").problem(409, "CONFLICT")["detail"]


def test_logs_of_a_missing_image(stack):
    web(stack, "absent", image={"reference": "nonexistent.example/web:1"})
    wait_for("its Pod waits", lambda: [p for p in stack.kube.of("pods", "absent") if p["status"].get("containerStatuses")])
    problem = wait_for("the reason", lambda: "ImagePullBackOff: " in logs(stack, "absent").text and logs(stack, "absent"))
    assert problem.problem(409, "CONFLICT")["detail"].startswith("replica 'absent-")


def test_logs_as_events_resume_at_last_event_id(stack, follow):
    web(stack, "events", replicas=2)
    pods = pods_of(stack, "events", 2)
    for pod in pods:
        say(stack, pod, numbered(20))
    accept = {"Accept": "text/event-stream"}
    follower = follow("events", headers=accept)
    assert follower.answer.getheader("Content-Type") == "text/event-stream"
    got = follower.events(27)
    follower.close()
    assert set(got[0][1]) == {"time", "replica", "container", "line"} and got[0][1]["container"] == "web"
    got += follow("events", headers={**accept, "Last-Event-ID": got[-1][0]}).events(13)
    for pod in pods:
        assert [e["line"] for _, e in got if e["replica"] == pod] == numbered(20).splitlines()
    logs(stack, "events", headers={**accept, "Last-Event-ID": "none"}).problem(400, "INVALID_ARGUMENT")


def events_of(text):
    """[(id, replica, line)] of a complete event stream."""
    found = []
    for event in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in event.splitlines() if not line.startswith(":"))
        data = json.loads(fields["data"])
        found.append((fields.get("id"), data["replica"], data["line"]))
    return found


def test_logs_as_events_resume_between_two_replicas(stack):
    """Not followed: one replica after the other."""
    web(stack, "both", replicas=2)
    for pod in pods_of(stack, "both", 2):
        say(stack, pod, numbered(5))
    time.sleep(1.1)
    accept = {"Accept": "text/event-stream"}
    everything = events_of(logs(stack, "both", headers=accept).text)
    assert len(everything) == 10
    for at in (0, 3, 4, 5, 9):
        rest = logs(stack, "both", headers={**accept, "Last-Event-ID": everything[at][0]}).text
        assert [e[1:] for e in events_of(rest)] == [e[1:] for e in everything[at + 1:]] if at < 9 else rest == "", (at, rest)


def new_pod(stack, container_id, known):
    return next(pod for pod in pods_of(stack, container_id, len(known) + 1) if pod not in known)


def test_logs_of_new_replicas_are_not_cut(stack, follow):
    """tail_lines is for the replicas that exist when a stream begins, also after it was resumed."""
    web(stack, "grows")
    pods = [pod_of(stack, "grows")]
    say(stack, pods[0], numbered(20))
    accept = {"Accept": "text/event-stream"}
    follower = follow("grows", headers=accept, tail_lines=3)
    assert [e["line"] for _, e in follower.events(3)] == numbered(17, 20).splitlines()
    event_id = None
    for resumes in (False, True):
        time.sleep(1.1)  # creation times are in whole seconds
        assert call(stack, "grows", "scale", {"replicas": len(pods) + 1}).status == 200
        pods.append(new_pod(stack, "grows", pods))
        say(stack, pods[-1], numbered(20))
        if resumes:
            follower.close()
            follower = follow("grows", headers={**accept, "Last-Event-ID": event_id}, tail_lines=3)
        got = follower.events(20)
        assert [(e["replica"], e["line"]) for _, e in got] == [(pods[-1], line) for line in numbered(20).splitlines()]
        event_id = got[-1][0]


def test_logs_that_were_cut_stay_cut_when_resumed(stack, follow):
    web(stack, "quiet", replicas=2)
    quiet, loud = pods_of(stack, "quiet", 2)
    accept = {"Accept": "text/event-stream"}
    for pod in (quiet, loud):  # both have a log file, as a runtime makes one
        say(stack, pod, numbered(20))
    time.sleep(1.1)
    follower = follow("quiet", headers=accept, tail_lines=0)
    time.sleep(2)  # until the kubelet has received both requests: lines before are cut
    say(stack, loud, "first\n")
    event_id, event = follower.events(1)[0]
    assert event["line"] == "first"
    follower.close()
    say(stack, quiet, "second\n")
    assert follow("quiet", headers={**accept, "Last-Event-ID": event_id}, tail_lines=0).events(1)[0][1]["line"] == "second"


def test_logs_of_replicas_that_are_gone_are_reported_as_lost_when_resumed(stack, follow):
    web(stack, "renewed")
    pod = pod_of(stack, "renewed")
    accept = {"Accept": "text/event-stream"}
    follower = follow("renewed", headers=accept)
    say(stack, pod, "first\n")
    event_id = follower.events(1)[0][0]
    follower.close()
    say(stack, pod, "unread\n")
    assert call(stack, "renewed", "restart").status == 200
    wait_for("its Pod is gone", lambda: stack.kube.get("pods", pod) is None, 30)
    say(stack, pod_of(stack, "renewed"), "second\n")
    follower = follow("renewed", headers={**accept, "Last-Event-ID": event_id})
    lost, second = (event for _, event in follower.events(2))
    assert lost["line"].startswith("[log lost between ") and lost["replica"] == "", lost
    assert second["line"] == "second"


def test_logs_as_events_have_comments(stack, follow):
    web(stack, "silent")
    say(stack, pod_of(stack, "silent"), "hush\n")
    follower = follow("silent", headers={"Accept": "text/event-stream"}, timeout=20)
    follower.events(1)
    began = time.monotonic()
    assert follower.lines(2) == ["", ":"]
    assert 10 < time.monotonic() - began < 17


def test_logs_of_missing_containers_are_404(stack):
    web(stack, "here")
    pod = pod_of(stack, "here")
    say(stack, pod, "x\n")
    logs(stack, "nothing").problem(404, "NOT_FOUND")
    for query, pointer, said in (({"container": "side"}, "/query/container", "'web'"),
                                 ({"replica": "here-1"}, "/query/replica", f"'{pod}'"),
                                 ({"previous": "true"}, "/query/previous", "was not restarted")):
        problem = logs(stack, "here", **query).problem(400, "INVALID_ARGUMENT")
        assert problem["errors"][0]["pointer"] == pointer and said in problem["detail"], problem
        problem = stack.api.call("GET", path("here", follow="true", **query))
        assert problem.status == 400, problem.text


@pytest.mark.parametrize("query, pointer", [
    ("tail_lines=-1", "/query/tail_lines"), ("tail_lines=x", "/query/tail_lines"), ("since_seconds=0", "/query/since_seconds"),
    ("since_time=2090-01-01T00:00:00Z", "/query/since_time"), ("since_time=yesterday", "/query/since_time"),
    ("since_time=2026-01-01T00:00:00Z&since_seconds=1", "/query/since_seconds"), ("limit_bytes=0", "/query/limit_bytes"),
    ("follow=maybe", "/query/follow"), ("follow=true&previous=true", "/query/previous"), ("container=", "/query/container"),
    ("replica=a&replica=b", "/query/replica")])
def test_logs_with_invalid_input_are_rejected(stack, query, pointer):
    problem = stack.api.call("GET", f"{BASE}/any/logs?{query}").problem(400, "INVALID_ARGUMENT")
    assert [e["pointer"] for e in problem["errors"]] == [pointer], problem


def test_logs_are_throttled_if_the_client_does_not_read(stack, follow):
    web(stack, "loud")
    pod = pod_of(stack, "loud")
    block = "".join(f"{n:07d} {'x' * 56}\n" for n in range(32000))
    for _ in range(8):
        say(stack, pod, block)
    follower = follow("loud")
    time.sleep(2)
    before = [w.rss_kb() for w in stack.workers]
    for _ in range(8):
        say(stack, pod, block)
    time.sleep(3)
    assert max(b - a for a, b in zip(before, [w.rss_kb() for w in stack.workers])) < 4096
    for n in range(16 * 32000):
        assert int(follower.line()[:7]) == n % 32000


def sockets(stack):
    """Of all workers."""
    count = 0
    for worker in stack.workers:
        folder = f"/proc/{worker.popen.pid}/fd"
        for fd in os.listdir(folder):
            try:
                count += os.readlink(f"{folder}/{fd}").startswith("socket:")
            except FileNotFoundError:
                pass  # closed just now
    return count


def test_logs_end_with_their_client(stack, follow):
    web(stack, "left")
    say(stack, pod_of(stack, "left"), "x\n")
    assert logs(stack, "left").status == 200  # with a kept-alive connection
    before = sockets(stack)
    followers = [follow("left") for _ in range(20)]
    assert [f.line() for f in followers] == ["x"] * 20
    assert sockets(stack) > before + 10
    for follower in followers:
        follower.close()
    wait_for("the calls have ended", lambda: sockets(stack) <= before + 2, 1.5)


def test_logs_end_incomplete_with_the_worker(own_stack):
    stack = own_stack(workers=1)
    web(stack, "cut")
    pod = pod_of(stack, "cut")
    say(stack, pod, numbered(5))
    follower = Follower(stack, "cut", headers={"Accept": "text/event-stream"})
    got = follower.events(5)
    stack.workers[0].kill()
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        follower.rest()
    stack.add_worker()
    say(stack, pod, numbered(5, 8))
    again = Follower(stack, "cut", headers={"Accept": "text/event-stream", "Last-Event-ID": got[-1][0]})
    assert [e["line"] for _, e in again.events(3)] == numbered(5, 8).splitlines()
    again.close()
    stack.workers.pop(0)


def test_logs_without_the_permission_are_rejected(stack, without):
    web(stack, "secret")
    say(stack, pod_of(stack, "secret"), "x\n")
    without("", "pods/log")
    wait_for("the Role counts", lambda: logs(stack, "secret").status == 403)
    for query in ({}, {"follow": "true"}):
        problem = logs(stack, "secret", **query).problem(403, "PERMISSION_DENIED")
        assert 'cannot get resource "pods/log"' in problem["detail"], problem
