"""Budgets in the reader's words: how a period is doing, what it is called, what a budget counts."""

from typing import NamedTuple

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from budgets.models import Budget
from budgets.periods import PeriodType
from budgets.standing import DayCounts, PeriodStanding, Place, Standing, Status
from consumption.daybook import FAILED, PARTIAL, PROVISIONAL, UNREAD
from consumption.daytext import day_text, period_text, short_day
from consumption.forecast import UNKNOWN_DAYS
from consumption.periods import Period, months_later
from costs import products


class Tag(NamedTuple):
    """How something is doing, in a word or two: the kind of tag, its icon, the text."""

    kind: str
    icon: str
    text: str


def tag_of(status: str, *, is_over: bool) -> Tag:
    """Return the tag of a status; of a period that ``is_over`` it is the verdict."""
    tags = {
        Status.ON_TRACK: Tag("is-ok", "check", _("Kept") if is_over else _("On track")),
        Status.AT_RISK: Tag("is-warn", "alert-triangle", _("At risk")),
        Status.OVER: Tag("is-bad", "x", _("Exceeded") if is_over else _("Over budget")),
        Status.FUTURE: Tag("", "clock", _("To come")),
        Status.ENDED: Tag("", "history", _("Ended")),
        Status.INCOMPLETE: Tag("is-warn", "circle-dashed", _("Not wholly known")),
        Status.NO_DATA: Tag("is-note", "database-off", _("No data")),
    }
    return tags[Status(status)]


def tag_of_period(period: PeriodStanding) -> Tag:
    """Return the tag of a period."""
    return tag_of(period.status, is_over=period.counts.over == period.counts.days)


def tag_of_budget(standing: Standing) -> Tag:
    """Return the tag of a budget: that of its running period, if it has one."""
    if standing.verdict is None:
        return Tag("is-note", "clock", _("Being worked out"))
    return tag_of(standing.verdict, is_over=False)


