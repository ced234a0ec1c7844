"""The drift in the reader's words: why something differs, why it is not compared, what the estimate is."""

from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from consumption.daytext import day_text, period_text
from consumption.drift import Apart, Cause, Drift
from consumption.driftasking import Answer
from consumption.driftforms import READINGS
from consumption.driftkinds import kind_name
from consumption.driftreasons import Reason, ReasonCode
from consumption.estimates import CARRIED_DAYS
from consumption.periods import ONE_DAY, Period
from costs import products
from costs.inventory import ResourceType
from costs.money import money_text, price_places, show_money, show_number

_PLAIN = {
    ReasonCode.NOT_NAMED: gettext_lazy(
        "One side names no resources of this kind, so they are compared as a whole."
    ),
    ReasonCode.NOT_PLANNED: gettext_lazy("Nothing of this kind was planned."),
    ReasonCode.PLANNED_ONLY: gettext_lazy("Planned, and nothing of this kind was consumed."),
    ReasonCode.UPPER_BOUND: gettext_lazy(
        "Upper bound: a snapshot is estimated at the size of its volume, and billed for what it stores."
    ),
    ReasonCode.SURPLUS_NOT_BILLED: gettext_lazy(
        "The surplus of dedicated hardware was expected, and the consumption names none for it."
    ),
}

_WITH_DAY = {
    ReasonCode.CREATED_SINCE: gettext_lazy("Created since: first consumed on %(day)s."),
    ReasonCode.REMOVED_SINCE: gettext_lazy("Removed since: last consumed on %(day)s."),
    ReasonCode.STOPPED_SINCE: gettext_lazy("Stopped since: last billed on %(day)s."),
    ReasonCode.STARTED_SINCE: gettext_lazy("Started since: billed from %(day)s on."),
    ReasonCode.NOT_CONSUMED: gettext_lazy("Not consumed any more: last on %(day)s."),
}


def reason_text(reason: Reason, kind: str, currency: str) -> str:
    """Say why a resource of a kind cost more or less than expected."""
    if reason.code in _PLAIN:
        return str(_PLAIN[reason.code])
    if reason.day and reason.code in _WITH_DAY:
        return str(_WITH_DAY[reason.code]) % {"day": day_text(reason.day)}
    return _detailed(reason, kind, currency)


def _detailed(reason: Reason, kind: str, currency: str) -> str:
    match reason.code:
        case ReasonCode.NOT_CONSUMED:
            said = _("The consumption does not hold it at all.")
        case ReasonCode.NOT_EXPECTED:
            said = _not_expected(reason)
        case ReasonCode.PART_OF_THE_TIME:
            said = _part_of_the_time(reason)
        case ReasonCode.RESIZED:
            said = _resized(reason, kind)
        case ReasonCode.PRICE_CHANGED:
            prices = {"before": _price(reason.before, currency), "after": _price(reason.after, currency)}
            said = _("Price changed: expected at %(before)s, billed at %(after)s.") % prices
        case _:
            named = {"before": products.name(reason.before), "after": products.name(reason.after)}
            said = _("Billed as “%(after)s”; expected was “%(before)s”.") % named
    return said


def _not_expected(reason: Reason) -> str:
    text = ngettext(
        "The estimate does not hold it; it was consumed on %(days)s day (%(period)s).",
        "The estimate does not hold it; it was consumed on %(days)s days (%(period)s).",
        reason.after,
    )
    period = Period(reason.day, reason.before + ONE_DAY)
    return text % {"period": period_text(period), "days": reason.after}


def _part_of_the_time(reason: Reason) -> str:
    if isinstance(reason.before, Decimal):
        text = _("It ran for a part of the time: %(run)s of %(whole)s hours.")
    else:
        text = _("It was billed on a part of the days: %(run)s of %(whole)s.")
    return text % {"run": _number(reason.before), "whole": _number(reason.after)}


def _resized(reason: Reason, kind: str) -> str:
    if kind == ResourceType.OBJECT_STORAGE or isinstance(reason.before, Decimal):
        text = _("Resized: expected were %(before)s, consumed were %(after)s (GiB or IOPS).")
        if isinstance(reason.before, Decimal):
            return text % {"before": _number(reason.before), "after": _number(reason.after)}
        return _("The stored size changed.")
    return _("Resized since: %(before)s became %(after)s.") % {"before": reason.before, "after": reason.after}


def _number(value: object) -> str:
    return show_number(round(value, 2).normalize()) if isinstance(value, Decimal) else str(value)


def _price(value: object, currency: str) -> str:
    return show_money(value, currency, places=price_places(value)) if currency else money_text(value)


def cause_text(one: Apart) -> str:
    """Say why something is not compared."""
    match one.cause:
        case Cause.NOT_LISTED:
            return _("No call lists it: only the consumption tells what it costs.")
        case Cause.KIND_NOT_KNOWN:
            text = ngettext(
                "The estimate does not know this kind on %(days)s of the days compared.",
                "The estimate does not know this kind on %(days)s of the days compared.",
                one.days,
            )
            return text % {"days": one.days}
        case Cause.NOT_PRICED:
            return _("The estimate knows only a part of its price.")
    return _("The consumption has no price for a part of it.")


def apart_name(one: Apart) -> str:
    """Name what is not compared: the resource, or the product."""
    return one.resource_id or (products.name(one.key) if one.key else kind_name(one.kind))


def days_sentence(drift: Drift) -> str:
    """Say how many days are compared, as it stands beside a total."""
    text = ngettext("%(known)s of %(total)s day", "%(known)s of %(total)s days", drift.period.length)
    return text % {"known": drift.compared_days, "total": drift.period.length}


def lacks_of(answer: Answer) -> list[str]:
    """Say what of the question is not compared, and on what the estimate rests, a sentence for each."""
    drift, said = answer.drift, []
    several = len(drift.regions) > 1
    with_accounts = len({region.ledger.account_id for region in drift.regions}) > 1
    for region in drift.regions:
        account = f"{region.ledger.account_id}, " if with_accounts else ""
        where = f"{account}{region.ledger.region}: " if several else ""
        lacking = region.known_days.difference(region.days)
        if lacking:
            text = ngettext(
                "%(count)s day has no estimate: no reading of that day or of the %(carried)s days before.",
                "%(count)s days have no estimate: no reading of the day or of the %(carried)s days before.",
                len(lacking),
            )
            said.append(where + text % {"count": len(lacking), "carried": CARRIED_DAYS})
        for kind, days in sorted(region.unknown_kinds.items()):
            text = ngettext(
                "%(name)s are not compared on %(count)s day: the estimate does not know them then.",
                "%(name)s are not compared on %(count)s days: the estimate does not know them then.",
                days,
            )
            said.append(where + text % {"name": kind_name(kind), "count": days})
    if answer.basis.kind == READINGS and drift.carried_days:
        text = ngettext(
            "%(count)s day rests on a reading of a day before, %(carried)s days old at most.",
            "%(count)s days rest on a reading of a day before, %(carried)s days old at most.",
            drift.carried_days,
        )
        said.append(text % {"count": drift.carried_days, "carried": CARRIED_DAYS})
    return [*said, *answer.basis.left_out]
