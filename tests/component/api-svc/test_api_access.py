"""API authentication: bearer tokens, client certificates, both, and none."""

import hashlib
import os
import signal
import ssl
import subprocess
import time

import pytest

from api_peers import BUILD, CONTAINERS, HEALTH, Ok
from processes import wait_for
from test_api_tls import Pair, certificates  # noqa: F401  (a fixture)

FULL, READER, RUNNER = "full-token-0123456789", "reader-token-0123456789", "runner-token-0123456789"
OPEN = [HEALTH, "/health", "/openapi.yaml", "/openapi.json"]


def hashed(token):
    return "sha256:" + hashlib.sha256(token.encode()).hexdigest()


FILE = f"# who\n\nadmin {hashed(FULL)}\r\ndashboard\t{READER} read-only\n"


@pytest.fixture
def tokens(tmp_path):
    path = tmp_path / "tokens"
    path.write_text(FILE)
    return path


def bearer(token, scheme="Bearer"):
    return {"Authorization": f"{scheme} {token}"}


def check_problem(answer, status, kind):
    body = answer.json()
    assert (answer.status, body["type"], body["status"]) == (status, kind, status), answer.body
    assert answer.headers["Content-Type"] == "application/problem+json" and body["title"] and body["detail"]
    assert (answer.headers["WWW-Authenticate"] == 'Bearer realm="containers"') == (status == 401)


def test_tokens_are_required_and_compared(worker, start, tokens):
    api = start(SP_SERVER_TOKENS_FILE=str(tokens))
    for path in OPEN:
        for headers in ({}, bearer("wrong"), bearer(READER)):
            assert api.request("GET", path, headers=headers).status == 200, path
    for headers in ({}, bearer("wrong-token-0123456789"), bearer(""), bearer(FULL + "x"), bearer(FULL[:-1]),
                    bearer(FULL, "Basic"), {"Authorization": FULL}, bearer(hashed(FULL)), bearer(FULL.upper())):
        for method, path in (("GET", CONTAINERS), ("GET", CONTAINERS + "/a"), ("DELETE", CONTAINERS + "/a"),
                             ("HEAD", CONTAINERS)):
            answer = api.request(method, path, headers=headers)
            assert answer.status == 401, (method, path, headers)
            if method != "HEAD":
                check_problem(answer, 401, "UNAUTHENTICATED")
        check_problem(api.create("a", headers=headers), 401, "UNAUTHENTICATED")
    assert not [asked for asked in worker.asked if asked.operation != "health"]
    for headers in (bearer(FULL), bearer(FULL, "bearer"), bearer(" " + FULL)):
        assert api.create("a", headers=headers).status == 201
        assert api.request("GET", CONTAINERS + "/a", headers=headers).status == 200
        assert api.request("DELETE", CONTAINERS + "/a", headers=headers).status == 204
    check_problem(api.create("a", headers=bearer(READER)), 403, "PERMISSION_DENIED")
    check_problem(api.request("DELETE", CONTAINERS + "/a", headers=bearer(READER)), 403, "PERMISSION_DENIED")
    assert api.request("GET", CONTAINERS, headers=bearer(READER)).status == 200
    assert api.request("GET", "/nowhere").status == 404 and api.request("PUT", CONTAINERS).status == 405
    assert api.find_log("request", client="admin", status=201) and api.find_log("request", client="dashboard", status=403)
    assert FULL not in api.log_path.read_text() and READER not in api.log_path.read_text()


def test_a_fifo_as_token_file_does_not_block(worker, start, tokens):
    api = start(SP_SERVER_TOKENS_FILE=str(tokens))
    os.mkfifo(f"{tokens}.fifo")
    os.rename(f"{tokens}.fifo", tokens)

    def warnings():
        assert api.request("GET", CONTAINERS, headers=bearer(FULL)).status == 200
        return [line for line in api.logs() if line["msg"] == "the new tokens are invalid; keeping the current ones"]

    wait_for("a warning", warnings)
    time.sleep(1.2)
    assert len(warnings()) == 1 and "SP_SERVER_TOKENS_FILE" in warnings()[0]["error"]
    assert "is not a regular file" in warnings()[0]["error"]
    api.process.send_signal(signal.SIGTERM)
    assert api.process.wait(2) == 0


