"""Output fields of a Container: replicas and revision; and ports with protocols other than TCP."""

import pytest

from api import BASE, spec
from processes import wait_for
from test_behind_our_back import scale, set_image
from test_life import foreign_deployment, without_outputs

DNS = [{"container_port": 53, "visibility": "external"},
       {"container_port": 53, "visibility": "internal", "protocol": "UDP"},
       {"container_port": 8053, "visibility": "internal", "protocol": "TCP"},
       {"container_port": 8053, "visibility": "none", "protocol": "SCTP"}]


def ports_of(container):
    return {(p["port"], p["protocol"]) for p in container["service"]["ports"]}


def test_replicas_and_revision_are_those_of_the_cluster(stack):
    made = stack.api.create(spec(), "counted").json
    assert made["replicas"] == {"desired": 1, "ready": 0, "updated": 0, "available": 0}
    assert "revision" not in made
    stack.wait_status("counted", "RUNNING")
    shown = wait_for("all ready", lambda: [c for c in [stack.api.get("counted").json]
                                           if c["replicas"] == {"desired": 1, "ready": 1, "updated": 1,
                                                                "available": 1}], 30)[0]
    assert shown["revision"] == 1
    assert stack.api.list().json["containers"][0]["replicas"] == shown["replicas"]
    scale(stack.kube, "counted", 3)
    assert stack.api.get("counted").json["replicas"]["desired"] == 3
    wait_for("three of them", lambda: stack.api.get("counted").json["replicas"]["available"] == 3, 30)
    set_image(stack.kube, "counted", "docker.io/library/nginx:1.28")
    at_once = stack.api.get("counted").json
    assert at_once["replicas"]["updated"] < 3 or at_once["revision"] == 2
    wait_for("the second rollout", lambda: stack.api.get("counted").json["revision"] == 2, 30)
    wait_for("all updated", lambda: stack.api.get("counted").json["replicas"]["updated"] == 3, 30)


def test_a_port_number_may_be_used_once_per_protocol(stack):
    written = spec(network={"ports": DNS})
    made = stack.api.create(written, "dns")
    assert made.status == 201, made.text
    assert without_outputs(made.json["spec"]) == written
    shown = stack.api.get("dns").json
    assert without_outputs(shown["spec"]) == written
    assert ports_of(shown) == {(53, "TCP"), (53, "UDP"), (8053, "TCP")}
    service = stack.kube.get("services", "dns")
    assert [p["name"] for p in service["spec"]["ports"]] == ["port-53", "port-53-udp", "port-8053"]
    containers = stack.kube.get("deployments", "dns")["spec"]["template"]["spec"]["containers"]
    assert [(p["containerPort"], p["protocol"]) for p in containers[0]["ports"]] == [
        (53, "TCP"), (53, "UDP"), (8053, "TCP"), (8053, "SCTP")]
    assert stack.api.delete("dns").status == 204


@pytest.mark.parametrize("protocols", [("TCP", "TCP"), (None, "TCP"), ("UDP", "UDP"), ("SCTP", "SCTP")])
def test_a_duplicate_port_number_of_one_protocol_is_rejected(stack, protocols):
    ports = [{"container_port": 80, "visibility": "none", **({"protocol": p} if p else {})} for p in protocols]
    problem = stack.api.create(spec(network={"ports": ports}), "twice").problem(400, "INVALID_ARGUMENT")
    assert [e["pointer"] for e in problem["errors"]] == ["/spec/network/ports/1/container_port"]


@pytest.mark.parametrize("protocol", ["tcp", "", "HTTP", 6, None])
def test_an_unknown_protocol_is_rejected(stack, protocol):
    ports = [{"container_port": 80, "visibility": "none", "protocol": protocol}]
    problem = stack.api.create(spec(network={"ports": ports}), "odd").problem(400, "INVALID_ARGUMENT")
    assert "/spec/network/ports/0/protocol" in [e["pointer"] for e in problem["errors"]]


def test_ports_added_by_others_have_their_protocol(stack):
    body = foreign_deployment("theirs", "theirs")
    body["spec"]["template"]["spec"]["containers"][0]["ports"] = [
        {"containerPort": 53, "protocol": "UDP"}, {"containerPort": 53, "protocol": "TCP"}]
    stack.kube.create("deployments", body)
    assert stack.api.get("theirs").json["spec"]["network"]["ports"] == [
        {"container_port": 53, "visibility": "none", "protocol": "UDP"}, {"container_port": 53, "visibility": "none"}]


def test_a_change_of_protocols_is_applied_to_every_object(stack):
    stack.api.create(spec(ports=[(53, "internal")]), "turned")

    def patch(ports):
        answer = stack.api.call("PATCH", f"{BASE}/turned", {"spec": {"network": {"ports": ports}}})
        assert answer.status == 200, answer.text
        served = {(p["name"], p["protocol"]) for p in stack.kube.get("services", "turned")["spec"]["ports"]}
        held = stack.kube.get("deployments", "turned")["spec"]["template"]["spec"]["containers"][0]["ports"]
        return answer.json, served, {(p["containerPort"], p["protocol"]) for p in held}

    both = [{"container_port": 53, "visibility": "internal"},
            {"container_port": 53, "visibility": "internal", "protocol": "UDP"}]
    shown, served, held = patch(both)
    assert shown["spec"]["network"]["ports"] == both and ports_of(shown) == {(53, "TCP"), (53, "UDP")}
    assert served == {("port-53", "TCP"), ("port-53-udp", "UDP")} and held == {(53, "TCP"), (53, "UDP")}
    shown, served, held = patch(both[1:])
    assert shown["spec"]["network"]["ports"] == both[1:] and ports_of(shown) == {(53, "UDP")}
    assert served == {("port-53-udp", "UDP")} and held == {(53, "UDP")}
