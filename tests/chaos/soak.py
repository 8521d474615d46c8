#!/usr/bin/python3
"""
Long run at a tenth of the load with a process restart every minute: no request may be lost, and memory must not grow.
In rounds, each with the audit used after random faults. Exits with 1 on any violation.

  soak.py [--target sim|cluster] [--seed N] [--hours H] [...]; --help names all options

api-1, worker-1, worker-2 and monitor-1 are restarted in turns. The others run from start to end; --memory names a file
for their memory usage, a line every ten seconds, which is plotted by soak.gnuplot.
"""

import argparse
import collections
import random
import shutil
import statistics
import sys
import tempfile
import threading
import time

import faults
from chaos import WARM_S, judge, load, raise_limits
from history import LEFT, UNREACHABLE, History
from report import pick, print_violations
from stage import Stage

RESTARTED = ("api-1", "worker-1", "worker-2", "monitor-1")
WATCHED = ("api-0", "worker-0", "monitor-0")
RESTART = faults.Fault("terminate", 1, faults.terminate, RESTARTED)
RESTART_S, DOWN_S = 60, 0.5
SAMPLE_S = 10
GROWN = 1.1, 1024   # allowed growth of the last tenth over the second one: a factor, plus KiB


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--target", choices=["sim", "cluster"], default="sim")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--hours", type=float, default=4)
    parser.add_argument("--round", type=float, default=600, help="seconds between two audits")
    parser.add_argument("--clients", type=int, default=12)
    parser.add_argument("--think", type=float, default=0.4, help="seconds between two calls of a client")
    parser.add_argument("--latency", type=int, default=20, help="ms of each call of kubesim")
    parser.add_argument("--memory", default="soak.tsv", help="file for the footprints")
    return parser.parse_args()


class Footprints:
    """Records the resources of processes that are not restarted: seconds, then KiB, descriptors and threads of each."""

    def __init__(self, stage, path):
        self.stage, self.path, self.over = stage, path, threading.Event()
        self.begin, self.samples = time.monotonic(), []
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        with open(self.path, "w", encoding="ascii") as out:
            out.write("seconds\t" + "\t".join(f"{n} KiB\t{n} fds\t{n} threads" for n in WATCHED) + "\n")
            while not self.over.wait(SAMPLE_S):
                found = [self.stage.footprint(name) for name in WATCHED]
                self.samples.append(found)
                cells = "\t".join("\t".join(map(str, footprint)) for footprint in found)
                out.write(f"{time.monotonic() - self.begin:.0f}\t{cells}\n")
                out.flush()

    def stop(self):
        self.over.set()
        self.thread.join()

    def growth(self):
        """[(process, what, in the second tenth, in the last one, has it grown?)]; medians."""
        part = max(1, len(self.samples) // 10)
        rows = []
        for n, name in enumerate(WATCHED):
            for k, what in enumerate(("KiB", "descriptors", "threads")):
                values = [sample[n][k] for sample in self.samples]
                then, now = statistics.median(values[part:2 * part] or values), statistics.median(values[-part:])
                rows.append((name, what, then, now, now > then * GROWN[0] + (GROWN[1] if what == "KiB" else 4)))
        return rows


def restarts(seconds, first):
    """A restart per minute, in turn, starting with process number `first`."""
    return [faults.Event(at, RESTART, RESTARTED[(first + n) % len(RESTARTED)], 0, DOWN_S, {})
            for n, at in enumerate(range(RESTART_S // 2, int(seconds) - RESTART_S // 3, RESTART_S))]


def lost(history, audit):
    """A call that was not executed, and that a client could not have repeated at the other api-svc."""
    for op in history.ops:
        if op.failed and op.result not in (LEFT, UNREACHABLE):
            audit.violate("a request was lost", f"op {op.number} {op.id}", op.answered, f"{op.kind}: {op.result} {op.detail}")
        elif op.result == UNREACHABLE and not history.struck({op.api}, op.sent - 1, op.answered):
            audit.violate("connection refused without a restart", f"op {op.number}", op.answered, op.api)


def run_round(args, stage, number, done):
    """Load, restarts, audit, and all containers removed."""
    args.seed += 1
    history = History(time.monotonic())
    wall = time.time() - time.monotonic()
    baseline = {name: stage.footprint(name) for name in stage.ours}
    runner, there, wrong = load(args, stage, history, restarts(args.seconds, done["restarts"]))
    audit = judge(stage, history, runner, there, wrong, baseline)
    lost(history, audit)
    results = collections.Counter(str(op.result) for op in history.ops)
    times = sorted((op.answered - op.sent) * 1000 for op in history.ops if op.reached)
    done["calls"] += len(history.ops)
    done["restarts"] += sum(runner.counts.values())
    done["violations"] += len(audit.violations)
    print(f"round {number}: {len(history.ops)} calls, p50 {pick(times, 0.5):.0f} ms, p99 {pick(times, 0.99):.0f} ms; "
          + " ".join(f"{k}:{v}" for k, v in sorted(results.items())), flush=True)
    print_violations(stage, history, audit, wall)
    stage.clear()


def main():
    args = arguments()
    raise_limits()
    folder = tempfile.mkdtemp(prefix="soak-")
    args.seconds = min(args.round, args.hours * 3600)
    print(f"make soak TARGET={args.target} SEED={args.seed} HOURS={args.hours:g}", flush=True)
    stage, footprints = Stage(folder, args.target, latency_ms=args.latency), None
    done = collections.Counter()
    try:
        stage.start()
        time.sleep(WARM_S)
        footprints = Footprints(stage, args.memory)
        number = 0
        while time.monotonic() < footprints.begin + args.hours * 3600 - args.seconds / 2:
            number += 1
            run_round(args, stage, number, done)
    finally:
        if footprints:
            footprints.stop()
        stage.stop()
    print(f"\n{(time.monotonic() - footprints.begin) / 3600:.2f} hours, {done['calls']} calls, {done['restarts']} restarts, "
          f"{done['violations']} violations")
    rows = footprints.growth()
    for name, what, then, now, grown in rows:
        print(f"{name:10} {what:12} {then:8.0f} in the second tenth, {now:8.0f} in the last{'   HAS GROWN' if grown else ''}")
    if done["violations"] or any(row[-1] for row in rows):
        print(f"logs: {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
