"""What the groups of the history are called: our own words, with the cloud's codes beside them."""

from collections.abc import Mapping
from typing import NamedTuple

from django.utils.translation import gettext as _

from consumption.consumed import Consumed, keys_of
from consumption.history import Dimension
from costs import products
from costs.lines import Line


class GroupName(NamedTuple):
    """A name for people, the cloud's code where that is another one, and what else is known."""

    text: str
    code: str = ""
    detail: str = ""


class Names:
    """Names the values of every dimension.

    ``accounts`` are the names of the accounts of the session's keys, ``lines`` the resources that its last
    reading of the current cost knows.
    """

    def __init__(
        self, consumed: Consumed, accounts: Mapping[str, str], lines: Mapping[str, Line] | None = None
    ) -> None:
        self._products = consumed.products()
        self._accounts = accounts
        self._lines = lines or {}

    def of(self, dimension: str, key: str) -> GroupName:
        """Return what a value of a dimension is called."""
        match dimension:
            case Dimension.CATEGORY:
                return GroupName(products.category_name(key))
            case Dimension.SERVICE:
                return _with_code(products.service_name(key), key)
            case Dimension.TYPE:
                return self._type(key)
            case Dimension.RESOURCE:
                return self._resource(key)
            case Dimension.ACCOUNT:
                return _with_code(self._accounts.get(key) or key, key)
        return GroupName(key or _("No subregion"))

    def text(self, dimension: str, key: str) -> str:
        """Return the name of a value of a dimension, without its code."""
        return self.of(dimension, key).text

    def category_of(self, type_: str) -> str:
        """Return the categories of a type."""
        found = sorted({meter.category for meter in self._products.get(type_, ())})
        return ", ".join(products.category_name(category) for category in found)

    def _type(self, type_: str) -> GroupName:
        meters = self._products.get(type_)
        return _with_code(products.common_name(keys_of(meters)), type_) if meters else GroupName(type_)

    def _resource(self, resource_id: str) -> GroupName:
        if not resource_id:
            return GroupName(_("Without a resource id"))
        line = self._lines.get(resource_id)
        if line is None:
            return GroupName(resource_id)
        return _with_code(line.name or resource_id, resource_id)._replace(detail=line.specification)


def _with_code(text: str, code: str) -> GroupName:
    return GroupName(text, "" if text == code else code)
