"""The current cost as people look at it: one query over a stored reading that page, exports and API share.

It never asks the cloud. Amounts exclude tax and are in the currency of the reading.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from costs import products
from costs.amounts import Amount, amount_of, total
from costs.collation import folded, natural
from costs.inventory import LISTS, RESOURCE_TYPE_OF, Missing, ResourceType, affected_by, counted_by
from costs.lines import Cost, Line
from costs.snapshots import Snapshot
from costs.unlisted import Unlisted


class Grouping(TextChoices):
    """By what the totals are parted."""

    TYPE = "type", _("Type")
    CATEGORY = "category", _("Category")
    SUBREGION = "subregion", _("Subregion")


class Sort(StrEnum):
    """The columns that a person can sort by; a leading minus turns the order round."""

    RESOURCE = "resource"
    TYPE = "type"
    SPECIFICATION = "specification"
    STATE = "state"
    SUBREGION = "subregion"
    HOUR = "hour"
    MONTH = "month"


SORTS = [sign + column for column in Sort for sign in ("", "-")]
LARGEST_FIRST = "-month"

_TYPE_NAMES = {
    ResourceType.VM: _("Virtual machines"),
    ResourceType.VOLUME: _("Volumes"),
    ResourceType.SNAPSHOT: _("Snapshots, upper bound"),
    ResourceType.PUBLIC_IP: _("Public addresses"),
    ResourceType.NAT_SERVICE: _("NAT services"),
    ResourceType.LOAD_BALANCER: _("Load balancers"),
    ResourceType.VPN_CONNECTION: _("VPN connections"),
    ResourceType.FLEXIBLE_GPU: _("Flexible GPUs"),
    ResourceType.DEDICATED_INSTANCE: _("Dedicated hardware, use"),
    ResourceType.DIRECT_LINK: _("DirectLinks"),
    ResourceType.OBJECT_STORAGE: _("Object storage buckets"),
}


_TYPE_WORDS = {
    ResourceType.VM: _("VM"),
    ResourceType.VOLUME: _("Volume"),
    ResourceType.SNAPSHOT: _("Snapshot"),
    ResourceType.PUBLIC_IP: _("Public IP"),
    ResourceType.NAT_SERVICE: _("NAT service"),
    ResourceType.LOAD_BALANCER: _("Load balancer"),
    ResourceType.VPN_CONNECTION: _("VPN connection"),
    ResourceType.FLEXIBLE_GPU: _("Flexible GPU"),
    ResourceType.DEDICATED_INSTANCE: _("Fee"),
    ResourceType.DIRECT_LINK: _("DirectLink"),
    ResourceType.OBJECT_STORAGE: _("Bucket"),
}
_COLUMN_LABELS = {
    Sort.RESOURCE: _("Resource"),
    Sort.SPECIFICATION: _("Specification"),
    Sort.STATE: _("State"),
    Sort.HOUR: _("Per hour"),
    Sort.MONTH: _("Per month"),
}


def columns(sort: str) -> list[dict[str, Any]]:
    """Return the heads of the sortable columns: what a click asks for next, and the present direction."""
    present, descending = (sort or LARGEST_FIRST).removeprefix("-"), (sort or LARGEST_FIRST).startswith("-")
    return [
        {
            "key": column.value,
            "label": label,
            "next_sort": column.value if present == column and descending else f"-{column}",
            "direction": ("descending" if descending else "ascending") if present == column else "",
            "is_amount": column in {Sort.HOUR, Sort.MONTH},
        }
        for column, label in _COLUMN_LABELS.items()
    ]


def type_name(type_: str) -> str:
    """Return the name of a kind of resource in the reader's language."""
    return str(_TYPE_NAMES[ResourceType(type_)])


def type_word(type_: str) -> str:
    """Return the name of one resource of a kind."""
    return str(_TYPE_WORDS[ResourceType(type_)])


def call_name(call: str) -> str:
    """Return the name of what a call reads, in the reader's language."""
    return type_name(RESOURCE_TYPE_OF[call])


@dataclass(frozen=True)
class Question:
    """What to show of a reading; every condition must hold, of several types or states one.

    ``tags`` are ``key=value``, ``key`` or ``=value``, a key with an equals sign in it too; ``tag_keys`` and
    ``tag_values`` tell the two apart. ``skipped`` are kinds of resource that are left out.
    """

    search: str = ""
    types: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()
    tags: tuple[str, ...] = ()
    tag_keys: tuple[str, ...] = ()
    tag_values: tuple[str, ...] = ()
    skipped: frozenset[str] = frozenset()
    sort: str = LARGEST_FIRST
    grouping: str = Grouping.TYPE

    @property
    def grouping_name(self) -> str:
        """By what the totals are parted, in the reader's language."""
        return str(Grouping(self.grouping).label)

    @property
    def is_narrowed(self) -> bool:
        """Tell whether it leaves anything out."""
        conditions = (self.search, self.types, self.states, self.tags, self.tag_keys, self.tag_values)
        return any(conditions) or bool(self.skipped)


