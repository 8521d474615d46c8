"""/metrics on a separate port, common to kube-worker, monitor and registrar, and the metrics of the registrar."""

import os
import socket
import subprocess
import threading

import pytest

from exposition import ANY_PORT, port_of, promtool, request, scrape
from processes import wait_for
from support import BUILD, Worker, api_presence

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
STATE = "dcm_sp_registration_state"


@pytest.fixture
def port(api, registry, start):
    registrar = start(**ANY_PORT)
    wait_for("the registration", lambda: registrar.find_log("registered"))
    return port_of(registrar.text())


def test_both_formats_are_well_formed(port):
    status, headers, text = request(port)
    assert status == 200 and headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert promtool("check", "metrics", stdin=text) == ""
    status, headers, text = request(port, headers={"Accept": "application/openmetrics-text"})
    assert status == 200 and headers["Content-Type"] == OPENMETRICS and text.endswith("\n# EOF\n")
    assert scrape(port).sum("dcm_sp_build_info", process="registrar") == 1


def test_methods_paths_and_encodings_of_metrics(port):
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "BREW"):
        status, headers, _ = request(port, method=method)
        assert status == 405 and headers["Allow"] == "GET, HEAD", method
    status, headers, text = request(port, method="HEAD")
    assert status == 200 and text == "" and int(headers["Content-Length"]) > 0
    status, headers, text = request(port, headers={"Accept-Encoding": "gzip"})
    assert status == 200 and headers["Content-Encoding"] is None and text.startswith("# HELP")
    for path in ("/", "/metrics/", "/metricsx", "/livez", "/api/v1alpha1/containers"):
        assert request(port, path)[0] == 404, path
    assert request(port, "/metrics?x=y")[0] == 200


