"""Plans that consumption can be compared with: what somebody expected to pay, before anything ran.

The floor of the quotes is beside this one and unknown here: the roof registers what tells its plans.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, Protocol


class PlanName(NamedTuple):
    """A plan that can be chosen."""

    id: str
    name: str


@dataclass(frozen=True)
class PlanLine:
    """What is planned of a kind of resource in a region and category, all discounts off.

    ``hourly`` is the cost of an hour, ``monthly`` that of a month, be it long or short, ``once`` what is paid
    only once.
    """

    kind: str
    category: str
    region: str
    currency: str
    hourly: Decimal = Decimal(0)
    monthly: Decimal = Decimal(0)
    once: Decimal = Decimal(0)


@dataclass(frozen=True)
class Plan:
    """A plan with its lines; ``made_at`` is when it was last changed."""

    id: str
    name: str
    made_at: dt.datetime
    lines: list[PlanLine]


class Source(Protocol):
    """What knows plans of an account."""

    def names(self, account_id: str) -> Iterable[PlanName]:
        """Return the plans of an account."""

    def plan(self, account_id: str, plan_id: str) -> Plan | None:
        """Return a plan of an account; None when there is none, or it is somebody else's."""


_sources: list[Source] = []


def register(source: Source) -> None:
    """Take another source of plans."""
    if source not in _sources:
        _sources.append(source)


def plans_of(account_id: str) -> list[PlanName]:
    """Return the plans of an account that can be compared."""
    return [name for source in _sources for name in source.names(account_id)]


def plan_of(account_id: str, plan_id: str) -> Plan | None:
    """Return a plan of an account; None when there is none, or it is somebody else's."""
    found = (source.plan(account_id, plan_id) for source in _sources)
    return next((plan for plan in found if plan), None)
