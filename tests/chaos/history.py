"""What happened in a run: what clients were told, what was seen where, which faults struck. All times are monotonic."""

import dataclasses
import itertools
import threading

# How a call ended that was not answered. UNREACHABLE: nothing was sent. LEFT: the client has closed before the answer.
UNREACHABLE, RESET, TIMEOUT, LEFT = "unreachable", "reset", "timeout", "left"
CHANGES = ("patch", "scale", "stop", "start", "restart")
NO_SERVICE = "201 without the Service that was asked for"


@dataclasses.dataclass
class Op:
    """
    One call of a client. `id` is the label chaos-name of its container, `real` the id that a 201 gave. `work` is the
    create that it belongs to: repeats by key share it; None: no create.
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

    @property
    def changes(self):
        """Does it change a container that there is? A "patch" leaves its number as a label."""
        return self.kind in CHANGES

    @property
    def reached(self):
        return self.result != UNREACHABLE

    @property
    def failed(self):
        """Neither a success nor a statement about the container."""
        return isinstance(self.result, str) or self.result in (500, 503, 504)


@dataclasses.dataclass
class Sighting:
    """All containers that were to be seen at some moment between `sent` and `answered`: {id: (uid, work, patch)}."""

    source: str
    sent: float
    answered: float
    containers: dict


@dataclasses.dataclass
class Strike:
    """A fault. `end`: the victim serves again."""

    name: str
    victim: str
    begin: float
    end: float = float("inf")


class History:
    """Written by all threads."""

    def __init__(self, begin):
        self.begin = begin
        self.ops, self.sightings, self.strikes, self.health, self.notes = [], [], [], [], []
        self.delivered = {}  # what api-svc have logged of requests: {request id: (status, was the client there?)}
        self.stalls = []  # when this program itself did not get on: (from, to)
        self.quiet = begin  # when all was well again
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def number(self):
        with self._lock:
            return next(self._numbers)

    def strike(self, name, victim, now):
        strike = Strike(name, victim, now)
        self.strikes.append(strike)
        return strike

    def of(self, container_id):
        return sorted((op for op in self.ops if op.id == container_id), key=lambda op: op.sent)

    def struck(self, victims, begin, end):
        """The faults that were on within a time."""
        return [s for s in self.strikes if s.victim in victims and s.begin <= end and s.end >= begin]
