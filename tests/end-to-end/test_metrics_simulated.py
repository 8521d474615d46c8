"""Metrics of injected faults: broken watches, failed calls, overloaded workers."""

import concurrent.futures
import json
import socket

from api import BASE, spec
from exposition import ANY_PORT, port_of, scrape
from processes import wait_for


def test_metrics_of_a_broken_watch_and_failed_calls(own_stack, target):
    stack = own_stack(workers=0)
    port = port_of(stack.add_worker(**ANY_PORT).log())
    wait_for("healthy", lambda: stack.api.health() == "healthy")
    before = scrape(port)
    # Without end: other workers watch as well.
    target.faults({"match": {"verb": "watch", "resource": "pods"}, "kind": "drop", "count": -1},
                  {"match": {"verb": "watch", "resource": "pods"}, "kind": "watch-eof", "count": -1, "broken": True},
                  {"match": {"verb": "create", "resource": "deployments"}, "kind": "status", "status": 503, "count": 1})
    assert stack.api.create(spec(), "again").status == 201
    wait_for("restarts", lambda: scrape(port).sum("dcm_sp_kubernetes_watch_restarts_total", kind="pods") >
             before.sum("dcm_sp_kubernetes_watch_restarts_total", kind="pods"), 30)
    samples = scrape(port)
    assert samples.sum("dcm_sp_kubernetes_requests_total", verb="create", kind="deployments", code="503") == 1
    assert samples.sum("dcm_sp_kubernetes_requests_total", verb="create", kind="deployments", code="201") == 1
    wait_for("an unanswered watch",
             lambda: scrape(port).sum("dcm_sp_kubernetes_requests_total", verb="watch", code="none") > 0, 30)
    target.faults()
    assert stack.api.delete("again").status == 204


def test_metrics_of_an_overloaded_worker(own_stack, target):
    stack = own_stack(workers=0)
    port = port_of(stack.add_worker(**ANY_PORT, SP_WORKER_CONCURRENCY="1").log())
    wait_for("healthy", lambda: stack.api.health() == "healthy")
    target.faults({"match": {"verb": "get", "resource": "deployments"}, "kind": "latency", "ms": 1500, "count": -1})
    with concurrent.futures.ThreadPoolExecutor(60) as pool:
        answers = [pool.submit(stack.api.get, "slow") for _ in range(60)]
        wait_for("one runs, others wait", lambda: scrape(port).of("dcm_sp_worker_requests_in_flight") == [1] and
                 scrape(port).sum("dcm_sp_worker_requests_waiting") > 0)
        wait_for("some are rejected", lambda: scrape(port).sum("dcm_sp_worker_requests_rejected_total") > 0)
        statuses = {answer.result().status for answer in answers}
    assert 503 in statuses, statuses
    codes = scrape(stack.api_port)
    assert codes.sum("dcm_sp_http_requests_total", operation="get", code="503") > 0
    target.faults()


def test_metrics_of_followed_logs(own_stack):
    stack = own_stack(workers=0)
    port = port_of(stack.add_worker(**ANY_PORT).log())
    wait_for("healthy", lambda: stack.api.health() == "healthy")
    assert stack.api.create(spec(), "told").status == 201
    stack.wait_status("told", "RUNNING")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        following = pool.submit(stack.api.call, "GET", "/api/v1alpha1/containers/told/logs?follow=true")
        wait_for("a stream in both", lambda: scrape(port).of("dcm_sp_worker_streams_open") == [1] and
                 scrape(stack.api_port).of("dcm_sp_http_streams_open") == [1])
        assert stack.api.delete("told").status == 204
        assert following.result(60).status == 200
    wait_for("no stream", lambda: scrape(port).of("dcm_sp_worker_streams_open") == [0] and
             scrape(stack.api_port).of("dcm_sp_http_streams_open") == [0])
    samples = scrape(stack.api_port)
    assert samples.sum("dcm_sp_http_requests_total", operation="logs", code="200") == 1
    assert samples.of("dcm_sp_http_request_duration_seconds_count", operation="logs") == []
    assert scrape(port).sum("dcm_sp_kubernetes_requests_total", verb="log", kind="pods") >= 1


def test_metrics_of_streams_whose_client_leaves(own_stack, target):
    stack = own_stack(workers=0, SP_EXEC="true", SP_SERVER_REQUEST_TIMEOUT="2s")
    port = port_of(stack.add_worker(**ANY_PORT).log())
    wait_for("healthy", lambda: stack.api.health() == "healthy")
    assert stack.api.create(spec(), "left").status == 201
    stack.wait_status("left", "RUNNING")

    def calls(verb, code):
        return scrape(port).sum("dcm_sp_kubernetes_requests_total", verb=verb, code=code)

    def connect(method, path, body=""):
        s = socket.create_connection(("127.0.0.1", stack.api_port), 20)
        s.sendall(f"{method} {BASE}/left{path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                  f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
        return s
    with connect("GET", "/logs?follow=true") as s:
        assert s.recv(100).startswith(b"HTTP/1.1 200")
    wait_for("the call is counted", lambda: calls("log", "200") == 1)
    # Before a response.
    target.faults(*({"match": {"resource": f"pods/{what}"}, "kind": "hang", "count": -1} for what in ("log", "exec")))
    assert stack.api.call("GET", f"{BASE}/left/logs?follow=true").status == 504
    wait_for("the log is counted", lambda: calls("log", "cancelled") == 1)
    wait_for("no stream", lambda: scrape(port).of("dcm_sp_worker_streams_open") == [0])
    with connect("POST", ":exec", json.dumps({"command": ["cat"]})):
        wait_for("a stream", lambda: scrape(port).of("dcm_sp_worker_streams_open") == [1])
    wait_for("the command is counted", lambda: calls("exec", "cancelled") == 1)
    assert calls("log", "none") == calls("exec", "none") == 0
    target.faults()
