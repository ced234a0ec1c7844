"""Faults on request: what goes wrong with which calls, and how often.

A fault is aimed at a call (`ReadVms`), at a call of one region (`us-west-1/ReadVms`) or, with `*`, at many
(`*`, `Read*`, `us-west-1/*`). One aimed at a call by its whole name comes before one with a `*`.

With a day at its end (`ReadConsumptionAccount@2026-10-05`) it hits only calls whose FromDate is that day, and
comes before one that hits every day.
"""

import threading
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

COUNTED = (
    "throttle",
    "error",
    "unavailable",
    "refuse",
    "broken-json",
    "broken-500",
    "list-error",
    "reset",
    "without-prices",
)
KINDS = ("latency", "hang", "answer", *COUNTED)


@dataclass
class Fault:
    """One fault; `left` is how many more calls it hits, None for all of them.

    `seconds` is the delay of `latency`, and how long `hang` keeps silent (None: as long as the sandbox runs).
    `status` and `code` are what `answer` answers.
    """

    target: str
    kind: str
    left: int | None = None
    seconds: float | None = None
    status: int = 0
    code: str = ""

    def hits(self, region: str, call: str, day: str) -> bool:
        """Tell whether a call, about a day that is written as a date, is one it is aimed at."""
        aim, _, wanted_day = self.target.partition("@")
        if wanted_day not in ("", day):
            return False
        return fnmatchcase(call, aim) or fnmatchcase(f"{region}/{call}", aim)


@dataclass(frozen=True)
class Trouble:
    """What awaits one call: seconds of delay, then possibly a fault instead of the answer."""

    delay: float = 0.0
    fault: Fault | None = None


class Faults:
    """The faults in force; safe to change while calls are served."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, target: str, kind: str, argument: str | float | None = None) -> None:
        """Put a fault in force, in the place of one of the same kind on the same target.

        The argument is optional but for the first and the last of these:

        - `latency`: milliseconds added to each answer;
        - `throttle` (429, code 24), `error` (500, code 2000), `unavailable` (503, code 6), `refuse` (code 4,
          after the signature was found right), `broken-json` (200, cut short), `broken-500` (500, no JSON),
          `list-error` (400, a JSON list), `reset` (connection reset), `without-prices` (as if ShowPrice were
          false, the way an older API answers): the number of calls to hit, or all;
        - `hang`: seconds of silence before the connection is closed; as long as the sandbox runs without it;
        - `answer`: an HTTP status and an OUTSCALE code, such as `403/4`.

        Raise ValueError for an unknown kind, an argument that does not fit, or a day that is none.
        """
        fault = _fault(target, kind, "" if argument is None else str(argument))
        with self._lock:
            self._faults = [other for other in self._faults if (other.target, other.kind) != (target, kind)]
            self._faults.append(fault)
            # Stable: among equals the first one added is met first.
            self._faults.sort(key=lambda other: ("*" in other.target, "@" not in other.target))

    def parse(self, text: str) -> None:
        """Put a fault in force as the command line writes it: `CALL=KIND` or `CALL=KIND:ARGUMENT`."""
        target, equals, rest = text.partition("=")
        if not (target and equals):
            raise ValueError(f"A fault reads CALL=KIND[:ARGUMENT], not {text!r}.")
        kind, _, argument = rest.partition(":")
        self.add(target, kind, argument or None)

    def clear(self, target: str | None = None) -> None:
        """End the faults of one target, or all of them."""
        with self._lock:
            self._faults = [fault for fault in self._faults if target not in (None, fault.target)]

    def take(self, region: str, call: str, day: str = "") -> Trouble:
        """Return what awaits this call, and count it; `day` is the date of its FromDate, where it has one."""
        with self._lock:
            hitting = [fault for fault in self._faults if fault.left != 0 and fault.hits(region, call, day)]
            delay = next((fault.seconds for fault in hitting if fault.kind == "latency"), None)
            fault = next((fault for fault in hitting if fault.kind != "latency"), None)
            if fault and fault.left is not None:
                fault.left -= 1
        return Trouble(delay or 0.0, fault)


def _fault(target: str, kind: str, argument: str) -> Fault:
    if kind not in KINDS:
        raise ValueError(f"Unknown fault {kind!r}; there are {', '.join(KINDS)}.")
    _, at, day = target.partition("@")
    if at and date.fromisoformat(day).isoformat() != day:
        raise ValueError(f"A day reads 2026-10-05, not {day!r}.")
    if kind == "latency":
        return Fault(target, kind, seconds=float(argument) / 1000)
    if kind == "hang":
        return Fault(target, kind, seconds=float(argument) if argument else None)
    if kind == "answer":
        status, _, code = argument.partition("/")
        return Fault(target, kind, status=int(status), code=code)
    return Fault(target, kind, left=int(argument) if argument else None)
