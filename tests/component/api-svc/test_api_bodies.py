"""Validation of create requests."""

import copy
import json
import re

import pytest

from api_peers import CONTAINERS, SPEC


def changed(path, value):
    """The valid body with the member at the path set; None as a path's last part removes."""
    body = {"spec": copy.deepcopy(SPEC)}
    at = body
    *parents, last = path.split(".")
    for part in parents:
        at = at[int(part)] if isinstance(at, list) else at.setdefault(part, {})
    if value is REMOVED:
        del at[last]
    else:
        at[last] = value
    return body


REMOVED = object()

BAD = [
    ("spec", REMOVED, "/spec"),
    ("spec", None, "/spec"),
    ("spec", [], "/spec"),
    ("spec", "x", "/spec"),
    ("spec.service_type", REMOVED, "/spec/service_type"),
    ("spec.service_type", "vm", "/spec/service_type"),
    ("spec.service_type", 1, "/spec/service_type"),
    ("spec.metadata", REMOVED, "/spec/metadata"),
    ("spec.metadata", [], "/spec/metadata"),
    ("spec.metadata.name", REMOVED, "/spec/metadata/name"),
    ("spec.metadata.name", "", "/spec/metadata/name"),
    ("spec.metadata.name", "Web", "/spec/metadata/name"),
    ("spec.metadata.name", "-web", "/spec/metadata/name"),
    ("spec.metadata.name", "web-", "/spec/metadata/name"),
    ("spec.metadata.name", "a" * 64, "/spec/metadata/name"),
    ("spec.metadata.name", "web\n", "/spec/metadata/name"),
    ("spec.metadata.name", None, "/spec/metadata/name"),
    ("spec.metadata.labels", [], "/spec/metadata/labels"),
    ("spec.metadata.labels", {"a": 1}, "/spec/metadata/labels/a"),
    ("spec.metadata.labels", {"a": "-"}, "/spec/metadata/labels/a"),
    ("spec.metadata.labels", {"a": "x" * 64}, "/spec/metadata/labels/a"),
    ("spec.metadata.labels", {"": "x"}, "/spec/metadata/labels/"),
    ("spec.metadata.labels", {"-a": "x"}, "/spec/metadata/labels/-a"),
    ("spec.metadata.labels", {"A/b": "x"}, "/spec/metadata/labels/A~1b"),
    ("spec.metadata.labels", {"a/b/c": "x"}, "/spec/metadata/labels/a~1b~1c"),
    ("spec.metadata.labels", {"a~b": "x"}, "/spec/metadata/labels/a~0b"),
    ("spec.metadata.labels", {"dcm.project/managed-by": "dcm"}, "/spec/metadata/labels/dcm.project~1managed-by"),
    ("spec.metadata.labels", {"dcm.project/dcm-instance-id": "x"},
     "/spec/metadata/labels/dcm.project~1dcm-instance-id"),
    ("spec.metadata.labels", {"dcm.project/dcm-service-type": "x"},
     "/spec/metadata/labels/dcm.project~1dcm-service-type"),
    ("spec.image", REMOVED, "/spec/image"),
    ("spec.image.reference", REMOVED, "/spec/image/reference"),
    ("spec.image.reference", "", "/spec/image/reference"),
    ("spec.image.reference", " nginx", "/spec/image/reference"),
    ("spec.image.reference", 5, "/spec/image/reference"),
    ("spec.resources", REMOVED, "/spec/resources"),
    ("spec.resources.cpu", REMOVED, "/spec/resources/cpu"),
    ("spec.resources.cpu.min", REMOVED, "/spec/resources/cpu/min"),
    ("spec.resources.cpu.max", REMOVED, "/spec/resources/cpu/max"),
    ("spec.resources.cpu.min", 0, "/spec/resources/cpu/min"),
    ("spec.resources.cpu.min", -1, "/spec/resources/cpu/min"),
    ("spec.resources.cpu.min", 1.5, "/spec/resources/cpu/min"),
    ("spec.resources.cpu.min", True, "/spec/resources/cpu/min"),
    ("spec.resources.cpu.min", None, "/spec/resources/cpu/min"),
    ("spec.resources.cpu.min", "0", "/spec/resources/cpu/min"),
    ("spec.resources.cpu.min", "01", "/spec/resources/cpu/min"),
    ("spec.resources.cpu.min", "1.5", "/spec/resources/cpu/min"),
    ("spec.resources.cpu.min", "500M", "/spec/resources/cpu/min"),
    ("spec.resources.cpu.min", "9" * 30, "/spec/resources/cpu/min"),
    ("spec.resources.cpu", {"min": 3, "max": 2}, "/spec/resources/cpu/min"),
    ("spec.resources.cpu", {"min": "1500m", "max": "1"}, "/spec/resources/cpu/min"),
    ("spec.resources.cpu", {"min": 2, "max": "1999m"}, "/spec/resources/cpu/min"),
    ("spec.resources.memory", REMOVED, "/spec/resources/memory"),
    ("spec.resources.memory.min", "0MB", "/spec/resources/memory/min"),
    ("spec.resources.memory.min", "000GB", "/spec/resources/memory/min"),
    ("spec.resources.memory.min", "1", "/spec/resources/memory/min"),
    ("spec.resources.memory.min", "1Gi", "/spec/resources/memory/min"),
    ("spec.resources.memory.min", "1gb", "/spec/resources/memory/min"),
    ("spec.resources.memory.min", "-1GB", "/spec/resources/memory/min"),
    ("spec.resources.memory.min", 1, "/spec/resources/memory/min"),
    ("spec.resources.memory.min", "9" * 20 + "TB", "/spec/resources/memory/min"),
    ("spec.resources.memory", {"min": "2GB", "max": "1025MB"}, "/spec/resources/memory/min"),
    ("spec.process", [], "/spec/process"),
    ("spec.process", None, "/spec/process"),
    ("spec.process.command", "sh", "/spec/process/command"),
    ("spec.process.args", [1], "/spec/process/args/0"),
    ("spec.process.env", {}, "/spec/process/env"),
    ("spec.process.env", [{"name": "A"}], "/spec/process/env/0/value"),
    ("spec.process.env", [{"value": "A"}], "/spec/process/env/0/name"),
    ("spec.process.env", [{"name": "A", "value": 1}], "/spec/process/env/0/value"),
    ("spec.process.env", [{"name": "", "value": ""}], "/spec/process/env/0/name"),
    ("spec.process.env", [{"name": "A=B", "value": ""}], "/spec/process/env/0/name"),
    ("spec.process.env", [{"name": "A\u00e4", "value": ""}], "/spec/process/env/0/name"),
    ("spec.process.env", [{"name": "A\n", "value": ""}], "/spec/process/env/0/name"),
    ("spec.network", [], "/spec/network"),
    ("spec.network.ports", {}, "/spec/network/ports"),
    ("spec.network.ports", [80], "/spec/network/ports/0"),
    ("spec.network.ports", [{"container_port": 80}], "/spec/network/ports/0/visibility"),
    ("spec.network.ports", [{"visibility": "none"}], "/spec/network/ports/0/container_port"),
    ("spec.network.ports", [{"container_port": 0, "visibility": "none"}], "/spec/network/ports/0/container_port"),
    ("spec.network.ports", [{"container_port": 65536, "visibility": "none"}], "/spec/network/ports/0/container_port"),
    ("spec.network.ports", [{"container_port": "80", "visibility": "none"}], "/spec/network/ports/0/container_port"),
    ("spec.network.ports", [{"container_port": 80, "visibility": "public"}], "/spec/network/ports/0/visibility"),
    ("spec.network.ports", [{"container_port": 80, "visibility": "none"}, {"container_port": 81, "visibility": "none"},
                            {"container_port": 80, "visibility": "external"}], "/spec/network/ports/2/container_port"),
    ("spec.provider_hints", [], "/spec/provider_hints"),
    ("spec.provider_hints", "x", "/spec/provider_hints"),
]


