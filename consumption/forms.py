"""What can be asked of the history: the same form reads the addresses of page, files and API."""

import datetime as dt
from collections.abc import Collection
from typing import Any

from django import forms
from django.core.paginator import Page, Paginator
from django.core.validators import MinValueValidator
from django.http import QueryDict
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consumption.daytext import period_text
from consumption.history import Dimension, Question
from consumption.periods import ONE_DAY, Granularity, Period, Preset, preset_period
from costs.forms import TextsField, page_of, problems_of

MOST_DAYS = 1100
"""Three years: the cloud itself knows no older prices (OUTSCALE ReadCatalogs)."""

LONGEST_BY_DAY = 62
"""Longer periods are shown by month, unless another granularity is asked for."""

EARLIEST_DAY = dt.date(2010, 1, 1)
"""The year in which the cloud began."""

SINCE_THE_CLOUD = MinValueValidator(EARLIEST_DAY, _("There was no cloud yet on this day."))

SORTS = ("cost", "name", "change")
"""What a table of groups can be sorted by; with a ``-`` before it from the end, as ``-cost`` is by itself."""

DEAREST_FIRST = "-cost"

_ALIASES = {"type": Dimension.TYPE}


def named_period_text(name: str | Promise, days: Period) -> str:
    """Write a period by its name, which may be empty, and its days: ``30 days (18 Nov to 17 Dec 2025)``."""
    return f"{name} ({period_text(days)})" if name else period_text(days)


