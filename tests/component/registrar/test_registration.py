"""The requests of the registrar, and its reaction to each kind of response."""

import os
import shutil
import time

import pytest

from ports import free_port
from registry import Registry
from processes import wait_for

BODY = {
    "name": "provider", "service_type": "container", "schema_version": "v1alpha1",
    "endpoint": "http://provider.example:8080/api/v1alpha1/containers", "operations": ["CREATE", "DELETE", "READ", "UPDATE"],
}


def wait_for_requests(registry, count, timeout=15):
    wait_for(f"{count} requests, there are {len(registry.seen)}", lambda: len(registry.seen) >= count, timeout)
    return registry.seen


def test_the_body_matches_the_contract_of_dcm(api, registry, start):
    registrar = start()
    seen = wait_for_requests(registry, 1)[0]
    assert seen.path == "/api/v1alpha1/providers"
    assert seen.body == BODY
    assert seen.headers["Content-Type"] == "application/json"
    line = wait_for("the log line", registrar.attempts)[0]
    assert line["msg"] == "registered" and line["attempt"] == 1 and line["status"] == 201, line
    assert 270_000 <= line["next_ms"] <= 330_000


@pytest.mark.parametrize("environment, more", [
    ({"SP_DISPLAY_NAME": "Containers, \"here\""}, {"display_name": "Containers, \"here\""}),
    ({"SP_REGION": "eu"}, {"metadata": {"region_code": "eu"}}),
    ({"SP_ZONE": "b"}, {"metadata": {"zone": "b"}}),
    ({"SP_REGION": "eu", "SP_ZONE": "b", "SP_DISPLAY_NAME": "x"},
     {"display_name": "x", "metadata": {"region_code": "eu", "zone": "b"}}),
    ({"SP_REGION": "", "SP_DISPLAY_NAME": ""}, {}),
    ({"SP_ENDPOINT": "https://p.example/base//"}, {"endpoint": "https://p.example/base/api/v1alpha1/containers"}),
])
def test_unset_members_are_omitted(registry, start, environment, more):
    assert start("--once", **environment).wait() == 0
    assert registry.seen[0].body == {**BODY, **more}


def test_a_trailing_slash_is_not_doubled(registry, start):
    assert start("--once", registry_url=registry.url + "/").wait() == 0
    assert registry.seen[0].path == "/api/v1alpha1/providers"


def test_failures_of_the_registry_are_retried_until_accepted(api, registry, start):
    """500, a hang of 30 s, the connection closed before and in an answer, 429 with Retry-After 3, then 201."""
    registry.script = [500, "hang", "close", "half", (429, {"Retry-After": "3"})]
    registrar = start()
    wait_for("the registration", lambda: registrar.find_log("registered"), 100)
    lines = registrar.attempts()
    assert [line["attempt"] for line in lines] == list(range(1, len(lines) + 1))
    assert [lines[i]["status"] for i in (0, 1, -2, -1)] == [500, 0, 429, 201], lines
    assert lines[1]["code"] == "TIMEOUT" and 29_000 <= lines[1]["ms"] <= 32_000
    delays = [line["next_ms"] for line in lines]
    assert 1000 <= delays[0] <= 1500 and 2000 <= delays[1] <= 3000 and 4000 <= delays[2] <= 6000, delays
    assert 3000 <= delays[-2] <= 4000, delays
    assert registry.seen[-1].at - registry.seen[-2].at >= 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 302])
def test_a_rejection_is_logged_once_and_rechecked_slowly(api, registry, start, status):
    registry.always = status
    registrar = start()
    line = wait_for("the error", lambda: registrar.find_log("the registry rejected"))[0]
    assert line["level"] == "error" and line["status"] == status and "told to answer" in line["answer"]
    assert line["next_ms"] >= 270_000
    time.sleep(1.5)
    assert len(registry.seen) == 1 and registrar.process.poll() is None


def test_after_a_rejection_the_recheck_registers(api, registry, start):
    """DCM responds with 400 while its database is locked, and 409 while another provider has our name."""
    registry.script = [400, 409]
    start(SP_REGISTRATION_INTERVAL="1s")
    wait_for("the registration", lambda: registry.providers)
    assert len(registry.seen) >= 3


