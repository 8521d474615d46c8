#!/usr/bin/python3
"""
Random faults under load, and an audit of all responses. Exit status 1 on any violation.

  chaos.py [--target sim|cluster] [--seed N] [--seconds S] [...]; --help names all options
"""

import argparse
import collections
import os
import random
import resource
import shutil
import sys
import tempfile
import time

import faults
from audit import Audit
from clients import Client
from history import History
from report import print_report
from scraping import Scraping
from stage import Stage
from watchers import Watchers, roots

QUIET_S = 75
GOOD_LOOKS = 5
WARM_S = 3
DEBT_S = 180  # maximum age of a debt
GROWN_KB, GROWN_FDS, GROWN_THREADS = 48 * 1024, 112, 6  # of a monitor that becomes active: a thread per kind


def names_of_faults(text):
    names = text.split(",")
    if not set(names) <= set(faults.NAMES):
        raise argparse.ArgumentTypeError(f"there are: {', '.join(faults.NAMES)}")
    return names


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--target", choices=["sim", "cluster"], default="sim")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--period", type=float, default=2)
    parser.add_argument("--clients", type=int, default=12)
    parser.add_argument("--think", type=float, default=0.1, help="seconds between two calls of a client")
    parser.add_argument("--faults", type=names_of_faults, help=f"only these, separated by commas: {', '.join(faults.NAMES)}")
    parser.add_argument("--nats", type=int, choices=[1, 3], default=1, help="NATS servers; three are a cluster")
    parser.add_argument("--network", action="store_true", help="separate namespaces, to interrupt the network between any "
                        "two and to fill the disk of NATS (by run.sh)")
    parser.add_argument("--latency", type=int, default=50, help="ms of each call of kubesim")
    parser.add_argument("--no-jetstream", action="store_true", help="nats-server has none: debts are marks on objects")
    parser.add_argument("--keep", help="a new or empty folder, where logs are kept; default: a temporary one, "
                        "kept only after a violation")
    args = parser.parse_args()
    if args.keep and os.path.isdir(args.keep) and os.listdir(args.keep):
        parser.error(f"--keep: {args.keep} is not empty")
    return args


class Progress:
    """A line every five seconds."""

    def __init__(self, history, watchers, runner):
        self.history, self.watchers, self.runner, self.next, self.seen = history, watchers, runner, 0, 0

    def show(self):
        now = time.monotonic() - self.history.begin
        if now < self.next:
            return
        self.next = now + 5
        new, self.seen = self.history.ops[self.seen:], len(self.history.ops)
        results = collections.Counter(str(op.result) for op in new)
        latest, self.runner.latest = self.runner.latest, []
        print(f"{now:5.0f} s  {self.watchers.live:4} there  " + " ".join(f"{k}:{v}" for k, v in sorted(results.items()))
              + ("  | " + ", ".join(latest) if latest else ""), flush=True)


def load(args, stage, history, events):
    """Run clients and faults, until the time is over and everything has recovered."""
    watchers = Watchers(stage, history)
    clients = [Client(n, args.seed, stage, history, args.think) for n in range(args.clients)]
    runner = faults.Runner(stage, history, events)
    progress = Progress(history, watchers, runner)
    try:
        try:
            while time.monotonic() < history.begin + args.seconds:
                time.sleep(0.2)
                stage.look_for_deaths(history)
                progress.show()
        finally:
            end(clients, runner)
        stage.look_for_deaths(history)
        for name in stage.processes:
            stage.begin(name)
        history.delivered = stage.delivered()
        return runner, *wait_until_quiet(stage, history, watchers, progress)
    finally:
        watchers.stop()
        history.watch_faults = [(name, *fault) for name, watch in watchers.lists.items() for fault in watch.faults]


def end(clients, runner):
    for client in clients:
        client.stop()
    runner.stop()
    for client in clients:
        client.thread.join()
        if client.failed:
            runner.errors.append(f"{client.name}: {client.failed!r}")


def ends(stage, audit, watchers):
    """The current state, and its violations."""
    there = roots(stage.kube.admin, timeout=20)
    services = stage.kube.admin.list("services")
    answers = [api.list(max_page_size=1000) for api in stage.apis.values()]
    if any(a.status != 200 for a in answers):
        raise OSError(f"LIST: {[a.status for a in answers]}")
    listed = {c["id"]: c for c in answers[0].json["containers"]}
    wrong = audit.open_ends(there, services, stage.dcm.last(), {i: c["status"] for i, c in listed.items()})
    return there, wrong + audit.watched(listed, {name: watch.shown() for name, watch in watchers.lists.items()})


