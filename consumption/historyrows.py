"""The rows and links of the page of the history: every link is an address that asks a whole question."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import QueryDict
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from consumption.comparison import Change, Comparison
from consumption.consumed import Consumed
from consumption.focus import focus_months
from consumption.forms import ConsumptionFilter
from consumption.groupnames import GroupName, Names
from consumption.history import Dimension, Group, History, Question
from consumption.periods import Period, Preset
from costs import products
from costs.money import show_number
from costs.pricelist import PriceKey

LARGEST = 9
"""How many groups have a colour of their own; the others are drawn as one."""

_BELOW = {
    Dimension.CATEGORY: Dimension.TYPE,
    Dimension.SERVICE: Dimension.TYPE,
    Dimension.SUBREGION: Dimension.TYPE,
    Dimension.REGION: Dimension.TYPE,
    Dimension.ACCOUNT: Dimension.TYPE,
    Dimension.TYPE: Dimension.RESOURCE,
    Dimension.RESOURCE: Dimension.TYPE,
}
"""By what a group is parted when it is opened; a resource is parted into its meters, and those no further."""


@dataclass(frozen=True)
class Row:
    """One group as the page shows it; ``url`` opens it, empty where there is nothing below."""

    group: Group
    name: GroupName
    category: str
    colour: str
    url: str
    average: Decimal
    change: Change

    @property
    def is_unknown(self) -> bool:
        """Tell whether nothing of its cost is known, which is not zero."""
        return bool(self.group.unpriced) and not self.group.cost


@dataclass(frozen=True)
class Column:
    """A column of the table; ``direction`` is how it is sorted, empty when it is not."""

    key: str
    label: str
    direction: str
    next_sort: str


def colour_of(place: int, key: str, dimension: str) -> str:
    """Return the token of a group by its place in the order of cost: a category has its own everywhere."""
    if dimension == Dimension.CATEGORY:
        return key if key in products.CATEGORIES else "others"
    return f"series-{place + 1}" if place < LARGEST else "others"


@dataclass(frozen=True)
class Rows(Sequence[Row]):
    """The groups of a history as rows, each made when it is shown: there may be ten thousand."""

    keys: list[str]
    _make: Callable[[str], Row]

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, place: int | slice) -> Any:
        if isinstance(place, slice):
            return [self._make(key) for key in self.keys[place]]
        return self._make(self.keys[place])


def rows_of(history: History, names: Names, address: QueryDict, *, order: str) -> Rows:
    """Return a row for every group, in an order of ``consumption.forms.SORTS``."""
    question, comparison, dimension = history.question, Comparison(history), history.question.group_by
    days = history.coverage.with_figures or 1
    place_of = {key: place for place, key in enumerate(history.groups.keys)}

    def row(key: str) -> Row:
        group = history.groups[place_of[key]]
        return Row(
            group,
            names.of(dimension, key),
            names.category_of(key) if dimension == Dimension.TYPE else "",
            colour_of(place_of[key], key, dimension) if group.cost else "others",
            opened(address, question, key),
            group.cost / days,
            comparison.of(group.cost, group.before),
        )

    return Rows(_sorted(history, names, order), row)


def _sorted(history: History, names: Names, order: str) -> list[str]:
    """Return the keys in an order; those without a known change stand at the end either way."""
    keys, backwards = history.groups.keys, order.startswith("-")
    match order.removeprefix("-"):
        case "name":
            dimension = history.question.group_by
            return sorted(keys, key=lambda key: names.text(dimension, key).casefold(), reverse=backwards)
        case "change":
            changes = {
                key: Decimal(now) / before for key, (now, before) in history.whole_costs.items() if before
            }
            known = sorted((key for key in keys if key in changes), key=changes.get, reverse=backwards)
            return known + [key for key in keys if key not in changes]
    return keys if backwards else keys[::-1]


def opened(address: QueryDict, question: Question, key: str) -> str:
    """Return the address that parts a group further, empty where there is nothing below it."""
    dimension = Dimension(question.group_by)
    is_meter = dimension == Dimension.TYPE and question.asks_resources
    if is_meter or not key:
        return ""
    below = address.copy()
    below.pop("sort", None)
    below.setlist(dimension, [key])
    below["group_by"] = _BELOW[dimension]
    return f"?{below.urlencode()}"


def below_text(question: Question) -> str:
    """Say what a click on a row shows, empty where there is nothing below."""
    dimension = Dimension(question.group_by)
    if dimension == Dimension.TYPE and question.asks_resources:
        return ""
    return {
        Dimension.TYPE: _("Select one to see its resources."),
        Dimension.RESOURCE: _("Select one to see what it is billed for, day by day."),
    }.get(dimension, _("Select one to see its types."))


def columns_of(dimension: str, order: str) -> list[Column]:
    """Return the columns of the table that can be sorted, each with the order that a click asks for."""
    labels = {"name": str(Dimension(dimension).label), "cost": _("Cost"), "change": _("Change")}
    return [_column(key, label, order) for key, label in labels.items()]


def _column(key: str, label: str, order: str) -> Column:
    downwards, upwards = f"-{key}", key
    first = upwards if key == "name" else downwards
    direction = {upwards: "ascending", downwards: "descending"}.get(order, "")
    turned = {upwards: downwards, downwards: upwards}.get(order, first)
    return Column(key, label, direction, turned)


def presets_of(address: QueryDict, current: str) -> list[dict[str, Any]]:
    """Return the periods with a name, each with its address; the steps of a series follow its length."""
    base = address.copy()
    for name in ("first", "last", "granularity"):
        base.pop(name, None)
    found = []
    for preset in Preset:
        base["period"] = preset
        entry = {"key": str(preset), "label": preset.label, "url": f"?{base.urlencode()}"}
        found.append(entry | {"is_current": preset == current})
    return found


def conditions_of(address: QueryDict, names: Names) -> list[dict[str, str]]:
    """Return the filters, each with the address that is without it."""
    return [
        {
            "dimension": dimension.label,
            "name": names.text(dimension, value),
            "url": _without(address, dimension, value),
        }
        for dimension in Dimension
        for value in address.getlist(dimension)
    ] + [
        {"dimension": _("Account and region"), "name": place, "url": _without(address, "place", place)}
        for place in address.getlist("place")
    ]


def _without(address: QueryDict, name: str, value: str) -> str:
    widened = address.copy()
    widened.setlist(name, [one for one in widened.getlist(name) if one != value])
    return f"?{widened.urlencode()}"


def without_filters(address: QueryDict) -> str:
    """Return the address that asks the same of everything."""
    widened = address.copy()
    for dimension in Dimension:
        widened.pop(dimension, None)
    return f"?{widened.urlencode()}"


def hidden_of(form: ConsumptionFilter) -> list[tuple[str, str]]:
    """Return what a form sends along besides the fields that a page shows: names and values."""
    own = {*form.asks, "linked", "page", "steps"}
    return [(name, value) for name in form.fields if name not in own for value in form.address.getlist(name)]


def choices_of(
    consumed: Consumed, names: Names, address: QueryDict, regions: Iterable[str]
) -> list[dict[str, Any]]:
    """Return what can be filtered by, dimension by dimension, without what is chosen already."""
    values = {
        dimension: consumed.values(dimension)
        for dimension in (Dimension.CATEGORY, Dimension.SERVICE, Dimension.TYPE, Dimension.SUBREGION)
    }
    values |= {Dimension.REGION: sorted(regions), Dimension.ACCOUNT: consumed.values(Dimension.ACCOUNT)}
    found = []
    for dimension, all_values in values.items():
        named = [(value, names.text(dimension, value)) for value in all_values]
        left = [one for one in named if one[0] not in address.getlist(dimension)]
        if len(named) > 1 and left:
            choices = sorted(left, key=lambda one: one[1].casefold())
            found.append({"name": str(dimension), "label": dimension.label, "choices": choices})
    return found


def focus_files_of(address: QueryDict, period: Period) -> list[dict[str, str]]:
    """Return the FOCUS files of the months that a period has days of, newest first, each a whole month."""
    query, found = address.copy(), []
    for month in reversed(focus_months(period)):
        query["month"] = f"{month:%Y-%m}"
        url = f"{reverse('consumption:focus')}?{query.urlencode()}"
        found.append({"url": url, "label": date_format(month, _("F Y"))})
    return found


def unpriced_of(history: History) -> list[str]:
    """Return what has no price, a text for each product: its name, how much of it, on how many lines."""
    return [
        ngettext(
            "%(name)s: a quantity of %(value)s on %(lines)s line",
            "%(name)s: a quantity of %(value)s on %(lines)s lines",
            one.lines,
        )
        % {
            "name": products.name(PriceKey(one.service, one.type, one.operation)),
            "value": show_number(one.value),
            "lines": one.lines,
        }
        for one in history.unpriced
    ]
