"""Measures many people at once (``python -m bench load``): gunicorn, and sessions that ask as people do.

On PostgreSQL with Redis: ``python -m bench load --postgresql --redis``. Five minutes; fourteen with
``LOAD_SECONDS=600``, which show whether the memory stays flat.

The sessions, the workers, the cloud and the database share this machine: what the workers themselves need is
told apart, as milliseconds of a processor for each answer. Where all but the workers is kept to some of its
processors, as by ``taskset --cpu-list 1 python -m bench load``, they have the others for themselves, and half
of the most people come for each of up to two.
"""

import asyncio
import datetime as dt
import itertools
import os
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
from django.db import connection, connections
from django.utils import timezone

from accounts.gateway import Gateway
from accounts.models import User
from bench.accounts import copy_ledger
from bench.consumption import REGION, measure_size
from bench.figures import p95, show
from bench.portal import CROWD
from bench.quotes import make_quote
from bench.servers import Portal, wait_for
from bench.trends import keep
from bench.visitors import Answers, Visitor, visitors
from consumption.models import Ledger
from consumption.periods import Period, months_later
from costs import refreshing
from sandbox.cloud import AccessKey, crowd_key

MONTHS = 12
AT_ONCE = 50
"""How many log in at the same moment."""

OWN = tuple(sorted(os.sched_getaffinity(1) - os.sched_getaffinity(0))[:2])
"""The processors that the workers have for themselves: those that ``init`` may use and this run may not."""

PROCESSORS = len(OWN) or 2
"""How many the workers can use."""

SESSIONS = (50, 250 * PROCESSORS)

PAUSE = 1.7
"""Seconds between two things that somebody does: 250 people ask for a little over 200 answers a second."""

UNHURRIED_PAUSE = 2 * PAUSE
"""The same for people who also read what they see."""

WORKERS = int(os.environ.get("GUNICORN_WORKERS", 2 * PROCESSORS))

SECONDS = 30
"""How long each number of sessions asks, but the last."""

LONGEST_SECONDS = int(os.environ.get("LOAD_SECONDS", "60"))
"""How long the most sessions ask."""

LOOKS = 5
"""How often the memory of the workers is looked at meanwhile."""

ITEMS = 20
KEPT = ("overview, page", "overview, figures", "overview, active quote", "history", "costs")
"""The pages that are made of kept data alone."""


@dataclass(frozen=True)
class Used:
    """What the workers had used at a moment: seconds of processors, and the MB that the largest holds."""

    cpu: float
    largest: float

    @classmethod
    def by(cls, processes: list[psutil.Process]) -> "Used":
        """Look at the workers."""
        times = [process.cpu_times() for process in processes]
        held = [process.memory_full_info().uss / 1e6 for process in processes]
        return cls(sum(one.user + one.system for one in times), max(held))


def crowd() -> list[AccessKey]:
    """Return the keys of the accounts whose people come."""
    return [crowd_key(number) for number in range(1, CROWD + 1)]


def fill(now: dt.datetime) -> None:
    """Keep a year of each account, what it runs, and a quote that its people edit."""
    keep(Period(months_later(now.date(), -MONTHS), now.date()))
    [ledger] = Ledger.objects.all()
    for key in crowd():
        copy_ledger(ledger, key, now)
        refreshing.whole(Gateway(key.access_key, key.secret_key, REGION, key.account_id), with_objects=True)
        make_quote(User.objects.for_account(key.account_id), ITEMS)
    measure_size()


def items_of(key: AccessKey) -> list[str]:
    """Return the addresses of the VMs in the quote of an account."""
    quote = User.objects.for_account(key.account_id).quotes.get()
    return [f"/quotes/{quote.pk}/items/{item.pk}/" for item in quote.items.filter(resource_type="vm")]


async def log_in(people: list[Visitor]) -> None:
    """Let all log in, ``AT_ONCE`` at the same moment."""
    durations, answers = [], Answers()
    for first in range(0, len(people), AT_ONCE):
        begun = time.perf_counter()
        await asyncio.gather(*(visitor.log_in(answers) for visitor in people[first : first + AT_ONCE]))
        durations.append(time.perf_counter() - begun)
    show(f"{AT_ONCE} logins at once, the first", f"{durations[0]:.1f} s", "under 2 s")
    show(f"{AT_ONCE} logins at once, the slowest after it", f"{max(durations[1:]):.1f} s", "under 2 s")
    show("logins that failed", _errors(answers), "none")


