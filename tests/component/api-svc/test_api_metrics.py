"""/metrics, /livez and /readyz of api-svc."""

import json
import socket
import subprocess
import time

import pytest

from api_peers import BUILD, CONTAINERS, Fail, Ok
from exposition import promtool, scrape
from processes import wait_for

TRACE = "0af7651916cd43dd8448eb211c80319c"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


def counted(api, operation, code):
    return scrape(api.port).sum("dcm_sp_http_requests_total", operation=operation, code=code)


def test_requests_are_counted_by_operation_and_status(api):
    before = scrape(api.port)
    assert api.create("a").status == 201
    assert api.create("a", spec={"image": 7}).status == 400
    assert api.request("GET", CONTAINERS + "/b").status == 404
    assert api.request("GET", "/nowhere").status == 404
    assert api.request("PUT", CONTAINERS).status == 405
    assert api.request("GET", CONTAINERS + ":watch", headers={"Accept": "application/json"}).status == 406
    assert api.request("GET", "/openapi.json").status == 200
    assert api.healthy()
    wait_for("all of it", lambda: counted(api, "health", "200") > before.sum("dcm_sp_http_requests_total", operation="health"))
    after = scrape(api.port)
    for operation, code in (("create", "201"), ("create", "400"), ("get", "404"), ("none", "404"), ("none", "405"),
                            ("watch", "406"), ("document", "200")):
        labels = {"operation": operation, "code": code}
        assert after.sum("dcm_sp_http_requests_total", **labels) == 1, labels
        assert before.of("dcm_sp_http_requests_total", **labels) == [], labels
    assert after.of("dcm_sp_http_request_duration_seconds_count", operation="create") == [2]
    assert after.of("dcm_sp_http_request_duration_seconds_bucket", operation="create", le="+Inf") == [2]
    assert 0 < after.sum("dcm_sp_http_request_duration_seconds_sum", operation="create") < 60
    for moved in ("sent_messages", "received_messages", "sent_bytes", "received_bytes"):
        assert after.sum(f"dcm_sp_nats_{moved}_total") > before.sum(f"dcm_sp_nats_{moved}_total"), moved
    assert after.of("dcm_sp_nats_connected") == [1] and after.of("dcm_sp_nats_reconnects_total") == [0]
    assert after.sum("dcm_sp_build_info", process="api-svc") == 1
    assert abs(after.sum("process_start_time_seconds") - time.time()) < 120