def test_a_changed_token_file_is_read_again(worker, start, tokens):
    api = start(SP_SERVER_TOKENS_FILE=str(tokens))

    def status(token):
        return api.request("GET", CONTAINERS, headers=bearer(token)).status

    assert status(FULL) == 200
    tokens.write_text("admin short\n")
    wait_for("a warning", lambda: status(FULL) and api.find_log("the new tokens are invalid; keeping the current ones"))
    assert status(FULL) == 200
    tokens.write_text(f"admin {hashed('another-token-0123456789')}\n")
    wait_for("the end of the old token", lambda: status(FULL) == 401)
    assert status("another-token-0123456789") == 200


def raw_status(api, *headers, path=CONTAINERS, method="GET"):
    head = "\r\n".join((f"{method} {path} HTTP/1.1", "Host: x", *headers)) + "\r\n\r\n"
    got = api.raw(head.encode("latin-1"), until_closed=False)
    return int(got.split()[1]), got


def test_only_white_space_is_allowed_around_a_token(worker, start, tokens):
    api = start(SP_SERVER_TOKENS_FILE=str(tokens))
    right = f"Authorization: Bearer {FULL}"
    for header in (right + "   ", right + "\t", right.replace("Bearer ", "Bearer   ")):
        assert raw_status(api, header)[0] == 200, header
    for header in (right + "\0junk", right + " junk", right + ",", right.replace("full", "\x01full")):
        status, got = raw_status(api, header)
        # libmicrohttpd 1.0 answers a NUL by itself, with 400.
        assert status == 401 and b"WWW-Authenticate: Bearer" in got or status == 400 and "\0" in header, header
    for twice in (right, "authorization: Bearer other-token-0123456789", "Authorization: Basic eDp5"):
        assert raw_status(api, right, twice)[0] == 400
        assert raw_status(api, twice, right)[0] == 400


BODY_THAT_NEVER_COMES = ("Content-Type: application/json", "Content-Length: 1000000")


@pytest.mark.parametrize("more", [(), ("Expect: 100-continue",)])
def test_unauthenticated_requests_are_rejected_before_the_body(worker, start, tokens, more):
    api = start(SP_SERVER_TOKENS_FILE=str(tokens))
    for header, status in ((None, 401), ("Authorization: Bearer wrong-token-0123456789", 401),
                           (f"Authorization: Bearer {READER}", 403)):
        headers = BODY_THAT_NEVER_COMES + more + ((header,) if header else ())
        got = raw_status(api, *headers, method="POST")
        assert got[0] == status and b"100 Continue" not in got[1] and b"Connection: close" in got[1]
        chunked = ("Content-Type: application/json", "Transfer-Encoding: chunked") + headers[2:]
        assert raw_status(api, *chunked, method="POST")[0] == status
    if more:
        got = raw_status(api, *BODY_THAT_NEVER_COMES, *more, f"Authorization: Bearer {FULL}", method="POST")
        assert got[0] == 100


def test_a_client_still_sending_its_body_gets_the_rejection(worker, start, tokens):
    api = start(SP_SERVER_TOKENS_FILE=str(tokens))
    for size in (100, 100_000, 1_000_000, 5_000_000):
        for _ in range(5):
            assert api.create("a", {"provider_hints": {"a": "x" * size}}).status == 401, size


def test_without_tokens_and_certificates_the_api_is_open(api):
    assert api.create("a", headers=bearer("whatever")).status == 201
    assert api.request("GET", CONTAINERS).status == 200


def context(certificates, client=None):
    made = ssl.create_default_context(cafile=certificates.path("ca.crt"))
    if client:
        made.load_cert_chain(certificates.path(client + ".crt"), certificates.path(client + ".key"))
    return made