def test_invalid_bodies_are_rejected_with_pointers(api, worker):
    for path, value, pointer in BAD:
        answer = api.request("POST", CONTAINERS + "?id=bad", changed(path, value))
        assert answer.status == 400, (path, value, answer.body)
        problem = answer.json()
        assert problem["type"] == "INVALID_ARGUMENT"
        assert pointer in [e["pointer"] for e in problem["errors"]], (path, value, problem)
    assert not worker.of("create")


GOOD = [
    ("spec.metadata.name", "7"),
    ("spec.metadata.name", "a" * 63),
    ("spec.metadata.labels", {}),
    ("spec.metadata.labels", {"a": "", "example.com/b.c_d": "X.y_z-1", "a" * 63: "b" * 63}),
    ("spec.resources.cpu", {"min": 1, "max": 1}),
    ("spec.resources.cpu", {"min": "999m", "max": 1}),
    ("spec.resources.cpu", {"min": 1.0, "max": "1000m"}),
    ("spec.resources.memory", {"min": "1024MB", "max": "1GB"}),
    ("spec.resources.memory", {"min": "0001MB", "max": "1TB"}),
    ("spec.process", {}),
    ("spec.process", {"command": [], "args": ["", "a b", "\"\n\t\u20ac"], "env": []}),
    ("spec.process.env", [{"name": "a.b-c_D 9~", "value": "\"quoted\"\n\\ \u00e4 \U0001f600"},
                          {"name": "a", "value": ""}]),
    ("spec.network", {}),
    ("spec.network.ports", []),
    ("spec.network.ports", [{"container_port": 1, "visibility": "none"},
                            {"container_port": 65535, "visibility": "internal"},
                            {"container_port": 80, "visibility": "external"}]),
    ("spec.provider_hints", {}),
    ("spec.provider_hints", {"a": None, "b": [1, 2.5, {"c": [True, None]}], "n": 9007199254740991, "f": 0.1}),
]


