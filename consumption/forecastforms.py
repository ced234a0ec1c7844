"""What can be asked of the forecast: until when, and of what."""

import datetime as dt
from typing import Any

from django import forms
from django.db.models import TextChoices
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from consumption.forms import ConsumptionFilter, named_period_text
from consumption.periods import ONE_DAY, Period, months_later

LOOKS_BACK = 91
"""How many days are read for a forecast: enough to learn from. What else is kept is learnt from, too."""

LOOKS_AHEAD = 366
"""A chosen last day is at most so many days from today."""


class Horizon(TextChoices):
    """The periods whose bill is forecast by name."""

    MONTH = "month", _("This month")
    NEXT_MONTH = "next-month", _("Next month")
    QUARTER = "quarter", _("This quarter")
    YEAR = "year", _("This year")


def horizon_period(horizon: str, today: dt.date) -> Period:
    """Return the days of a horizon, seen from the UTC day ``today``."""
    months_passed = {Horizon.QUARTER: (today.month - 1) % 3, Horizon.YEAR: today.month - 1}
    lengths = {Horizon.QUARTER: 3, Horizon.YEAR: 12}
    begin = 1 if horizon == Horizon.NEXT_MONTH else -months_passed.get(Horizon(horizon), 0)
    first = months_later(today, begin)
    return Period(first, months_later(first, lengths.get(Horizon(horizon), 1)))


class ForecastFilter(ConsumptionFilter):
    """The address of the forecast: ``until`` is the last day; without it ``horizon`` names the period.

    The days of the other pages (``first``, ``last``, ``period``) are here those that the models learn from;
    without them, all that is kept.
    """

    asks = ("until",)

    horizon = forms.ChoiceField(
        label=_("Period"),
        required=False,
        choices=Horizon.choices,
        error_messages={"invalid_choice": _("No period ahead is called “%(value)s”.")},
    )
    until = forms.DateField(
        label=_("Until, included"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def clean_until(self) -> dt.date | None:
        """Return the last day, today at the earliest."""
        until, latest = self.cleaned_data["until"], self._today + dt.timedelta(days=LOOKS_AHEAD)
        if until and not self._today <= until <= latest:
            problem = _("A forecast ends between %(first)s and %(last)s.")
            shown = {"first": date_format(self._today, "j F Y"), "last": date_format(latest, "j F Y")}
            raise forms.ValidationError(problem, params=shown)
        return until

    def clean(self) -> dict[str, Any]:
        """Ask for a period by its name while the form, which shows both, has its last day."""
        asked = self.cleaned_data
        named = horizon_period(asked.get("horizon") or Horizon.MONTH, self._today)
        until = asked.get("until")
        if until == named.last:
            asked["until"] = None
        elif until:
            asked["horizon"] = ""
            named = Period(months_later(self._today, 0), until + ONE_DAY)
        asked["ahead"] = named
        return super().clean()

    def _clean_days(self, first: dt.date | None, last: dt.date | None, preset: str) -> None:
        super()._clean_days(first, last, preset)
        if not (first or last or preset):
            begin = min(self._today - dt.timedelta(days=LOOKS_BACK), self.ahead.first)
            self.cleaned_data["days"] = Period(begin, self._today)

    @property
    def ahead(self) -> Period:
        """The days whose cost is forecast."""
        return self.cleaned_data["ahead"]

    @property
    def horizon_name(self) -> str:
        """The name of these days, empty when the last one was chosen."""
        return "" if self.cleaned_data.get("until") else self.cleaned_data.get("horizon") or Horizon.MONTH

    @property
    def preset(self) -> str:
        """The name of the days that the models learn from, empty when these have none."""
        return super().preset if self.cleaned_data.get("period") else ""

    @property
    def learns_from(self) -> Period | None:
        """The days that the models learn from, None for all that is kept."""
        is_chosen = any(self.cleaned_data.get(name) for name in ("first", "last", "period"))
        return self.days if is_chosen else None

    @property
    def period_words(self) -> str:
        """Which days are forecast, and which are learnt from where they were chosen."""
        name = self.horizon_name
        words = named_period_text(Horizon(name).label if name else "", self.ahead)
        if not self.learns_from:
            return words
        return str(_("%(days)s, learnt from %(learnt)s")) % {"days": words, "learnt": super().period_words}

    @property
    def shown(self) -> "ForecastFilter":
        """The form as the page shows it."""
        form = super().shown
        if form is not self:
            form.initial["until"] = self.ahead.last
        return form