@dataclass(frozen=True)
class Group:
    """The resources of one kind, category or subregion: how many, and what is known of their cost.

    ``missing`` says why there is no count and no cost: the list could not be read, or was not (``code`` is
    empty then). Such a group is never zero.
    """

    key: str
    name: str
    count: int | None
    amount: Amount | None
    unpriced: int = 0
    share: Decimal | None = None
    missing: Missing | None = None
    is_whole: bool = True
    """Whether everything that the figures depend on was read; of a group that has figures at all."""

    @property
    def lacks(self) -> bool:
        """Tell whether the figures lack something."""
        return bool(self.unpriced) or not self.is_whole


@dataclass(frozen=True)
class CurrentCost:
    """What answers a question: the ``lines`` in their order, and everything that is said about them.

    ``unlisted`` is what no call lists, from the last consumed day; it is in no total, and None when it is not
    known or when the question leaves anything out.
    """

    snapshot: Snapshot
    question: Question
    lines: list[Line] = field(repr=False)
    unlisted: Unlisted | None = None

    def cost_of(self, line: Line) -> Cost:
        """Return what a resource costs."""
        return self.snapshot.cost_of(line)

    @property
    def currency(self) -> str:
        """The currency of every amount (ISO 4217)."""
        return self.snapshot.currency

    @cached_property
    def amount(self) -> Amount:
        """The known cost of the lines together."""
        return self.snapshot.amount_of(self.lines)

    @cached_property
    def unpriced(self) -> list[Line]:
        """The lines of which not the whole price is known."""
        return [line for line in self.lines if line.cost in self.snapshot.unpriced]

    @property
    def missing(self) -> list[Missing]:
        """What could not be read, as far as anything that the question would show depends on it."""
        return [one for one in self.snapshot.missing if any(map(self._is_asked, affected_by(one.call)))]

    @property
    def not_read(self) -> list[ResourceType]:
        """The kinds of resource that the question would show, and that the reading was not asked for."""
        known = {*self.snapshot.read, *(one.call for one in self.snapshot.missing)}
        absent = [RESOURCE_TYPE_OF[call] for call in LISTS if call not in known]
        return [type_ for type_ in absent if self._is_asked(type_)]

    @property
    def leaves_objects_out(self) -> bool:
        """Tell whether the object storage would be shown and was not asked for."""
        return ResourceType.OBJECT_STORAGE in self.not_read

    @property
    def lacks(self) -> bool:
        """Tell whether the totals lack something: a list, or the price of a resource."""
        return bool(self.missing or self.unpriced)

    @cached_property
    def groups(self) -> list[Group]:
        """The totals by the question's grouping, dearest first; what is missing comes last."""
        groups_of = {
            Grouping.TYPE: self.by_type,
            Grouping.CATEGORY: self.by_category,
            Grouping.SUBREGION: self.by_subregion,
        }
        return groups_of[Grouping(self.question.grouping)]()

    def by_type(self) -> list[Group]:
        """Return the totals of each kind of resource, and a group without figures for each missing kind."""
        groups = self._grouped(lambda line: line.resource_type.value, type_name)
        lists = [one for one in self.missing if one.call in LISTS and not one.detail]
        # Why a kind itself could not be read says more than why another list failed that it depends on.
        absent = {RESOURCE_TYPE_OF[one.call]: one for one in lists}
        absent = {type_: one for one in lists for type_ in counted_by(one.call)} | absent
        known = [group for group in groups if group.key not in absent or group.count]
        shown = {group.key for group in known}
        gaps = [
            Group(type_.value, type_name(type_), None, None, missing=absent[type_])
            for type_ in ResourceType
            if type_ in absent and type_.value not in shown and self._is_asked(type_)
        ]
        return known + gaps

    def by_subregion(self) -> list[Group]:
        """Return the totals of each subregion; what belongs to none is under the region's name."""
        return self._grouped(lambda line: line.subregion, str)

    def by_category(self) -> list[Group]:
        """Return the totals of each category of the catalog, to which each part of a price belongs."""
        amounts: dict[str, list[tuple[Amount, int]]] = defaultdict(list)
        counts: Counter[str] = Counter()
        unpriced: Counter[str] = Counter()
        for place, number in Counter(line.cost for line in self.lines).items():
            cost = self.snapshot.costs[place]
            for category, amount in _parts_by_category(cost).items():
                amounts[category].append((amount, number))
                counts[category] += number
                unpriced[category] += 0 if cost.is_priced else number
        return self._ordered(
            Group(key, products.category_name(key), counts[key], total(found), unpriced[key])
            for key, found in amounts.items()
        )

    def _grouped(self, key_of: Callable[[Line], str], name_of: Callable[[str], str]) -> list[Group]:
        counts: dict[str, Counter[int]] = defaultdict(Counter)
        for (key, place), number in Counter((key_of(line), line.cost) for line in self.lines).items():
            counts[key][place] = number
        return self._ordered(
            Group(
                key,
                name_of(key),
                found.total(),
                self.snapshot.amount_of_costs(found),
                sum(number for place, number in found.items() if place in self.snapshot.unpriced),
            )
            for key, found in counts.items()
        )

    def _ordered(self, groups: Iterable[Group]) -> list[Group]:
        """Return groups with their shares, dearest first."""
        whole = self.amount.month
        shared = [
            Group(
                group.key,
                group.name,
                group.count,
                group.amount,
                group.unpriced,
                group.amount.month * 100 / whole if whole else None,
            )
            for group in groups
        ]
        return sorted(shared, key=lambda group: (-group.amount.month, group.name))

    def _is_asked(self, type_: ResourceType) -> bool:
        question = self.question
        return type_ not in question.skipped and (not question.types or type_ in question.types)


