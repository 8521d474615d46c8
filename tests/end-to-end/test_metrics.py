"""Each metric changes as expected in the pipeline."""

import socket

from api import BASE, spec
from exposition import ANY_PORT, port_of, promtool, request, scrape
from processes import wait_for
from wire import Nats

KINDS = {"deployments", "statefulsets", "replicasets", "controllerrevisions", "pods", "services",
         "horizontalpodautoscalers"}
SENT = "dcm_sp_nats_sent_messages_total"


def moved(port, name, **labels):
    """Wait until a sum is above zero."""
    wait_for(f"{name} {labels}", lambda: scrape(port).sum(name, **labels) > 0, 60)


def kinds_in_cache(port):
    return {labels["kind"] for name, labels, _ in scrape(port).rows if name == "dcm_sp_kubernetes_cache_age_seconds"}


def test_metrics_of_a_worker(own_stack):
    stack = own_stack(workers=0)
    port = port_of(stack.add_worker(**ANY_PORT, SP_WORKER_CONCURRENCY="2").log())
    wait_for("healthy", lambda: stack.api.health() == "healthy")
    wait_for("all kinds are known", lambda: kinds_in_cache(port) == KINDS, 30)
    assert stack.api.create(spec(), "m1").status == 201
    assert stack.api.create(spec(), "m1").status == 409
    stack.wait_status("m1", "RUNNING")
    wait_for("its objects are in the cache", lambda: scrape(port).sum("dcm_sp_kubernetes_cache_objects") >= 1)
    assert stack.api.get("absent").status == 404
    assert stack.api.delete("m1").status == 204
    wait_for("at rest", lambda: scrape(port).of("dcm_sp_worker_requests_in_flight") == [0])  # it counts after its reply
    samples = scrape(port)
    assert samples.sum("dcm_sp_worker_requests_total", operation="create", code="OK") == 1
    assert samples.sum("dcm_sp_worker_requests_total", operation="create", code="ALREADY_EXISTS") == 1
    assert samples.sum("dcm_sp_worker_requests_total", operation="get", code="NOT_FOUND") == 1
    assert samples.sum("dcm_sp_worker_request_duration_seconds_count", operation="create") == 2
    assert samples.sum("dcm_sp_kubernetes_requests_total", verb="create", kind="deployments", code="201") == 1
    assert samples.sum("dcm_sp_kubernetes_requests_total", verb="delete", kind="deployments", code="200") == 1
    assert samples.sum("dcm_sp_kubernetes_requests_total", kind="other", code="200") >= 1  # health
    assert samples.sum("dcm_sp_kubernetes_request_duration_seconds_count", verb="create", kind="deployments") == 2
    assert samples.of("dcm_sp_kubernetes_request_duration_seconds_count", verb="watch") == []
    assert samples.sum("dcm_sp_kubernetes_watches_total") >= 4
    assert max(samples.of("dcm_sp_kubernetes_cache_age_seconds")) < 60
    wait_for("no request waits", lambda: scrape(port).of("dcm_sp_worker_requests_waiting") == [0])
    assert samples.of("dcm_sp_nats_connected") == [1] and samples.sum(SENT) > 0
    assert promtool("check", "metrics", stdin=request(port)[2]) == ""
    assert "m1" not in request(port)[2] and "absent" not in request(port)[2]  # nothing of a container's


def test_metrics_of_a_worker_survive_a_killed_nats(own_stack):
    stack = own_stack(workers=0)
    port = port_of(stack.add_worker(**ANY_PORT).log())
    stack.nats.kill()
    wait_for("not connected", lambda: scrape(port).of("dcm_sp_nats_connected") == [0])
    wait_for("api-svc has seen it", lambda: request(stack.api_port, "/readyz")[0] == 503)
    stack.start_nats()
    wait_for("connected", lambda: scrape(port).of("dcm_sp_nats_connected") == [1], 30)
    assert scrape(port).of("dcm_sp_nats_reconnects_total") == [1]
    wait_for("ready", lambda: request(stack.api_port, "/readyz")[0] == 200, 30)


