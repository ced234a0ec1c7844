"""What can be asked about anomalies, and said about one."""

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from consumption.anomalyfindings import State, asked_by_day
from consumption.forms import ConsumptionFilter
from consumption.models import LONGEST_NOTE
from consumption.periods import Preset
from consumption.questions import Question

ALL = "all"


class AnomaliesFilter(ConsumptionFilter):
    """The address of the anomalies: days, filters, which of them, and the one that is explained.

    They are looked for day by day, so that there is no granularity; a row opens into its types.
    """

    asks = ("first", "last", "state")
    default_preset = Preset.LAST_365_DAYS  # and not 12 whole months: what began this month matters most

    granularity = group_by = sort = page = None

    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[(ALL, _("All")), (State.OPEN, _("Open")), (State.EXPECTED, _("Expected"))],
        error_messages={"invalid_choice": _("An anomaly is open or expected, not “%(value)s”.")},
    )
    anomaly = forms.DateField(label=_("Explained anomaly"), required=False)

    def clean_state(self) -> str:
        """Return which anomalies are asked for, empty for all."""
        state = self.cleaned_data["state"]
        return "" if state == ALL else state

    @property
    def question(self) -> Question:
        """What is asked of the history: always by day and type."""
        return asked_by_day(super().question)

    @property
    def opened(self) -> str:
        """The key of the anomaly that is explained, empty when none is."""
        day = self.cleaned_data.get("anomaly")
        return day.isoformat() if day else ""

    @property
    def closed_address(self) -> QueryDict:
        """The query that asks the same with no anomaly explained."""
        address = self.address
        address.pop("anomaly", None)
        return address


class NoteForm(forms.Form):
    """What a customer says of an anomaly that is expected."""

    note = forms.CharField(
        label=_("Why it is expected, if you like"),
        required=False,
        max_length=LONGEST_NOTE,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Name the field on a page that has other forms."""
        super().__init__(*args, auto_id="anomaly_%s", **kwargs)