def current_cost(snapshot: Snapshot, question: Question, *, unlisted: Unlisted | None = None) -> CurrentCost:
    """Return the resources of a reading that answer ``question``, in its order."""
    found = snapshot.lines
    for holds in _conditions(question):
        found = [line for line in found if holds(line)]
    beside = None if question.is_narrowed else unlisted
    return CurrentCost(snapshot, question, _sorted(found, snapshot, question.sort), beside)


def states(snapshot: Snapshot) -> list[str]:
    """Return the states that resources of a reading are in, most frequent first."""
    counted = Counter(line.state for line in snapshot.lines if line.state)
    return [state for state, _count in counted.most_common()]


def tag_texts(line: Line) -> list[str]:
    """Return the tags of a resource as ``key=value``."""
    return [f"{key}={value}" for key, value in line.tags.items()]


def _parts_by_category(cost: Cost) -> dict[str, Amount]:
    if cost.price is None:
        return {}
    parts = defaultdict(list)
    for part in cost.price.parts:
        parts[part.category].append(part)
    return {category: amount_of(found, cost.price.period) for category, found in parts.items()}


def _conditions(question: Question) -> list[Callable[[Line], bool]]:
    """Return what must hold of a line; the cheap conditions first."""
    conditions: list[Callable[[Line], bool]] = []
    if question.types:
        conditions.append(lambda line: line.resource_type in question.types)
    if question.skipped:
        conditions.append(lambda line: line.resource_type not in question.skipped)
    if question.states:
        conditions.append(lambda line: line.state in question.states)
    conditions += [_has_key(key) for key in question.tag_keys]
    conditions += [_has_value(value) for value in question.tag_values]
    conditions += [_tag_condition(tag) for tag in question.tags]
    words = folded(question.search).split()
    if words:
        conditions.append(lambda line: _matches(line, words))
    return conditions


def _tag_condition(tag: str) -> Callable[[Line], bool]:
    if tag.startswith("="):
        return _has_value(tag[1:])
    if "=" not in tag:
        return _has_key(tag)
    # Wherever the key ends: both may hold equals signs.
    splits = [(tag[:place], tag[place + 1 :]) for place, sign in enumerate(tag) if sign == "="]
    return lambda line: tag in line.tags or any(line.tags.get(key) == value for key, value in splits)


def _has_key(key: str) -> Callable[[Line], bool]:
    return lambda line: key in line.tags


def _has_value(value: str) -> Callable[[Line], bool]:
    return lambda line: value in line.tags.values()


def _matches(line: Line, words: Sequence[str]) -> bool:
    said = [line.name, line.resource_id, line.specification, line.subregion, *tag_texts(line)]
    text = folded("\n".join(said))
    return all(word in text for word in words)


def _sorted(lines: list[Line], snapshot: Snapshot, sort: str) -> list[Line]:
    """Return lines in the order asked for; equals by their id, so that pages never overlap."""
    column, descending = Sort(sort.removeprefix("-")), sort.startswith("-")
    ordered = sorted(lines, key=lambda line: line.resource_id)
    return sorted(ordered, key=_sort_key(column, snapshot), reverse=descending)


def _sort_key(column: Sort, snapshot: Snapshot) -> Callable[[Line], Any]:
    match column:
        case Sort.RESOURCE:
            return lambda line: natural(line.name or line.resource_id)
        case Sort.TYPE:
            return lambda line: line.resource_type
        case Sort.SPECIFICATION:
            return lambda line: natural(line.specification)
        case Sort.STATE:
            return lambda line: line.state
        case Sort.SUBREGION:
            return lambda line: line.subregion
    months = [cost.amount.month for cost in snapshot.costs]
    return lambda line: months[line.cost]
