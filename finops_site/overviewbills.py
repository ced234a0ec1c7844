"""What is billed in one currency with the keys of a session: each figure is what a page answers.

So the overview cannot disagree with the pages that it leads to. Amounts in different currencies are never
added: regions that are billed in another one are another bill. Nothing here asks the cloud.
"""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from accounts.keyring import Key, Keyring, place_texts
from consumption.access import Access, access_of
from consumption.allocationpage import ALLOCATION
from consumption.analysispage import AnalysisPage
from consumption.anomaliespage import ANOMALIES
from consumption.anomalyfindings import State
from consumption.asking import Asked
from consumption.forecastpage import FORECAST, remembered_answer_of
from consumption.history import Dimension, SeveralCurrencies
from consumption.historypage import HISTORY
from consumption.knowndays import KnownDays
from consumption.models import WITH_FIGURES, UsageDay
from consumption.periods import Preset
from consumption.trendspage import TRENDS
from consumption.untagged import untagged_of
from costs.models import CostSnapshot
from costs.snapshots import reader_of


@dataclass(frozen=True)
class Answer:
    """What a page answers at ``url``; ``found`` is None where it cannot answer, and ``problem`` says why.

    A forecast that nobody has worked out yet is None without a problem.
    """

    asked: Asked
    url: str
    found: Any
    problem: str = ""


@dataclass(frozen=True)
class Bill:
    """What is billed in one currency with some keys of a session, seen at ``now`` in its ``known`` days.

    ``works_out``: forecasts that are not remembered are worked out, which takes a second or two.
    """

    currency: str
    access: Access
    keyring: Keyring
    now: dt.datetime
    known: KnownDays
    works_out: bool = False

    @property
    def places(self) -> list[str]:
        """Where it is billed, for people: the regions, with the accounts where there are several."""
        return self.place_texts(self.access.keys)

    def place_texts(self, keys: Iterable[Key]) -> list[str]:
        """Return the places of some of its keys, for people."""
        return place_texts(keys, with_accounts=len(self.keyring.names) > 1)

    @cached_property
    def parts(self) -> list["Bill"]:
        """The bill of each key by itself."""
        if len(self.access.keys) == 1:
            return [self]
        return [
            Bill(self.currency, self.access.of([key]), self.keyring, self.now, self.known, self.works_out)
            for key in self.access.keys
        ]

    @property
    def month_has_begun(self) -> bool:
        """Tell whether a day of this month is over."""
        return self.now.day > 1

    @cached_property
    def month(self) -> Answer:
        """The history of this month to date; on its first day that of the whole month before."""
        return self._answer(HISTORY, period=Preset.MONTH_TO_DATE)

    @cached_property
    def last_month(self) -> Answer:
        """The history of the last whole month."""
        return self._answer(HISTORY, period=Preset.LAST_MONTH)

    @cached_property
    def days(self) -> Answer:
        """The history of the last thirty days, by category."""
        return self._answer(HISTORY, period=Preset.LAST_30_DAYS)

    @cached_property
    def outcome(self) -> Answer:
        """The forecast of this month."""
        return self._answer(FORECAST, answer=FORECAST.answer if self.works_out else remembered_answer_of)

    @cached_property
    def trends(self) -> Answer:
        """The trend of the last twelve months, whose movers are by type."""
        return self._answer(TRENDS, group_by=Dimension.TYPE)

    @cached_property
    def anomalies(self) -> Answer:
        """The anomalies of the last thirty days that nobody has called expected."""
        return self._answer(ANOMALIES, period=Preset.LAST_30_DAYS, state=State.OPEN)

    @cached_property
    def untagged(self) -> Answer:
        """What of the last whole month carries no tag of the usual key; its address names the key."""
        answer = self._answer(ALLOCATION, answer=untagged_of, period=Preset.LAST_MONTH)
        key = answer.found.key if answer.found else ""
        return replace(answer, url=f"{answer.url}&{urlencode({'tag': key})}") if key else answer

    @property
    def awaits_forecast(self) -> bool:
        """Tell whether a forecast that the overview shows has still to be worked out."""
        answers = [bill.outcome for bill in (self, *self.parts)]
        return any(answer.found is None and not answer.problem for answer in answers)

    @cached_property
    def readings(self) -> dict[str, CostSnapshot | None]:
        """The last stored reading of what runs, by place; None where there is none in this currency."""
        return {key.place: self._reading_of(key) for key in self.access.keys}

    def _reading_of(self, key: Key) -> CostSnapshot | None:
        made = CostSnapshot.objects.of(key.account_id, key.region).filter(reader=reader_of(key.access_key))
        stored = made.newest_first().without_lines().first()
        return stored if stored and stored.currency == self.currency else None

    def _answer(
        self, page: AnalysisPage, *, answer: Callable[[Asked], Any] | None = None, **query: str
    ) -> Answer:
        address = QueryDict(mutable=True)
        address.update(query)
        if self.access.keys != self.keyring.in_regions([]):  # which a page shows when none is named
            self._say_where(address)
        url = f"{page.url}?{address.urlencode()}" if address else page.url
        asked = Asked.of(
            *(address, self.keyring, self.now, page.form),
            known_access=self.access,
            known_days=self.known,
        )
        asked.form.is_valid()  # as its own address is
        try:
            return Answer(asked, url, (answer or page.answer)(asked))
        except SeveralCurrencies as error:  # a region is billed in another one than before
            return Answer(asked, url, None, str(error.message))

    def _say_where(self, address: QueryDict) -> None:
        keys = self.access.keys
        if len(self.keyring.names) == 1:
            address.setlist(Dimension.REGION, [key.region for key in keys])
        elif len(keys) > 1:
            address["currency"] = self.currency
        else:
            address.setlist("place", [key.place for key in keys])


def bills_of(keyring: Keyring, now: dt.datetime, *, works_out: bool = False) -> list[Bill]:
    """Return a bill for each currency, that of the key in use first."""
    by_currency = access_of(keyring.keys, now).by_currency
    return [
        Bill(currency, access, keyring, now, KnownDays(access.ledgers), works_out)
        for currency, access in by_currency.items()
    ]


def has_history(bills: Iterable[Bill]) -> bool:
    """Tell whether figures of any day are kept that the keys may see."""
    ledgers = [ledger for bill in bills for ledger in bill.access.ledgers]
    return UsageDay.objects.filter(ledger__in=ledgers, state__in=WITH_FIGURES).exists()