def test_valid_bodies_reach_the_worker_unchanged(api, worker):
    for i, (path, value) in enumerate(GOOD):
        body = changed(path, value)
        answer = api.request("POST", f"{CONTAINERS}?id=good-{i}", body)
        assert answer.status == 201, (path, value, answer.body)
        assert worker.of("create")[-1].body["spec"] == body["spec"]


def test_ignored_members_do_not_reach_the_worker(api, worker):
    body = changed("spec.network", {"ip": 5, "ports": None, "extra": 1})
    body |= {"id": ["nonsense"], "path": 1, "status": {}, "uid": None, "extra": True, "create_time": "yesterday"}
    body["spec"] |= {"unknown": {"deep": []}, "provider_hints": {"network": None, "x": {"ip": 1}}}
    body["spec"]["metadata"]["namespace"] = 7
    body["spec"]["process"] = {"env": [{"name": "A", "value": "1", "comment": "x"}], "shell": True}
    answer = api.request("POST", CONTAINERS + "?id=a", body)
    assert answer.status == 201, answer.body
    assert worker.of("create")[-1].body["spec"] == {
        **SPEC, "network": {}, "provider_hints": {"network": None, "x": {"ip": 1}},
        "process": {"env": [{"name": "A", "value": "1"}]}}
    assert api.request("POST", CONTAINERS + "?id=b", changed("spec.network", None)).status == 201
    assert "network" not in worker.of("create")[-1].body["spec"]


def test_all_faults_are_reported_in_one_response(api):
    body = changed("spec.resources.cpu", {"min": "1500m", "max": "1"})
    body["spec"] |= {"service_type": "vm", "network": {"ports": [{"container_port": 0, "visibility": "x"}]}}
    body["spec"]["metadata"] = {"name": "A", "labels": {"dcm.project/managed-by": "-"}}
    del body["spec"]["image"]
    problem = api.request("POST", CONTAINERS + "?id=health&id=B", body, {"Idempotency-Key": "a b"}).json()
    pointers = {e["pointer"] for e in problem["errors"]}
    assert pointers == {
        "/query/id", "/header/Idempotency-Key", "/spec/service_type", "/spec/metadata/name", "/spec/image",
        "/spec/metadata/labels/dcm.project~1managed-by", "/spec/resources/cpu/min",
        "/spec/network/ports/0/container_port", "/spec/network/ports/0/visibility"}
    assert re.search(r"and \d+ more errors", problem["detail"])


