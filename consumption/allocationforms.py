"""What can be asked of the allocation: the same form reads the addresses of page, files and API."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django import forms
from django.db.models import TextChoices
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from consumption.allocation import MOST_KEYS, Sharing
from consumption.forms import ConsumptionFilter
from consumption.periods import Preset
from consumption.questions import Question
from consumption.tagmodels import LONGEST_TAG
from costs.forms import TextsField

_SEVERAL = ("tag", "shared")


class AllocatedBy(TextChoices):
    """What says whose a resource is."""

    TAG = "tag", _("Tag")
    CENTRE = "centre", _("Cost centre")


class TagKeysField(forms.Field):
    """One tag key or two, each once, as they are written: keys that differ by case are different keys."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value: Any) -> list[str]:
        """Return the keys, each once."""
        return list(dict.fromkeys(value or []))

    def validate(self, value: list[str]) -> None:
        """Refuse more than two keys, and what no key can be."""
        super().validate(value)
        check_keys(value)


def check_keys(keys: Sequence[str]) -> None:
    """Refuse more keys than two, and what no key can be."""
    if len(keys) > MOST_KEYS:
        raise forms.ValidationError(_("At most %(most)s keys at once."), params={"most": MOST_KEYS})
    if not all(keys):
        raise forms.ValidationError(_("A tag key is not empty."))
    if any(len(key) > LONGEST_TAG or "\x00" in key for key in keys):
        problem = _("A tag key has at most %(most)s characters.")
        raise forms.ValidationError(problem, params={"most": LONGEST_TAG})


class AllocationFilter(ConsumptionFilter):
    """The address of the allocation: last month when it names no days.

    ``tag`` holds the keys; ``key`` and ``second_key`` are how the page asks for them, and are in no address.
    ``shared`` names services of which everything is shared.
    """

    asks = ("first", "last", "by", "key", "second_key", "tag", "sharing")
    default_preset = Preset.LAST_MONTH

    granularity = group_by = steps = sort = None

    by = forms.ChoiceField(
        label=_("By"),
        required=False,
        choices=AllocatedBy.choices,
        error_messages={"invalid_choice": _("Nothing is allocated by “%(value)s”.")},
    )
    tag = TagKeysField(label=_("Tag key"), required=False)
    key = forms.CharField(
        label=_("By tag"), required=False, strip=False, max_length=LONGEST_TAG, widget=forms.Select
    )
    second_key = forms.CharField(
        label=_("And by tag"), required=False, strip=False, max_length=LONGEST_TAG, widget=forms.Select
    )
    sharing = forms.ChoiceField(
        label=_("Shared costs"),
        required=False,
        choices=Sharing.choices,
        error_messages={"invalid_choice": _("Shared costs are never “%(value)s”.")},
    )
    shared = TextsField(label=_("Shared service"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._offered: Sequence[str] = ()
        self._chosen: Sequence[str] = ()

    def offer(self, keys: Sequence[str], chosen: Sequence[str]) -> None:
        """Offer tag keys to choose from; ``chosen`` are those that the answer is about."""
        self._offered, self._chosen = keys, chosen
        known = [(key, key) for key in dict.fromkeys([*keys, *chosen])]
        self.fields["key"].widget.choices = known or [("", _("No tag was read yet"))]
        self.fields["second_key"].widget.choices = [("", _("No second tag")), *known]

    def clean(self) -> dict[str, Any]:
        """Put the keys of the page to those of the address."""
        asked = super().clean()
        of_page = [asked.pop(name, "") for name in ("key", "second_key")]
        if asked.get("by") == AllocatedBy.CENTRE:
            of_page = []  # the fields of the tags still stand in the form that asks for cost centres
            if asked.get("tag"):
                self.add_error("tag", _("Either by tag or by cost centre, not both."))
        if "tag" in asked:
            asked["tag"] = list(dict.fromkeys(key for key in [*asked["tag"], *of_page] if key))
            try:
                check_keys(asked["tag"])
            except forms.ValidationError as error:
                self.add_error("tag", error)
        self.offer((), asked.get("tag", of_page))
        return asked

    @property
    def asked_fields(self) -> list[forms.BoundField]:
        """The fields that the page shows: two of them ask for what the address calls ``tag``."""
        left_out = {"tag"}
        if self.initial.get("by") == AllocatedBy.CENTRE:
            left_out |= {"key", "second_key"}
        return [field for field in super().asked_fields if field.name not in left_out]

    @property
    def by_centre(self) -> bool:
        """Tell whether the cost centres are asked for that the rules name."""
        return self.cleaned_data["by"] == AllocatedBy.CENTRE

    @property
    def tag_keys(self) -> list[str]:
        """The keys asked for, none when the usual one is."""
        return self.cleaned_data["tag"]

    @property
    def way_of_sharing(self) -> str:
        """What becomes of shared costs."""
        return self.cleaned_data.get("sharing") or Sharing.APART

    @property
    def shared_services(self) -> list[str]:
        """The services of which everything is shared."""
        return self.cleaned_data["shared"]

    @property
    def question(self) -> Question:
        """What is asked of the history: its total and its resources."""
        return replace(super().question, totals_only=True)

    @property
    def address(self) -> QueryDict:
        """The query that asks the same again, from the first page on, without refused and empty values."""
        address = super().address
        for name in _SEVERAL:
            address.pop(name, None)
            if self.cleaned_data.get(name):
                address.setlist(name, self.cleaned_data[name])
        if self.cleaned_data.get("by") != AllocatedBy.CENTRE:
            address.pop("by", None)
        if self.way_of_sharing == Sharing.APART:
            address.pop("sharing", None)
        return address

    @property
    def shown(self) -> "AllocationFilter":
        """The form as a page shows it: each field says what is shown; a refused one keeps what was typed."""
        if self.errors:
            return self
        key, second = [*self._chosen, "", ""][:2]
        initial = {
            "first": self.days.first,
            "last": self.days.last,
            "by": self.cleaned_data["by"] or AllocatedBy.TAG,
            "key": key,
            "second_key": second,
            "sharing": self.way_of_sharing,
            "linked": self.cleaned_data["linked"],
        }
        shown = type(self)(initial=initial, today=self._today, regions=self._regions, places=self._places)
        shown.offer(self._offered, self._chosen)
        return shown