@pytest.mark.parametrize("with_tokens", [False, True])
def test_client_certificates_are_verified(worker, start, certificates, tokens, tmp_path, with_tokens):
    certificates.authority("strangers")
    certificates.sign("strangers", "stranger")
    certificates.sign("ca", "client")
    more = {"SP_SERVER_TOKENS_FILE": str(tokens)} if with_tokens else {}
    tokens.write_text(FILE + f"runner {RUNNER} exec\n")
    worker.on["exec_run"] = lambda asked: Ok({"exit_code": 0, "stdout": "", "stderr": "", "truncated": False})
    more["SP_EXEC"] = "true"
    api = start(**Pair(certificates, tmp_path).settings(), SP_SERVER_TLS_CLIENT_CA=certificates.path("ca.crt"), **more)
    api.context = context(certificates, "client")
    assert api.create("a").status == 201
    assert api.request("DELETE", CONTAINERS + "/a").status == 204
    assert api.find_log("request", client="certificate", status=201)
    for headers, status in (({}, 401 if with_tokens else 200), (bearer(FULL), 403 if with_tokens else 200),
                            (bearer(RUNNER), 200)):
        answer = api.request("POST", CONTAINERS + "/a:exec", b'{"command": ["true"]}',
                             {"Content-Type": "application/json", **headers})
        assert answer.status == status, (headers, answer.body)
    for client in (None, "stranger"):
        api.context = context(certificates, client)
        for path in OPEN:
            assert api.request("GET", path).status == 200, (client, path)
        answer = api.create("b")
        check_problem(answer, *((401, "UNAUTHENTICATED") if with_tokens else (403, "PERMISSION_DENIED")))
        if with_tokens:
            assert api.create("b", headers=bearer(FULL)).status == 201
            assert api.request("DELETE", CONTAINERS + "/b", headers=bearer(FULL)).status == 204
    assert "b" not in worker.store


@pytest.mark.parametrize("text,word", [
    ("", "no token"), ("# none\n", "no token"), ("admin\n", "line 1"), ("\nadmin short\n", "line 2"),
    ("admin sha256:abc\n", "64 hexadecimal"), (f"admin {hashed(FULL)[:-1]}g\n", "64 hexadecimal"),
    (f"admin {FULL} read-write\n", "read-only"), (f"admin {FULL} read-only more\n", "read-only"),
    (f"admin {FULL} exec exec\n", "once each"), (f"admin {FULL} exec,read-only\n", "exec"),
    (f"a {FULL}\na {READER}\n", "duplicate"), (f"{'n' * 65} {FULL}\n", "64 bytes"),
    (f"a {FULL}\nb {FULL}\n", "line 2: duplicate token"), (f"a {FULL}\n\nb {hashed(FULL)}\n", "line 3: duplicate token"),
    (f"a {hashed(FULL).upper()}\n", "line 1"), (f"a {hashed(FULL).replace('sha', 'Sha')}\n", "line 1"),
    (f"a sha-256:{hashed(FULL)[7:]}\n", "line 1"), (f"a sha512:{2 * hashed(FULL)[7:]}\n", "line 1"),
    (f"a {FULL}\0{FULL}\n", "binary data"),
    ("".join(f"n{i} {FULL}{i}\n" for i in range(1001)), "more than 1000"), (None, "No such file")])
def test_invalid_files_are_rejected_at_startup(tmp_path, text, word):
    path = tmp_path / "tokens"
    if text is not None:
        path.write_text(text)
    env = {k: v for k, v in os.environ.items() if not k.startswith("SP_")}
    done = subprocess.run([BUILD / "bin" / "api-svc", "--check-config"], capture_output=True, text=True, timeout=20,
                          env={**env, "SP_NAME": "x", "SP_NATS_URL": "nats://127.0.0.1:1",
                               "SP_SERVER_TOKENS_FILE": str(path)})
    assert done.returncode == 1 and "SP_SERVER_TOKENS_FILE" in done.stderr and word in done.stderr, done.stderr
    assert FULL not in done.stderr