def test_the_number_of_faults_is_limited(api):
    env = [{"name": "A", "value": i} for i in range(5000)]
    problem = api.request("POST", CONTAINERS, changed("spec.process.env", env)).json()
    assert len(problem["errors"]) == 100


def test_many_long_faults_are_truncated_in_the_problem(api):
    labels = {"\x01" * 900 + str(i): "\x01" for i in range(150)}
    answer = api.request("POST", CONTAINERS, changed("spec.metadata.labels", labels))
    assert answer.status == 400 and int(answer.headers["Content-Length"]) > 1000
    assert answer.json()["errors"][-1]["detail"].endswith("more errors omitted")


@pytest.mark.parametrize("text,accepted", [
    ("9345656789347893.4", False), ("9007199254740993", False), ("9007199254740993.0", False), ("1e-400", False),
    ("1e999", False),
    ("9345656789347894", True), ("9007199254740994", True), ("0.1", True), ("1e22", True), ("-0.0", True),
    ("1234567.891", True), ("5e-324", True)])
def test_numbers_round_trip(api, worker, text, accepted):
    for _ in range(2):
        body = json.dumps({"spec": {**SPEC, "provider_hints": {"a": ["N"]}}}).replace('"N"', text)
        answer = api.request("POST", CONTAINERS, body, {"Content-Type": "application/json"})
        if not accepted:
            assert answer.status == 400
            assert [e["pointer"] for e in answer.json()["errors"]] == ["/spec/provider_hints/a/0"]
            return
        assert answer.status == 201
        sent = worker.of("create")[-1].body["spec"]["provider_hints"]["a"][0]
        assert sent == json.loads(text)
        text = json.dumps(sent)


def test_a_bare_spec_has_the_same_nesting_limit(api):
    def nested(levels):
        hints = {}
        for _ in range(levels):
            hints = {"a": hints}
        return {**SPEC, "provider_hints": hints}

    key = {"Idempotency-Key": "k"}
    for levels, status in ((61, 201), (62, 400), (70, 400)):
        assert api.request("POST", CONTAINERS, nested(levels), key).status == status
        assert api.request("POST", CONTAINERS, {"spec": nested(levels)}).status == status


RAW = [
    b"", b" ", b"{", b"{}x", b"[]", b"null", b"1", b'"x"', b"{'a':1}", b'{"spec":{}}x', b'{"spec":{}} {}',
    b'{"spec":{},"spec":{}}', b'{"a":01}', b'{"a":NaN}', b'{"a":"\x01"}', b'{"a":"\xff"}',
    b'{"a":"\\u0000"}', b'{"a":"\\ud800"}', b"\xef\xbb\xbf{}", b"[" * 20000,
    b'{"a":' * 20000, b'{"a":' * 70 + b"1" + b"}" * 70, b"\x00", b'{"spec":\x00{}}',
]


def test_malformed_bodies_are_rejected(api, worker):
    for body in RAW:
        answer = api.request("POST", CONTAINERS, body, {"Content-Type": "application/json"})
        assert answer.status == 400, (body[:40], answer.body)
        assert answer.json()["errors"][0]["pointer"] in ("", "/spec"), body[:40]
    assert not worker.of("create")
    assert api.create("after").status == 201


def test_content_types_are_checked(api):
    body = json.dumps({"spec": SPEC})
    for good in ("application/json", "Application/JSON", "application/json; charset=utf-8", "application/json ;x=y"):
        assert api.request("POST", CONTAINERS, body, {"Content-Type": good}).status == 201, good
    for bad in ("text/plain", "", "application/jsonx", "application/x-www-form-urlencoded", "application"):
        answer = api.request("POST", CONTAINERS, body, {"Content-Type": bad})
        assert answer.status == 400, bad
        assert answer.json()["errors"] == [{"detail": "must be application/json", "pointer": "/header/Content-Type"}]


@pytest.mark.parametrize("ident", ["health", "", "A", "-a", "a-", "a" * 64, "a.b", "a_b", "a%2Fb", "a%20", "a+", "%C3%BC"])
def test_invalid_ids_are_rejected(api, ident):
    answer = api.request("POST", f"{CONTAINERS}?id={ident}", {"spec": SPEC})
    assert answer.status == 400
    assert answer.json()["errors"][0]["pointer"] == "/query/id"