def test_running_requests_are_in_flight(api, worker):
    worker.on["get"] = lambda asked: Ok({"id": "a"}, delay=3)
    with api.connect() as s:
        s.sendall(f"GET {CONTAINERS}/a HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        wait_for("two in flight", lambda: scrape(api.port).of("dcm_sp_http_requests_in_flight") == [2])
        assert scrape(api.port).sum("dcm_sp_http_connections") >= 2
    # The client has disconnected: counted without a status if the response could not be sent, or with one.
    wait_for("one in flight", lambda: scrape(api.port).of("dcm_sp_http_requests_in_flight") == [1], 30)
    assert scrape(api.port).sum("dcm_sp_http_requests_total", operation="get") == 1


def test_overload_is_counted_and_metrics_still_respond(start, worker):
    api = start(SP_SERVER_MAX_CONNECTIONS="16")
    worker.on["get"] = lambda asked: None
    waiting = []
    for _ in range(30):
        waiting.append(api.connect())
        waiting[-1].sendall(f"GET {CONTAINERS}/a HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    wait_for("a rejection", lambda: scrape(api.port).sum("dcm_sp_http_requests_rejected_total", reason="connections") > 0)
    assert api.request("GET", "/livez").status == 200 and api.request("GET", "/readyz").status == 200
    wait_for("the timeout", lambda: counted(api, "get", "503") > 0)
    for s in waiting:
        s.close()


def test_both_formats_are_well_formed(api):
    api.create("a")
    api.request("GET", CONTAINERS + "/x", headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"})
    api.request("GET", CONTAINERS + "/x", headers={"traceparent": f"00-{'e' * 31}Z-b7ad6b7169203331-01"})  # invalid
    wait_for("two GETs", lambda: counted(api, "get", "404") == 2)
    plain = api.request("GET", "/metrics")
    assert plain.headers["Content-Type"] == PROMETHEUS and b"trace" not in plain.body and b"EOF" not in plain.body
    assert promtool("check", "metrics", stdin=plain.body.decode()) == ""
    open_ = api.request("GET", "/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0,*/*;q=0.1"})
    assert open_.headers["Content-Type"] == OPENMETRICS and open_.body.endswith(b"\n# EOF\n")
    exemplars = [line for line in open_.body.decode().splitlines() if " # {" in line]
    assert len(exemplars) == 1 and f'# {{trace_id="{TRACE}"}} 0.' in exemplars[0], exemplars
    assert exemplars[0].startswith('dcm_sp_http_request_duration_seconds_bucket{operation="get",le="')
    for accept in ("*/*", "text/html", "application/openmetrics-text;q=0", "\xff;;,q=", "a/b;" * 500):
        assert api.request("GET", "/metrics", headers={"Accept": accept}).headers["Content-Type"] == PROMETHEUS, accept


@pytest.mark.parametrize("path", ["/metrics", "/livez", "/readyz"])
def test_methods_paths_and_encodings_of_metrics(api, path):
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"):
        answer = api.request(method, path)
        assert answer.status == 405 and answer.headers["Allow"] == "GET, HEAD", method
    head = api.request("HEAD", path)
    assert head.status == 200 and head.body == b"" and int(head.headers["Content-Length"]) > 0
    packed = api.request("GET", path, headers={"Accept-Encoding": "gzip, br"})
    assert packed.status == 200 and packed.headers["Content-Encoding"] is None and packed.body.decode()
    for other in (path + "/", path + "x", "/api/v1alpha1" + path):
        assert api.request("GET", other).status == 404, other
    assert api.request("GET", path + "?a=b").status == 200


def test_scrapes_are_not_logged(api):
    for path in ("/metrics", "/livez", "/readyz"):
        api.request("GET", path)
        line = wait_for(path, lambda p=path: api.find_log("request", path=p))
        assert line["level"] == "debug", line


def test_readiness_follows_nats(nats, worker, start):
    api = start()
    assert api.request("GET", "/readyz").body == b"ok\n"
    nats.stop()

    def why():
        answer = api.request("GET", "/readyz")
        return answer if answer.status == 503 else None

    answer = wait_for("not ready", why)
    assert answer.json()["detail"] == "NATS is not connected" and int(answer.headers["Retry-After"]) > 0
    assert api.request("GET", "/livez").status == 200
    assert scrape(api.port).of("dcm_sp_nats_connected") == [0]
    health = subprocess.run([BUILD / "bin" / "api-svc", "--health"], capture_output=True, text=True, timeout=20, check=False,
                            env={"SP_NAME": "x", "SP_NATS_URL": nats.url, "SP_SERVER_ADDRESS": f"127.0.0.1:{api.port}"})
    assert health.returncode == 1 and "NATS is not connected" in health.stderr, health
    nats.start()
    wait_for("ready again", lambda: api.request("GET", "/readyz").status == 200, 30)
    assert scrape(api.port).of("dcm_sp_nats_reconnects_total") == [1]


def test_not_ready_during_shutdown(api, worker):
    worker.on["get"] = lambda asked: None  # delays the shutdown
    waits, probe = api.connect(), api.connect()
    probe.sendall(b"GET /readyz HTTP/1.1\r\nHost: x\r\n")  # completed during shutdown
    waits.sendall(f"GET {CONTAINERS}/a HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    wait_for("the request", lambda: worker.of("get"))
    api.process.terminate()
    wait_for("the start of the shutdown", lambda: api.find_log("stopping"))
    time.sleep(0.2)
    probe.sendall(b"\r\n")
    got = b""
    while part := probe.recv(65536):
        got += part
    assert got.startswith(b"HTTP/1.1 503 "), got
    assert json.loads(got.partition(b"\r\n\r\n")[2])["detail"] == "shutting down"
    waits.close()


def test_not_ready_without_nats_at_startup(start):
    api = start(wait=False, nats=None)
    assert api.request("GET", "/readyz").status == 503 and api.request("GET", "/livez").status == 200
    assert scrape(api.port).of("dcm_sp_nats_connected") == [0]


def test_a_metrics_token_protects_metrics_only(start, worker, tmp_path):
    file = tmp_path / "metrics-tokens"
    file.write_text("prometheus metrics-token-0123456789 read-only\n")
    api = start(SP_METRICS_TOKEN_FILE=str(file))
    for headers in ({}, {"Authorization": "Bearer wrong-token-0123456789"}, {"Authorization": "metrics-token-0123456789"}):
        answer = api.request("GET", "/metrics", headers=headers)
        assert answer.status == 401 and answer.json()["type"] == "UNAUTHENTICATED"
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert scrape(api.port, Authorization="Bearer metrics-token-0123456789").rows
    for path in ("/livez", "/readyz", CONTAINERS, "/openapi.json"):
        assert api.request("GET", path).status == 200, path
    file.write_text("prometheus another-token-0123456789\n")
    wait_for("the new token", lambda: api.request(
        "GET", "/metrics", headers={"Authorization": "Bearer another-token-0123456789"}).status == 200)
    assert "metrics-token-0123456789" not in api.log_path.read_text()


def test_tokens_of_the_api_do_not_apply_to_metrics(start, worker, tmp_path):
    file = tmp_path / "tokens"
    file.write_text("admin admin-token-0123456789\n")
    api = start(SP_SERVER_TOKENS_FILE=str(file))
    assert api.request("GET", CONTAINERS).status == 401
    assert api.request("GET", "/metrics").status == 200


def test_errors_of_workers_are_counted(api, worker):
    worker.on["get"] = lambda asked: Fail("INTERNAL")
    assert api.request("GET", CONTAINERS + "/a").status == 500
    wait_for("a 500", lambda: counted(api, "get", "500") == 1)


def test_a_disconnected_client_is_counted_once(api):
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", api.port)) as s:
            s.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_for("all five", lambda: scrape(api.port).sum("dcm_sp_http_requests_total", operation="probe") == 5)
    wait_for("only the scrape is left", lambda: scrape(api.port).of("dcm_sp_http_requests_in_flight") == [1])
