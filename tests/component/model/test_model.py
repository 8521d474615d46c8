"""The model of the request protocol: the current rules hold for every order of events; those of version 0.1 did not."""

import os
import sys

import pytest

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "..", "model"))
import settling  # noqa: E402  (the path is set above)


@pytest.fixture(autouse=True)
def two_attempts(monkeypatch):
    """Three attempts take a minute: make model."""
    monkeypatch.setattr(settling, "ATTEMPTS", 2)


@pytest.mark.parametrize("name", settling.CURRENT)
def test_the_current_rules_have_no_violation(name):
    count, found = settling.explore(settling.CURRENT[name], True)
    assert count > 300 and not found, found


def test_the_model_finds_the_violations_of_version_0_1():
    assert set(settling.explore(settling.V01["create"], True)[1]) == {"FINAL", "OVER", "GONE"}
    assert set(settling.explore(settling.V01["delete"], True)[1]) == {"OVER"}


@pytest.mark.parametrize("missing", ["permissions", "debts"])
def test_every_rule_is_necessary(missing):
    rules = settling.CURRENT["create"]._replace(**{missing: False})
    assert settling.explore(rules, True)[1], f"the model does not need {missing}"


@pytest.mark.parametrize("name", [name for name in settling.CURRENT if settling.CURRENT[name].outages])
def test_marks_must_take_precedence_over_records(name):
    rules = settling.CURRENT[name]._replace(marks=False)
    assert "FINAL" in settling.explore(rules, True, "FINAL")[1], "the model does not need the precedence of marks"
