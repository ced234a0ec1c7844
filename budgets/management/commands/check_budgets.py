"""``manage.py check_budgets``: raise the alerts of budgets, and send what is to be sent."""

from django.core.management.base import CommandError
from django.db import DatabaseError
from django.utils import timezone

from accounts.commands import PortalCommand
from accounts.models import User
from budgets import checking, delivery, lastcheck
from budgets.models import BudgetAlert, DeliveryState
from consumption.commandline import DATABASE_PROBLEM
from costs.money import money_text

EXAMPLES = """examples:
  manage.py check_budgets                                  every budget
  manage.py check_budgets --dry-run                        tell what would be raised; write and send nothing
  manage.py check_budgets --account 100000000001           the budgets of one account
  manage.py check_budgets --account 100000000001 --account 100000000002

Budgets are compared with the consumption that is kept: run sync_consumption before. Each percentage is told
once in a period. What could not be sent is tried again by later runs, for about a day and a half; what waits
is sent whatever --account says.

Fit for cron, and for two that run at once: see docs/budgets.md.

The exit code is 0 when all is well. It is 1 when a message could not be sent or a budget could not be
checked: everything else is done all the same, and the error output says which and why.
"""


class Command(PortalCommand):
    help = "Compare budgets with what was spent and is expected, and tell their owners."
    examples = EXAMPLES

    def add_arguments(self, parser):
        parser.add_argument(
            "--account",
            action="append",
            default=[],
            metavar="ID",
            help="check only the budgets of this OUTSCALE account; may be given several times",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="tell what would be raised; write and send nothing"
        )

    def handle(self, **options):
        try:
            owners = _owners(options["account"])
            begun = timezone.now()
            problems = self._check(owners, dry_run=options["dry_run"])
            problems += self._count_due() if options["dry_run"] else self._deliver()
            if not (options["dry_run"] or options["account"]):
                lastcheck.note(at=begun)
        except DatabaseError as error:
            raise CommandError(f"{DATABASE_PROBLEM} ({error})") from error
        if problems:
            raise CommandError("\n".join(["not everything could be done", *problems]))

    def _check(self, owners, *, dry_run):
        """Say which alerts are raised, and return which budgets could not be checked."""
        problems, verb = [], "would raise" if dry_run else "raised"
        for checked in checking.check(owners, at=timezone.now(), dry_run=dry_run):
            for alert in checked.alerts:
                self.stdout.write(f"{verb}: {_named(alert)}, {_figures(alert)}")
            problems += [f"budget {budget.pk} could not be checked: see the log" for budget in checked.broken]
        return problems

    def _count_due(self):
        count = len(delivery.due_deliveries(at=timezone.now()))
        if count:
            self.stdout.write(f"would send {count} of earlier alerts")
        return []

    def _deliver(self):
        """Send what is due, say so, and return what could not be sent."""
        problems = []
        for one in delivery.deliver_due(at=timezone.now()):
            what = f"{one.channel} of {_named(one.alert)}"
            if one.state == DeliveryState.SENT:
                self.stdout.write(f"sent: {what}")
                continue
            again = (
                "given up"
                if one.state == DeliveryState.FAILED
                else f"again from {one.next_attempt_at:%Y-%m-%d %H:%M} UTC"
            )
            self.stdout.write(f"failed: {what}")
            problems.append(f"{what}: {one.problem} ({again})")
        return problems


def _owners(account_ids):
    """Return the owners of budgets who may log in.

    Raises ``CommandError`` for an account that the portal does not know.
    """
    if account_ids:
        known = User.objects.filter(account_id__in=account_ids).order_by("account_id")
        unknown = sorted({*account_ids} - {user.account_id for user in known})
        if unknown:
            raise CommandError(f"nobody has logged in with account {', '.join(unknown)}")
        return known.filter(is_active=True)
    return User.objects.filter(is_active=True, budgets__isnull=False).distinct().order_by("account_id", "pk")


def _named(alert: BudgetAlert) -> str:
    """Name an alert in a line: ``budget 0b1c… 90% actual from 2026-11-01``."""
    return f"budget {alert.budget_id} {alert.percent}% {alert.measure} from {alert.period_first}"


def _figures(alert: BudgetAlert) -> str:
    least = "at least " if alert.is_lower_bound else ""
    return f"{least}{money_text(alert.figure)} of {money_text(alert.amount)} {alert.currency}"
