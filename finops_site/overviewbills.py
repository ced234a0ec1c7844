"""What is billed in one currency with the keys of a session: each figure is what a page answers.

So the overview cannot disagree with the pages that it leads to. Amounts in different currencies are never
added: regions that are billed in another one are another bill. Nothing here asks the cloud.
"""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import OuterRef, Subquery
from django.http import QueryDict

from accounts import regions
from accounts.keyring import Key, Keyring
from consumption.access import Access, access_of
from consumption.analysispage import AnalysisPage
from consumption.anomaliespage import ANOMALIES
from consumption.anomalyfindings import State
from consumption.asking import Asked
from consumption.forecastpage import FORECAST, remembered_answer_of
from consumption.history import Dimension, SeveralCurrencies
from consumption.historypage import HISTORY
from consumption.models import WITH_FIGURES, Ledger, UsageDay
from consumption.periods import Preset
from consumption.trendspage import TRENDS
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
    """What is billed in one currency with some keys of a session, seen at ``now``.

    ``works_out``: forecasts that are not remembered are worked out, which takes a second or two.
    """

    currency: str
    access: Access
    keyring: Keyring
    now: dt.datetime
    works_out: bool = False

    @property
    def regions(self) -> list[str]:
        """The regions of its keys."""
        return [key.region for key in self.access.keys]

    @cached_property
    def parts(self) -> list["Bill"]:
        """The bill of each key by itself."""
        if len(self.access.keys) == 1:
            return [self]
        return [
            Bill(self.currency, _access_with(self.access, [key]), self.keyring, self.now, self.works_out)
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

    @property
    def awaits_forecast(self) -> bool:
        """Tell whether a forecast that the overview shows has still to be worked out."""
        answers = [bill.outcome for bill in (self, *self.parts)]
        return any(answer.found is None and not answer.problem for answer in answers)

    @cached_property
    def readings(self) -> dict[str, CostSnapshot | None]:
        """The last stored reading of what runs, by region; None where there is none in this currency."""
        return {key.region: self._reading_of(key) for key in self.access.keys}

    def _reading_of(self, key: Key) -> CostSnapshot | None:
        made = CostSnapshot.objects.of(key.account_id, key.region).filter(reader=reader_of(key.access_key))
        stored = made.newest_first().without_lines().first()
        return stored if stored and stored.currency == self.currency else None

    def _answer(
        self, page: AnalysisPage, *, answer: Callable[[Asked], Any] | None = None, **query: str
    ) -> Answer:
        address = QueryDict(mutable=True)
        address.update(query)
        if self.regions != [self.keyring.current.region]:  # which a page shows when none is named
            address.setlist(Dimension.REGION, self.regions)
        url = f"{page.url}?{address.urlencode()}" if address else page.url
        asked = Asked.of(address, self.keyring, self.now, page.form, known_access=self.access)
        asked.form.is_valid()  # as its own address is
        try:
            return Answer(asked, url, (answer or page.answer)(asked))
        except SeveralCurrencies as error:  # a region is billed in another one than before
            return Answer(asked, url, None, str(error.message))


def bills_of(keyring: Keyring, now: dt.datetime, *, works_out: bool = False) -> list[Bill]:
    """Return a bill for each currency, that of the key in use first."""
    access = access_of(keys_of(keyring), now)
    currencies = _currencies_of(access)
    keys: dict[str, list[Key]] = {}
    for key in access.keys:
        keys.setdefault(currencies[key.region], []).append(key)
    return [
        Bill(currency, _access_with(access, found), keyring, now, works_out)
        for currency, found in keys.items()
    ]


def has_history(bills: Iterable[Bill]) -> bool:
    """Tell whether figures of any day are kept that the keys may see."""
    ledgers = [ledger for bill in bills for ledger in bill.access.ledgers]
    return UsageDay.objects.filter(ledger__in=ledgers, state__in=WITH_FIGURES).exists()


def keys_of(keyring: Keyring) -> list[Key]:
    """Return the key of each region that the pages would use."""
    found = {key.region: keyring.for_region(key.region) for key in keyring.keys}
    return list(found.values())


def _access_with(access: Access, keys: list[Key]) -> Access:
    """Return the part of what may be seen that some of the keys open."""
    places = {(key.account_id, key.region) for key in keys}
    return Access(
        keys,
        [ledger for ledger in access.ledgers if (ledger.account_id, ledger.region) in places],
        [(region, message) for region, message in access.refusals if region in {key.region for key in keys}],
    )


def _currencies_of(access: Access) -> dict[str, str]:
    """Return in which currency each region is billed: on its last day that has one, else as is assumed."""
    days = UsageDay.objects.filter(ledger=OuterRef("pk")).exclude(currency="").order_by("-day")
    ledgers = Ledger.objects.filter(pk__in=[ledger.pk for ledger in access.ledgers])
    billed = dict(
        ledgers.annotate(billed_in=Subquery(days.values("currency")[:1])).values_list("region", "billed_in")
    )
    return {key.region: billed.get(key.region) or regions.assumed_currency(key.region) for key in access.keys}
