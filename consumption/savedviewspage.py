"""How saved views are shown: in the menu of the pages, and in their list with what each of them asks."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from accounts.keyring import Keyring
from consumption.analysispage import AnalysisPage
from consumption.consumed import Consumed
from consumption.forms import ConsumptionFilter
from consumption.groupnames import Names
from consumption.history import Dimension
from consumption.models import Meter, SavedView
from consumption.plans import plans_of
from consumption.savedviewforms import RenameForm

_SAID_APART = {"first", "last", "period", "horizon", "until"}
_NOT_SAID = {"page", "sort", "steps"}
"""How something is shown, and not what is asked."""

_PLAN = "plan:"


@dataclass(frozen=True)
class Row:
    """A view in the list: the heading of its page, and what it asks in words.

    ``problems`` says why it cannot be asked with the keys of this session.
    """

    view: SavedView
    heading: str | Promise
    words: list[str]
    problems: list[str]
    form: RenameForm


def menu_of(
    views: Iterable[SavedView], pages: Mapping[str, AnalysisPage], here: AnalysisPage, query: str
) -> list[dict[str, Any]]:
    """Return the entries of the menu: the views of the page it is on first.

    ``query`` is what that page asks now.
    """
    entries = [
        {
            "name": view.name,
            "page": pages[view.page].heading,
            "url": view.get_absolute_url(),
            "is_here": view.page == here.name,
            "is_current": view.page == here.name and view.query == query,
        }
        for view in views
    ]
    return sorted(entries, key=lambda entry: not entry["is_here"])


def form_of(view: SavedView, sent: QueryDict | None = None) -> RenameForm:
    """Return the form that renames a view, with what was ``sent``; its fields are named after the view."""
    return RenameForm(sent, initial={"name": view.name}, auto_id=f"view_{view.pk}_%s")


def rows_of(
    views: Sequence[SavedView],
    pages: Mapping[str, AnalysisPage],
    keyring: Keyring,
    today: dt.date,
    refused: Mapping[object, RenameForm],
    *,
    planner: str,
) -> list[Row]:
    """Return the rows of the list, in as many queries for many views as for one.

    ``refused`` are forms that something was wrong with, by the key of their view; ``planner`` is the account
    of their owner, whose quotes are named.
    """
    held = {"regions": keyring.regions, "places": keyring.places}
    asked = {view.pk: pages[view.page].form(QueryDict(view.query), today=today, **held) for view in views}
    words = _Words.of(asked.values(), keyring, planner)
    return [
        Row(
            view,
            pages[view.page].heading,
            words.about(form) if form.is_valid() else [],
            form.problems,
            refused.get(view.pk) or form_of(view),
        )
        for view in views
        for form in [asked[view.pk]]
    ]


@dataclass(frozen=True)
class _Words:
    """What is needed to name the values of questions."""

    names: Names
    plans: dict[str, str]

    @classmethod
    def of(cls, asked: Iterable[ConsumptionFilter], keyring: Keyring, planner: str) -> "_Words":
        types: set[str] = set()
        accounts = keyring.names
        plans = {}
        for form in asked:
            types.update(form.data.getlist(Dimension.TYPE))
            if not plans and form.data.get("estimate", "").startswith(_PLAN):
                plans = {f"{_PLAN}{plan.id}": plan.name for plan in plans_of(planner)}
        meters = list(Meter.objects.filter(type__in=types)) if types else []
        return cls(Names(Consumed(meters, list(accounts)), accounts), plans)

    def about(self, form: ConsumptionFilter) -> list[str]:
        """Say what a valid form asks: the period first, then everything else that its address has."""
        said = [form.period_words]
        for name, field in form.fields.items():
            values = form.address.getlist(name)
            is_default = name in ("granularity", "group_by") and name not in form.asks
            if not values or is_default or name in _SAID_APART | _NOT_SAID:
                continue
            if isinstance(field, forms.BooleanField):
                said.append(str(field.label))
            else:
                named = ", ".join(self._value(name, field, value) for value in values)
                said.append(_("%(what)s: %(values)s") % {"what": field.label, "values": named})
        return said

    def _value(self, name: str, field: forms.Field, value: str) -> str:
        if name in Dimension.values:
            return self.names.text(name, value)
        if value.startswith(_PLAN):
            return self.plans.get(value) or _("a quote that is gone")
        choices = getattr(field, "choices", None) or getattr(field.widget, "choices", ())
        return str(dict(choices).get(value, value))