def test_the_text_of_a_rejection_is_truncated(api, registry, start):
    registry.always = 400
    registry.detail = "x" * 100_000
    registrar = start()
    line = wait_for("the error", lambda: registrar.find_log("the registry rejected"))[0]
    assert line["status"] == 400 and len(line["answer"]) < 600


def test_a_lost_registration_is_restored_and_a_change_updates_it(api, registry, start):
    first = start(SP_REGISTRATION_INTERVAL="1s")
    wait_for("the registration", lambda: registry.providers)
    registry.forget()
    wait_for("the registration after the loss", lambda: registry.providers)
    wait_for("an update", lambda: first.find_log("registered: updated an existing registration"))
    assert first.terminate() == 0
    second = start(SP_ZONE="new")
    wait_for("the change", lambda: registry.providers["provider"].get("metadata") == {"zone": "new"})
    assert wait_for("the log line", second.attempts)[0]["status"] == 200


def test_two_concurrent_registrars_are_harmless(api, registry, start):
    both = [start(SP_REGISTRATION_INTERVAL="1s") for _ in range(2)]
    wait_for_requests(registry, 6)
    assert list(registry.providers) == ["provider"]
    assert all(line["status"] in (200, 201) for r in both for line in r.attempts())


def test_an_unreachable_registry_is_retried(api, nats, start):
    registrar = start(registry_url=f"http://127.0.0.1:{free_port()}")
    lines = wait_for("three attempts", lambda: len(registrar.attempts()) >= 3 and registrar.attempts())
    assert all(line["status"] == 0 and line["code"] == "UNAVAILABLE" for line in lines)


def test_https_with_a_private_authority(api, certificates, start):
    registry = Registry(certificates)
    try:
        good = start(registry_url=registry.url, SP_REGISTRATION_CA=str(certificates / "ca.crt"))
        wait_for("the registration", lambda: registry.providers)
        assert good.terminate() == 0
        registry.forget()
        for ca in (None, str(certificates / "other.crt")):
            assert start("--once", registry_url=registry.url, SP_REGISTRATION_CA=ca).wait(30) == 2
        assert not registry.providers
    finally:
        registry.stop()


def test_an_authority_file_without_certificates_is_an_error(certificates, start):
    registrar = start("--once", SP_REGISTRATION_CA=str(certificates / "extensions"))
    assert registrar.wait() == 1 and not registrar.attempts()
    assert "SP_REGISTRATION_CA: " in registrar.text()


def test_a_fifo_as_authority_file_does_not_block(api, certificates, start, tmp_path):
    registry = Registry(certificates)
    try:
        path = tmp_path / "ca.crt"
        shutil.copy(certificates / "ca.crt", path)
        registrar = start(registry_url=registry.url, SP_REGISTRATION_CA=str(path), SP_REGISTRATION_INTERVAL="1s")
        wait_for("the registration", lambda: registry.providers)
        os.mkfifo(f"{path}.fifo")
        os.rename(f"{path}.fifo", path)
        before = len(registry.seen)
        wait_for("more registrations", lambda: len(registry.seen) > before + 2)
        lines = [line for line in registrar.logs() if "keeping the current ones" in line["msg"]]
        assert len(lines) == 1 and "SP_REGISTRATION_CA" in lines[0]["error"]
        assert registrar.terminate(2) == 0
    finally:
        registry.stop()


def test_passwords_are_not_logged(api, registry, start):
    url = registry.url.replace("http://", "http://jane:geheim@")
    registry.script = [500, 400]
    registrar = start(registry_url=url, SP_LOG_LEVEL="debug", SP_ENDPOINT="http://joe:verborgen@h:1")
    wait_for("the refusal", lambda: registrar.find_log("the registry rejected"))
    assert registry.seen[0].headers["Authorization"].startswith("Basic ")
    gone = start(registry_url=f"http://jane:geheim@127.0.0.1:{free_port()}", SP_LOG_LEVEL="debug")
    wait_for("an attempt", gone.attempts)
    for text in (registrar.text(), gone.text()):
        assert "geheim" not in text and "jane" not in text and "verborgen" not in text
