"""Fault injection, which only the simulator supports."""

import http.client
import json
import socket
import subprocess
import time

import pytest

from kube import condition, deployment, eventually, service

DROPPED = (http.client.RemoteDisconnected, ConnectionError)


def test_a_fault_is_injected_count_times(sim, sim_ns):
    sim.faults({"kind": "status", "status": 500, "count": 2, "match": {"resource": "services"}})
    got = [sim.kube.call("GET", sim_ns.services)[0] for _ in range(4)]
    assert got == [500, 500, 200, 200]


def test_an_unlimited_fault_ends_when_deleted(sim, sim_ns):
    sim.faults({"kind": "status", "status": 503, "count": -1})
    assert [sim.kube.call("GET", sim_ns.pods)[0] for _ in range(3)] == [503] * 3
    assert sim.state()["faults"] == 1
    sim.clear_faults()
    assert sim.kube.call("GET", sim_ns.pods)[0] == 200


@pytest.mark.parametrize("match, hit", [
    ({"method": "GET"}, True), ({"method": "POST"}, False), ({"verb": "list"}, True), ({"verb": "get"}, False),
    ({"resource": "services"}, True), ({"resource": "pods"}, False), ({"path": "/api/v1/"}, True),
    ({"path": "/apis/"}, False)])
def test_conditions_of_faults(sim, sim_ns, match, hit):
    sim.faults({"kind": "status", "status": 500, "match": match})
    assert (sim.kube.call("GET", sim_ns.services)[0] == 500) == hit


@pytest.mark.parametrize("status, reason", [
    (401, "Unauthorized"), (409, "Conflict"), (410, "Expired"), (429, "TooManyRequests"), (500, "InternalError"),
    (503, "ServiceUnavailable"), (504, "Timeout")])
def test_injected_statuses_have_the_usual_body(sim, sim_ns, status, reason):
    sim.faults({"kind": "status", "status": status})
    got, answer = sim.kube.call("GET", sim_ns.services)
    assert (got, answer["code"], answer["reason"]) == (status, status, reason)


def test_retry_after_is_sent(sim, sim_ns):
    sim.faults({"kind": "status", "status": 429, "retryAfter": 7}, {"kind": "status", "status": 429})
    status, headers, text = sim.kube.request("GET", sim_ns.services)
    assert (status, headers["Retry-After"], json.loads(text)["details"]["retryAfterSeconds"]) == (429, "7", 7)
    status, headers, _ = sim.kube.request("GET", sim_ns.services)
    assert status == 429 and "Retry-After" not in headers


def test_a_proxy_answers_in_html(sim, sim_ns):
    sim.faults({"kind": "status", "status": 503, "html": True})
    status, headers, text = sim.kube.request("GET", sim_ns.services)
    assert status == 503 and headers["Content-Type"] == "text/html" and text.startswith("<html>")


def test_a_connection_can_be_closed_before_and_after_the_commit(sim, sim_ns):
    sim.faults({"kind": "drop", "match": {"verb": "create"}})
    with pytest.raises(DROPPED):
        sim.kube.call("POST", sim_ns.services, service("a"))
    assert sim.kube.call("GET", sim_ns.services + "/a")[0] == 404
    sim.faults({"kind": "drop", "when": "after", "match": {"verb": "create"}})
    with pytest.raises(DROPPED):
        sim.kube.call("POST", sim_ns.services, service("a"))
    assert sim.kube.call("GET", sim_ns.services + "/a")[0] == 200
    sim.faults({"kind": "status", "status": 504, "when": "after", "match": {"verb": "delete"}})
    assert sim.kube.call("DELETE", sim_ns.services + "/a")[0] == 504
    assert sim.kube.call("GET", sim_ns.services + "/a")[0] == 404


def test_latency_is_added(sim, sim_ns):
    sim.faults({"kind": "latency", "ms": 300})
    begin = time.monotonic()
    assert sim.kube.call("GET", sim_ns.services)[0] == 200
    assert 0.29 <= time.monotonic() - begin < 2


def test_a_request_can_hang(sim, sim_ns):
    sim.faults({"kind": "hang"})
    with pytest.raises((TimeoutError, socket.timeout)):
        sim.kube.request("GET", sim_ns.services, timeout=0.5)
    assert sim.kube.call("GET", sim_ns.services)[0] == 200


