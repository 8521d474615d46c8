"""
Requests and responses of the clients of DCM, replayed from tests/fixtures/dcm, one file per client: a change of ours to a name, a type, a
status code, a media type or an envelope fails here. In a body, "=x" is the text x itself, other words are kinds of values
(KINDS), a list is of any length with elements of its first one's shape, and a member whose name ends in "?" may be absent.
"""

import json
import os
import re
import sys

import pytest

from processes import Process, wait_for

HERE = os.path.dirname(__file__)
FIXTURES = os.path.join(HERE, "..", "fixtures", "dcm")
sys.path.append(os.path.join(HERE, "..", "component", "registrar"))
from registry import Registry  # noqa: E402  (its folder is known only now)

KINDS = {
    "string": lambda v: isinstance(v, str),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "uuid": lambda v: re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", v),
    "time": lambda v: re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", v),
    "endpoints": lambda v: isinstance(v, list) and all(
        e.keys() == {"address", "port", "scope"} and e["scope"] in ("internal", "external") for e in v),
    "status": lambda v: v in ("PENDING", "RUNNING", "FAILED", "UNKNOWN", "DELETED"),
}


def fixture(name):
    with open(os.path.join(FIXTURES, name), encoding="utf-8") as f:
        return json.load(f)


def differences(shape, value, at="$"):
    """The differences from the shape, a line each."""
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return [f"{at}: no object: {value!r}"]
        names = {name.rstrip("?"): name for name in shape}
        found = [f"{at}.{n}: is new" for n in value if n not in names]
        found += [f"{at}.{n}: is missing" for n, name in names.items() if n not in value and not name.endswith("?")]
        return found + [d for n in value if n in names for d in differences(shape[names[n]], value[n], f"{at}.{n}")]
    if isinstance(shape, list):
        if not isinstance(value, list) or not value:
            return [f"{at}: no list with something in it: {value!r}"]
        return [d for i, v in enumerate(value) for d in differences(shape[0], v, f"{at}[{i}]")]
    right = value == shape[1:] if shape.startswith("=") else KINDS[shape](value)
    return [] if right else [f"{at}: {value!r} is not {shape!r}"]


@pytest.mark.parametrize("client", ["control-plane", "three-tier", "environment-agent"])
def test_requests_and_responses_match_the_fixtures(stack, client):
    for exchange in fixture(f"{client}.json"):
        send, expect = exchange["send"], exchange["expect"]
        answer = stack.api.call(send["method"], send["path"], send["body"], send["headers"])
        what = f"{send['method']} {send['path']}: {answer.status} {answer.text}"
        assert answer.status == expect["status"], what
        assert answer.headers.get("content-type") == expect["content_type"], what
        if expect["body"] is None:
            assert answer.text == "", what
        else:
            assert not differences(expect["body"], answer.json), what


def test_the_status_event_matches_the_fixture(monitors):
    m, wanted = monitors(), fixture("status-event.json")
    m.create("drift-event")
    m.wait_last("drift-event", "RUNNING")
    for headers, event in m.dcm.raw:
        lines = dict(line.split(": ", 1) for line in headers.split("\r\n")[1:] if line)
        assert lines.keys() == wanted["headers"].keys() and lines["Content-Type"] == wanted["headers"]["Content-Type"]
        assert not differences(wanted["body"], event), event


def test_the_registration_matches_the_fixture(stack, tmp_path):
    wanted, registry = fixture("registration.json"), Registry()
    env = {**stack.env, "SP_NAME": stack.name, "DCM_REGISTRATION_URL": registry.url, "SP_ENDPOINT": "http://sp.example:8080/",
           "SP_DISPLAY_NAME": "Drift", "SP_REGION": "eu", "SP_ZONE": "a"}
    registrar = Process("registrar", [f"{os.environ['E2E_BIN']}/registrar", "--once"], env, str(tmp_path)).start()
    try:
        assert registrar.popen.wait(20) == 0, registrar.log()
        seen = wait_for("a registration", lambda: registry.seen)[0]
        assert seen.path == wanted["path"] and seen.headers["Content-Type"] == "application/json"
        body = {**wanted["body"], "name": f"={stack.name}", "endpoint": "=http://sp.example:8080/api/v1alpha1/containers"}
        assert not differences(body, seen.body)
        assert set(seen.body["operations"]) >= set(wanted["operations"])  # what DCM expects of every provider
    finally:
        registry.stop()


def test_differences_are_detected():
    shape = {"a": "integer", "b?": "string", "c": [{"d": "=x"}]}
    assert not differences(shape, {"a": 1, "c": [{"d": "x"}]})
    for changed in ({"a": "1", "c": [{"d": "x"}]}, {"a": 1, "c": []}, {"a": 1, "c": [{"d": "y"}]}, {"c": [{"d": "x"}]},
                    {"a": 1, "c": [{"d": "x"}], "e": 0}):
        assert differences(shape, changed)
