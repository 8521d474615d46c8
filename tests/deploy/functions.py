#!/usr/bin/env python3
"""
Check the functions of a unit. Prints the first failure, and exits with 1.

    functions.py api|worker|monitor|registrar    PYTHONPATH: tests/end-to-end and tests/component/registrar
"""

import sys
import uuid

from api import Api, spec
from processes import wait_for
from registry import Registry
from wire import Dcm

API, NATS, REGISTRY = 8080, 4222, 8090
PATIENCE_S = 8
# Large enough that buffers grow, with enough names that sorting calls sysinfo().
LARGE = {"metadata": {"name": "web", "labels": {f"label-{i}": "x" for i in range(100)}},
         "process": {"env": [{"name": f"V{i}", "value": "x" * 1000} for i in range(200)]}}


def serves():
    """The functions of an api-svc and a worker, as seen by a client of the API."""
    api, name = Api(API), f"c{uuid.uuid4().hex[:12]}"
    wait_for("healthy", lambda: said(api.health) == "healthy", PATIENCE_S, 0.2)
    created = api.create(spec(**LARGE), name)
    assert created.status == 201, f"create: {created.status} {created.text}"
    assert api.get(name).status == 200 and api.delete(name).status == 204, "get and delete"


def said(ask):
    try:
        return ask()
    except OSError as error:
        return str(error)


def tells():
    """The status of a container is reported to DCM."""
    dcm, api, name = Dcm(NATS, host="::1"), Api(API), f"c{uuid.uuid4().hex[:12]}"
    try:
        created = api.create(spec(**LARGE), name)
        assert created.status == 201, f"create: {created.status} {created.text}"
        wait_for("an event that it is RUNNING", lambda: "RUNNING" in dcm.of(created.json["id"]), PATIENCE_S)
        assert api.delete(name).status == 204, "delete"
    finally:
        dcm.stop()


def registers():
    registry = Registry(port=REGISTRY)
    try:
        wait_for("a registration", lambda: registry.providers, PATIENCE_S)
    finally:
        registry.stop()


if __name__ == "__main__":
    try:
        {"api": serves, "worker": serves, "monitor": tells, "registrar": registers}[sys.argv[1]]()
    except (AssertionError, OSError) as failed:
        print(str(failed).splitlines()[0])
        sys.exit(1)
