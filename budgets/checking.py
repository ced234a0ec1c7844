"""Checking every budget, whatever goes wrong with one of them: nobody is logged in, and no cloud is asked."""

import datetime as dt
import logging
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from accounts.models import User
from budgets import alerts
from budgets.models import Budget, BudgetAlert
from budgets.sight import visible_to_readers
from budgets.standing import Standing
from budgets.tracking import standings_of
from consumption.moment import one_moment

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checked:
    """What came of the budgets of one owner: the alerts that were raised, and the budgets that are broken."""

    alerts: list[BudgetAlert] = field(default_factory=list)
    broken: list[Budget] = field(default_factory=list)


def check(owners: Collection[User], *, at: dt.datetime, dry_run: bool = False) -> Iterator[Checked]:
    """Raise what is due, owner by owner; with ``dry_run`` only tell it."""
    raise_alerts = alerts.due_alerts if dry_run else alerts.raise_alerts
    for owner in owners:
        yield _check(
            list(Budget.objects.owned_by(owner).select_related("owner").order_by("pk")), at, raise_alerts
        )


def _check(budgets: list[Budget], at: dt.datetime, raise_alerts: Callable[..., list[BudgetAlert]]) -> Checked:
    checked = Checked()
    for budget, found in _standings(budgets, at.date()):
        try:
            [standing] = [found] if found else _standings_of([budget], at.date())
            checked.alerts.extend(raise_alerts(standing, at=at))
        except Exception:
            logger.exception("budget %s cannot be checked", budget.pk)
            checked.broken.append(budget)
    return checked


def _standings(budgets: list[Budget], today: dt.date) -> Iterator[tuple[Budget, Standing | None]]:
    """Yield where budgets stand, read all at once; when that fails None, so that each is read by itself."""
    try:
        standings = _standings_of(budgets, today)
    except Exception:  # which budget it is comes out when each is read by itself
        standings = [None] * len(budgets)
    yield from zip(budgets, standings, strict=True)


def _standings_of(budgets: list[Budget], today: dt.date) -> list[Standing]:
    with one_moment():
        return standings_of(budgets, visible=visible_to_readers(budgets), today=today)
