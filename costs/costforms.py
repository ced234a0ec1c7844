"""What can be asked of the current cost: the same form reads the addresses of page, exports and API."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.paginator import Page, Paginator
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.keyring import Key
from costs import currentcost
from costs.currentcost import LARGEST_FIRST, SORTS, CurrentCost, Grouping, Question
from costs.forms import LONGEST_SEARCH, LONGEST_TEXT, TextsField, page_of, problems_of
from costs.inventory import ResourceType
from costs.snapshots import Snapshot
from costs.together import Together, together
from costs.unlisted import Unlisted

LINES_PER_PAGE = 50
MOST_LINES_PER_PAGE = 1000


class _KnownTextsField(TextsField):
    """Several texts, each of which must be one of those that exist."""

    def __init__(self, *, known: list[str], unknown: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._known = frozenset(known)
        self._unknown = unknown

    def validate(self, value: list[str]) -> None:
        """Refuse what does not exist."""
        super().validate(value)
        for text in value:
            if text not in self._known:
                raise forms.ValidationError(self._unknown, params={"value": text})


class CostFilter(forms.Form):
    """The address of the current cost: search, types, states, tags, order, grouping and page."""

    search = forms.CharField(
        label=_("Search"),
        required=False,
        max_length=LONGEST_SEARCH,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": _("Id, name, specification or tag")}),
    )
    type = _KnownTextsField(
        label=_("Type"),
        required=False,
        known=[type_.value for type_ in ResourceType],
        unknown=_("No kind of resource is called “%(value)s”."),
    )
    state = TextsField(label=_("State"), required=False)
    tag = TextsField(label=_("Tag"), required=False)
    tag_key = TextsField(label=_("Tag key"), required=False)
    tag_value = TextsField(label=_("Tag value"), required=False)
    skip = _KnownTextsField(
        label=_("Without"),
        required=False,
        known=[type_.value for type_ in ResourceType],
        unknown=_("No kind of resource is called “%(value)s”."),
    )
    sort = forms.ChoiceField(
        label=_("Order"),
        required=False,
        choices=[(sort, sort) for sort in SORTS],
        error_messages={"invalid_choice": _("The resources cannot be sorted by “%(value)s”.")},
    )
    group = forms.ChoiceField(
        label=_("Totals by"),
        required=False,
        choices=Grouping.choices,
        error_messages={"invalid_choice": _("The totals cannot be grouped by “%(value)s”.")},
    )
    add_tag = forms.CharField(
        label=_("Tag"),
        required=False,
        max_length=LONGEST_TEXT,
        widget=forms.TextInput(attrs={"placeholder": _("key, =value or key=value")}),
    )
    page = forms.IntegerField(label=_("Page"), required=False, min_value=1)
    per_page = forms.IntegerField(
        label=_("Lines per page"), required=False, min_value=1, max_value=MOST_LINES_PER_PAGE
    )

    def clean(self) -> dict[str, Any]:
        """Put the tag that is being added to the others."""
        added = self.cleaned_data.pop("add_tag", "")
        if added and "tag" in self.cleaned_data:
            self.cleaned_data["tag"] = list(dict.fromkeys([*self.cleaned_data["tag"], added]))
        return self.cleaned_data

    place = forms.CharField(required=False, max_length=LONGEST_TEXT, widget=forms.HiddenInput())
    currency = forms.CharField(label=_("Currency"), required=False, max_length=3)

    several = ("type", "state", "tag", "tag_key", "tag_value", "skip")

    @property
    def question(self) -> Question:
        """What is asked of a reading."""
        asked = self.cleaned_data
        return Question(
            search=asked["search"],
            types=frozenset(asked["type"]),
            states=frozenset(asked["state"]),
            tags=tuple(asked["tag"]),
            tag_keys=tuple(asked["tag_key"]),
            tag_values=tuple(asked["tag_value"]),
            skipped=frozenset(asked["skip"]),
            sort=asked["sort"] or LARGEST_FIRST,
            grouping=asked["group"] or Grouping.TYPE,
        )

    def answer_of(self, snapshot: Snapshot, *, unlisted: Unlisted | None = None) -> CurrentCost:
        """Return what answers the question."""
        return currentcost.current_cost(snapshot, self.question, unlisted=unlisted)

    def page_of(self, cost: CurrentCost) -> Page | None:
        """Return the page of resources asked for; None, and an error of its field, when there is no such."""
        return page_of(self, Paginator(cost.lines, self.cleaned_data["per_page"] or LINES_PER_PAGE))

    def together_of(self, keys: Iterable[Key], now: dt.datetime) -> Together:
        """Return what answers the question at several places."""
        return together(keys, self.question, now)

    def currency_of(self, found: Together) -> str:
        """Return the currency to show: that asked for, else that of the first place.

        One in which nothing is billed becomes an error of its field, and empty.
        """
        currencies = [one.currency for one in found.totals]
        asked = self.cleaned_data["currency"] or currencies[0]
        if asked in currencies:
            return asked
        problem = _("Nothing is billed in “%(asked)s”; there is %(all)s.")
        params = {"asked": asked, "all": ", ".join(currencies)}
        self.add_error("currency", forms.ValidationError(problem, params=params))
        return ""

    @property
    def address(self) -> QueryDict:
        """The query that asks the same again, from the first page on, without refused and empty values."""
        address = QueryDict(mutable=True)
        for name in self.fields:
            found = self.cleaned_data.get(name) if name != "page" else None
            if found and name in self.several:
                address.setlist(name, found)
            elif found:
                address[name] = found
        return address

    @property
    def problems(self) -> list[str]:
        """What is wrong with the address, one sentence for each value."""
        return problems_of(self)


class SinceFilter(forms.Form):
    """The address of what changed: since which day, and the page."""

    since = forms.DateField(
        label=_("Since"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    page = forms.IntegerField(label=_("Page"), required=False, min_value=1)
    place = forms.CharField(required=False, max_length=LONGEST_TEXT, widget=forms.HiddenInput())

    def __init__(self, *args: Any, days: list[dt.date], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._days = days

    def clean_since(self) -> dt.date | None:
        """Return the day asked for, or the last one; refuse one of which no reading is kept."""
        since = self.cleaned_data["since"]
        if since and since not in self._days:
            raise forms.ValidationError(_("No reading of this day is kept."))
        return since or next(iter(self._days), None)

    def page_of(self, paginator: Paginator) -> Page | None:
        """Return the page asked for; None, and an error of its field, when there is no such."""
        return page_of(self, paginator)