def wait_until_quiet(stage, history, watchers, progress):
    """
    Wait until everything matches several times in a row, QUIET_S at most; returns the mismatches then, and the roots. (A
    silent watch is detected within a minute; until then one of the workers lags.)
    """
    end, good, there, wrong = time.monotonic() + QUIET_S, 0, [], []
    while time.monotonic() < end and good < GOOD_LOOKS:
        stage.look_for_deaths(history)
        progress.show()
        time.sleep(1)
        try:
            there, wrong = ends(stage, auditor(stage, history), watchers)
        except (OSError, AssertionError) as error:
            wrong = [("what there is in the end cannot be read", "", repr(error))]
        good = good + 1 if not wrong else 0
    history.quiet = time.monotonic()
    return there, wrong


def auditor(stage, history):
    return Audit(history, stage.jetstream, stage.nats.clustered)


def judge(stage, history, runner, there, wrong, baseline, scraped=None):
    """All violations, as an Audit; `scraped`: the data of Prometheus, None: it was not used."""
    audit = auditor(stage, history)
    audit.check_sightings()
    audit.check_answers()
    audit.check_watches()
    if stage.runs_commands:
        audit.check_commands(stage.commands())
    audit.check_health(stage.kube.parts)
    if scraped:
        audit.check_scrapes(scraped)
    audit.count_unknowable(there)
    for rule, container_id, text in wrong:
        audit.violate(rule, container_id, time.monotonic(), text)
    for key, age, value in stage.debts():
        if value.get("state") == "owed" and age > DEBT_S:
            audit.violate("a debt is owed for more than 3 minutes", value.get("id", key), time.monotonic(), key)
    for name, text in stage.exits:
        audit.violate("a process ended badly", name, time.monotonic(), text)
    for name, secret in stage.secrets_in_logs():
        audit.violate("a secret is in a log", name, time.monotonic(), secret)
    for text in runner.errors:
        audit.violate("the test itself failed", text, time.monotonic(), text)
    for event in stage.dcm.bad:
        audit.violate("an event that DCM cannot read", str(event)[:80], time.monotonic(), str(event)[:300])
    check_footprints(stage, baseline, audit)
    return audit


def check_footprints(stage, baseline, audit):
    for name, (rss, fds, threads) in baseline.items():
        now = stage.footprint(name)
        if now[0] > rss + GROWN_KB or now[1] > fds + GROWN_FDS or now[2] > threads + GROWN_THREADS:
            audit.violate("it has grown", name, time.monotonic(),
                          f"KiB, descriptors, threads: {(rss, fds, threads)}, now {now}")


def more(words):
    """The options of a command line without a variable in the Makefile."""
    named = {"--target", "--seed", "--seconds"}
    return [word for before, word in zip(["", *words], words) if not named & {before, word}]


def raise_limits():
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))


def main():
    args = arguments()
    raise_limits()
    folder = args.keep or tempfile.mkdtemp(prefix="chaos-")
    os.makedirs(folder, exist_ok=True)
    print(f"make chaos TARGET={args.target} SEED={args.seed} SECONDS={args.seconds:g} "
          f"CHAOS=\"{' '.join(more(sys.argv[1:]))}\"", flush=True)
    stage = Stage(folder, args.target, not args.no_jetstream, args.latency, args.nats)
    wall, scraping, scraped = time.time() - time.monotonic(), None, None
    try:
        stage.start()
        if Scraping.able():
            scraping = Scraping(stage, folder)
            scraping.begin()
        time.sleep(WARM_S)
        baseline = {name: stage.footprint(name) for name in stage.ours}
        history = History(time.monotonic())
        table = faults.able([*stage.processes, *stage.kube.parts], stage.abilities, args.faults)
        events = faults.schedule(args.seed, args.seconds, args.period, table)
        runner, there, wrong = load(args, stage, history, events)
        scraped = scraping.settle(wall) if scraping else None
        audit = judge(stage, history, runner, there, wrong, baseline, scraped)
    finally:
        if scraping:
            scraping.stop()
        stage.stop()
    print_report(args, stage, history, runner, audit, scraped, wall)
    if audit.violations:
        print(f"logs: {folder}")
        return 1
    if not args.keep:
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
