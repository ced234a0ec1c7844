"""What the commands that read the history share: their options, their days, and what they say of progress."""

import argparse
import datetime as dt
import sys
from collections.abc import Callable

from django.core.management.base import CommandError

from accounts.gateway import Gateway
from consumption.forms import MOST_DAYS
from consumption.periods import ONE_DAY, Period
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
        "--linked", action="store_true", help="for a paying account: also the accounts that are billed to it"
    )
    parser.add_argument(
        "--patience",
        type=_minutes,
        default=PATIENCE_MINUTES,
        metavar="MINUTES",
        help="how long to wait and try again for each account and region while the cloud throttles, or "
        f"somebody else reads the same (default: {PATIENCE_MINUTES})",
    )


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
