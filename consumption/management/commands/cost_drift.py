"""``manage.py cost_drift``: what was expected against what was consumed, in every format."""

from pathlib import Path

from django.core.management.base import CommandError
from django.db import DatabaseError
from django.http import QueryDict
from django.utils import timezone

from accounts import operatorkeys
from accounts.commands import PortalCommand
from accounts.errors import PortalError
from consumption import commandline
from consumption.coverage import coverage_of
from consumption.driftasking import Side, currency_of, drift_of
from consumption.driftfiles import COMMAND_FORMATS
from consumption.driftforms import LAST_READING, MOST_COMPARED_DAYS, READINGS, DriftFilter
from consumption.driftkinds import KINDS
from consumption.drifttext import lacks_of
from consumption.estimatefiles import MOST_BYTES
from consumption.history import SeveralCurrencies
from consumption.sources import missing_of
from consumption.uploads import given_of
from costs.commandoutput import write_document
from costs.exports import one_line
from costs.snapshots import reader_of

EXAMPLES = """examples:
  manage.py cost_drift                                         the last 30 days, against the stored readings
  manage.py cost_drift --from 2026-10-01 --to 2026-10-31 --format csv --output drift.csv
  manage.py cost_drift --input cost.json --from 2026-10-01 --to 2026-10-31
  manage.py cost_drift --last-reading                          as if the last reading had held all the time
  manage.py cost_drift --tag project=portal --no-read

--input takes what osc-cost --format json writes, with --aggregate or without, and what manage.py current_cost
--format json writes. The keys come from OSC_ACCESS_KEY, OSC_SECRET_KEY and OSC_REGION, or from profiles of
~/.osc/config.json. Stored readings are those that the same keys have made, with manage.py current_cost or in
the portal.

Only days that both sides know whole are compared. The exit code is 0 when all days are, with every kind of
resource. It is 1 when some are not: the others are written all the same, and the error output names what is
missing and why.
"""

DAYS = 30


class Command(PortalCommand):
    help = "Compare what was expected to be paid with what was consumed in the same hours."
    examples = EXAMPLES

    def add_arguments(self, parser):
        estimate = parser.add_mutually_exclusive_group()
        estimate.add_argument(
            "--input",
            type=Path,
            metavar="FILE",
            help="the JSON of osc-cost or of current_cost as the estimate",
        )
        estimate.add_argument(
            "--last-reading", action="store_true", help="the last stored reading as the estimate of all days"
        )
        commandline.add_day_arguments(parser, days=DAYS)
        commandline.add_key_arguments(parser)
        parser.add_argument(
            "--tag", action="append", default=[], metavar="K=V", help="only resources that carry it"
        )
        parser.add_argument(
            "--resource-type",
            action="append",
            default=[],
            choices=KINDS,
            metavar="TYPE",
            help=f"only this kind; may be given several times: {', '.join(KINDS)}",
        )
        commandline.add_output_arguments(parser, COMMAND_FORMATS, default="human")

    def handle(self, **options):
        chosen = COMMAND_FORMATS[options["format"]]
        commandline.check_output(options, is_binary=chosen.is_binary)
        today = timezone.now().date()
        period = _period(options, today)
        try:
            given = _given(options["input"])
            keys = operatorkeys.keys_of(options["profile"], options["region"])
            read = commandline.sources_of(keys, period, options, today=today, write=self.stderr.write)
            found = list(read)
            answer = self._answer(keys, found, period, options, given)
        except PortalError as error:
            raise CommandError(str(error.message)) from error
        except DatabaseError as error:
            raise CommandError(f"{commandline.DATABASE_PROBLEM} ({error})") from error
        lacking = [*_missing(found, period), *lacks_of(answer)]
        if not answer.drift.compared_days:
            raise CommandError("\n".join(["no day can be compared", *map(one_line, lacking)]))
        write_document(chosen.write(answer), output=options["output"], stdout=self.stdout)
        if not answer.drift.is_whole:
            raise CommandError("\n".join(["the comparison is partial", *map(one_line, lacking)]))
        for sentence in lacking:
            self.stderr.write(self.style.WARNING(one_line(sentence)))

    def _answer(self, keys, found, period, options, given):
        """Compare each account and region with what the key that read it expects."""
        readers = [(key.region, reader_of(key.access_key)) for key in keys]
        sides = [
            Side(source.ledger, reader)
            for source in found
            if source.ledger
            for region, reader in readers
            if region == source.region and source.ledger.readers.filter(reader=reader, refusal="").exists()
        ]
        sides = list({side.ledger.pk: side for side in reversed(sides)}.values())[::-1]
        currencies = currency_of((side.ledger for side in sides), period)
        if len(currencies) > 1:
            raise SeveralCurrencies(currencies)
        form = _form(period, options)
        currency = next(iter(currencies), "")
        return drift_of(sides, form, currency=currency, at=timezone.now(), given=given)


def _form(period, options) -> DriftFilter:
    data = QueryDict(mutable=True)
    data["first"], data["last"] = period.first.isoformat(), period.last.isoformat()
    data["estimate"] = LAST_READING if options["last_reading"] else READINGS
    data.setlist("tag", options["tag"])
    data.setlist("resource_type", options["resource_type"])
    form = DriftFilter(data, today=timezone.now().date(), regions=())
    if not form.is_valid():
        raise CommandError("\n".join(form.problems))
    return form


def _given(path):
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            return given_of(file.read(MOST_BYTES + 1), path.name)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error


def _missing(found, period):
    """Say which days of the consumption are missing."""
    for source in found:
        yield from missing_of(source, coverage_of([source.ledger] if source.ledger else [], period))


def _period(options, today):
    period = commandline.asked_period(options, days=DAYS, today=today)
    if period.length > MOST_COMPARED_DAYS:
        raise CommandError(f"from {period.first} to {period.last} are more than {MOST_COMPARED_DAYS} days")
    return period
