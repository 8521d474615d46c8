"""Paths, methods, headers and the API document."""

import json

import pytest

from api_peers import CONTAINERS, ETAG, HEALTH, SPEC, Fail, Ok
from processes import wait_for

PROBLEM = "application/problem+json"


def check_problem(answer, status, kind):
    assert answer.status == status, answer.body
    assert answer.headers["Content-Type"] == PROBLEM
    problem = answer.json()
    assert problem["type"] == kind
    assert problem["status"] == status
    assert problem["title"] and problem["detail"] and "instance" in problem
    assert answer.headers["X-Request-Id"]
    return problem


@pytest.mark.parametrize("method,path,status,kind", [
    ("GET", "/", 404, "NOT_FOUND"),
    ("GET", "/nope", 404, "NOT_FOUND"),
    ("GET", "/api/v1alpha1", 404, "NOT_FOUND"),
    ("GET", CONTAINERS + "/a/b", 404, "NOT_FOUND"),
    ("GET", CONTAINERS + "//", 404, "NOT_FOUND"),
    ("GET", "/api//v1alpha1/containers", 404, "NOT_FOUND"),
    ("GET", "/api/v1alpha1/../v1alpha1/containers", 404, "NOT_FOUND"),
    ("GET", "/api%2Fv1alpha1/containers", 404, "NOT_FOUND"),
    ("GET", HEALTH + "/", 404, "NOT_FOUND"),
    ("GET", "/metricsx", 404, "NOT_FOUND"),
    ("GET", CONTAINERS + "/a%2Fb/c", 404, "NOT_FOUND"),
    ("GET", "/a" * 30, 404, "NOT_FOUND"),
    ("GET", CONTAINERS + "/", 400, "INVALID_ARGUMENT"),
    ("DELETE", CONTAINERS + "/", 400, "INVALID_ARGUMENT"),
    ("GET", CONTAINERS + "/..", 400, "INVALID_ARGUMENT"),
    ("GET", CONTAINERS + "/%2e%2e", 400, "INVALID_ARGUMENT"),
    ("GET", CONTAINERS + "/a%2Fb", 400, "INVALID_ARGUMENT"),
    ("GET", CONTAINERS + "/a%00b", 400, "INVALID_ARGUMENT"),
    ("GET", CONTAINERS + "/a%zz", 400, "INVALID_ARGUMENT"),
    ("GET", CONTAINERS + "/a%", 400, "INVALID_ARGUMENT"),
    ("GET", CONTAINERS + "/%ff", 400, "INVALID_ARGUMENT"),
    ("GET", CONTAINERS + "/A", 400, "INVALID_ARGUMENT"),
    ("GET", CONTAINERS + "/-a", 400, "INVALID_ARGUMENT"),
    ("GET", CONTAINERS + "/" + "a" * 64, 400, "INVALID_ARGUMENT"),
    ("DELETE", CONTAINERS + "/a_b", 400, "INVALID_ARGUMENT"),
    ("GET", CONTAINERS + "?id=%zz", 400, "INVALID_ARGUMENT"),
    ("GET", CONTAINERS + "/absent", 404, "NOT_FOUND"),
    ("DELETE", CONTAINERS + "/absent", 404, "NOT_FOUND"),
    ("GET", CONTAINERS + "?max_page_size=0", 400, "INVALID_ARGUMENT"),
])
def test_invalid_targets_are_rejected(api, method, path, status, kind):
    problem = check_problem(api.request(method, path), status, kind)
    if status == 400 and "%" not in path.split("?")[-1]:
        assert problem["errors"]
    assert problem["instance"] == path.split("?")[0]


@pytest.mark.parametrize("method,path,allow", [
    ("PUT", CONTAINERS, {"GET", "HEAD", "POST"}),
    ("DELETE", CONTAINERS, {"GET", "HEAD", "POST"}),
    ("BREW", CONTAINERS, {"GET", "HEAD", "POST"}),
    ("get", CONTAINERS, {"GET", "HEAD", "POST"}),
    ("POST", CONTAINERS + "/a", {"GET", "HEAD", "PATCH", "DELETE"}),
    ("PUT", CONTAINERS + "/", {"GET", "HEAD", "PATCH", "DELETE"}),
    ("GET", CONTAINERS + "/a:scale", {"POST"}),
    ("POST", CONTAINERS + "/a/revisions", {"GET", "HEAD"}),
    ("DELETE", HEALTH, {"GET", "HEAD"}),
    ("POST", "/health", {"GET", "HEAD"}),
    ("POST", "/openapi.json", {"GET", "HEAD"}),
    ("OPTIONS", CONTAINERS, {"GET", "HEAD", "POST"}),
])
def test_unsupported_methods_are_rejected_with_allow(api, method, path, allow):
    answer = api.request(method, path)
    check_problem(answer, 405, "INVALID_ARGUMENT")
    assert set(answer.headers["Allow"].split(", ")) == allow


