"""What the commands that read the history share: their options, their days, and what they say of progress."""

import argparse
import datetime as dt
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from accounts.gateway import Gateway
from accounts.operatorkeys import OperatorKey
from consumption import unattended
from consumption.forms import MOST_DAYS
from consumption.periods import ONE_DAY, Period
from consumption.sources import Source
from consumption.sync import Progress

PATIENCE_MINUTES = 60

DATABASE_PROBLEM = "the database is not ready: run manage.py migrate and manage.py createcachetable"


def add_key_arguments(parser: argparse.ArgumentParser) -> None:
    """Let a command say whose history it is about."""
    parser.add_argument(
        "--profile",
        action="append",
        default=[],
        metavar="NAME",
        help="a profile of ~/.osc/config.json; may be given several times",
    )
    parser.add_argument(
        "--region",
        action="append",
        default=[],
        metavar="REGION",
        help="another region than OSC_REGION or the profile's; may be given several times",
    )
    parser.add_argument(
        "--patience",
        type=_minutes,
        default=PATIENCE_MINUTES,
        metavar="MINUTES",
        help="how long to wait and try again for each account and region while the cloud throttles, or "
        f"somebody else reads the same (default: {PATIENCE_MINUTES})",
    )


def add_linked_argument(parser: argparse.ArgumentParser) -> None:
    """Let a command be asked for the accounts that are billed to this one, too."""
    parser.add_argument(
        "--linked", action="store_true", help="for a paying account: also the accounts that are billed to it"
    )


def add_day_arguments(parser: argparse.ArgumentParser, *, days: int) -> None:
    """Let a command be asked for days by ``--from`` and ``--to``; ``days`` up to the last one without."""
    parser.add_argument(
        "--from",
        dest="first",
        type=day,
        metavar="DAY",
        help=f"the first day, YYYY-MM-DD (default: {days} days up to the last one)",
    )
    parser.add_argument(
        "--to",
        dest="last",
        type=day,
        metavar="DAY",
        help="the last day, included (default: yesterday)",
    )


def asked_period(options: Mapping[str, Any], *, days: int, today: dt.date) -> Period:
    """Return the days that ``add_day_arguments`` has read; raise ``CommandError`` as ``period_of`` does."""
    last = options["last"] or today - ONE_DAY
    return period_of(options["first"] or last - (days - 1) * ONE_DAY, last, today=today)


def add_output_arguments(parser: argparse.ArgumentParser, formats: Iterable[str], *, default: str) -> None:
    """Let a command be told how and where to write, and whether to ask the cloud at all."""
    parser.add_argument("--format", choices=list(formats), default=default, help=f"default: {default}")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write to a file")
    parser.add_argument("--no-read", action="store_true", help="ask nothing of the cloud: write what is kept")


def check_output(options: Mapping[str, Any], *, is_binary: bool) -> None:
    """Raise ``CommandError`` rather than write what is no text to a terminal."""
    if is_binary and not options["output"] and sys.stdout.isatty():
        raise CommandError(f"{options['format']} is no text for a terminal: name a file with --output")


def sources_of(
    keys: Iterable[OperatorKey],
    period: Period,
    options: Mapping[str, Any],
    *,
    today: dt.date,
    write: Callable[[str], None],
) -> Iterator[Source]:
    """Yield whose history there is, after what is missing was read, unless that is not wanted."""
    if options["no_read"]:
        return unattended.kept(keys)
    orders = unattended.Orders(
        period=period,
        seconds=60 * options["patience"],
        with_linked=options.get("linked", False),
        tell=teller(write),
    )
    return unattended.read(keys, orders, today=today)


def day(text: str) -> dt.date:
    """Read a day of the command line, such as ``2026-03-31``."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no day: write it as 2026-03-31") from error


def _minutes(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of minutes")
    return int(text)


def period_of(first: dt.date, last: dt.date, *, today: dt.date) -> Period:
    """Return the days from ``first`` to ``last``, both included.

    Raises ``CommandError`` unless all are over, in order and not too many.
    """
    yesterday = today - ONE_DAY
    for one in (first, last):
        if one > yesterday:
            raise CommandError(f"{one} is not over: the last day that can be read is {yesterday} (UTC)")
    if first > last:
        raise CommandError(f"the first day, {first}, is after the last one, {last}")
    if last - first >= dt.timedelta(days=MOST_DAYS):
        raise CommandError(f"from {first} to {last} are more than {MOST_DAYS} days")
    return Period(first, last + ONE_DAY)


def teller(write: Callable[[str], None]) -> Callable[[Gateway, Progress], None]:
    """Return what tells a person who waits at a terminal how far a reading is."""

    def tell(gateway: Gateway, progress: Progress) -> None:
        if not (progress.left and sys.stderr.isatty()):
            return
        said = [f"{gateway.account_id} {gateway.region}: {progress.done} of {progress.total} days"]
        if progress.problem is not None:
            said.append(f"going on in {progress.goes_on_after} s ({progress.problem.code})")
        elif not progress.is_ours:
            said.append("somebody else reads it")
        elif progress.seconds_left:
            said.append(f"about {progress.seconds_left} s left")
        write(", ".join(said))

    return tell
