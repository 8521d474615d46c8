"""A failed attempt undoes its own objects, not those of a later attempt of the same call."""

import uuid

from api import spec
from test_void_record import Caller, stays


def test_a_slow_undo_does_not_remove_the_result_of_a_later_attempt(own_stack, target):
    """The record of the first attempt is void, and its GET slow; meanwhile the second attempt creates and settles."""
    stack = own_stack(2)
    stack.api.create(spec(), "first")  # makes the bucket
    target.faults({"match": {"resource": "deployments", "method": "POST"}, "kind": "status", "status": 422},
                  {"match": {"resource": "deployments", "verb": "get"}, "kind": "latency", "ms": 1500})
    caller = Caller(stack)
    token = f"req:{uuid.uuid4()}"
    caller.ask("again", token, attempt=1)
    assert caller.permit(0.7) is None  # it has failed, and is taking back
    caller.ask("again", token, attempt=2)
    attempt, headers = caller.permit(10)
    assert attempt == 2
    caller.settle(headers)
    assert stays(stack, "again"), "a settled container was removed"
