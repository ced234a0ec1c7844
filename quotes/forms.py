"""What a customer may say of a quote: its name and its terms, for the pages and the JSON API."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from costs.forms import AmountField
from costs.models import CommitmentPeriod
from costs.money import trimmed
from quotes.models import LONGEST_HOURS, DurationUnit, Quote


class NameForm(forms.Form):
    """The name of a quote or of a group."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)


class TermsForm(forms.Form):
    """For how long a quote is, the commitment, and the discount on all of it."""

    duration = forms.IntegerField(label=gettext_lazy("Duration"), min_value=1, max_value=LONGEST_HOURS)
    duration_unit = forms.ChoiceField(label=gettext_lazy("Unit"), choices=DurationUnit.choices)
    commitment_period = forms.ChoiceField(
        label=gettext_lazy("Commitment"),
        choices=[("", gettext_lazy("None")), *CommitmentPeriod.choices],
        required=False,
    )
    global_discount_percent = AmountField(
        label=gettext_lazy("Discount, %"),
        min_value=0,
        max_value=100,
        max_digits=5,
        decimal_places=2,
    )

    def clean(self) -> dict[str, Any]:
        """Refuse more than a hundred years."""
        unit, duration = self.cleaned_data.get("duration_unit"), self.cleaned_data.get("duration")
        if unit and duration and duration * DurationUnit(unit).hours > LONGEST_HOURS:
            self.add_error("duration", _("A quote is for at most 100 years."))
        return self.cleaned_data


def terms_of(quote: Quote) -> dict[str, Any]:
    """Return the terms of ``quote`` as the values of ``TermsForm``."""
    values = {name: getattr(quote, name) for name in TermsForm.base_fields}
    return values | {"global_discount_percent": trimmed(quote.global_discount_percent)}