def test_a_body_can_be_slow(sim, sim_ns):
    sim.faults({"kind": "slow-body", "bytes": 50, "ms": 20})
    begin = time.monotonic()
    status, answer = sim.kube.call("GET", sim_ns.services)
    assert status == 200 and answer["kind"] == "ServiceList" and time.monotonic() - begin >= 0.04


def test_forbidden_has_the_message_of_rbac(sim, sim_ns):
    sim.faults({"kind": "forbidden", "count": -1, "match": {"resource": "deployments"}})
    status, answer = sim.kube.call("GET", sim_ns.deployments)
    assert (status, answer["reason"]) == (403, "Forbidden")
    assert answer["message"] == (
        'deployments.apps is forbidden: User "system:serviceaccount:default:kubesim" cannot list resource '
        f'"deployments" in API group "apps" in the namespace "{sim_ns.name}"')
    _, answer = sim.kube.call("GET", sim_ns.deployments + "/x/scale")
    assert answer["message"].startswith('deployments.apps "x" is forbidden: User ')
    assert 'cannot get resource "deployments/scale" in API group "apps"' in answer["message"]


def test_a_quota_rejects_a_request(sim, sim_ns):
    sim.faults({"kind": "quota", "match": {"resource": "services"}})
    status, answer = sim.kube.call("POST", sim_ns.services, service("b"))
    assert (status, answer["reason"]) == (403, "Forbidden")
    assert answer["message"] == ('services "b" is forbidden: exceeded quota: quota, requested: services=1, used: '
                                 'services=0, limited: services=0')


def test_a_quota_for_pods_is_reported_in_the_deployment(sim, sim_ns):
    path = sim_ns.deployments + "/web"
    sim.faults({"kind": "quota", "count": -1, "match": {"resource": "pods"}})
    sim.kube.post(sim_ns.deployments, deployment("web"))
    failure = eventually(lambda: condition(sim.kube.get(path), "ReplicaFailure"))
    assert (failure["status"], failure["reason"]) == ("True", "FailedCreate")
    assert "is forbidden: exceeded quota: quota, requested: pods=1" in failure["message"]
    sim.clear_faults()
    eventually(lambda: sim.kube.get(path)["status"].get("availableReplicas") == 1)
    eventually(lambda: not condition(sim.kube.get(path), "ReplicaFailure"))


# ---- watches ---------------------------------------------------------------------------------------------------------

def opened(sim, sim_ns, **options):
    version = sim.kube.get(sim_ns.services)["metadata"]["resourceVersion"]
    return sim.kube.watch(sim_ns.services, resourceVersion=version, timeoutSeconds=10, **options)


@pytest.mark.parametrize("status, reason", [(410, "Expired"), (500, "InternalError")])
def test_an_error_event_in_a_watch(sim, sim_ns, status, reason):
    with opened(sim, sim_ns) as watch:
        sim.faults({"kind": "watch-error", "status": status})
        events = list(watch)
    assert [(e["type"], e["object"]["code"], e["object"]["reason"]) for e in events] == [("ERROR", status, reason)]


def test_a_watch_ends_early(sim, sim_ns):
    with opened(sim, sim_ns) as watch:
        sim.faults({"kind": "watch-eof"})
        assert list(watch) == []


@pytest.mark.parametrize("broken", [False, True])
def test_a_watch_ends_in_the_middle_of_a_line(sim, sim_ns, broken):
    with opened(sim, sim_ns) as watch:
        sim.faults({"kind": "event-cut", "broken": broken})
        sim.kube.post(sim_ns.services, service("a"))
        try:
            text = watch.answer.read()
            assert not broken
        except http.client.IncompleteRead as error:
            text = error.partial
            assert broken
    assert text.startswith(b'{"type":"ADDED"') and not text.endswith(b"\n")


def test_a_watch_becomes_silent(sim, sim_ns):
    with opened(sim, sim_ns, allowWatchBookmarks="true") as watch:
        sim.faults({"kind": "watch-silent"})
        eventually(lambda: not sim.state()["faults"])
        sim.kube.post(sim_ns.services, service("a"))
        watch.connection.sock.settimeout(0.7)
        with pytest.raises((TimeoutError, socket.timeout)):
            next(watch)


def test_a_watch_is_sent_in_small_pieces(sim, sim_ns):
    with opened(sim, sim_ns) as watch:
        sim.faults({"kind": "watch-chunk", "bytes": 7, "ms": 1})
        eventually(lambda: not sim.state()["faults"])
        sim.kube.post(sim_ns.services, service("a"))
        assert next(watch)["object"]["metadata"]["name"] == "a"


