"""The model of the request protocol: the current rules hold for every order of events; those of version 0.1 did not."""

import os
import sys

import pytest

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "..", "model"))
import settling  # noqa: E402  (the path is set above)


@pytest.fixture(autouse=True)
def two_attempts(monkeypatch):
    """Three take a minute: make model."""
    monkeypatch.setattr(settling, "ATTEMPTS", 2)


@pytest.mark.parametrize("name", settling.TODAY)
def test_todays_rules_hold(name):
    count, found = settling.explore(settling.TODAY[name], True)
    assert count > 300 and not found, found


def test_the_model_finds_the_faults_of_version_0_1():
    assert set(settling.explore(settling.V01["create"], True)[1]) == {"FINAL", "OVER", "GONE"}
    assert set(settling.explore(settling.V01["delete"], True)[1]) == {"OVER"}


@pytest.mark.parametrize("missing", ["permissions", "debts"])
def test_no_rule_can_be_left_out(missing):
    rules = settling.TODAY["create"]._replace(**{missing: False})
    assert settling.explore(rules, True)[1], f"the model does not need {missing}"


@pytest.mark.parametrize("name", [name for name in settling.TODAY if settling.TODAY[name].outages])
def test_a_record_decides_nothing_about_what_has_a_mark(name):
    rules = settling.TODAY[name]._replace(marks=False)
    assert "FINAL" in settling.explore(rules, True, "FINAL")[1], "the model does not need marks that stay"
