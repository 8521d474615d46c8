"""The report: operations, faults, violations with the histories of their ids."""

import collections
import datetime
import json

SHOWN = 12         # histories
LINES = 60         # of one history


def print_report(args, stage, history, runner, audit, scraped, wall):
    print_operations(history)
    print_health(history)
    print_scraped(audit, scraped)
    print("\nfaults: " + ", ".join(f"{name} {n}" for name, n in sorted(runner.counts.items())))
    print(f"quiet after {history.quiet - history.begin - args.seconds:.0f} s; {len(stage.dcm.events)} events; "
          f"{len(history.stalls)} stalls of this program")
    for why, times in sorted(audit.excused.items()):
        print(f"allowed, {times} times: {why}")
    print(f"\n{len(audit.violations)} violations (SEED={args.seed} SECONDS={args.seconds:g} TARGET={args.target})")
    print_violations(stage, history, audit, wall)


def print_violations(stage, history, audit, wall):
    for rule, times in collections.Counter(v.rule for v in audit.violations).most_common():
        print(f"  {times:4}  {rule}")
    for v in audit.violations[:SHOWN]:
        print(f"\n{v.at - history.begin:7.2f}  {v.id}: {v.rule}  {v.text}")
        for line in life_of(v, stage, history, wall):
            print("    " + line)


def print_operations(history):
    by_kind = collections.defaultdict(list)
    for op in history.ops:
        by_kind[op.kind].append(op)
    print("\n               answers                                                     p50    p99    max  ms")
    for kind, ops in sorted(by_kind.items()):
        results = " ".join(f"{k}:{n}" for k, n in sorted(collections.Counter(str(o.result) for o in ops).items()))
        times = sorted((o.answered - o.sent) * 1000 for o in ops if o.reached)
        print(f"{kind:8} {len(ops):6}  {results:56} {pick(times, 0.5):6.0f} {pick(times, 0.99):6.0f} {pick(times, 1):6.0f}")


def print_health(history):
    times = sorted((h.answered - h.sent) * 1000 for h in history.health)
    said = collections.Counter(h.said if h.said.endswith("healthy") else "no answer" for h in history.health)
    results = " ".join(f"{k}:{n}" for k, n in sorted(said.items()))
    print(f"health   {len(times):6}  {results:56} {pick(times, 0.5):6.0f} {pick(times, 0.99):6.0f} "
          f"{pick(times, 1):6.0f}")


def print_scraped(audit, scraped):
    if not scraped:
        print("\nPrometheus: not installed, metrics and alerts are not judged")
        return
    failed = audit.failed_in_running(scraped)
    print(f"\nPrometheus: {scraped.scrapes} scrapes, {len(scraped.failed)} without an answer, {len(failed)} of them of a process that ran")
    for (name, reason), times in collections.Counter((s.name, s.reason) for s in failed).most_common(SHOWN):
        print(f"  {times:4}  {name}: {reason}")
    print("alerts that fired, a minute of their rules taken as a second: "
          + (", ".join(f"{alert} {seconds} s" for alert, seconds in sorted(scraped.fired.items())) or "none"))


def pick(times, share):
    return times[min(len(times) - 1, int(len(times) * share))] if times else 0


def life_of(violation, stage, history, wall):
    """The history of an id, by time."""
    begin, lines = history.begin, []
    ops = history.of(violation.id)
    for op in ops:
        lines.append((op.sent, f"op-{op.number} {op.kind} at {op.api}{' by key' if op.key else ''}"
                      + (f" work {op.work}" if op.work else "")))
        lines.append((op.answered, f"op-{op.number} {op.kind} -> {op.result} {op.uid} {op.detail}"))
    seen = None
    for s in sorted(history.sightings, key=lambda s: s.sent):
        if s.source == "Kubernetes" and s.containers.get(violation.id) != seen:
            seen = s.containers.get(violation.id)
            lines.append((s.answered, f"Kubernetes has {seen[0] + f' work {seen[1]}' if seen else 'none'}"))
    lines += [(s.begin, f"FAULT {s.name} {s.victim} until {s.end - begin:.2f}")
              for s in history.strikes if not ops or s.end > ops[0].sent - 5]
    ids, requests = {violation.id, *(op.real for op in ops if op.real)}, {f"op-{op.number}" for op in ops}
    lines += log_lines(stage, ids, requests, wall)
    lines = [(at, line) for at, line in sorted(lines) if violation.at - 75 < at < violation.at + 20]
    return [f"{at - begin:7.2f}  {line}" for at, line in lines][-LINES:]


def log_lines(stage, ids, requests, wall):
    """The log lines of a container and its requests."""
    found = []
    for name in stage.ours:
        for line in stage.processes[name].log().splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if entry.get("id") in ids or entry.get("request_id") in requests:
                at = datetime.datetime.fromisoformat(entry["time"].replace("Z", "+00:00")).timestamp() - wall
                text = " ".join(f"{k}={v}" for k, v in entry.items() if k not in ("time", "level", "id", "service"))
                found.append((at, f"  {name}: {text}"))
    return found
