"""The version of a container (etag) and conditional requests (If-Match, If-None-Match)."""

import threading
import time

import pytest

from api import BASE, spec
from test_behind_our_back import STRATEGIC, scale, set_image
from test_life import FULL, foreign_deployment

HINTS = {"provider_hints": {"a": 1, "b": {"c": [1, 2], "d": None}}}


def version(answer):
    """The etag of a GET or POST, in the body and the header."""
    assert answer.headers["etag"] == f'"{answer.json["etag"]}"'
    return answer.json["etag"]


def test_the_etag_is_unchanged_while_the_spec_is(stack):
    for name, written in (("small", spec()), ("full", FULL), ("hints", spec(**HINTS))):
        made = stack.api.create(written, name)
        assert made.status == 201, made.text
        first = version(made)
        assert version(stack.api.get(name)) == first
        stack.wait_status(name, "RUNNING")
        assert version(stack.api.get(name)) == first  # with an address
    listed = {c["id"]: c["etag"] for c in stack.api.list().json["containers"]}
    assert listed == {name: version(stack.api.get(name)) for name in ("small", "full", "hints")}
    assert len(set(listed.values())) == 3


def test_the_etag_depends_only_on_the_spec(stack):
    first = version(stack.api.create(spec(ports=[(80, "internal")]), "seen"))
    stack.kube.patch("deployments", "seen", {"metadata": {"annotations": {"a": "b"}}})
    scale(stack.kube, "seen", 2)
    assert version(stack.api.get("seen")) == first
    set_image(stack.kube, "seen", "docker.io/library/nginx:1.28")
    second = version(stack.api.get("seen"))
    assert second != first
    stack.kube.patch("deployments", "seen", {"metadata": {"labels": {"team": "shop"}}})
    assert version(stack.api.get("seen")) not in (first, second)
    stack.kube.patch("deployments", "seen", {"metadata": {"labels": {"team": None}}})
    set_image(stack.kube, "seen", "docker.io/library/nginx:1.27")
    assert version(stack.api.get("seen")) == first


def test_a_sidecar_does_not_change_the_etag(stack):
    first = version(stack.api.create(spec(), "beside"))
    sidecar = {"name": "sidecar", "image": "docker.io/library/envoy:1"}
    status, answer = stack.kube.call("PATCH", stack.kube.path("deployments", "beside"),
                                     {"spec": {"template": {"spec": {"containers": [sidecar]}}}}, STRATEGIC)
    assert status == 200, answer
    assert version(stack.api.get("beside")) == first


def test_get_with_if_none_match_is_304_while_the_etag_matches(stack):
    etag = version(stack.api.create(spec(), "known"))
    for value in (f'"{etag}"', f'W/"{etag}"', f'"x", "{etag}"', "*"):
        answer = stack.api.get("known", headers={"If-None-Match": value})
        assert (answer.status, answer.text, answer.headers["etag"]) == (304, "", f'"{etag}"')
    set_image(stack.kube, "known", "docker.io/library/nginx:1.28")
    assert stack.api.get("known", headers={"If-None-Match": f'"{etag}"'}).status == 200
    assert stack.api.get("nobody", headers={"If-None-Match": "*"}).status == 404


def test_delete_with_if_match_removes_only_that_version(stack):
    etag = version(stack.api.create(spec(ports=[(80, "internal")]), "kept"))
    for value in ('"x"', f'W/"{etag}"', f'"x", W/"{etag}"', '"*"', f'"{etag[:-1]}"'):
        for headers in ({"If-Match": value}, {"If-Match": value, "Idempotency-Key": "k"}):
            problem = stack.api.delete("kept", headers).problem(412, "PRECONDITION_FAILED")
            assert etag in problem["detail"]
    assert stack.kube.get("deployments", "kept") and stack.kube.get("services", "kept")
    set_image(stack.kube, "kept", "docker.io/library/nginx:1.28")
    stack.api.delete("kept", {"If-Match": f'"{etag}"'}).problem(412, "PRECONDITION_FAILED")
    etag = version(stack.api.get("kept"))
    assert stack.api.delete("kept", {"If-Match": f'"x", "{etag}"'}).status == 204
    assert stack.api.get("kept").status == 404 and not stack.kube.of("services", "kept")


def test_delete_with_if_match_of_a_missing_container_is_404_even_by_key(stack):
    stack.api.create(spec(), "once")
    assert stack.api.delete("once", {"If-Match": "*"}).status == 204
    for value in ("*", '"x"'):
        for key in ({}, {"Idempotency-Key": "k"}):
            stack.api.delete("once", {"If-Match": value, **key}).problem(404, "NOT_FOUND")
    assert stack.api.delete("once", {"Idempotency-Key": "k"}).status == 204


@pytest.mark.parametrize("value", ["x", '"x', "", '*, "a"', '"a" "b"'])
def test_a_malformed_if_match_is_rejected(stack, value):
    stack.api.create(spec(), "there")
    problem = stack.api.delete("there", {"If-Match": value}).problem(400, "INVALID_ARGUMENT")
    assert [e["pointer"] for e in problem["errors"]] == ["/header/If-Match"]
    assert stack.api.get("there").status == 200


def test_an_unsupported_condition_is_rejected(stack):
    stack.api.create(spec(), "there")
    for method, path, name in (("GET", f"{BASE}/there", "If-Match"), ("DELETE", f"{BASE}/there", "If-None-Match"),
                               ("POST", BASE, "If-None-Match"), ("GET", BASE, "If-None-Match"),
                               ("DELETE", f"{BASE}/there", "If-Unmodified-Since")):
        answer = stack.api.call(method, path, headers={name: '"x"'})
        assert name in answer.problem(400, "INVALID_ARGUMENT")["detail"]
    assert stack.api.get("there").status == 200


def test_delete_with_if_match_succeeds_while_others_write_to_the_deployment(stack):
    """The resourceVersion is a precondition; it is read again if it has changed and the spec has not."""
    etag = version(stack.api.create(spec(), "busy"))
    stopping = threading.Event()

    def annotate():
        i = 0
        while not stopping.is_set():
            i += 1
            time.sleep(0.01)
            stack.kube.call("PATCH", stack.kube.path("deployments", "busy"),
                            {"metadata": {"annotations": {"i": str(i)}}}, "application/merge-patch+json")

    writer = threading.Thread(target=annotate)
    writer.start()
    try:
        answer = stack.api.delete("busy", {"If-Match": f'"{etag}"'})
    finally:
        stopping.set()
        writer.join()
    assert answer.status == 204, answer.text


def test_conditions_apply_to_containers_of_others(stack):
    stack.kube.create("deployments", foreign_deployment("their-name", "theirs"))
    stack.wait_known("theirs")
    etag = version(stack.api.get("theirs"))
    stack.api.delete("theirs", {"If-Match": '"x"'}).problem(412, "PRECONDITION_FAILED")
    assert stack.api.delete("theirs", {"If-Match": f'"{etag}"'}).status == 204
    assert stack.api.get("theirs").status == 404