def period_name(period: Period, period_type: str) -> str:
    """Name a period: by its month, quarter or year where it is a whole one, else by its days."""
    first = period.first
    months = {PeriodType.MONTHLY: 1, PeriodType.QUARTERLY: 3, PeriodType.YEARLY: 12}.get(period_type)
    if months is None or first.day != 1 or period.end != months_later(first, months):
        return period_text(period)
    if period_type == PeriodType.YEARLY and first.month == 1:
        return str(first.year)
    if period_type == PeriodType.QUARTERLY and first.month % 3 == 1:
        return _("Q%(quarter)s %(year)s") % {"quarter": first.month // 3 + 1, "year": first.year}
    return date_format(first, _("F Y")) if months == 1 else period_text(period)


def step_name(step: Period) -> str:
    """Name a step of a period by its days: ``1 to 7``, ``22 to 31``, or by its whole month."""
    if step.length == 1:
        return day_text(step.first)
    if step.is_whole_months:
        return date_format(step.first, _("F Y"))
    begin = str(step.first.day) if step.first.month == step.last.month else short_day(step.first)
    return _("%(first)s to %(last)s") % {"first": begin, "last": short_day(step.last)}


def kind_text(budget: Budget) -> str:
    """Say how often a budget begins anew: ``Monthly budget``."""
    return {
        PeriodType.WEEKLY: _("Weekly budget"),
        PeriodType.MONTHLY: _("Monthly budget"),
        PeriodType.QUARTERLY: _("Quarterly budget"),
        PeriodType.YEARLY: _("Yearly budget"),
    }[PeriodType(budget.period_type)]


def duration_text(budget: Budget) -> str:
    """Say from when to when a budget goes."""
    first = day_text(budget.start_date)
    if budget.end_date is None:
        return _("from %(first)s on") % {"first": first}
    return _("%(first)s to %(last)s") % {"first": first, "last": day_text(budget.end_date)}


def scope_texts(budget: Budget) -> list[str]:
    """Say what a budget counts, one text for each list of its scope; none when it counts everything."""
    scope = budget.counted
    named = [
        (_("accounts"), scope.accounts),
        (_("regions"), scope.regions),
        (_("categories"), [products.category_name(one) for one in scope.categories]),
        (_("services"), [products.service_name(one) for one in scope.services]),
        (_("tags"), scope.tags),
    ]
    return [
        _("%(list)s: %(values)s") % {"list": name, "values": ", ".join(values)}
        for name, values in named
        if values
    ]


def known_text(counts: DayCounts) -> str:
    """Say how many of the days that are over are known."""
    texts = [ngettext("%(known)s of %(total)s day", "%(known)s of %(total)s days", counts.over)]
    if counts.partial:
        texts.append(_("%(partial)s in part"))
    if counts.provisional:
        texts.append(
            ngettext("%(provisional)s provisional", "%(provisional)s provisional", counts.provisional)
        )
    return ", ".join(texts) % {
        "known": counts.known,
        "total": counts.over,
        "partial": counts.partial,
        "provisional": counts.provisional,
    }


def coverage_of(counts: DayCounts) -> Tag:
    """Return the tag that says how much of what is spent is known."""
    if not counts.over:
        return Tag("is-note", "clock", _("no day is over yet"))
    text = known_text(counts)
    if not counts.known:
        return Tag("is-bad", "alert-circle", text)
    if not counts.is_whole:
        return Tag("is-warn", "circle-dashed", text)
    return Tag("is-note", "clock", text) if counts.provisional else Tag("is-ok", "check", text)


def state_text(state: int | None) -> str:
    """Say the state of a day (``consumption.daybook``) in a word or two; None is a day to come."""
    words = {
        None: _("to come"),
        UNREAD: _("not read yet"),
        FAILED: _("not read"),
        PARTIAL: _("read in part"),
        PROVISIONAL: _("provisional"),
    }
    return words.get(state, _("complete"))


def reason_text(reason: str) -> str:
    """Say why nothing is expected of the running period."""
    if reason == UNKNOWN_DAYS:
        return _("Too many of its days were not read for a forecast.")
    return _("Too few days are known for a forecast; until then the budget is judged by its pace.")


def lacking_text(standing: Standing) -> list[str]:
    """Say which accounts and regions are missing in every figure of a budget."""
    lacks, owner = standing.lacks, standing.budget.owner.account_id
    named = [
        (lacks.hidden, _("No key of this session may read the consumption of %(regions)s.")),
        (lacks.unread, _("Nothing was read of %(regions)s yet.")),
        (
            lacks.untagged,
            _(
                "Not all tags of %(regions)s were read yet: the key needs the right api:ReadTags, and they "
                "are read with the next days."
            ),
        ),
        (
            lacks.foreign,
            _("%(regions)s is billed in another currency, which is not added: it needs a budget of its own."),
        ),
    ]
    said = [
        sentence % {"regions": ", ".join(_place_text(place, owner) for place in places)}
        for places, sentence in named
        if places
    ]
    if lacks.linked_tags:
        said.append(_("The tags of linked accounts are not known. Choose accounts that are your own."))
    return [*closed_accounts_text(standing), *said]


def closed_accounts_text(standing: Standing) -> list[str]:
    """Say which accounts of a budget no key of the session opens, if there are any."""
    closed = standing.lacks.accounts
    text = ngettext(
        "The account %(accounts)s cannot be seen with the keys of this session.",
        "The accounts %(accounts)s cannot be seen with the keys of this session.",
        len(closed),
    )
    return [text % {"accounts": ", ".join(closed)}] if closed else []


def _place_text(place: Place, owner: str) -> str:
    """Name a place by its region, with the account where that is not the owner's."""
    if place.account_id == owner:
        return place.region
    return _("%(region)s of account %(account)s") % {"region": place.region, "account": place.account_id}
