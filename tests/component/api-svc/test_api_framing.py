"""Request framing: all parsers of the same bytes must see the same requests, or none."""

import json
import re
import subprocess

import pytest

from api_peers import CONTAINERS
from ports import free_port
from processes import wait_for
from http_corpus import BODY, GOOD, JSON, LAST, MALFORMED, X, head

C = CONTAINERS.encode()
SMUGGLED = b"DELETE %b/smuggled HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % C
ALL = [(name, data, {400}) for name, data in MALFORMED] + GOOD + LAST


def statuses(got):
    return [int(s) for s in re.findall(rb"HTTP/1\.[01] (\d{3}) [A-Z][A-Za-z -]*\r\n", got)]


def is_problem(got, expected):
    """Check for exactly one response, a problem document with one of these statuses, followed by the end of the connection."""
    block, _, body = got.partition(b"\r\n\r\n")
    lines = block.lower().split(b"\r\n")
    return (len(statuses(got)) == 1 and statuses(got)[0] in expected
            and (b"connection: close" in lines or lines[0].startswith(b"http/1.0"))
            and b"content-type: application/problem+json" in lines and json.loads(body)["status"] in expected)


def show(wrong):
    return "\n".join(f"{name}: {got!r}" for name, got in wrong.items())


def names(cases):
    return [case[0] for case in cases]


def test_the_corpus_is_large_enough():
    assert len(ALL) >= 120
    assert len(set(names(ALL))) == len(ALL)


def smuggled(worker):
    return [a for a in worker.of("delete") if a.body["id"] == "smuggled"]


def test_malformed_requests_are_rejected_once_and_the_connection_closed(api, worker):
    wrong = {}
    for name, data in MALFORMED:
        got = api.raw(data + SMUGGLED)
        if not is_problem(got, {400}):
            wrong[name] = got[:200]
    assert not wrong, show(wrong)
    assert not smuggled(worker) and not worker.of("create")


def test_well_formed_requests_are_served_and_so_are_following_ones(api, worker):
    wrong = {}
    for name, data, expected in GOOD:
        count = len(smuggled(worker))
        got = statuses(api.raw(data + SMUGGLED))
        if len(got) != 2 or got[0] not in expected or got[1] != 404 or len(smuggled(worker)) != count + 1:
            wrong[name] = got
    assert not wrong, show(wrong)


def test_requests_that_end_the_connection_are_answered_once(api, worker):
    wrong = {}
    for name, data, expected in LAST:
        got = api.raw(data + SMUGGLED)
        if not is_problem(got, expected):
            wrong[name] = got[:200]
    assert not wrong, show(wrong)
    assert not smuggled(worker)


def send_bytes(api, data):
    """Each in a separate segment; returns all received bytes."""
    with api.connect() as s:
        got = b""
        try:
            for i in range(len(data)):
                s.sendall(data[i:i + 1])
            s.sendall(SMUGGLED)
        except OSError:  # it has closed before it read all
            pass
        try:
            while part := s.recv(65536):
                got += part
        except OSError:
            pass
    return got


def test_results_are_the_same_byte_by_byte(api, worker):
    """The result does not depend on TCP segmentation."""
    wrong = {}
    for name, data in MALFORMED:
        if len(data) < 1000 and not is_problem(got := send_bytes(api, data), {400}):
            wrong[name] = got[:200]
    assert not wrong, show(wrong)
    assert not smuggled(worker) and not worker.of("create")


def test_chunks_sent_byte_by_byte_are_a_body(api, worker):
    wrong = {}
    for name, data, expected in GOOD:
        if b"hunked" in data and (len(got := statuses(send_bytes(api, data))) != 2 or got[0] not in expected):
            wrong[name] = got
    assert not wrong, show(wrong)


def test_an_overlong_chunk_header_does_not_affect_other_uploads(api):
    """Another upload on the same server thread is not affected."""
    begin = head(X, JSON, b"Transfer-Encoding: chunked", start=b"POST %b HTTP/1.1" % C)
    others = [api.connect() for _ in range(20)]
    for other in others:
        other.sendall(begin + b"%x\r\n" % len(BODY))
    assert is_problem(api.raw(begin + b"5;" + b"a" * 20480 + b"\r\n"), {400})
    for other in others:
        other.sendall(BODY + b"\r\n0\r\n\r\n")
        assert other.recv(65536).startswith(b"HTTP/1.1 201 ")
        other.close()


# Cut off at any point after its first byte, a request was not complete in time.
STALLING = [
    ("the request line", b"GET /"),
    ("the headers", b"GET /absent HTTP/1.1\r\nHost: x\r\nX-A"),
    ("the end of the headers", b"GET /absent HTTP/1.1\r\nHost: x\r\n"),
    ("a body that has not begun", head(X, JSON, b"Content-Length: 1000", start=b"POST %b HTTP/1.1" % C)),
    ("a body", head(X, JSON, b"Content-Length: 1000000", start=b"POST %b HTTP/1.1" % C) + BODY),
    ("the header of a chunk", head(X, JSON, b"Transfer-Encoding: chunked", start=b"POST %b HTTP/1.1" % C) + b"5;a"),
    ("a chunk", head(X, JSON, b"Transfer-Encoding: chunked", start=b"POST %b HTTP/1.1" % C) + b"fffff\r\nabc"),
    ("the end of a chunk", head(X, JSON, b"Transfer-Encoding: chunked", start=b"POST %b HTTP/1.1" % C) + b"2\r\n{}\r"),
    ("a trailer", head(X, JSON, b"Transfer-Encoding: chunked", start=b"POST %b HTTP/1.1" % C) + b"0\r\nX-"),
]


