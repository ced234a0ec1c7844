"""What was consumed in a period at all: the products, places and accounts that can be asked for."""

from collections.abc import Iterable
from dataclasses import dataclass

from consumption.history import Dimension, History
from consumption.models import Meter
from costs.pricelist import PriceKey

_FIELD_OF = {
    Dimension.CATEGORY: "category",
    Dimension.SERVICE: "service",
    Dimension.TYPE: "type",
    Dimension.SUBREGION: "subregion",
}


@dataclass(frozen=True)
class Consumed:
    """The meters and accounts that have consumption in a period, or in the one before it."""

    meters: list[Meter]
    accounts: list[str]

    def values(self, dimension: Dimension) -> list[str]:
        """Return what a dimension can be filtered by, without what has no name."""
        if dimension == Dimension.ACCOUNT:
            return self.accounts
        return sorted({getattr(meter, _FIELD_OF[dimension]) for meter in self.meters} - {""})

    def products(self) -> dict[str, list[Meter]]:
        """Return the meters of each type."""
        found: dict[str, list[Meter]] = {}
        for meter in self.meters:
            found.setdefault(meter.type, []).append(meter)
        return found


def consumed_in(history: History) -> Consumed:
    """Return what the ledgers of a history hold in its period and the one before."""
    return Consumed(history.meters, history.accounts)


def keys_of(meters: Iterable[Meter]) -> set[PriceKey]:
    """Return the products that meters measure."""
    return {meter.key for meter in meters}
