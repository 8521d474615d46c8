"""The faults: a table, a schedule that a seed decides, and those who carry it out."""

import collections
import dataclasses
import random
import threading
import time

Event = collections.namedtuple("Event", "at fault victim seconds down detail")

PAUSE_S, DOWN_S = (1, 6), (0.5, 3)
RESTART_S = 25  # how long restarting an API server may take on a busy machine

SIM_FAULTS = [
    {"kind": "drop"}, {"kind": "drop", "when": "after"}, {"kind": "hang"}, {"kind": "latency", "ms": 3000},
    {"kind": "status", "status": 500}, {"kind": "status", "status": 503}, {"kind": "status", "status": 504,
                                                                          "when": "after"},
    {"kind": "status", "status": 429, "retryAfter": "1"}, {"kind": "watch-eof"},
    {"kind": "watch-eof", "broken": True}, {"kind": "watch-error", "status": 410}, {"kind": "watch-silent"},
    {"kind": "event-duplicate"}, {"kind": "event-cut"},
]
RESOURCES = ["deployments", "services", "pods", ""]


def kill(run, event):
    for name in event.victim.split("+"):
        run.stage.kill(name)
    run.sleep(event.down)
    for name in event.victim.split("+"):
        run.stage.begin(name)


def pause(run, event):
    process = run.stage.processes[event.victim]
    if process.alive():
        with run.stage.frozen(process.popen.pid):
            run.sleep(event.seconds)


def terminate(run, event):
    run.stage.terminate(event.victim)
    run.sleep(event.down)
    run.stage.begin(event.victim)


def lose_store(run, event):
    run.stage.lose_store()
    run.sleep(event.down)
    run.stage.begin("nats")


def pause_part(run, event):
    with run.stage.frozen(run.stage.kube.pid(event.victim)):
        run.sleep(event.seconds)


def restart_api_server(run, event):
    run.stage.kube.restart(event.down)


def misbehave(run, event):
    match = {"resource": event.detail["resource"]} if event.detail["resource"] else {}
    run.stage.kube.misbehave({**event.detail["fault"], "match": match, "count": event.detail["count"]})
    run.sleep(event.seconds)
    run.stage.kube.behave()


@dataclasses.dataclass(frozen=True)
class Fault:
    """`victims`: one of them is struck, "a+b" both at once; takes: seconds beyond the event's own, for the schedule."""

    name: str
    weight: int
    strike: object
    victims: tuple
    takes: float = 0


API, WORKER, MONITOR = ("api-0", "api-1"), ("worker-0", "worker-1", "worker-2"), ("monitor-0", "monitor-1")
OURS = API + WORKER * 2 + MONITOR
TABLE = [
    Fault("kill", 8, kill, OURS),
    Fault("kill together", 2, kill, ("api-0+worker-0", "api-1+worker-1+worker-2", "worker-0+worker-1+worker-2",
                                     "monitor-0+monitor-1", "api-0+worker-2+nats")),
    Fault("pause", 8, pause, OURS),
    Fault("terminate", 4, terminate, OURS, takes=10),
    Fault("kill nats", 2, kill, ("nats",)),
    Fault("pause nats", 2, pause, ("nats",)),
    Fault("terminate nats", 1, terminate, ("nats",)),
    Fault("lose store", 1, lose_store, ("nats",)),
    Fault("pause", 2, pause_part, ("kubesim", "kube-apiserver", "etcd")),
    Fault("pause", 1, pause_part, ("kube-controller-manager",)),
    Fault("kill", 2, restart_api_server, ("kube-apiserver",), takes=RESTART_S),
    Fault("misbehave", 6, misbehave, ("kubesim",)),
]
KUBE = {"kubesim", "kube-apiserver", "etcd", "kube-controller-manager"}


def schedule(seed, seconds, period, parts, only=None):
    """What strikes when: [Event]. A victim is struck by one fault at a time; of Kubernetes, one part."""
    rng = random.Random(f"{seed}-faults")
    free_at, events = collections.defaultdict(float), []
    table = [(f, tuple(v for v in f.victims if v not in KUBE or v in parts)) for f in TABLE]
    table = [(f, v) for f, v in table if v and (not only or f.name in only)]
    at = period
    while at < seconds:
        fault, victims = rng.choices(table, [f.weight for f, _ in table])[0]
        victim, pause_s, down_s = rng.choice(victims), rng.uniform(*PAUSE_S), rng.uniform(*DOWN_S)
        detail = {"fault": rng.choice(SIM_FAULTS), "resource": rng.choice(RESOURCES), "count": rng.choice([1, 3, 10])}
        held = ["kubernetes"] if victim in KUBE else victim.split("+")
        if all(free_at[name] <= at for name in held):
            events.append(Event(at, fault, victim, pause_s, round(down_s, 1), detail))
            for name in held:
                free_at[name] = at + max(pause_s, down_s) + fault.takes + 1
        at += period * rng.uniform(0.5, 1.5)
    return events


class Runner:
    """Carries a schedule out. stop(): what is on ends now."""

    def __init__(self, stage, history, events):
        self.stage, self.history, self.events = stage, history, events
        self.over = threading.Event()
        self.threads, self.errors, self.latest = [], [], []
        self.counts = collections.Counter()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def sleep(self, seconds):
        self.over.wait(seconds)

    def _run(self):
        for event in self.events:
            self.over.wait(max(0, self.history.begin + event.at - time.monotonic()))
            if self.over.is_set():
                return
            thread = threading.Thread(target=self._strike, args=(event,))
            thread.start()
            self.threads.append(thread)

    def _strike(self, event):
        now = time.monotonic()
        name = event.fault.name
        if event.fault.strike is misbehave:
            name += f" {event.detail['fault']} of {event.detail['resource'] or 'all'} x{event.detail['count']}"
        strikes = [self.history.strike(name, victim, now) for victim in event.victim.split("+")]
        self.counts[f"{event.fault.name} {event.victim}"] += 1
        self.latest.append(f"{event.fault.name} {event.victim}")
        try:
            event.fault.strike(self, event)
        except BaseException as error:  # told at the end: the run has not been what it should
            self.errors.append(f"{event.fault.name} {event.victim}: {error!r}")
        finally:
            for strike in strikes:
                strike.end = time.monotonic()

    def stop(self):
        self.over.set()
        self.thread.join()
        for thread in self.threads:
            thread.join()
