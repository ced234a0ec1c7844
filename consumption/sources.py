"""Whose history is asked for: accounts in regions, where each is kept, and what is missing, in words."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from consumption.access import Access
from consumption.coverage import UNREAD, Coverage
from consumption.daytext import days_text
from consumption.models import DayState, Ledger
from consumption.reasons import reason_text


@dataclass(frozen=True)
class Source:
    """An account in a region, and the ledger that may be shown of it, if any.

    ``problem`` says in words why its history could not be read, or not wholly. ``account_id`` is empty when
    the keys were refused before they told whose they are.
    """

    account_id: str
    region: str
    ledger: Ledger | None
    problem: str = ""

    @property
    def name(self) -> str:
        """Account and region, for people."""
        return ", ".join(filter(None, [self.account_id, self.region]))


def sources_of(access: Access) -> list[Source]:
    """Return what the keys of a session may see, one source for each account and region."""
    ledgers = {ledger.place: ledger for ledger in access.ledgers}
    problems = {key.place: message for key, message in access.refusals}
    return [
        Source(key.account_id, key.region, ledgers.get(key.place), problems.get(key.place, ""))
        for key in access.keys
    ]


def missing_of(source: Source, coverage: Coverage) -> list[str]:
    """Say what the figures of a source lack in the days of ``coverage``, one sentence for each cause."""
    said = [_of(source, source.problem)] if source.problem else []
    if said and source.ledger is None:
        return said
    for (state, reason), days in _gaps(coverage).items():
        if state != DayState.PROVISIONAL:
            said.append(_of(source, f"{_sentence(state, days)}{reason and f' {reason_text(reason)}'}"))
    return said


def provisional_of(source: Source, coverage: Coverage) -> str:
    """Say which days of a source can still grow, empty when none can."""
    days = [
        day
        for (state, _reason), found in _gaps(coverage).items()
        for day in found
        if state == DayState.PROVISIONAL
    ]
    if not days:
        return ""
    text = ngettext(
        "The bill of %(count)s day can still grow: %(days)s.",
        "The bill of %(count)s days can still grow: %(days)s.",
        len(days),
    )
    return _of(source, text % {"count": len(days), "days": days_text(days)})


def _of(source: Source, sentence: str) -> str:
    return _("%(source)s: %(sentence)s") % {"source": source.name, "sentence": sentence}


def _gaps(coverage: Coverage) -> dict[tuple[str, str], list[dt.date]]:
    """Return the days that are not complete, by state and reason."""
    found = defaultdict(list)
    for day, known in coverage.gaps:
        found[known.state, "" if known.state == DayState.PROVISIONAL else known.reason].append(day)
    return found


def _sentence(state: str, days: Sequence[dt.date]) -> str:
    count = len(days)
    texts = {
        UNREAD: ngettext(
            "%(count)s day was never read: %(days)s.", "%(count)s days were never read: %(days)s.", count
        ),
        DayState.FAILED: ngettext(
            "%(count)s day could not be read: %(days)s.",
            "%(count)s days could not be read: %(days)s.",
            count,
        ),
        DayState.PARTIAL: ngettext(
            "%(count)s day is known in part: %(days)s.", "%(count)s days are known in part: %(days)s.", count
        ),
    }
    return texts[state] % {"count": count, "days": days_text(days)}