def test_a_large_event_is_sent(sim, sim_ns):
    with opened(sim, sim_ns) as watch:
        sim.faults({"kind": "event-pad", "mib": 3})
        sim.kube.post(sim_ns.services, service("a"))
        assert len(next(watch)["object"]["metadata"]["annotations"]["kubesim/padding"]) == 3 << 20


def test_duplicate_events_are_sent(sim, sim_ns):
    with opened(sim, sim_ns) as watch:
        sim.faults({"kind": "event-duplicate"})
        for name in "ab":
            sim.kube.post(sim_ns.services, service(name))
        events = watch.until(lambda e: e["object"]["metadata"]["name"] == "b")
    assert [(e["type"], e["object"]["metadata"]["name"]) for e in events] == [
        ("ADDED", "a"), ("ADDED", "a"), ("ADDED", "b")]


def test_a_watch_can_be_rejected(sim, sim_ns):
    sim.faults({"kind": "status", "status": 410, "match": {"verb": "watch"}})
    watch = sim.kube.watch(sim_ns.services, resourceVersion=1, timeoutSeconds=5)
    assert watch.status == 410
    watch.close()


# ---- the simulator itself --------------------------------------------------------------------------------------------

def test_requests_are_counted(sim, sim_ns):
    sim.kube.call("DELETE", "/sim/state")
    sim.kube.post(sim_ns.deployments, deployment("x", replicas=0))
    sim.kube.get(sim_ns.deployments + "/x")
    sim.kube.get(sim_ns.deployments + "/x")
    sim.kube.patch(sim_ns.deployments + "/x/scale", {"spec": {"replicas": 0}})
    assert sim.state()["requests"] == {"create deployments": 1, "get deployments": 2, "patch deployments/scale": 1}


def test_invalid_faults_are_rejected(sim):
    for order in ({}, {"kind": "nonsense"}, {"kind": "watch-chunk", "bytes": 0}, []):
        status, answer = sim.kube.call("POST", "/sim/faults", order)
        assert status == (200 if order == [] else 400), answer
    assert sim.kube.call("POST", "/sim/faults", "{")[0] == 400


def test_a_token_is_required(start_simulator):
    kube = start_simulator("--token", "secret").kube
    path = "/api/v1/namespaces/default/pods"
    assert kube.token == "secret" and kube.call("GET", path)[0] == 200
    for header in ({"Authorization": "Bearer wrong"}, {"Authorization": ""}):
        status, answer = kube.call("GET", path, headers=header)
        assert (status, answer["message"], answer["reason"]) == (401, "Unauthorized", "Unauthorized")
    assert kube.call("GET", "/readyz", headers={"Authorization": ""})[0] == 200


def test_https_is_served(start_simulator, tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days",
                    "1", "-subj", "/CN=kubesim", "-addext", "subjectAltName=IP:127.0.0.1"],
                   check=True, capture_output=True)
    kube = start_simulator("--tls-cert", str(cert), "--tls-key", str(key), "--token", "secret").kube
    assert kube.tls and kube.call("GET", "/api/v1/namespaces/default/pods")[0] == 200
    with kube.watch("/api/v1/namespaces", timeoutSeconds=5) as watch:
        assert next(watch)["type"] == "ADDED"


def test_it_logs_that_it_is_a_simulator_and_terminates_quickly(start_simulator):
    simulator = start_simulator("--namespace=one")
    found = {i["metadata"]["name"] for i in simulator.kube.get("/api/v1/namespaces")["items"]}
    assert {"default", "one"} <= found
    assert "SIMULATOR" in (simulator.folder / "log").read_text()
    watches = [simulator.kube.watch("/api/v1/namespaces", timeoutSeconds=60) for _ in range(20)]
    begin = time.monotonic()
    assert simulator.stop() == 0 and time.monotonic() - begin < 2
    for watch in watches:
        watch.close()


def test_invalid_options_are_rejected(tmp_path):
    import subprocess

    from conftest import KUBESIM
    for arguments in (["--nonsense"], ["--history", "x"], ["--tls-cert", "x"], ["--listen", "nowhere"]):
        done = subprocess.run([KUBESIM, *arguments], capture_output=True, text=True, timeout=10)
        assert done.returncode == 1 and "kubesim: " in done.stderr
    assert subprocess.run([KUBESIM, "--help"], capture_output=True, timeout=10).returncode == 0