def test_head_returns_the_headers_of_get(api):
    wait_for("a reply of the worker", api.healthy)  # health is in the body
    for path in (HEALTH, "/health", CONTAINERS, "/openapi.yaml", "/openapi.json"):
        answer = api.request("HEAD", path)
        assert answer.status == 200 and answer.body == b""
        assert int(answer.headers["Content-Length"]) == len(api.request("GET", path).body)


def test_absolute_form_is_the_same_path(api):
    got = api.raw(b"GET http://elsewhere/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 200")
    got = api.raw(b"GET http://x/nope?/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 404")
    got = api.raw(b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 400")


def test_health_has_exactly_the_members_of_the_contract(api):
    for path in (HEALTH, "/health", "/%68ealth"):
        answer = api.request("GET", path)
        assert answer.status == 200 and answer.headers["Content-Type"] == "application/json"
        health = answer.json()
        assert list(health) == ["type", "status", "path", "version", "uptime"]
        assert health["type"] == "k8s-container-service-provider.dcm.io/health"
        assert health["status"] == "healthy" and health["path"] == "health"
        assert isinstance(health["uptime"], int) and health["version"]


def test_health_returns_the_reply_of_the_worker(api, worker):
    for answer in (Ok({"healthy": False}), Ok({"healthy": 1}), Ok(b"garbage"), Ok(b"{garbage}"), Fail("BUSY"),
                   Fail("INTERNAL")):
        worker.on["health"] = lambda asked, answer=answer: answer
        assert not api.healthy()


def test_the_document_is_served_as_yaml_and_json(api):
    yaml = api.request("GET", "/openapi.yaml")
    assert yaml.status == 200 and yaml.headers["Content-Type"] == "application/yaml"
    assert yaml.body.startswith(b"openapi: 3.0")
    document = api.request("GET", "/openapi.json").json()
    container = CONTAINERS + "/{container_id}"
    assert set(document["paths"]) == {HEALTH, CONTAINERS, CONTAINERS + ":watch", container} | {
        f"{container}:{verb}" for verb in ("scale", "stop", "start", "restart", "rollback", "exec")} | {
        f"{container}/{part}" for part in ("revisions", "revisions/{revision}", "events", "usage", "logs", "exec")}


def test_request_ids_are_kept_or_generated(api, worker):
    answer = api.request("GET", CONTAINERS, headers={"X-Request-Id": "abc-123", "traceparent":
                         "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
    assert answer.headers["X-Request-Id"] == "abc-123"
    asked = worker.of("list")[-1]
    assert asked.headers["Sp-Request-Id"] == "abc-123"
    assert asked.headers["traceparent"].startswith("00-0af76519")
    assert asked.headers["Sp-Protocol"] == "1" and asked.attempt == 1
    wait_for("the log line",
             lambda: api.find_log("request", request_id="abc-123", status=200, path=CONTAINERS, method="GET"))
    for bad in ("", "a b", "x" * 129, "gr\u00fc\u00df"):
        answer = api.request("GET", CONTAINERS, headers={"X-Request-Id": bad.encode("latin-1"), "traceparent": "00-1"})
        made = answer.headers["X-Request-Id"]
        assert made != bad and len(made) == 36
        assert worker.of("list")[-1].headers["Sp-Request-Id"] == made
        assert "traceparent" not in worker.of("list")[-1].headers


def test_list_forwards_its_parameters(api, worker):
    api.request("GET", CONTAINERS)
    assert worker.of("list")[-1].body == {"max_page_size": 50, "page_token": ""}
    api.request("GET", CONTAINERS + "?max_page_size=1000&page_token=a%2Bb+c&unknown=1&unknown=2")
    assert worker.of("list")[-1].body == {"max_page_size": 1000, "page_token": "a+b c"}


def test_worker_errors_become_problems(api, worker):
    cases = [
        (Fail("INVALID_ARGUMENT", "bad", errors=[{"detail": "d", "pointer": "/spec/image"}]), 400, "INVALID_ARGUMENT"),
        (Fail("PERMISSION_DENIED"), 403, "PERMISSION_DENIED"),
        (Fail("NOT_FOUND"), 404, "NOT_FOUND"),
        (Fail("ALREADY_EXISTS"), 409, "ALREADY_EXISTS"),
        (Fail("CONFLICT"), 409, "ALREADY_EXISTS"),
        (Fail("TOO_LARGE"), 413, "INVALID_ARGUMENT"),
        (Fail("EXPIRED"), 400, "INVALID_ARGUMENT"),
        (Fail("UNAVAILABLE", retry_after_s=7), 503, "UNAVAILABLE"),
        (Fail("TIMEOUT"), 504, "UNAVAILABLE"),
        (Fail("INTERNAL", "secret: stack at 0x1234"), 500, "INTERNAL"),
        (Fail("NEVER_HEARD_OF"), 500, "INTERNAL"),
        (Fail("NO_MEMORY"), 500, "INTERNAL"),
    ]
    for fail, status, kind in cases:
        worker.on["get"] = lambda asked, fail=fail: fail
        answer = api.request("GET", CONTAINERS + "/a")
        problem = check_problem(answer, status, kind)
        if status == 400 and fail.status == "INVALID_ARGUMENT":
            assert problem["errors"] == [{"detail": "d", "pointer": "/spec/image"}]
        if status == 503:
            assert answer.headers["Retry-After"] == "7"
        if status == 500:
            assert "secret" not in problem["detail"]
        else:
            assert problem["detail"] == json.loads(fail.body)["detail"]


def test_malformed_replies_are_internal_errors(api, worker):
    no_status = Ok({"id": "a"})
    no_status.status = None
    for reply in (no_status, Ok(b""), Ok(b"[]"), Ok(b"{")):
        worker.on["get"] = lambda asked, reply=reply: reply
        check_problem(api.request("GET", CONTAINERS + "/a"), 500, "INTERNAL")
    assert api.find_log("malformed reply")


def test_container_life_cycle(api, worker):
    made = api.create("web-1")
    assert made.status == 201 and made.headers["Content-Type"] == "application/json"
    assert made.json()["spec"] == SPEC
    assert api.create("web-1").status == 409
    assert api.request("GET", CONTAINERS + "/web-1").body == made.body
    assert [c["id"] for c in api.request("GET", CONTAINERS).json()["containers"]] == ["web-1"]
    gone = api.request("DELETE", CONTAINERS + "/web-1")
    assert gone.status == 204 and gone.body == b"" and "Content-Type" not in gone.headers
    assert api.request("GET", CONTAINERS + "/web-1").status == 404
    assert api.request("DELETE", CONTAINERS + "/web-1").status == 404
    assert api.request("DELETE", CONTAINERS + "/web-1", headers={"Idempotency-Key": "k"}).status == 204


CONDITIONS = ("If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range")
TAKEN = {("If-None-Match", "GET", CONTAINERS + "/a"), ("If-Match", "DELETE", CONTAINERS + "/a")}


@pytest.mark.parametrize("name", CONDITIONS + ("if-range",))
def test_an_unsupported_condition_is_rejected(api, worker, name):
    assert api.create("a").status == 201
    for method, path in (("GET", CONTAINERS), ("GET", CONTAINERS + "/a"), ("DELETE", CONTAINERS + "/a"),
                         ("POST", CONTAINERS), ("GET", HEALTH), ("GET", "/health"), ("GET", "/openapi.json")):
        if (name, method, path) in TAKEN:
            continue
        answer = api.request(method, path, headers={name: '"1"'})
        assert (answer.status, answer.json()["type"]) == (400, "INVALID_ARGUMENT"), (method, path)
        assert name.lower() in answer.json()["detail"].lower()
    assert "a" in worker.store and not worker.of("delete")


def test_the_version_of_a_container_is_its_etag(api, worker):
    assert api.create("a").headers["ETag"] == f'"{ETAG}"'
    got = api.request("GET", CONTAINERS + "/a")
    assert got.headers["ETag"] == f'"{ETAG}"'
    assert "ETag" not in api.request("GET", CONTAINERS).headers
    assert "ETag" not in api.request("GET", CONTAINERS + "/b").headers


@pytest.mark.parametrize("value", ["*", f'"{ETAG}"', f'W/"{ETAG}"', f'"x" ,"{ETAG}"', f'"x",, W/"{ETAG}"'])
def test_a_matching_if_none_match_is_304(api, worker, value):
    api.create("a")
    got = api.request("GET", CONTAINERS + "/a")
    for method in ("GET", "HEAD"):
        answer = api.request(method, CONTAINERS + "/a", headers={"If-None-Match": value})
        assert (answer.status, answer.body, answer.headers["ETag"]) == (304, b"", f'"{ETAG}"')
        assert answer.headers["X-Request-Id"] and "Content-Type" not in answer.headers
        assert answer.headers["Content-Length"] == got.headers["Content-Length"]  # or none (RFC 9110 section 8.6)
    assert api.request("GET", CONTAINERS + "/b", headers={"If-None-Match": value}).status == 404
    assert api.request("GET", CONTAINERS + "/a", headers={"If-None-Match": '"x"'}).json()["id"] == "a"


def test_if_match_is_sent_in_a_version_that_old_workers_reject(api, worker):
    for value, sent in (("*", "*"), (f'"{ETAG}"', [ETAG]), (f'W/"{ETAG}", "x"', ["x"])):
        api.request("DELETE", CONTAINERS + "/a", headers={"If-Match": value})
        asked = worker.of("delete")[-1]
        assert (asked.body["if_match"], asked.headers["Sp-Protocol"]) == (sent, "2")
    api.request("DELETE", CONTAINERS + "/a")
    asked = worker.of("delete")[-1]
    assert "if_match" not in asked.body and asked.headers["Sp-Protocol"] == "1"
    worker.on["delete"] = lambda asked: Fail("PRECONDITION_FAILED", "another version")
    check_problem(api.request("DELETE", CONTAINERS + "/a", headers={"If-Match": '"x"'}), 412, "PRECONDITION_FAILED")


@pytest.mark.parametrize("value", ["", "x", ETAG, "**", '*, "a"', '"a', 'a"', '"a" "b"', 'w/"a"', 'W/ "a"', '"a";"b"',
                                   '"a b"', '"\u00e9"', ",", "W/*"])
@pytest.mark.parametrize("method,name", [("DELETE", "If-Match"), ("GET", "If-None-Match")])
def test_a_malformed_condition_is_rejected_with_its_position(api, worker, method, name, value):
    api.create("a")
    answer = check_problem(api.request(method, CONTAINERS + "/a", headers={name: value}), 400, "INVALID_ARGUMENT")
    assert [e["pointer"] for e in answer["errors"]] == [f"/header/{name}"]
    assert not worker.of("delete") and not worker.of("get")


@pytest.mark.parametrize("method,name", [("DELETE", "If-Match"), ("GET", "If-None-Match")])
def test_duplicate_conditions_are_rejected(api, worker, method, name):
    answer = api.raw(f'{method} {CONTAINERS}/a HTTP/1.1\r\nHost: x\r\n{name}: "a"\r\n{name}: "b"\r\n\r\n'.encode())
    assert answer.startswith(b"HTTP/1.1 400 ") and f"duplicate {name} header".encode() in answer
    assert not worker.of("delete") and not worker.of("get")


def test_a_malformed_etag_of_a_worker_is_an_internal_error(api, worker):
    for etag in ("", 'a"b', 65 * "a"):
        worker.on["get"] = lambda asked, etag=etag: Ok({"id": "a"}, etag=etag)
        check_problem(api.request("GET", CONTAINERS + "/a"), 500, "INTERNAL")


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip", "x"])
def test_a_compressed_body_is_rejected_with_accept_encoding(api, worker, encoding):
    answer = api.create("a", headers={"Content-Encoding": encoding})
    assert (answer.status, answer.json()["type"]) == (415, "INVALID_ARGUMENT")
    assert answer.headers["Accept-Encoding"] == "identity" and "identity" in answer.json()["detail"]
    assert not worker.of("create")
    assert api.create("a", headers={"Content-Encoding": "Identity"}).status == 201
