"""The faults: a table, a schedule determined by a seed, and its execution."""

import collections
import dataclasses
import random
import threading
import time

Event = collections.namedtuple("Event", "at fault victim seconds down detail")

PAUSE_S, DOWN_S = (1, 6), (0.5, 3)
AWAY_S = (5, 20)              # of a controller manager, which nothing waits for
CUT_S = ((0.3, 3), (8, 35))   # a short one, and one longer than any timeout
STEPS_S = (-7200, -60, -3, -0.5, 0.5, 3, 60, 7200)
RESTART_S = 25                # maximum time to restart an API server on a busy machine

SIM_FAULTS = [
    {"kind": "drop"}, {"kind": "drop", "when": "after"}, {"kind": "hang"}, {"kind": "latency", "ms": 3000},
    {"kind": "status", "status": 500}, {"kind": "status", "status": 503}, {"kind": "status", "status": 504,
                                                                          "when": "after"},
    {"kind": "status", "status": 429, "retryAfter": "1"}, {"kind": "watch-eof"},
    {"kind": "watch-eof", "broken": True}, {"kind": "watch-error", "status": 410}, {"kind": "watch-silent"},
    {"kind": "event-duplicate"}, {"kind": "event-cut"},
]
RESOURCES = ["deployments", "statefulsets", "services", "pods", ""]


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
    run.stage.lose_store(event.victim)
    run.sleep(event.down)
    run.stage.begin(event.victim)


def fill_disk(run, event):
    """nats-server disables JetStream if its disk is full, and 2.9.10 may then ignore SIGTERM."""
    with run.stage.nats.servers[event.victim].full_disk():
        run.sleep(event.seconds)
    kill(run, event)


def cut(run, event):
    a, b = event.victim.split("|")
    run.stage.network.cut(a, b)
    try:
        run.sleep(event.seconds)
    finally:
        run.stage.network.mend(a, b)


def step_clock(run, event):
    """Step forward or back, and later back to the correct time."""
    run.stage.clocks[event.victim].step(event.detail)
    run.sleep(event.seconds)
    run.stage.clocks[event.victim].step(-event.detail)


def pause_part(run, event):
    with run.stage.frozen(run.stage.kube.pid(event.victim)):
        run.sleep(event.seconds)


def restart_part(run, event):
    run.stage.kube.restart(event.victim, event.down)


def misbehave(run, event):
    match = {"resource": event.detail["resource"]} if event.detail["resource"] else {}
    run.stage.kube.misbehave({**event.detail["fault"], "match": match, "count": event.detail["count"]})
    run.sleep(event.seconds)
    run.stage.kube.behave()


@dataclasses.dataclass(frozen=True)
class Fault:
    """
    `victims`: one of them is affected; "a+b": both simultaneously; "a|b": the connection between them; "leader of X":
    the leader at that time. `needs`: one of Stage.abilities, "": none. `stops`: the victim does not run meanwhile.
    `seconds`, `down`: ranges for random values; `takes`: additional seconds, for the schedule.
    """

    name: str
    weight: int
    strike: object
    victims: tuple
    needs: str = ""
    stops: bool = True
    seconds: tuple = PAUSE_S
    down: tuple = DOWN_S
    takes: float = 0


API, WORKER, MONITOR = ("api-0", "api-1"), ("worker-0", "worker-1", "worker-2"), ("monitor-0", "monitor-1")
OURS = API + WORKER * 2 + MONITOR
NATS = ("nats-0", "nats-1", "nats-2")
LEADERS = ("leader of meta", "leader of KV", "leader of dcm")
KUBE_PEERS = tuple(f"{name}|kubernetes" for name in WORKER * 2 + MONITOR)
NATS_PEERS = tuple(f"{name}|{nats}" for name in OURS for nats in NATS)
BETWEEN_NATS = ("nats-0|nats-1", "nats-0|nats-2", "nats-1|nats-2")
TABLE = [
    Fault("kill", 8, kill, OURS),
    Fault("kill together", 2, kill, ("api-0+worker-0", "api-1+worker-1+worker-2", "worker-0+worker-1+worker-2",
                                     "monitor-0+monitor-1", "api-0+worker-2+nats-0")),
    Fault("pause", 8, pause, OURS),
    Fault("terminate", 4, terminate, OURS, takes=10),
    Fault("kill nats", 2, kill, NATS),
    Fault("pause nats", 2, pause, NATS),
    Fault("terminate nats", 1, terminate, NATS),
    Fault("lose store", 1, lose_store, NATS),
    Fault("kill leader", 3, kill, LEADERS, needs="cluster", down=PAUSE_S),
    Fault("pause leader", 2, pause, LEADERS, needs="cluster"),
    Fault("kill two nats", 1, kill, ("nats-0+nats-1", "nats-1+nats-2"), needs="cluster"),
    Fault("full disk", 2, fill_disk, NATS, needs="disk", stops=False, takes=5),
    Fault("cut", 3, cut, NATS_PEERS + KUBE_PEERS, needs="network", stops=False, seconds=CUT_S[0]),
    Fault("long cut", 2, cut, NATS_PEERS + KUBE_PEERS, needs="network", stops=False, seconds=CUT_S[1]),
    Fault("cut nats", 2, cut, BETWEEN_NATS, needs="clustered network", stops=False, seconds=CUT_S[0]),
    Fault("long cut nats", 1, cut, BETWEEN_NATS, needs="clustered network", stops=False, seconds=CUT_S[1]),
    Fault("clock", 3, step_clock, OURS, stops=False, seconds=(1, 12)),
    Fault("pause", 2, pause_part, ("kubesim", "kube-apiserver", "etcd")),
    Fault("pause", 1, pause_part, ("kube-controller-manager",)),
    Fault("kill", 2, restart_part, ("kube-apiserver", "etcd"), takes=RESTART_S),
    Fault("away", 1, restart_part, ("kube-controller-manager",), down=AWAY_S, takes=RESTART_S),
    Fault("misbehave", 6, misbehave, ("kubesim",), stops=False),
]
NAMES = sorted({f.name for f in TABLE})
KUBE = {"kubesim", "kube-apiserver", "etcd", "kube-controller-manager"}


