"""``manage.py sync_consumption``: read what accounts consumed, day by day, and keep it."""

from django.core.management.base import CommandError
from django.db import DatabaseError
from django.utils import timezone

from accounts import operatorkeys
from accounts.commands import PortalCommand
from accounts.errors import PortalError
from consumption import commandline, sources, unattended
from consumption.coverage import coverage_of

EXAMPLES = """examples:
  manage.py sync_consumption                                        the last 31 days that are over
  manage.py sync_consumption --from 2026-01-01 --to 2026-03-31      these days, both included
  manage.py sync_consumption --from 2025-01-01                      from there to yesterday
  manage.py sync_consumption --profile one --profile two            several accounts
  manage.py sync_consumption --region eu-west-2 --region us-east-2  several regions, with the same keys
  manage.py sync_consumption --linked                               with the accounts billed to this one

The keys come from OSC_ACCESS_KEY, OSC_SECRET_KEY and OSC_REGION, or from profiles of ~/.osc/config.json. They
need no right but api:ReadConsumptionAccount. With api:ReadTags, which is optional, the tags of the resources
are kept too.

A day that is final is read once and never again, so the command costs nothing when there is nothing to do.
Two that run at once leave each day once. Fit for cron: see docs/sync-consumption.md.

The exit code is 0 when every day is complete, or provisional because its bill can still grow. It is 1 when
days could not be read: the others are kept all the same, and the error output says which and why.
"""

DAYS = 31


class Command(PortalCommand):
    help = "Read the consumption of accounts day by day, and keep it for the portal."
    examples = EXAMPLES

    def add_arguments(self, parser):
        commandline.add_day_arguments(parser, days=DAYS)
        commandline.add_key_arguments(parser)
        commandline.add_linked_argument(parser)

    def handle(self, **options):
        today = timezone.now().date()
        orders = unattended.Orders(
            period=commandline.asked_period(options, days=DAYS, today=today),
            seconds=60 * options["patience"],
            with_linked=options["linked"],
            tell=commandline.teller(self.stderr.write),
        )
        try:
            keys = operatorkeys.keys_of(options["profile"], options["region"])
            problems = self._read(keys, orders, today)
        except PortalError as error:
            raise CommandError(str(error.message)) from error
        except DatabaseError as error:
            raise CommandError(f"{commandline.DATABASE_PROBLEM} ({error})") from error
        if problems:
            raise CommandError("\n".join(["not every day could be read", *problems]))

    def _read(self, keys, orders, today):
        """Read with every key, say of each account and region how far it is, and return what is missing."""
        problems = []
        for source in unattended.read(keys, orders, today=today):
            ledgers = [source.ledger] if source.ledger else []
            coverage = coverage_of(ledgers, orders.period, with_linked=orders.with_linked)
            if source.account_id:
                self.stdout.write(f"{source.account_id} {source.region}: {_counted(coverage.counts)}")
            problems += sources.missing_of(source, coverage)
        return problems


def _counted(counts: dict[str, int]) -> str:
    """Write how many days there are in each state: ``31 days: 28 complete, 3 provisional``."""
    states = [f"{count} {state}" for state, count in counts.items() if state != "days" and count]
    return f"{counts['days']} days, {', '.join(states)}"