@pytest.mark.parametrize("ident", ["9", "7abc", "a" * 63, "stack1-db", "0b5c2a4e-5a3f-4c6e-8d0b-1f5c7f9b2d11"])
def test_valid_ids_are_accepted(api, worker, ident):
    assert api.create(ident).json()["id"] == ident
    assert worker.of("create")[-1].body["token"].startswith("req:")


def test_ids_and_tokens_are_generated(api, worker):
    uuid = r"[0-9a-f]{8}-[0-9a-f]{4}-%s[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    first, second = api.create().json()["id"], api.create().json()["id"]
    assert re.fullmatch(uuid % 4, first) and first != second
    key = {"Idempotency-Key": "key-1"}
    derived = api.create(headers=key).json()["id"]
    assert re.fullmatch(uuid % 8, derived)
    assert api.create(headers=key).json()["id"] == derived
    assert api.create(headers={"Idempotency-Key": "key-2"}).json()["id"] != derived
    tokens = [a.body["token"] for a in worker.of("create")]
    assert tokens[0].startswith("req:") and tokens[0] != tokens[1]
    assert re.fullmatch("key:[0-9a-f]{64}", tokens[2]) and tokens[2] == tokens[3] != tokens[4]
    assert api.create("given", headers=key).json()["id"] == "given"


def test_invalid_idempotency_keys_are_rejected(api):
    for key in ("a b", "x" * 256, "gr\u00fc\u00df".encode("latin-1"), ""):
        answer = api.create(headers={"Idempotency-Key": key})
        assert answer.status == 400, key
        assert answer.json()["errors"][0]["pointer"] == "/header/Idempotency-Key"
    assert api.create(headers={"Idempotency-Key": "x" * 255}).status == 201


def test_a_bare_spec_requires_an_idempotency_key(api, worker):
    refused = api.request("POST", CONTAINERS, SPEC)
    assert refused.status == 400
    assert "Idempotency-Key" in json.dumps(refused.json()["errors"])
    assert api.request("POST", CONTAINERS, SPEC, {"Idempotency-Key": "k"}).status == 201
    assert worker.of("create")[-1].body["spec"] == SPEC
    wrong = api.request("POST", CONTAINERS, {**SPEC, "image": {}}, {"Idempotency-Key": "k"})
    assert [e["pointer"] for e in wrong.json()["errors"]] == ["/image/reference"]


def test_bodies_above_the_limit_are_rejected(api, worker):
    two_mib = json.dumps({"spec": {**SPEC, "provider_hints": {"x": "y" * 2 ** 21}}})
    answer = api.request("POST", CONTAINERS, two_mib, {"Content-Type": "application/json"})
    assert answer.status == 413 and answer.json()["type"] == "INVALID_ARGUMENT"
    chunked = api.request("POST", CONTAINERS, iter([two_mib.encode()]), {"Content-Type": "application/json"})
    assert chunked.status == 413
    with api.connect() as s:
        s.sendall(b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999\r\n\r\n" % CONTAINERS.encode())
        assert s.recv(100).startswith(b"HTTP/1.1 413")
    with api.connect() as s:
        s.sendall(b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\nExpect: 100-continue\r\n\r\n" %
                  CONTAINERS.encode())
        assert s.recv(100).startswith(b"HTTP/1.1 413")
    # Within the limit of HTTP, but not within that of NATS, which has the id, the token and the headers besides.
    frame = json.dumps({"spec": {**SPEC, "provider_hints": {"x": ""}}})
    near = frame.replace('"x": ""', '"x": "' + "y" * (2 ** 20 - len(frame)) + '"')
    assert len(near) == 2 ** 20
    answer = api.request("POST", CONTAINERS, near, {"Content-Type": "application/json"})
    assert answer.status == 413 and "NATS" in answer.json()["detail"], answer.body
    assert not worker.of("create")
    assert api.create("after").status == 201
    assert not api.find_log("NATS connection lost; reconnecting")
