"""What can be asked of the FOCUS files: a month, beside what is asked of the history."""

import datetime as dt

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from consumption.forms import SINCE_THE_CLOUD, ConsumptionFilter


class FocusFilter(ConsumptionFilter):
    """The address of a FOCUS file: the month, regions, and whether with linked accounts.

    Without a month it is that of the last day of the period. The filters of the page take no part: a FOCUS
    file says everything that was consumed.
    """

    month = forms.DateField(
        label=_("Month"),
        required=False,
        input_formats=["%Y-%m"],
        validators=[SINCE_THE_CLOUD],
        error_messages={"invalid": _("A month is written as 2026-10.")},
    )

    without_unpriced = forms.BooleanField(label=_("Without what has no price"), required=False)

    def clean_month(self) -> dt.date | None:
        """Return the first day of the month asked for, of which at least that day must be over."""
        month = self.cleaned_data["month"]
        if month and month >= self._today:
            raise forms.ValidationError(_("No day of this month is over yet (UTC)."))
        return month

    @property
    def asked_month(self) -> dt.date:
        """The first day of the month that the file is of."""
        return self.cleaned_data["month"] or self.days.last.replace(day=1)

    @property
    def address(self) -> QueryDict:
        """The query of the page, which asks for no month and leaves nothing out."""
        address = super().address
        for name in ("month", "without_unpriced"):
            address.pop(name, None)
        return address
