"""The drift as a session or a command asks for it: which keys, which estimate, narrowed to what."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _
from msgspec.structs import replace as replace_fields

from accounts.errors import PortalError
from consumption.asking import Asked
from consumption.coverage import coverage_of
from consumption.drift import Drift
from consumption.driftforms import FILE, LAST_READING, PLAN, READINGS, DriftFilter
from consumption.driftregion import Narrowing, RegionDrift
from consumption.estimatefiles import EstimateRefused, Given
from consumption.estimates import Estimate, of_last_reading, of_lines, of_plan, of_readings
from consumption.models import Ledger, UsageDay
from consumption.periods import Period
from consumption.plans import Plan, PlanLine, plan_of, plans_of
from consumption.uploads import find, names_of, of_whom, read
from costs import snapshots
from costs.currentcost import Question as CostQuestion
from costs.currentcost import current_cost
from costs.snapshots import reader_of


class EstimateUnknown(PortalError):
    """There is no such file or plan, or it belongs to somebody else."""

    code = "ESTIMATE_UNKNOWN"
    http_status = 404

    def __init__(self) -> None:
        super().__init__()
        self.message = _("There is no such estimate, or it is not kept any more.")


@dataclass(frozen=True)
class Basis:
    """What is compared with the consumption: the sort of estimate, its name, when it was made.

    ``left_out`` says in sentences what of it is not compared.
    """

    kind: str
    name: str = ""
    made_at: dt.datetime | None = None
    left_out: Sequence[str] = ()


@dataclass(frozen=True)
class Answer:
    """The drift, and what it rests on; ``has_readings``: the keys have stored readings at all."""

    drift: Drift
    basis: Basis
    has_readings: bool


@dataclass(frozen=True)
class Side:
    """A ledger, and who reads it: the key is told by its ``reader``."""

    ledger: Ledger
    reader: str


def answer_of(asked: Asked) -> Answer:
    """Return what a session asks; only of a valid form. Raises ``EstimateUnknown``."""
    readers = {(key.account_id, key.region): reader_of(key.access_key) for key in asked.access.keys}
    sides = [Side(ledger, readers[ledger.account_id, ledger.region]) for ledger in asked.access.ledgers]
    planner = asked.owner.account_id if asked.owner else ""
    return drift_of(sides, asked.form, currency=asked.history.currency, at=asked.now, planner=planner)


def drift_of(
    sides: Sequence[Side],
    form: DriftFilter,
    *,
    currency: str,
    at: dt.datetime,
    given: Given | None = None,
    planner: str = "",
) -> Answer:
    """Return what a form asks of some ledgers, whose days are billed in ``currency``.

    ``given`` is a file that takes the place of the form's estimate; ``planner`` is the account whose plans
    can be asked for, whatever accounts the ledgers are of. Raises ``EstimateUnknown``.
    """
    period = form.days
    if form.estimate_kind == PLAN and given is None:
        basis, estimates = _planned(sides, form, currency, planner)
    else:
        basis, estimates = _estimates(sides, form, currency, at, given)
    regions = [
        RegionDrift(side.ledger, estimate, coverage_of([side.ledger], period), _narrowing(side, form, basis))
        for side, estimate in zip(sides, estimates, strict=True)
        if estimate is not None
    ]
    has_readings = any(_last(side) is not None for side in sides)
    return Answer(Drift(period, currency, regions), basis, has_readings)


def offered(asked: Asked) -> list[tuple[str, str]]:
    """Return the files and plans that a session can choose as the estimate, with their names."""
    readers = [reader_of(key.access_key) for key in asked.access.keys]
    files = [
        (f"{FILE}:{pk}", _("File %(name)s") % {"name": name}) for pk, name in names_of(readers, asked.now)
    ]
    plans = plans_of(asked.owner.account_id) if asked.owner else []
    named = [(f"{PLAN}:{plan.id}", _("Quote %(name)s") % {"name": plan.name}) for plan in plans]
    return [*files, *named]


def currency_of(ledgers: Iterable[Ledger], period: Period) -> set[str]:
    """Return the currencies in which days of some ledgers are billed."""
    days = UsageDay.objects.filter(ledger__in=list(ledgers), day__gte=period.first, day__lt=period.end)
    return set(days.exclude(currency="").order_by().values_list("currency", flat=True).distinct())


def _estimates(
    sides: Sequence[Side], form: DriftFilter, currency: str, at: dt.datetime, given: Given | None
) -> tuple[Basis, list[Estimate | None]]:
    """Return what is compared with each side, None where there is nothing."""
    kind = form.estimate_kind
    if given is not None or kind == FILE:
        told, whose = (given, given) if given is not None else _kept_file(sides, form, at)
        return _from_file(sides, form, currency, told, whose)
    make = {READINGS: of_readings, LAST_READING: of_last_reading}[kind]
    found = [
        make(side.ledger.account_id, side.ledger.region, side.reader, form.days, currency) for side in sides
    ]
    made = [estimate.taken_at for estimate in found if estimate.taken_at]
    return Basis(kind, made_at=max(made, default=None)), found


def _kept_file(sides: Sequence[Side], form: DriftFilter, at: dt.datetime) -> tuple[Given, Given]:
    """Return a kept file as it is, and as of the account and region for which it was given."""
    kept = find(form.estimate_id, [side.reader for side in sides], at)
    if kept is None:
        raise EstimateUnknown
    given = read(kept)
    return given, replace_fields(given, account_id=kept.account_id, region=kept.region)


def _from_file(
    sides: Sequence[Side], form: DriftFilter, currency: str, given: Given, of: Given
) -> tuple[Basis, list[Estimate | None]]:
    """Return what a file expects of the side that it is about, which ``of`` names."""
    whose = [(side.ledger.account_id, side.ledger.region) for side in sides]
    basis = Basis(FILE, given.name, given.made_at, [*given.left_out, *_assumed(given, currency)])
    if given.currency and currency and given.currency != currency:
        text = _("The file is in %(file)s and the consumption in %(consumed)s: they cannot be compared.")
        said = text % {"file": given.currency, "consumed": currency}
        return replace(basis, left_out=[said]), [None] * len(sides)
    try:
        owner = of_whom(of, whose) if whose else None
    except EstimateRefused as error:
        return replace(basis, left_out=[str(error.message)]), [None] * len(sides)
    estimate = of_lines(owner[1], given, form.days) if owner else None
    if len(whose) > 1:
        text = _("The file is about account %(account)s in %(region)s: only that is compared.")
        said = text % {"account": owner[0], "region": owner[1]}
        basis = replace(basis, left_out=[*basis.left_out, said])
    return basis, [estimate if place == owner else None for place in whose]


def _assumed(given: Given, currency: str) -> list[str]:
    """Say what a file does not tell of itself, and what it is taken for."""
    said = []
    if not given.currency and currency:
        text = _("The file names no currency: its amounts are taken as %(currency)s.")
        said.append(text % {"currency": currency})
    if not (given.account_id and given.region):
        said.append(_("The file does not say whose it is: it is taken as of this account and region."))
    return said


def _planned(
    sides: Sequence[Side], form: DriftFilter, currency: str, planner: str
) -> tuple[Basis, list[Estimate | None]]:
    """Return what a plan of an account expects of each region; a plan names no resources.

    Nor does it name an account: of several it is compared with the one whose plan it is, else with the
    first. With each of them it would count as often as there are accounts.
    """
    plan = plan_of(planner, form.estimate_id)
    if plan is None:
        raise EstimateUnknown
    accounts = list(dict.fromkeys(side.ledger.account_id for side in sides))
    account = planner if planner in accounts else next(iter(accounts), "")
    regions = {side.ledger.region for side in sides if side.ledger.account_id == account}
    compared = [line for line in plan.lines if line.currency == currency and line.region in regions]
    estimates = [
        of_plan(
            side.ledger.region, [line for line in compared if line.region == side.ledger.region], form.days
        )
        if side.ledger.account_id == account
        else None
        for side in sides
    ]
    left_out = _not_planned(plan, compared)
    if len(accounts) > 1:
        text = _("The quote is compared with account %(account)s alone: it plans for one account.")
        left_out.append(text % {"account": account})
    return Basis(PLAN, plan.name, plan.made_at, left_out), estimates


def _not_planned(plan: Plan, compared: Sequence[PlanLine]) -> list[str]:
    """Say what of a plan is not compared."""
    said = []
    elsewhere = sorted({line.region for line in plan.lines if line not in compared})
    if elsewhere:
        text = _("What the quote plans in other regions is left out: %(regions)s.")
        said.append(text % {"regions": ", ".join(elsewhere)})
    if any(line.once for line in compared):
        said.append(_("What the quote plans to pay once is left out."))
    return said


def _narrowing(side: Side, form: DriftFilter, basis: Basis) -> Narrowing:
    asked: Mapping[str, list[str]] = form.cleaned_data
    resources = frozenset(asked["resource"]) if asked["resource"] else None
    if asked["tag"]:
        tagged = _tagged(side, asked["tag"])
        resources = tagged if resources is None else resources & tagged
    categories, kinds = frozenset(asked["category"]), frozenset(asked["resource_type"])
    return Narrowing(categories, kinds, resources, by_kind=basis.kind == PLAN)


def _tagged(side: Side, tags: Sequence[str]) -> frozenset[str]:
    """Return the ids of the resources that carry all of some tags in the last reading of a key."""
    stored = _last(side, with_lines=True)
    if stored is None:
        return frozenset()
    found = current_cost(snapshots.read(stored), CostQuestion(tags=tuple(tags)))
    return frozenset(line.resource_id for line in found.lines)


def _last(side: Side, *, with_lines: bool = False) -> snapshots.CostSnapshot | None:
    readings = snapshots.CostSnapshot.objects.of(side.ledger.account_id, side.ledger.region)
    readings = readings.filter(reader=side.reader).newest_first()
    return (readings if with_lines else readings.without_lines()).first()
