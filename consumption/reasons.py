"""How far days are known, in words: their states, and why one is no better."""

import datetime as dt
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.errors import kind_of
from consumption.coverage import LINKED_NOT_READ, NOT_READ_EVERYWHERE, UNREAD, Coverage, KnownDay
from consumption.daytext import days_text
from consumption.entries import CALL
from consumption.history import History
from consumption.keeping import ENTRIES_NOT_UNDERSTOOD, NOT_CONSOLIDATED
from consumption.models import DayState


@dataclass(frozen=True)
class Gap:
    """Days that are not complete for one reason; ``may_be_asked``: asking again may help."""

    days: str
    state: str
    why: str
    may_be_asked: bool


@dataclass(frozen=True)
class Badge:
    """How much of a total is known, as it stands beside it: a kind of tag, an icon, and the words."""

    kind: str
    icon: str
    text: str


def reason_text(reason: str) -> str:
    """Say why a day is no better than it is; ``reason`` is one of ours, or our code of a cloud's error."""
    own = {
        NOT_CONSOLIDATED: _("OUTSCALE has published nothing for it yet."),
        ENTRIES_NOT_UNDERSTOOD: _("Some lines of the answer could not be understood: their cost is missing."),
        LINKED_NOT_READ: _("It was read without the linked accounts."),
        NOT_READ_EVERYWHERE: _("It was not read everywhere that is asked for."),
    }
    if not reason:
        return ""
    return own.get(reason) or str(kind_of(reason)(CALL).message)


def reason_of(day: KnownDay) -> str:
    """Say why a day is no better known than it is, in one sentence; empty for a complete one."""
    own = {
        UNREAD: _("This day was not read yet."),
        DayState.PROVISIONAL: _("The bill of this day can still grow."),
    }
    return reason_text(day.reason) or own.get(day.state, "")


def state_text(day: KnownDay) -> str:
    """Say the state of a day in a word or two."""
    words = {
        UNREAD: _("not read yet"),
        DayState.FAILED: _("not read"),
        DayState.PARTIAL: _("read in part"),
        DayState.PROVISIONAL: _("provisional"),
        DayState.COMPLETE: _("complete"),
    }
    return words[day.state]


def gaps_of(coverage: Coverage) -> list[Gap]:
    """Return the days that are not complete, those of the same state and reason together."""
    days: dict[tuple[str, str], list[dt.date]] = {}
    for day, known in coverage.gaps:
        days.setdefault((known.state, known.reason), []).append(day)
    return [
        Gap(days_text(found), state_text(KnownDay(state)), _why(state, reason), _may_be_asked(state, reason))
        for (state, reason), found in days.items()
    ]


def _why(state: str, reason: str) -> str:
    if state != DayState.PROVISIONAL:
        return reason_text(reason)
    grows = _("The bill of such a day can still grow, so it is read again later.")
    return " ".join(filter(None, (grows, reason and _("The last reading failed."), reason_text(reason))))


def _may_be_asked(state: str, reason: str) -> bool:
    return bool(reason) and state in (DayState.FAILED, DayState.PARTIAL, DayState.PROVISIONAL)


def badge_of(coverage: Coverage) -> Badge:
    """Return what stands beside a total: ``29 of 30 days, 3 provisional``."""
    counts, known = coverage.counts, coverage.with_figures
    total = counts["days"]
    texts = [ngettext("%(known)s of %(total)s day", "%(known)s of %(total)s days", total)]
    if counts[DayState.PARTIAL]:
        texts.append(_("%(partial)s in part"))
    if counts[DayState.PROVISIONAL]:
        texts.append(
            ngettext(
                "%(provisional)s provisional", "%(provisional)s provisional", counts[DayState.PROVISIONAL]
            )
        )
    text = ", ".join(texts) % {"known": known, "total": total, **counts}
    if not known:
        return Badge("is-bad", "alert-circle", text)
    if not coverage.is_whole:
        return Badge("is-warn", "circle-dashed", text)
    return Badge("is-note", "clock", text) if counts[DayState.PROVISIONAL] else Badge("is-ok", "check", text)


def read_text(coverage: Coverage) -> str:
    """Say how many days are complete and when they were read, empty when none is."""
    moments = [
        known.read_at
        for day in coverage.period.days
        for known in [coverage.on(day)]
        if known.state == DayState.COMPLETE and known.read_at
    ]
    if not moments:
        return ""
    first, last = days_text([min(moments).date()]), days_text([max(moments).date()])
    if first == last:
        return _("read on %(day)s.") % {"day": first}
    return _("read between %(first)s and %(last)s.") % {"first": first, "last": last}


def lacks_some(history: History) -> bool:
    """Tell whether days with figures cost more than is known: something has no price, or was not read."""
    return bool(history.unpriced or history.coverage.counts[DayState.PARTIAL])


def step_state(coverage: Coverage) -> str:
    """Say how far a step of a series is known: its state, or how many of its days there are."""
    if coverage.period.length == 1:
        known = coverage.on(coverage.period.first)
        state, reason = state_text(known), reason_text(known.reason)
        return _("%(state)s: %(reason)s") % {"state": state, "reason": reason} if reason else state
    return badge_of(coverage).text if coverage.state != DayState.COMPLETE else _("complete")


def chart_state(coverage: Coverage) -> str:
    """Return the state of a step as the chart takes it: what is known in part only is ``partial``."""
    if coverage.state in ("missing", DayState.COMPLETE, DayState.PROVISIONAL):
        return str(coverage.state)
    return "partial"
