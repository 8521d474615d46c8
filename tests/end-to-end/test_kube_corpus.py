"""
kubesim must behave like a real API server: both answer every request of kube_cases.py as it was recorded from the
real one. kubesim rejects unsupported requests.
"""

import os

import pytest

from kube_cases import CASES, MANAGERS
from kube_corpus import Corpus, recorded


@pytest.fixture(scope="module")
def corpus(target):
    corpus = Corpus(target.admin, f"{target.namespace}-corpus-{os.getpid()}")
    if not target.simulated:
        corpus.wait_for_account()
    yield corpus
    corpus.remove()


@pytest.fixture(scope="module")
def answers(target, corpus):
    """What is expected of the target, by case."""
    return recorded(None if target.simulated else corpus.call("GET", "/version")[1]["gitVersion"])


@pytest.mark.parametrize("case", CASES)
def test_recorded_responses_are_reproduced(target, corpus, answers, case):
    answer, expected = corpus.run(case), answers[case]
    refusal = CASES[case].kubesim if target.simulated else 0
    if refusal:
        assert answer["code"] == refusal and refusal >= 400
    elif target.simulated and MANAGERS in expected.get("look", {}):  # kubesim keeps none
        assert answer == {**expected, "look": {k: v for k, v in expected["look"].items() if k != MANAGERS}}
    else:
        assert answer == expected


def test_every_case_was_recorded():
    assert list(recorded()) == list(CASES)
