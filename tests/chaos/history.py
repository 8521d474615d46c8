"""The history of a run: responses, observations, and faults. All times are monotonic."""

import dataclasses
import itertools
import threading

# How an unanswered call ended. UNREACHABLE: nothing was sent. LEFT: the client closed before the response.
UNREACHABLE, RESET, TIMEOUT, LEFT = "unreachable", "reset", "timeout", "left"
# How a stream that was answered ended, instead of `detail`; "": the client left it.
ENDED, BROKEN = "the stream has ended", "the stream was broken off"
# The operations by the names of common/operation.h.
CHANGES = ("update", "scale", "stop", "start", "restart", "rollback")
READS = ("get", "revisions", "revision", "events", "usage", "logs", "exec", "exec_run")  # of one container
STREAMS = ("logs", "watch", "exec")
KINDS = ("list", "create", "delete", *CHANGES, *READS, "watch")
NOT_MEASURED = "has been measured yet"  # in the 503 of a usage
NO_SERVICE = "201 without the Service that was asked for"


@dataclasses.dataclass
class Op:
    """
    One call of a client. `id` is the label chaos-name of its container, `real` the id in a 201 response. `work` is the
    create that it belongs to: retries by key share it; None: no create. `shows`: numbers of updates, one of which the
    container may show afterwards; 0: unchanged since its creation.
    """

    number: int
    kind: str
    id: str
    api: str
    sent: float
    key: str = ""
    work: int | None = None
    answered: float = 0.0
    result: int | str = ""
    uid: str = ""
    real: str = ""
    detail: str = ""
    wants_service: bool = False
    shows: frozenset = frozenset()

    @property
    def reached(self):
        return self.result != UNREACHABLE

    @property
    def failed(self):
        """Neither a success nor information about the container."""
        return (isinstance(self.result, str) or self.result in (500, 503, 504)) and not self.detail.endswith(NOT_MEASURED)


@dataclasses.dataclass
class Sighting:
    """All containers that existed at some moment between `sent` and `answered`: {id: (uid, work, update)}."""

    source: str
    sent: float
    answered: float
    containers: dict


@dataclasses.dataclass
class Health:
    """
    A response of an api-svc: "healthy" or "unhealthy", or an error. waited_s: how long its runnable threads had no
    processor meanwhile.
    """

    api: str
    sent: float
    answered: float
    said: str
    waited_s: float = 0.0


@dataclasses.dataclass
class Strike:
    """A fault. `stops`: the victim is not running, or is suspended. `end`: it works again."""

    name: str
    victim: str
    begin: float
    stops: bool = True
    end: float = float("inf")


@dataclasses.dataclass(frozen=True)
class FailedScrape:
    """A failed scrape; `at`: when it ended. `unreadable`: the response was not in the text format."""

    name: str
    at: float
    unreadable: bool
    reason: str


@dataclasses.dataclass(frozen=True)
class Scraped:
    """
    The data of a Prometheus about the run. `fired`: seconds by alert. At the end, without faults: `missing`: processes
    that it could not scrape, `firing`: alerts, `counted`: requests of the running api-svc, {(name, operation, code):
    number}, and `since`: their start times, by name.
    """

    scrapes: int
    failed: list
    fired: dict
    missing: list
    firing: list
    counted: dict
    since: dict


class History:
    """Written by all threads."""

    def __init__(self, begin):
        self.begin = begin
        self.ops, self.sightings, self.strikes, self.health, self.notes = [], [], [], [], []
        self.delivered = {}  # requests logged by api-svc: {request id: (status, whether the client was connected)}
        self.watch_faults = []  # (api-svc, time, error of a :watch)
        self.starved = []  # times without CPU for a runnable process: (name, from, to)
        self.stalls = []  # times without CPU for this program: (from, to)
        self.quiet = begin  # when everything had recovered
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def number(self):
        with self._lock:
            return next(self._numbers)

    def strike(self, name, victim, now, stops=True):
        strike = Strike(name, victim, now, stops)
        self.strikes.append(strike)
        return strike

    def of(self, container_id):
        return sorted((op for op in self.ops if op.id == container_id), key=lambda op: op.sent)

    def struck(self, victims, begin, end):
        """The active faults within a time."""
        return [s for s in self.strikes if s.victim in victims and s.begin <= end and s.end >= begin]
