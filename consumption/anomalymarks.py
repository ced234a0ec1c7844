"""Anomalies that a customer has marked as expected: of which account, in which question to the history.

A mark stands for every anomaly of its direction that shares a day with it, in the same question whatever its
period: an anomaly that grows by another day stays known. It changes nothing of the detection.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.db.models import QuerySet

from accounts import changes
from consumption.anomalies import Anomaly
from consumption.models import ExpectedAnomaly, Ledger
from consumption.periods import Period
from consumption.questions import Question


@dataclass(frozen=True)
class Scope:
    """What a mark belongs to: an account, and what its session asked of ``places``, without the period."""

    account_id: str
    text: str
    places: tuple[str, ...] = ()

    @classmethod
    def of(cls, account_id: str, ledgers: Iterable[Ledger], question: Question) -> "Scope":
        """Return the scope of a question to some ledgers, the same in whatever order it names them."""
        ledgers = list(ledgers)
        places = [f"{ledger.account_id}/{ledger.region}" for ledger in ledgers]
        filters = [f"{name}={one}" for name, values in question.filters.items() for one in values]
        linked = ["linked=1"] if question.with_linked else []
        text = "\n".join([*sorted(places), *sorted(filters), *linked])
        return cls(account_id, text, tuple(ledger.place for ledger in ledgers))

    @cached_property
    def digest(self) -> str:
        """What stands for the text where that may be too long for an index."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def _rows(self) -> QuerySet[ExpectedAnomaly]:
        return ExpectedAnomaly.objects.filter(account_id=self.account_id, scope_digest=self.digest)

    def marks(self, period: Period) -> list[ExpectedAnomaly]:
        """Return the marks that have a day in a period, oldest first (one query)."""
        return list(self._rows.filter(first_day__lt=period.end, last_day__gte=period.first).order_by("pk"))

    def mark(self, anomaly: Anomaly, note: str = "") -> ExpectedAnomaly:
        """Mark an anomaly as expected; a second time only its note and its last day are written anew."""
        mark, _is_new = ExpectedAnomaly.objects.update_or_create(
            account_id=self.account_id,
            scope_digest=self.digest,
            first_day=anomaly.period.first,
            is_rise=anomaly.is_rise,
            defaults={"scope": self.text, "last_day": anomaly.period.last, "note": note},
        )
        self._note_change()
        return mark

    def unmark(self, anomaly: Anomaly) -> None:
        """Take back all marks that stand for an anomaly; there may be none any more."""
        shared = self._rows.filter(first_day__lt=anomaly.period.end, last_day__gte=anomaly.period.first)
        shared.filter(is_rise=anomaly.is_rise).delete()
        self._note_change()

    def _note_change(self) -> None:
        """Others who may see these places see the mark, too."""
        changes.note(*map(changes.of_place, self.places))


def mark_of(anomaly: Anomaly, marks: Sequence[ExpectedAnomaly]) -> ExpectedAnomaly | None:
    """Return the latest mark that stands for an anomaly, None when it is open."""
    found = [
        mark
        for mark in marks
        if mark.is_rise == anomaly.is_rise
        and mark.first_day < anomaly.period.end
        and mark.last_day >= anomaly.period.first
    ]
    return found[-1] if found else None