def test_the_response_does_not_wait_for_a_body(port):
    with socket.create_connection(("127.0.0.1", port), 15) as s:
        s.sendall(b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n")
        assert s.recv(100).startswith(b"HTTP/1.1 405 ")


def test_invalid_requests_do_not_block_others(port):
    hanging = [socket.create_connection(("127.0.0.1", port), 15) for _ in range(8)]
    for s in hanging:
        s.sendall(b"GET /metrics HTTP/1.1\r\nHo")
    for junk in (b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", b"GET /metrics HTTP/1.1\r\n\r\n", b"X" * 70000):
        with socket.create_connection(("127.0.0.1", port), 15) as s:
            try:
                s.sendall(junk)
                s.shutdown(socket.SHUT_WR)
                while s.recv(65536):
                    pass
            except OSError:  # it has closed before it read all
                pass
    assert scrape(port).rows
    for s in hanging:
        s.close()


def send_slowly(connections, stop):
    """A byte on each, again and again: none is ever idle. Those that have ended are removed."""
    while not stop.wait(0.5):
        for s in list(connections):
            try:
                s.sendall(b"x")
            except OSError:
                connections.remove(s)
                s.close()


def test_idle_connections_are_closed_at_the_limit(port):
    """The oldest is ended for a new one, also if it is never idle: a scrape is always answered."""
    slow = []
    for _ in range(100):
        slow.append(socket.create_connection(("127.0.0.1", port), 15))
        slow[-1].sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX: ")
    stop = threading.Event()
    sender = threading.Thread(target=send_slowly, args=(slow, stop))
    sender.start()
    try:
        wait_for("the others to end", lambda: len(slow) <= 16)
        for _ in range(3):
            assert request(port)[0] == 200
        assert slow  # there is room for them beside the scrape
    finally:
        stop.set()
        sender.join()
    for s in slow:
        s.close()


def test_a_token_is_required(api, registry, start, tmp_path):
    file = tmp_path / "tokens"
    file.write_text("prometheus metrics-token-0123456789\n")
    registrar = start(**ANY_PORT, SP_METRICS_TOKEN_FILE=str(file))
    number = wait_for("it", lambda: port_of(registrar.text()))
    for headers in ({}, {"Authorization": "Bearer wrong-token-0123456789"}, {"Authorization": "Basic eDp5"}):
        status, answer, text = request(number, headers=headers)
        assert status == 401 and answer["WWW-Authenticate"] == 'Bearer realm="metrics"' and "dcm_sp" not in text
    assert request(number, "/x")[0] == 404 and request(number, method="POST")[0] == 405
    assert scrape(number, Authorization="Bearer metrics-token-0123456789").rows
    assert "metrics-token-0123456789" not in registrar.text()


def listeners(pid):
    """How many TCP sockets of a process listen."""
    listening = set()
    for table in ("tcp", "tcp6"):
        with open(f"/proc/{pid}/net/{table}") as f:
            listening |= {f"socket:[{row[9]}]" for row in map(str.split, f) if row[3] == "0A"}
    return sum(os.readlink(f"/proc/{pid}/fd/{fd}") in listening for fd in os.listdir(f"/proc/{pid}/fd"))


def test_without_an_address_it_does_not_listen(api, registry, start):
    for settings, count in (({}, 0), (ANY_PORT, 1)):
        registrar = start(**settings)
        wait_for("the registration", lambda r=registrar: r.find_log("registered"))
        assert listeners(registrar.process.pid) == count, settings


def test_invalid_settings_are_named(start, tmp_path):
    for environment, variable in (({"SP_METRICS_ADDRESS": "here"}, "SP_METRICS_ADDRESS"),
                                  ({"SP_METRICS_ADDRESS": "192.0.2.1:1"}, "SP_METRICS_ADDRESS"),
                                  ({"SP_METRICS_TOKEN_FILE": str(tmp_path / "gone")}, "SP_METRICS_TOKEN_FILE")):
        registrar = start("--check-config", **environment)
        assert registrar.wait() == 1 and variable in registrar.text(), registrar.text()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        registrar = start(SP_METRICS_ADDRESS=address)
        assert registrar.wait() == 1 and f"SP_METRICS_ADDRESS: listen on {address}" in registrar.text()


def test_once_does_not_serve_metrics(registry, start):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        registrar = start("--once", SP_METRICS_ADDRESS=f"127.0.0.1:{taken.getsockname()[1]}")
        assert registrar.wait() == 0


def test_help_lists_the_variables():
    for program in ("kube-worker", "monitor", "registrar"):
        text = subprocess.run([BUILD / "bin" / program, "--help"], capture_output=True, text=True, check=True).stdout
        assert "SP_METRICS_ADDRESS" in text and "SP_METRICS_TOKEN_FILE" in text
    text = subprocess.run([BUILD / "bin" / "api-svc", "--help"], capture_output=True, text=True, check=True).stdout
    assert "SP_METRICS_TOKEN_FILE" in text and "SP_METRICS_ADDRESS" not in text


def test_registration_metrics(nats, registry, start):
    registry.script = [500]
    registrar = start(**ANY_PORT, SP_REGISTRATION_INTERVAL="1s")
    number = wait_for("it", lambda: port_of(registrar.text()))
    wait_for("waiting", lambda: scrape(number).of(STATE, state="waiting for our API") == [1])
    assert scrape(number).sum(STATE) == 1 and scrape(number).of("dcm_sp_registration_age_seconds") == []
    presence = api_presence(nats, "provider")
    worker = Worker(nats, "provider")
    try:
        wait_for("registered", lambda: scrape(number).of(STATE, state="registered") == [1], 30)
        samples = scrape(number)
        assert samples.sum("dcm_sp_registration_posts_total", result="retry") == 1
        assert samples.sum("dcm_sp_registration_posts_total", result="accepted") >= 1
        assert 0 <= samples.sum("dcm_sp_registration_age_seconds") < 30
        registry.always = 400
        wait_for("refused", lambda: scrape(number).of(STATE, state="refused") == [1], 30)
        assert scrape(number).sum("dcm_sp_registration_posts_total", result="refused") >= 1
    finally:
        presence.stop()
        worker.stop()
