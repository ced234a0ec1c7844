"""The rows and links of the page of the current cost."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from costs import currentcost, products
from costs.assumptions import Assumption
from costs.currentcost import CurrentCost, tag_texts
from costs.fileformats import FileFormat
from costs.lines import Cost, Line
from costs.pricelist import product_code
from costs.pricing import LINUX
from costs.together import MergedCost

TAGS_SHOWN = 3


@dataclass(frozen=True)
class Row:
    """One resource as the page shows it; ``extras`` are the licences that its price holds.

    ``of`` is the reading that it is from; ``place`` names its account and region where there are several.
    """

    line: Line
    cost: Cost
    is_open: bool
    extras: list[str]
    tags: list[dict[str, str]]
    more_tags: int
    of: CurrentCost
    place: str = ""

    @property
    def notes(self) -> list[dict[str, Any]]:
        """What explains the price, and whether it is an assumption."""
        return [
            {"label": note.label, "is_assumption": isinstance(note, Assumption)} for note in self.cost.notes
        ]


def rows_of(cost: CurrentCost, lines: list[Line], address: QueryDict, *, opened: str) -> list[Row]:
    """Return the rows of a page; those with the id ``opened`` show how their price is made."""
    return [
        Row(
            line,
            cost.cost_of(line),
            line.resource_id == opened,
            _licences(cost.cost_of(line)),
            *_tags(line, address),
            *_origin(cost, line),
        )
        for line in lines
    ]


def _origin(cost: CurrentCost, line: Line) -> tuple[CurrentCost, str]:
    """Return the reading that a resource is from, and the name of its place where there are several."""
    if not isinstance(cost, MergedCost):
        return cost, ""
    place = cost.place_of(line)
    return place.cost, place.key.place_text


def _tags(line: Line, address: QueryDict) -> tuple[list[dict[str, str]], int]:
    """Return the first tags with their addresses, and how many more there are; the name is shown already."""
    texts = [text for text in tag_texts(line) if not text.startswith("Name=")]
    shown = [{"text": text, "url": with_tag(address, text)} for text in texts[:TAGS_SHOWN]]
    return shown, len(texts) - len(shown)


def _licences(cost: Cost) -> list[str]:
    codes = [product_code(part.key) for part in cost.price.parts] if cost.price else []
    return [products.licence_name(code) for code in codes if code not in (None, LINUX)]


def with_tag(address: QueryDict, tag: str) -> str:
    """Return the address that asks for a tag too."""
    narrowed = address.copy()
    if tag not in narrowed.getlist("tag"):
        narrowed.appendlist("tag", tag)
    return f"?{narrowed.urlencode()}"


def conditions_of(address: QueryDict) -> list[dict[str, str]]:
    """Return the conditions that no field of the form shows, each with the address that is without it.

    The form has a field for one type and one state; several of them stand here.
    """
    conditions = [
        *((name, value, value) for name in ("tag", "tag_key") for value in address.getlist(name)),
        *(("tag_value", value, f"={value}") for value in address.getlist("tag_value")),
        *(
            ("skip", value, _("without %(kind)s") % {"kind": currentcost.type_name(value)})
            for value in address.getlist("skip")
        ),
        *(("type", value, currentcost.type_name(value)) for value in _several(address, "type")),
        *(("state", value, value) for value in _several(address, "state")),
    ]
    return [{"text": text, "url": _without(address, name, value)} for name, value, text in conditions]


def _several(address: QueryDict, name: str) -> list[str]:
    """Return the values of a name that has more than one."""
    values = address.getlist(name)
    return values if len(values) > 1 else []


def hidden_of(address: QueryDict) -> list[tuple[str, str]]:
    """Return what the form must send along besides its fields: names and values."""
    kept = ("place", "currency", "sort", "group", "tag", "tag_key", "tag_value", "skip", "per_page")
    several = [(name, value) for name in ("type", "state") for value in _several(address, name)]
    return [(name, value) for name in kept for value in address.getlist(name)] + several


def _without(address: QueryDict, name: str, value: str) -> str:
    widened = address.copy()
    widened.setlist(name, [one for one in widened.getlist(name) if one != value])
    return f"?{widened.urlencode()}"


def files_of(
    address: QueryDict, formats: dict[str, FileFormat], url_of: Callable[[str], str]
) -> list[dict[str, Any]]:
    """Return the entries of the menu of files; ``url_of`` makes the address of a format."""
    query = f"?{address.urlencode()}" if address else ""
    return [
        {"url": f"{url_of(name)}{query}", "label": one.label, "download": True}
        for name, one in formats.items()
        if name != "csv"
    ]