def test_a_stalled_client_gets_408(worker, start):
    api = start(SP_SERVER_READ_TIMEOUT="500ms")
    sockets = []
    for name, data in STALLING:
        sockets.append((name, api.connect()))
        sockets[-1][1].sendall(data)
    wrong = {}
    for name, s in sockets:
        got = b""
        while part := s.recv(65536):
            got += part
        s.close()
        if not is_problem(got, {408}):
            wrong[name] = got[:200]
    assert not wrong, show(wrong)
    assert not worker.of("create")
    wait_for("the log of all requests", lambda: len(requests_of(api)) == len(STALLING))
    assert all(line["msg"] == "request" and line["status"] == 408 for line in requests_of(api)), requests_of(api)


def test_a_client_that_continues_sending_can_read_the_413(api):
    """20 MB of rejected body, from a client that reads the response only afterwards."""
    large = b"x" * 20_000_000
    for lines in (b"Content-Length: 20000000", b"Content-Length: 2000000"), (b"Transfer-Encoding: chunked",):
        for line in lines:
            begin = head(X, JSON, line, start=b"POST %b HTTP/1.1" % C)
            body = b"bebc200\r\n" + large if b"chunked" in line else large
            assert is_problem(api.raw(begin + body), {413}), line


# ---- compared with nginx ----


class Nginx:
    """nginx before api-svc with connections that it keeps, and one that answers by itself: two readers, one port each."""

    def __init__(self, folder, upstream):
        self.proxy, self.judge = free_port(), free_port()
        self.log = folder / "access.log"
        (folder / "nginx.conf").write_text(f"""
            daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
            events {{}}
            http {{
                client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
                uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
                log_format forwarded "$request_method $uri $upstream_addr";
                upstream api {{ server 127.0.0.1:{upstream}; keepalive 1; }}
                server {{
                    listen 127.0.0.1:{self.proxy}; access_log {self.log} forwarded;
                    large_client_header_buffers 4 32k; ignore_invalid_headers off; underscores_in_headers on;
                    client_body_timeout 500ms; lingering_timeout 500ms;
                    proxy_http_version 1.1; proxy_set_header Connection ""; proxy_request_buffering off;
                    proxy_next_upstream off; client_max_body_size 0;
                    location / {{ proxy_pass http://api; }}
                }}
                server {{
                    listen 127.0.0.1:{self.judge}; access_log off; ignore_invalid_headers off;
                    large_client_header_buffers 4 32k; client_body_timeout 500ms; lingering_timeout 500ms;
                    location / {{ return 204; }}
                }}
            }}""")
        self.process = subprocess.Popen(["nginx", "-p", folder, "-c", folder / "nginx.conf"],
                                        stderr=subprocess.DEVNULL)

    def forwarded(self):
        """Methods of the requests forwarded to api-svc, once nginx has written its log."""
        return [line.split()[0] for line in self.log.read_text().splitlines() if not line.endswith(" -")]

    def stop(self):
        self.process.terminate()
        self.process.wait()


@pytest.fixture
def nginx(api, tmp_path):
    server = Nginx(tmp_path, api.port)

    def answers():
        try:
            return At(api, server.judge).raw(b"GET / HTTP/1.0\r\n\r\n")
        except OSError:
            return None

    wait_for("nginx", answers)
    yield server
    server.stop()


class At:
    """The same client, to another port."""

    def __init__(self, api, port):
        self.api, self.port = api, port
        self.context = None

    def __getattr__(self, name):
        return getattr(type(self.api), name).__get__(self)


def test_through_nginx_no_request_is_answered_twice(api, worker, nginx):
    """api-svc executes each request forwarded by nginx once, for any input."""
    wrong = {}
    proxy = At(api, nginx.proxy)
    for name, data, _ in ALL:
        got = proxy.raw(data + SMUGGLED)
        if len(statuses(got)) > 2:
            wrong[name] = got[:400]
    assert not wrong, show(wrong)
    # Regardless of the state of the connections of nginx to api-svc, the next response belongs to the next request.
    assert statuses(proxy.raw(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")) == [200]
    wait_for("the log of the last request", lambda: any(line.get("path") == "/health" for line in requests_of(api)))
    assert len(requests_of(api)) <= len(nginx.forwarded())


def requests_of(api):
    return [line for line in api.logs() if line.get("msg") in ("request", "request of a disconnected client")]


# What nginx rejects although RFC 9112 does not.
NGINX_IS_STRICTER = {"a method in small letters", "a tab after the colon", "empty Host"}
REFUSED = {400, 413, 414, 431, 505}


def test_requests_rejected_by_nginx_are_rejected_by_api_svc(api, nginx):
    judge = At(api, nginx.judge)
    served = [(name, data) for name, data, expected in GOOD + LAST if not expected & REFUSED]
    assert len(served) >= 40
    refused = {name for name, data in served if statuses(judge.raw(data + SMUGGLED))[:1] == [400]}
    assert refused == NGINX_IS_STRICTER
