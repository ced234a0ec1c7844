"""What can be said of an allocation rule, by customers on their page and by operators in the admin."""

import datetime as dt
from dataclasses import replace
from typing import Any
from unicodedata import category, normalize

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from consumption import ruleorder
from consumption.forms import ConsumptionFilter
from consumption.periods import Preset
from consumption.questions import Question
from consumption.rules import ANYTHING, AllocationRule

_ACCOUNT_DIGITS = 12

_OF_NO_LINE = ("Cc", "Zl", "Zp")
"""Kinds of characters that control, or end, a line; tags hold any others, also spaces that do not break."""


class RulesFilter(ConsumptionFilter):
    """The days over which the rules are shown: last month when the address names none."""

    asks = ("first", "last")
    default_preset = Preset.LAST_MONTH

    granularity = group_by = steps = sort = None

    @property
    def question(self) -> Question:
        """What is asked of the history: its total and its resources."""
        return replace(super().question, totals_only=True)


class RuleForm(forms.ModelForm):
    """A rule of an ``owner``, of the operators for None; ``place`` counts from 1.

    ``seen`` is the moment of the change that the form was opened with.
    """

    seen = forms.DateTimeField(required=False, widget=forms.HiddenInput)
    place = forms.IntegerField(
        label=_("Place"),
        required=False,
        min_value=1,
        max_value=ruleorder.MOST_RULES,
        help_text=_("The rule at place 1 is looked at first. Empty: a new rule comes last."),
    )

    class Meta:
        model = AllocationRule
        fields = ["cost_centre", "account_id", "tag_key", "tag_value", "name_pattern"]
        help_texts = {
            "cost_centre": _("Rules that name the same cost centre are added up."),
            "account_id": _("The account that consumed, 12 digits."),
            "tag_key": _("Capital and small letters are different."),
            "tag_value": _("“*” stands for any characters: imag*. Empty: any value."),
            "name_pattern": _(
                "What the tag Name says, or the id of the resource; “*” stands for any characters: web-*"
            ),
        }

    def __init__(self, *args: Any, owner: User | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            self.instance.owner = owner
            # Any place will do for the checks of the model: the database is given one by the order.
            self.instance.position = 1
        else:
            self.fields["seen"].initial = self.instance.updated_at.isoformat()
            # Empty, so that a page that was opened before others were moved moves nothing back.
            now = _("It is at place %(place)s now. Empty: it stays there.")
            self.fields["place"].help_text = now % {"place": self.instance.position}
        for name in self.fields:
            self.fields[name].widget.attrs["autocomplete"] = "off"

    def clean_cost_centre(self) -> str:
        """Return the name on one line; names that look the same are the same, so that they are added up."""
        name = normalize("NFC", self.cleaned_data["cost_centre"])
        if not any(one.isprintable() and not one.isspace() for one in name):
            message = self.fields["cost_centre"].error_messages["required"]
            raise forms.ValidationError(message, code="required")
        return " ".join(name.split())

    def clean_account_id(self) -> str:
        """Return the account, which is the number that the cloud gives it."""
        account_id = self.cleaned_data["account_id"]
        if account_id and not (
            account_id.isascii() and account_id.isdigit() and len(account_id) == _ACCOUNT_DIGITS
        ):
            raise forms.ValidationError(_("An OUTSCALE account is a number of 12 digits."))
        return account_id

    def clean(self) -> dict[str, Any]:
        """Check what must fit together: a tag is a key and a value, and there is room for the rule."""
        given = super().clean()
        for name in ("cost_centre", "tag_key", "tag_value", "name_pattern"):
            if any(category(one) in _OF_NO_LINE for one in given.get(name, "")):
                self.add_error(name, _("This cannot be written on one line."))
        if given.get("tag_value") and not given.get("tag_key") and "tag_key" not in self.errors:
            self.add_error("tag_key", _("Name the tag that this value is of."))
        if given.get("tag_key") and "tag_value" in given:
            given["tag_value"] = given["tag_value"] or ANYTHING
        if self.instance._state.adding and ruleorder.is_full(self.instance.owner):
            raise forms.ValidationError(ruleorder.TooManyRules.message)
        if given.get("seen") and given["seen"] != self.instance.updated_at:
            self.data = self.data.copy()
            self.data[self.add_prefix("seen")] = self.instance.updated_at.isoformat()  # to be saved again
            raise forms.ValidationError(ruleorder.ChangedMeanwhile.message)
        return given

    def keep(self, *, at: dt.datetime) -> AllocationRule:
        """Write the rule of a valid form to its place; raises as ``ruleorder.keep`` does."""
        given = self.cleaned_data
        return ruleorder.keep(rule=self.instance, at=at, place=given["place"], seen=given["seen"])
