"""The registrar waits for the API, checked over NATS, and registers again after an outage."""

import time

import pytest

from support import Worker, api_presence
from processes import wait_for


@pytest.fixture
def peers(nats):
    """Start peers individually; all are stopped at the end."""
    started = []

    def add(peer):
        started.append(peer)
        return peer

    yield add
    for peer in started:
        peer.stop()


def test_nothing_is_posted_before_our_api_responds(nats, registry, start, peers):
    registrar = start()
    wait_for("the reason", lambda: "no api-svc" in registrar.text())
    peers(api_presence(nats, "another"))
    peers(Worker(nats, "another"))
    time.sleep(1.2)
    peers(api_presence(nats, "provider"))
    wait_for("the next reason", lambda: "no kube-worker" in registrar.text())
    worker = peers(Worker(nats, "provider", healthy=False))
    wait_for("the last error", lambda: "Kubernetes does not respond" in registrar.text())
    assert not registry.seen
    worker.healthy = True
    wait_for("the registration", lambda: registry.providers)
    headers, body = worker.asked[0]
    assert headers["Sp-Protocol"] == "1" and int(headers["Sp-Deadline"]) > 0 and body == b"{}"


def test_nats_may_start_later(nats, registry, start, peers):
    nats.stop()
    registrar = start()
    wait_for("the reason", lambda: "NATS is not connected" in registrar.text())
    nats.start()
    peers(api_presence(nats, "provider"))
    peers(Worker(nats, "provider"))
    wait_for("the registration", lambda: registry.providers, 30)


def test_after_an_outage_of_our_api_it_registers_immediately(nats, registry, start, peers):
    api = api_presence(nats, "provider")
    peers(Worker(nats, "provider"))
    registrar = start()
    wait_for("the registration", lambda: registry.providers)
    api.stop()
    wait_for("the outage", lambda: registrar.find_log("our API does not respond"), 40)
    registry.forget()
    back = time.monotonic()
    peers(api_presence(nats, "provider"))
    wait_for("the registration after the outage", lambda: registry.providers)
    assert time.monotonic() - back < 5
    assert registrar.attempts()[-1]["attempt"] == 1


def test_a_short_gap_of_our_api_is_not_an_outage(nats, registry, start, peers):
    api = api_presence(nats, "provider")
    peers(Worker(nats, "provider"))
    registrar = start()
    wait_for("the registration", lambda: registry.providers)
    api.stop()
    time.sleep(2)
    peers(api_presence(nats, "provider"))
    time.sleep(12)
    assert len(registry.seen) == 1 and not registrar.find_log("our API does not respond")
