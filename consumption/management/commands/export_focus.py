"""``manage.py export_focus``: a month of the kept history as FOCUS 1.2, for operators, without keys."""

import argparse
import datetime as dt
import sys
from pathlib import Path

from django.core.management.base import CommandError
from django.utils import timezone

from accounts.commands import PortalCommand
from accounts.errors import PortalError
from accounts.models import User
from consumption.focus import FocusMonth, NotPriced, Source
from consumption.models import Ledger
from consumption.periods import Period
from costs.models import CostSnapshot

EXAMPLES = """examples:
  manage.py export_focus --month 2026-10 --output focus.csv
  manage.py export_focus --month 2026-10 --account 123456789012 --region eu-west-2 > focus.csv

Only what is kept is written: the cloud is not asked. An existing directory as --output takes the name of the
file that the portal gives it. The exit code is 0 when every day that is over is there. It is 1 when one is
missing or known in part: what is kept is written all the same, and the error output names the days. Nothing
is written when something has no known price, unless that is to be left out; the error output names it then.
"""


class Command(PortalCommand):
    help = "Write a month of the kept consumption as FOCUS 1.2 (CSV)."
    examples = EXAMPLES

    def add_arguments(self, parser):
        parser.add_argument("--month", type=_month, required=True, metavar="YYYY-MM")
        parser.add_argument("--account", metavar="ID", help="only this account; all that are kept by default")
        parser.add_argument("--region", help="only this region; all that are kept by default")
        parser.add_argument("--without-unpriced", action="store_true", help="leave out what has no price")
        parser.add_argument("--output", type=Path, metavar="FILE", help="write to a file or into a directory")

    def handle(self, **options):
        wanted = {"account_id": options["account"], "region": options["region"]}
        found = Ledger.objects.filter(**{name: one for name, one in wanted.items() if one})
        ledgers = list(found.order_by("account_id", "region"))
        if not ledgers:
            raise CommandError("no consumption of this account and region is kept")
        names = dict(User.objects.exclude(account_id=None).values_list("account_id", "name"))
        month = FocusMonth(
            options["month"],
            [Source(ledger, names, _reading(ledger)) for ledger in ledgers],
            without_unpriced=options["without_unpriced"],
        )
        try:
            month.check()
            self._write(month, options["output"])
        except NotPriced as error:
            raise CommandError("\n".join([str(error.message), *error.products])) from error
        except PortalError as error:
            raise CommandError(str(error.message)) from error
        lacking = [*_lacking(month, timezone.now().date()), *(f"no price: {key}" for key in month.unpriced)]
        if lacking:
            raise CommandError("\n".join(["the month is partial", *lacking]))

    def _write(self, month, output):
        if output is None:
            self.stdout.writelines(month.lines())
            return
        path = output / month.file_name if output.is_dir() else output
        # In the place of the old file at once: whoever reads it meanwhile sees no half of it.
        unfinished = path.with_name(f".{path.name}.unfinished")
        try:
            with unfinished.open("w", encoding="utf-8", newline="") as file:
                file.writelines(month.lines())
            unfinished.replace(path)
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from error
        finally:
            unfinished.unlink(missing_ok=True)
        if sys.stderr.isatty():
            self.stderr.write(f"wrote {path}")


def _month(text: str) -> dt.date:
    try:
        return dt.datetime.strptime(text, "%Y-%m").replace(tzinfo=dt.UTC).date()
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no month such as 2026-10") from error


def _reading(ledger: Ledger) -> CostSnapshot | None:
    """Return the last reading of the current cost by any key, which tells names and tags."""
    return CostSnapshot.objects.of(ledger.account_id, ledger.region).newest_first().first()


def _lacking(month: FocusMonth, today: dt.date):
    """Name the days that are over and not wholly known."""
    for source, coverage in zip(month.sources, month.coverages, strict=True):
        over = Period(month.first, min(month.period.end, max(today, month.first)))
        for day, known in coverage.of(over).gaps:
            if known.state != "provisional":
                yield f"{source.ledger}: {day.isoformat()} {known.state} {known.reason}".rstrip()