async def ask(
    name: str, people: list[Visitor], processes: list[psutil.Process], pause: float, seconds: float = SECONDS
) -> None:
    """Let people ask for a while, and print how they were answered and what it took."""
    answers, before = Answers(), Used.by(processes)
    begun = time.monotonic()
    looking = asyncio.create_task(look(processes, seconds))
    await asyncio.gather(*(visitor.come_and_go(answers, begun + seconds, pause) for visitor in people))
    wall, after = time.monotonic() - begun, Used.by(processes)
    kept = [figure for what in KEPT for figure in answers.taken[what]]
    cpu = after.cpu - before.cpu
    show(f"{name}, answers a second", f"{answers.count / wall:.0f}", _rate_goal(len(people), pause))
    show(f"{name}, errors", _errors(answers), "none")
    show(f"{name}, pages from kept data, median", f"{statistics.median(kept):.0f} ms", "none")
    show(f"{name}, pages from kept data, p95", f"{p95(kept):.0f} ms", "under 150 ms")
    for what, taken in sorted(answers.taken.items()):
        show(f"{name}, {what}, median / p95", f"{statistics.median(taken):.0f} / {p95(taken):.0f} ms", "none")
    show(f"{name}, processor for each answer", f"{1000 * cpu / answers.count:.1f} ms", "5 ms")
    show(f"{name}, processors that the workers used", f"{cpu / wall:.2f}", f"{PROCESSORS} are there")
    show(
        f"{name}, memory of the largest worker",
        " → ".join(f"{one:.0f}" for one in [before.largest, *await looking]) + " MB",
        "under 250 MB",
    )


async def look(processes: list[psutil.Process], seconds: float) -> list[float]:
    """Return the MB that the largest worker held, at the end of each of five parts of a time."""
    held = []
    for _ in range(LOOKS):
        await asyncio.sleep(seconds / LOOKS)
        held.append(Used.by(processes).largest)
    return held


def _rate_goal(sessions: int, pause: float) -> str:
    return f"at least {200 * PROCESSORS}" if (sessions, pause) == (max(SESSIONS), PAUSE) else "none"


def _errors(answers: Answers) -> str:
    return ", ".join(f"{count} × {why}" for why, count in answers.wrong.most_common()) or "none"


async def come(address: str, processes: list[psutil.Process], items: dict[AccessKey, list[str]]) -> None:
    """Let all log in, each of whom edits one of the ``items`` of the account, then fewer and more ask."""
    keys = list(itertools.islice(itertools.cycle(items), max(SESSIONS)))
    edited = {key: itertools.cycle(addresses) for key, addresses in items.items()}
    async with visitors(address, keys) as people:
        for visitor, key in zip(people, keys, strict=True):
            visitor.item = next(edited[key])
        await log_in(people)
        for count in SESSIONS:
            await ask(f"{count} sessions, at first", people[:count], processes, PAUSE)
            seconds = LONGEST_SECONDS if count == max(SESSIONS) else SECONDS
            await ask(f"{count} sessions", people[:count], processes, PAUSE, seconds)
        await ask(f"{len(people)} sessions, unhurried", people, processes, UNHURRIED_PAUSE)


def _keep_to_own() -> None:
    os.sched_setaffinity(0, OWN)


def main() -> None:
    """Measure and print."""
    fill(timezone.now())
    show("database", connection.vendor, "SQLite, and PostgreSQL with Redis")
    items = {key: items_of(key) for key in crowd()}
    connections.close_all()
    with tempfile.TemporaryDirectory() as folder:
        environment = {name: value for name, value in os.environ.items() if name != "PAGE_TTL_SECONDS"}
        environment |= {"LOG_LEVEL": "INFO", "GUNICORN_WORKERS": str(WORKERS)}
        environment |= {"GUNICORN_MAX_REQUESTS": "0"}  # what grows in a worker is to be seen
        portal = Portal(environment, Path(folder) / "portal.log", limits=_keep_to_own if OWN else None)
        portal.prepare()
        try:
            portal.start()
            wait_for(lambda: len(portal.workers()) == WORKERS, "the start of all workers")
            asyncio.run(come(portal.url, [psutil.Process(pid) for pid in portal.workers()], items))
        finally:
            portal.stop()