def test_metrics_of_a_monitor(monitors):
    m = monitors(count=0)
    ports = [port_of(m.add(**ANY_PORT).log()) for _ in range(2)]
    leader, other = [scrape(port) for port in ports]
    assert leader.of("dcm_sp_monitor_leader") == [1] and other.of("dcm_sp_monitor_leader") == [0]
    assert leader.of("dcm_sp_events_acknowledged") == [1]
    assert leader.sum("dcm_sp_containers") == 0 and len(leader.of("dcm_sp_containers")) == 5
    assert other.of("dcm_sp_kubernetes_cache_age_seconds") == []  # a standby watches nothing
    m.create("seen")
    m.wait_last("seen", "RUNNING")
    wait_for("it is counted", lambda: scrape(ports[0]).of("dcm_sp_containers", status="RUNNING") == [1])
    samples = scrape(ports[0])
    assert samples.sum("dcm_sp_events_published_total") >= 1
    assert samples.sum("dcm_sp_kubernetes_cache_containers") == 1
    wait_for("no event waits", lambda: scrape(ports[0]).of("dcm_sp_events_oldest_waiting_seconds") == [0])
    assert promtool("check", "metrics", stdin=request(ports[0])[2]) == ""
    m.nats.kill()
    m.scale("seen", 0)
    wait_for("an event waits", lambda: scrape(ports[0]).of("dcm_sp_events_waiting") == [1])
    wait_for("and grows old", lambda: scrape(ports[0]).sum("dcm_sp_events_oldest_waiting_seconds") > 1)
    m.start_nats()
    wait_for("none waits", lambda: 0 in scrape(ports[0]).of("dcm_sp_events_waiting") +
             scrape(ports[1]).of("dcm_sp_events_waiting") and
             scrape(ports[0]).sum("dcm_sp_monitor_leader") + scrape(ports[1]).sum("dcm_sp_monitor_leader") == 1, 60)


def stream(m, call, body=None):
    nats = Nats(m.port)
    try:
        assert "error" not in nats.jetstream(f"STREAM.{call}.dcm-status", body)
    finally:
        nats.close()


def test_metrics_of_events_rejected_by_a_full_stream(monitors):
    m = monitors(count=0, stream=None)
    stream(m, "CREATE", {"name": "dcm-status", "subjects": ["dcm.*"], "max_msgs": 1, "discard": "new"})
    m.create("late")
    port = port_of(m.add(**ANY_PORT).log())
    moved(port, "dcm_sp_events_published_total")
    assert scrape(port).of("dcm_sp_events_retried_total") == [0]
    m.scale("late", 0)
    moved(port, "dcm_sp_events_retried_total")
    moved(port, "dcm_sp_events_oldest_waiting_seconds")
    assert scrape(port).of("dcm_sp_events_waiting") == [1]
    stream(m, "PURGE")
    wait_for("all events are published", lambda: scrape(port).of("dcm_sp_events_waiting") == [0], 40)


def test_metrics_of_container_watches(own_stack):
    stack = own_stack(workers=0)
    port = port_of(stack.add_worker(**ANY_PORT).log())
    wait_for("healthy", lambda: stack.api.health() == "healthy")
    wait_for("all kinds are known", lambda: kinds_in_cache(port) == KINDS, 30)
    with socket.create_connection(("127.0.0.1", stack.api_port), 20) as s:
        s.sendall(f"GET {BASE}:watch HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert s.recv(100).startswith(b"HTTP/1.1 200")
        wait_for("a stream", lambda: scrape(stack.api_port).of("dcm_sp_http_streams_open") == [1])
    wait_for("no stream", lambda: scrape(stack.api_port).of("dcm_sp_http_streams_open") == [0], 30)
    assert scrape(stack.api_port).sum("dcm_sp_http_requests_total", operation="watch") == 1
    # The watches of the feed have ended, those of the worker have not.
    wait_for("the feed's end", lambda: scrape(port).of("dcm_sp_worker_streams_open") == [0], 60)
    assert kinds_in_cache(port) == KINDS