def parties(victim):
    """The targets of a fault: names of processes and parts."""
    return victim.replace("|", "+").split("+")


def struck(victim):
    """The victims; of a partition between one of our processes and a foreign one, only ours."""
    names = parties(victim)
    return names[:1] if "|" in victim and names[0] in OURS else names


def held_by(victim):
    """The groups that have one fault at a time: each process, NATS as a whole, Kubernetes as a whole."""
    return {"nats" if name.startswith(("nats", "leader")) else "kubernetes" if name in KUBE else name
            for name in parties(victim)}


def able(names, abilities, only=None):
    """The faults of the table that apply to these names: [(fault, its victims)]."""
    known = {*names, *LEADERS, "kubernetes"}
    table = [(f, tuple(v for v in f.victims if known.issuperset(parties(v)))) for f in TABLE
             if (not f.needs or f.needs in abilities) and (not only or f.name in only)]
    return [(f, victims) for f, victims in table if victims]


def detail_of(fault, rng):
    if fault.strike is misbehave:
        return {"fault": rng.choice(SIM_FAULTS), "resource": rng.choice(RESOURCES), "count": rng.choice([1, 3, 10])}
    return rng.choice(STEPS_S) if fault.strike is step_clock else None


def schedule(seed, seconds, period, table):
    """The schedule: [Event]; `table` as returned by able()."""
    rng = random.Random(f"{seed}-faults")
    free_at, events = collections.defaultdict(float), []
    at = period
    while at < seconds:
        fault, victims = rng.choices(table, [f.weight for f, _ in table])[0]
        victim, for_s, down_s = rng.choice(victims), rng.uniform(*fault.seconds), rng.uniform(*fault.down)
        event = Event(at, fault, victim, for_s, round(down_s, 1), detail_of(fault, rng))
        held = held_by(victim)
        if all(free_at[name] <= at for name in held):
            events.append(event)
            for name in held:
                free_at[name] = at + max(for_s, down_s) + fault.takes + 1
        at += period * rng.uniform(0.5, 1.5)
    return events


class Runner:
    """Executes a schedule. stop(): end active faults now."""

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

    def _aimed(self, event):
        """With the name of the leader; that of any server if there is none."""
        if not event.victim.startswith("leader of "):
            return event
        return event._replace(victim=self.stage.nats.leader(event.victim.removeprefix("leader of ")) or NATS[0])

    @staticmethod
    def _told(event):
        if event.fault.strike is misbehave:
            return f" {event.detail['fault']} of {event.detail['resource'] or 'all'} x{event.detail['count']}"
        if event.fault.strike is cut:
            return f" {event.victim}"
        return f" {event.detail:+g} s" if event.fault.strike is step_clock else ""

    def _strike(self, event):
        name, asked = event.fault.name, event.victim
        event = self._aimed(event)
        now = time.monotonic()
        strikes = [self.history.strike(name + self._told(event), victim, now, event.fault.stops)
                   for victim in struck(event.victim)]
        self.counts[f"{name} {asked}"] += 1
        self.latest.append(f"{name}{self._told(event)} {struck(event.victim)[0]}")
        try:
            event.fault.strike(self, event)
        except BaseException as error:  # reported at the end: the run is invalid
            self.errors.append(f"{name} {event.victim}: {error!r}")
        finally:
            for strike in strikes:
                strike.end = time.monotonic()

    def stop(self):
        self.over.set()
        self.thread.join()
        for thread in self.threads:
            thread.join()
