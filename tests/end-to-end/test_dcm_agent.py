"""Creates and deletes from the environment agent of DCM, whose deletes contain an id that its creates do not."""

import json
import os
import sys
import threading

import pytest

from api import spec
from ports import free_port
from processes import Process

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "dcm"))
from agent import STREAM, Agent  # noqa: E402  (their folder is known only now)
from nats.js.api import StorageType, StreamConfig  # noqa: E402
from nats_thread import NatsThread  # noqa: E402


@pytest.fixture
def agent(own_stack):
    """The agent `edge` and a provider configured with its name; agent.stack is the pipeline."""
    stack = own_stack(workers=2)
    stack.restart_api_with(SP_AGENT_NAME="edge")
    nats = NatsThread(stack.nats_port)
    made = Agent(nats, stack.api_port)
    made.stack = stack
    yield made
    nats.close()


def bare(agent, body, key):
    return agent.stack.api.call("POST", agent.base, body, {"Idempotency-Key": key})


def test_the_agent_can_delete_its_containers(agent):
    agent.request("create", "res-1", spec())
    agent.request("create", "res-2", spec())
    assert agent.work()[1] == 201
    assert agent.work()[1] == 201
    assert agent.stack.api.get("res-1").json["spec"]["metadata"]["name"] == "web"
    agent.request("delete", "res-1")
    assert agent.work()[1] == 204
    assert agent.stack.api.get("res-1").status == 404
    assert agent.stack.api.get("res-2").status == 200
    agent.request("delete", "res-1")  # DCM repeats deletes under new keys
    assert agent.work()[1] == 204


def test_a_retry_returns_the_first_result_even_without_the_stored_request(agent):
    agent.request("create", "res-1", spec())
    event, _ = agent.work()
    repeat = bare(agent, spec(), event["id"])
    assert (repeat.status, repeat.json["id"]) == (201, "res-1")
    assert len(agent.stack.kube.list("deployments")) == 1


def test_another_api_svc_finds_the_same_container(agent, tmp_path):
    agent.request("create", "res-1", spec())
    event, _ = agent.take()
    port = free_port()
    second = Process("api-svc-2", [f"{os.environ['E2E_BIN']}/api-svc"], {
        **agent.stack.env, "SP_AGENT_NAME": "edge", "SP_SERVER_ADDRESS": f"127.0.0.1:{port}"}, str(tmp_path)).start()
    second.wait_log('"listening"')
    assert agent.carry_out(event) == 201
    agent.port = port
    assert agent.carry_out(event) == 201
    second.stop()
    assert [d["metadata"]["name"] for d in agent.stack.kube.list("deployments")] == ["res-1"]


def test_an_unknown_key_creates_nothing(agent):
    answer = bare(agent, spec(), "unknown-key")
    answer.problem(503, "UNAVAILABLE")
    assert "no request with this Idempotency-Key" in answer.json["detail"]
    assert not agent.stack.kube.list("deployments")


def test_a_deferred_request_is_found_in_the_stream_of_the_agent(agent):
    agent.nats.do(agent.nats.jetstream.add_stream(StreamConfig(
        name="edge-retry", subjects=["held.back.edge"], storage=StorageType.MEMORY)))
    agent.nats.publish("held.back.edge", b'{"specversion": "1.0", "id": "key-7", "data": {"resource_id": "res-7"}}')
    assert bare(agent, spec(), "key-7").json["id"] == "res-7"


def test_a_request_behind_many_others_is_found(agent):
    for number in range(1000):
        agent.request("create", f"other-{number}")
    key = agent.request("create", "the-one", spec())
    assert bare(agent, spec(), key).json["id"] == "the-one"
    assert agent.nats.stored(STREAM) == 1001  # read only


@pytest.mark.parametrize("resource_id", ["Upper", "health", "", "a" * 64, None])
def test_an_invalid_resource_id_is_rejected_permanently(agent, resource_id):
    agent.request("create", resource_id, spec())
    assert agent.work()[1] == 400
    assert not agent.stack.kube.list("deployments")


def test_fifty_creates_with_one_key_are_one_container(agent):
    key, answers = agent.request("create", "fifty", spec()), []
    event, _ = agent.take()
    assert event["id"] == key
    threads = [threading.Thread(target=lambda: answers.append(bare(agent, spec(), key))) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [a.status for a in answers] == [201] * 50
    assert len({a.json["uid"] for a in answers}) == 1 and len(agent.stack.kube.list("deployments")) == 1


def test_creates_survive_a_restart_of_api_svc_and_a_killed_worker(agent):
    agent.request("create", "steady", spec())
    event, _ = agent.take()
    results = []
    thread = threading.Thread(target=lambda: results.append(agent.carry_out(event)))
    agent.stack.workers[0].kill()
    thread.start()
    agent.stack.api_svc.kill()
    agent.stack.api_svc.start()
    thread.join()
    assert results == [201]
    assert [d["metadata"]["name"] for d in agent.stack.kube.list("deployments")] == ["steady"]
    agent.stack.workers.pop(0)


def test_a_wrapped_create_of_other_clients_is_unchanged(agent):
    assert agent.stack.api.create(spec(), "mine").json["id"] == "mine"
    answer = agent.stack.api.create(spec(), None, {"Idempotency-Key": "k"})
    assert answer.status == 201 and json.loads(answer.text)["id"] not in ("", "mine")
