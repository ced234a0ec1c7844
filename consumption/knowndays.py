"""The days of some ledgers, looked up once for all that a page asks of them."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import date
from functools import cached_property
from typing import Any

from consumption.coverage import DAY_FACTS
from consumption.models import Ledger, UsageDay


class KnownDays:
    """The ledger rows of all kept days, which histories share (``history_of``).

    The sums of such histories are remembered until one of their days is read again. So both must be of one
    moment (``consumption.moment``): sums of days that were kept since would be remembered for those before.
    """

    def __init__(self, ledgers: Iterable[Ledger]) -> None:
        self._ledgers = list(ledgers)

    def rows(self, ledgers: Iterable[Ledger], first: date, end: date) -> Sequence[Any]:
        """Return the rows of some of the ledgers in ``[first, end)``, with ``DAY_FACTS`` and the currency."""
        found = []
        for ledger in ledgers:
            days, rows = self._by_ledger[ledger.pk]
            found += rows[bisect_left(days, first) : bisect_left(days, end)]
        return found

    @cached_property
    def _by_ledger(self) -> dict[int, tuple[list[date], list[Any]]]:
        found: dict[int, tuple[list[date], list[Any]]] = {ledger.pk: ([], []) for ledger in self._ledgers}
        rows = UsageDay.objects.filter(ledger__in=self._ledgers).order_by("day")
        for row in rows.values_list("pk", "ledger_id", *DAY_FACTS, "currency", named=True):
            days, of_ledger = found[row.ledger_id]
            days.append(row.day)
            of_ledger.append(row)
        return found
