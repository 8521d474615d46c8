"""The schedule: determined by the seed, protection of victims, and coverage of all operations."""

import pathlib
import re

import faults
from clients import LISTS, METHODS
from history import KINDS

NAMES = ["nats-0", "nats-1", "nats-2", *faults.API, *faults.WORKER, *faults.MONITOR]
ALL = {"disk", "network", "cluster", "clustered network"}
CLUSTER = ["kube-apiserver", "etcd", "kube-controller-manager"]


def plan(seed, abilities=frozenset(ALL), names=(*NAMES, *CLUSTER)):
    return faults.schedule(seed, 2000, 2, faults.able(names, abilities))


def test_the_seed_determines_the_schedule():
    assert plan(7) == plan(7)
    assert plan(7) != plan(8)


def test_at_most_one_fault_affects_each_of_processes_nats_and_kubernetes():
    free_at = {}
    for event in plan(1):
        for name in faults.held_by(event.victim):
            assert event.at >= free_at.get(name, 0), event
            free_at[name] = event.at + max(event.seconds, event.down)


def test_every_kind_of_fault_is_scheduled():
    rows = set()
    for names in (CLUSTER, ["kubesim"]):
        rows |= {id(event.fault) for event in plan(3, names=(*NAMES, *names))}
    assert rows == {id(fault) for fault in faults.TABLE}


def test_missing_targets_get_no_faults():
    for event in plan(1, abilities=(), names=("nats-0", *faults.API, *faults.WORKER, *faults.MONITOR, "kubesim")):
        assert not event.fault.needs and set(faults.parties(event.victim)) <= {"nats-0", "kubesim", *faults.OURS}


def test_the_load_has_every_operation():
    here = pathlib.Path(__file__).parent
    rows = re.findall(r"ROW\(\w+,\s*(\w+),\s*\"[A-Z]+\"", (here / "../../common/operation.h").read_text())
    made = re.findall(r"_op\(\"(\w+)\"", (here / "clients.py").read_text())
    assert {*rows} - {"test_stream"} == {*KINDS, "health"}
    assert {*made, *METHODS, *LISTS} == {*KINDS}
