"""PATCH and the methods: requests to workers, and handling of their replies."""

import time

import pytest

from api_peers import CONTAINERS, ETAG, SPEC, Fail, Ok

MERGE = {"Content-Type": "application/merge-patch+json"}
LABEL = {"spec": {"metadata": {"labels": {"a": "b"}}}}


def shown(spec=SPEC, **more):
    """A container as returned by a worker, with fields set by the cluster."""
    return {"id": "a", "path": "containers/a", "spec": {
        **spec, "metadata": {**spec["metadata"], "namespace": "ns"}, "network": {"ip": "10.0.0.1"}},
        "status": "RUNNING", "etag": ETAG, **more}


def patch(api, body=None, headers=None, **more):
    return api.request("PATCH", CONTAINERS + "/a", body if body is not None else LABEL, {**MERGE, **(headers or {})}, **more)


def test_a_patch_reads_merges_and_updates(api, worker):
    worker.on["get"] = lambda asked: Ok(shown(), etag=ETAG)
    worker.on["update"] = lambda asked: Ok(shown(status="PENDING"), etag="0" * 32)
    answer = patch(api)
    assert answer.status == 200 and answer.json()["status"] == "PENDING", answer.body
    assert answer.headers["ETag"] == f'"{"0" * 32}"'
    (asked,) = worker.of("update")
    assert asked.body.pop("token").startswith("req:")
    assert asked.body == {"id": "a", "base": ETAG, "spec": {
        **SPEC, "metadata": {**SPEC["metadata"], "labels": {"a": "b"}}, "network": {}}}


def test_the_read_and_the_update_of_a_patch_share_the_wait_for_workers(worker, start):
    api = start(SP_SERVER_WORKER_WAIT="4s")
    worker.on["get"] = lambda asked: Ok(shown(), etag=ETAG, delay=3)
    worker.on["update"] = lambda asked: Fail("BUSY")
    begun = time.monotonic()
    assert patch(api).status == 503
    assert time.monotonic() - begun < 6  # of 3 + 4


def test_a_patch_is_merged_again_after_a_conflict(api, worker):
    """The retry uses the current container, with the same token and If-Match."""
    etags = [f"{i:032x}" for i in range(4)]
    reads, updates = [], []

    def get(_asked):
        reads.append(time.monotonic())
        return Ok(shown({**SPEC, "image": {"reference": f"v{len(reads)}"}}), etag=etags[len(reads)])

    def update(asked):
        updates.append(asked.body)
        return Ok(shown(), etag=ETAG) if len(updates) == 3 else Fail("CONFLICT", "changed meanwhile")

    worker.on.update(get=get, update=update)
    assert patch(api, headers={"If-Match": f'"{ETAG}"'}).status == 200
    assert [u["base"] for u in updates] == etags[1:] and [u["spec"]["image"]["reference"] for u in updates] == ["v1", "v2", "v3"]
    assert len({u["token"] for u in updates}) == 1 and all(u["if_match"] == [ETAG] for u in updates)


def test_a_patch_is_retried_until_the_deadline(start, worker):
    worker.on["get"] = lambda asked: Ok(shown(), etag=ETAG)
    worker.on["update"] = lambda asked: Fail("CONFLICT", "changed meanwhile")
    api = start(SP_SERVER_REQUEST_TIMEOUT="2s")
    begun = time.monotonic()
    answer = patch(api)
    assert answer.status == 504 and 0.8 < time.monotonic() - begun < 4, answer.body
    assert 3 < len(worker.of("update")) < 60


@pytest.mark.parametrize("operation", ["get", "update"])
@pytest.mark.parametrize("code, status", [("NOT_FOUND", 404), ("PRECONDITION_FAILED", 412), ("PERMISSION_DENIED", 403),
                                          ("UNAVAILABLE", 503)])
def test_an_error_of_the_worker_ends_a_patch(api, worker, operation, code, status):
    worker.on["get"] = lambda asked: Ok(shown(), etag=ETAG)
    worker.on[operation] = lambda asked: Fail(code, "as it is")
    assert patch(api).status == status


def test_a_patch_is_only_executed_by_workers_that_support_versions(api, worker):
    """An older worker rejects unknown operations; another one is tried."""
    worker.on["get"] = lambda asked: Ok(shown(), etag=ETAG) if len(worker.of("get")) > 3 else Fail("UNSUPPORTED", "version '2'")
    worker.on["update"] = lambda asked: Ok(shown(), etag=ETAG)
    assert patch(api).status == 200
    assert [a.headers["Sp-Protocol"] for a in worker.of("get")] == ["2"] * 4
    worker.on["get"] = lambda asked: Fail("UNSUPPORTED", "version '2'")
    assert patch(api).status == 503
    assert len(worker.of("update")) == 1


def test_a_patch_with_an_invalid_result_is_rejected_before_the_update(api, worker):
    worker.on["get"] = lambda asked: Ok(shown(), etag=ETAG)
    answer = patch(api, {"spec": {"image": None, "metadata": {"name": "other"}}})
    assert answer.status == 400
    assert [e["pointer"] for e in answer.json()["errors"]] == ["/spec/image", "/spec/metadata/name"]
    assert not worker.of("update")


@pytest.mark.parametrize("body, headers, status", [
    (b"[]", MERGE, 400), (b"null", MERGE, 400), (b"", MERGE, 400), (b"{", MERGE, 400),
    (b"{}", {"Content-Type": "text/plain"}, 415), (b"{}", {"Content-Type": "application/json-patch+json"}, 415),
    (b'{"spec": {"provider_hints": {"n": 12345678901234567890}}}', MERGE, 400),
    (b"{}", {**MERGE, "If-Match": "x"}, 400), (b"{}", {**MERGE, "If-None-Match": "*"}, 400),
])
def test_an_invalid_patch_is_rejected_without_a_request_to_a_worker(api, worker, body, headers, status):
    assert api.request("PATCH", CONTAINERS + "/a", body, headers).status == status
    assert not worker.of("get") and not worker.of("update")


METHODS = {"scale": {"replicas": 3}, "stop": None, "start": {}, "restart": None, "rollback": {"revision": 2}}


@pytest.mark.parametrize("verb", METHODS)
def test_a_method_sends_its_body_and_a_token(api, worker, verb):
    worker.on[verb] = lambda asked: Ok(shown(), etag=ETAG)
    headers = {"Content-Type": "application/json"} if METHODS[verb] is not None else {}
    answer = api.request("POST", f"{CONTAINERS}/a:{verb}", METHODS[verb], {**headers, "Idempotency-Key": "k"})
    assert answer.status == 200 and answer.headers["ETag"] == f'"{ETAG}"', answer.body
    (asked,) = worker.of(verb)
    keyed = verb in ("restart", "rollback")
    assert asked.body.pop("token").startswith("key:" if keyed else "req:")
    assert asked.body == {"id": "a", **(METHODS[verb] or {})}


def test_revisions_are_requested_by_page(api, worker):
    worker.on["revisions"] = lambda asked: Ok({"revisions": [], "next_page_token": ""})
    assert api.request("GET", CONTAINERS + "/a/revisions?max_page_size=3").status == 200
    assert worker.of("revisions")[0].body == {"id": "a", "max_page_size": 3, "page_token": ""}
