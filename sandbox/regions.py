"""The four regions of the sandbox: where they are, what currency they bill in, which parts they have."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Region:
    """One region.

    `price_factor` turns a price of eu-west-2 into a price here, in `currency`. `subregions` pairs the name of
    a subregion with the code of its physical zone.
    """

    name: str
    currency: str
    price_factor: Decimal
    subregions: tuple[tuple[str, str], ...]
    has_oks: bool = False
    has_h200: bool = False

    @property
    def endpoint(self) -> str:
        """The host name of the real region, as ReadRegions shows it."""
        return f"api.{self.name}.outscale.com"


def _region(
    name: str, currency: str, factor: str, zones: str, *, has_oks: bool = False, has_h200: bool = False
) -> Region:
    subregions = tuple((name + letter, zone) for letter, zone in zip("abc", zones.split(), strict=False))
    return Region(name, currency, Decimal(factor), subregions, has_oks, has_h200)


# cloudgouv-eu-west-1 stands 20 % above eu-west-2 in OUTSCALE's price list of 2020. The American factors are
# ours: their price lists are not public. OKS is offered in the two French regions only (OUTSCALE
# documentation, "OKS API").
REGIONS = {
    region.name: region
    for region in (
        _region("eu-west-2", "EUR", "1", "PAR1 PAR4", has_oks=True, has_h200=True),
        _region("cloudgouv-eu-west-1", "EUR", "1.2", "PAR7 PAR8 PAR9", has_oks=True, has_h200=True),
        _region("us-east-2", "USD", "1.08", "NJ1 NJ2"),
        _region("us-west-1", "USD", "1.15", "SV1 SV2"),
    )
}