class ConsumptionFilter(forms.Form):
    """The address of the history: days, granularity, grouping, filters, order and page.

    ``first`` and ``last`` are both included; without them ``period`` names the days. ``asks`` are the fields
    that a page shows, in their order; ``default_preset`` names the days when nothing else does.
    """

    asks: tuple[str, ...] = ("first", "last", "granularity", "group_by")
    default_preset: Preset = Preset.LAST_30_DAYS

    period = forms.ChoiceField(
        label=_("Period"),
        required=False,
        choices=Preset.choices,
        error_messages={"invalid_choice": _("No period is called “%(value)s”.")},
    )
    first = forms.DateField(
        label=_("From"),
        required=False,
        validators=[SINCE_THE_CLOUD],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    last = forms.DateField(
        label=_("To, included"),
        required=False,
        validators=[SINCE_THE_CLOUD],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    granularity = forms.ChoiceField(
        label=_("Granularity"),
        required=False,
        choices=Granularity.choices,
        error_messages={"invalid_choice": _("A step is a day, a week or a month, not “%(value)s”.")},
    )
    group_by = forms.CharField(
        label=_("Group by"), required=False, widget=forms.Select(choices=Dimension.choices)
    )
    category = TextsField(label=_("Category"), required=False)
    service = TextsField(label=_("Service"), required=False)
    resource_type = TextsField(label=_("Type"), required=False)
    subregion = TextsField(label=_("Subregion"), required=False)
    region = TextsField(label=_("Region"), required=False)
    account = TextsField(label=_("Account"), required=False)
    resource = TextsField(label=_("Resource"), required=False)
    place = TextsField(label=_("Account and region"), required=False)
    currency = forms.RegexField(
        r"\A[A-Z]{3}\Z",
        label=_("Currency"),
        required=False,
        error_messages={"invalid": _("A currency has three capital letters, as EUR.")},
    )
    steps = forms.BooleanField(label=_("All figures of the chart"), required=False)
    linked = forms.BooleanField(label=_("With linked accounts"), required=False)
    sort = forms.ChoiceField(
        label=_("Order"),
        required=False,
        choices=[(sort, sort) for name in SORTS for sort in (name, f"-{name}")],
        error_messages={"invalid_choice": _("The groups cannot be sorted by “%(value)s”.")},
    )
    page = forms.IntegerField(label=_("Page"), required=False, min_value=1)

    def __init__(
        self,
        *args: Any,
        today: dt.date,
        regions: Collection[str],
        places: Collection[str] = (),
        **kwargs: Any,
    ) -> None:
        """Take the UTC day ``today``, and the ``regions`` and ``places`` of which the session holds a key."""
        super().__init__(*args, **kwargs)
        self._today = today
        self._regions = regions
        self._places = places

    def clean_group_by(self) -> str:
        """Return the dimension to group by, the category by default."""
        asked = self.cleaned_data["group_by"] or Dimension.CATEGORY
        asked = _ALIASES.get(asked, asked)
        if asked not in Dimension.values:
            problem = _("Nothing can be grouped by “%(value)s”; there are %(all)s.")
            known = ", ".join(Dimension.values)
            raise forms.ValidationError(problem, params={"value": asked[:64], "all": known})
        return asked

    def clean_region(self) -> list[str]:
        """Return the regions asked for, of each of which the session holds a key."""
        for region in self.cleaned_data["region"]:
            if region not in self._regions:
                problem = _("This session holds no key of the region “%(region)s”.")
                raise forms.ValidationError(problem, params={"region": region[:64]})
        return self.cleaned_data["region"]

    def clean_place(self) -> list[str]:
        """Return the places asked for, as ``accounts.keyring.Key.place`` names them, each with a key."""
        for place in self.cleaned_data["place"]:
            if place not in self._places:
                problem = _("This session holds no key of “%(place)s”, or works on another account.")
                raise forms.ValidationError(problem, params={"place": place[:80]})
        return self.cleaned_data["place"]

    def clean(self) -> dict[str, Any]:
        """Check the days: whole ones that are over, in order, and not too many."""
        asked = self.cleaned_data
        if not self.errors.keys() & {"period", "first", "last"}:
            self._clean_days(asked["first"], asked["last"], asked["period"])
            self._prefer_the_preset()
        if asked.get("place") and asked.get("region"):
            self._clean_places(asked["place"], asked["region"])
        return asked

    def _clean_places(self, places: list[str], regions: list[str]) -> None:
        """Keep the places in the regions asked for: both filters hold."""
        kept = [place for place in places if place.partition(".")[2] in regions]
        if kept:
            self.cleaned_data["place"] = kept
        else:
            self.add_error("place", forms.ValidationError(_("None of these places is in the region.")))

    def _clean_days(self, first: dt.date | None, last: dt.date | None, preset: str) -> None:
        yesterday = self._today - ONE_DAY
        for name, day in (("first", first), ("last", last)):
            if day and day > yesterday:
                problem = _("Only days that are over can be shown: the last one is %(day)s (UTC).")
                shown = date_format(yesterday, "j F Y")
                self.add_error(name, forms.ValidationError(problem, params={"day": shown}))
                return
        if not (first or last):
            self.cleaned_data["days"] = preset_period(preset or self.default_preset, self._today)
            return
        last = last or yesterday
        first = first or last.replace(day=1)
        if first > last:
            self.add_error("last", forms.ValidationError(_("The last day is before the first one.")))
        elif last - first >= dt.timedelta(days=MOST_DAYS):
            problem = _("At most %(days)s days, three years, can be shown at once.")
            self.add_error("first", forms.ValidationError(problem, params={"days": MOST_DAYS}))
        else:
            self.cleaned_data["days"] = Period(first, last + ONE_DAY)

    def _prefer_the_preset(self) -> None:
        """Ask for a period by its name while its days are those of the form, which shows both."""
        asked = self.cleaned_data
        preset, days = asked["period"], asked.get("days")
        if preset and days and days == preset_period(preset, self._today):
            asked["first"] = asked["last"] = None

    @property
    def days(self) -> Period:
        """The days asked for."""
        return self.cleaned_data["days"]

    @property
    def preset(self) -> str:
        """The name of the period, empty when its days were chosen one by one."""
        if self.cleaned_data.get("first") or self.cleaned_data.get("last"):
            return ""
        return self.cleaned_data.get("period") or self.default_preset

    @property
    def period_words(self) -> str:
        """Which days the page is about, in words: by their name where they have one."""
        return named_period_text(Preset(self.preset).label if self.preset else "", self.days)

    @property
    def cannot_last(self) -> str | Promise:
        """Why the question cannot be asked some weeks later, empty when it can."""
        return ""

    @property
    def question(self) -> Question:
        """What is asked of the history."""
        asked = self.cleaned_data
        by_length = Granularity.DAY if self.days.length <= LONGEST_BY_DAY else Granularity.MONTH
        return Question(
            period=self.days,
            granularity=asked.get("granularity") or by_length,
            group_by=asked.get("group_by") or Dimension.CATEGORY,
            filters={
                name: frozenset(asked[name])
                for name in Dimension.values
                if asked[name] and name != Dimension.REGION  # which says whose ledgers are asked
            },
            with_linked=asked["linked"],
        )

    @property
    def address(self) -> QueryDict:
        """The query that asks the same again, from the first page on, without refused and empty values."""
        address = QueryDict(mutable=True)
        for name in self.fields:
            found = self.cleaned_data.get(name) if name != "page" else None
            if found and isinstance(found, list):
                address.setlist(name, found)
            elif found:
                address[name] = "1" if found is True else str(found)
        return address

    @property
    def order(self) -> str:
        """The order of the groups."""
        return self.cleaned_data.get("sort") or DEAREST_FIRST

    @property
    def shown(self) -> "ConsumptionFilter":
        """The form as a page shows it: each field says what is shown; a refused one keeps what was typed."""
        if self.errors:
            return self
        asked = self.question
        initial = {name: self.cleaned_data[name] for name in self.asks} | {
            "first": self.days.first,
            "last": self.days.last,
            "granularity": asked.granularity,
            "group_by": asked.group_by,
            "linked": asked.with_linked,
        }
        return type(self)(initial=initial, today=self._today, regions=self._regions, places=self._places)

    @property
    def asked_fields(self) -> list[forms.BoundField]:
        """The fields that the page shows."""
        return [self[name] for name in self.asks]

    @property
    def problems(self) -> list[str]:
        """What is wrong with the address, one sentence for each value."""
        return problems_of(self)

    def page_of(self, paginator: Paginator) -> Page | None:
        """Return the page asked for; None, and an error of its field, when there is no such."""
        return page_of(self, paginator)
