"""The kinds of resource that a quote can hold: how each is priced and described from its parameters.

The parameters are those of the JSON API, already checked (``quotes.itemforms``).
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from costs import pricing, products
from costs.money import show_number
from costs.pricelist import PriceKey, PriceList
from costs.pricing import Price, Tenancy
from costs.vmtypes import shape_of

Parameters = dict[str, Any]


class ResourceType(TextChoices):
    """What an item of a quote is."""

    VM = "vm", gettext_lazy("Virtual machine")
    VOLUME = "volume", gettext_lazy("Volume")
    SNAPSHOT = "snapshot", gettext_lazy("Snapshot")
    PUBLIC_IP = "public_ip", gettext_lazy("Public IP")
    FLEXIBLE_GPU = "flexible_gpu", gettext_lazy("Flexible GPU")
    NAT_SERVICE = "nat_service", gettext_lazy("NAT service")
    LOAD_BALANCER = "load_balancer", gettext_lazy("Load balancer")
    VPN_CONNECTION = "vpn_connection", gettext_lazy("VPN connection")
    DIRECT_LINK = "direct_link", gettext_lazy("DirectLink")
    OBJECT_STORAGE = "object_storage", gettext_lazy("Object storage")
    OKS_CONTROL_PLANE = "oks_control_plane", gettext_lazy("Kubernetes control plane")
    CATALOG_ENTRY = "catalog_entry", gettext_lazy("Other catalog entry")


def _vm(parameters: Parameters, prices: PriceList) -> Price:
    return pricing.vm(
        shape_of(parameters["vm_type"]),
        prices,
        product_codes=parameters["product_codes"],
        tenancy=Tenancy(parameters["tenancy"]),
    )


def _volume(parameters: Parameters, prices: PriceList) -> Price:
    size = Decimal(parameters["size_gib"])
    return pricing.volume(parameters["volume_type"], size, prices, iops=parameters.get("iops"))


def _catalog_key(parameters: Parameters) -> PriceKey:
    return PriceKey(parameters["service"], parameters["type"], parameters["operation"])


_PRICES: dict[ResourceType, Callable[[Parameters, PriceList], Price]] = {
    ResourceType.VM: _vm,
    ResourceType.VOLUME: _volume,
    ResourceType.SNAPSHOT: lambda given, prices: pricing.snapshot(Decimal(given["size_gib"]), prices),
    ResourceType.PUBLIC_IP: lambda given, prices: pricing.additional_public_ip(prices),
    ResourceType.FLEXIBLE_GPU: lambda given, prices: pricing.flexible_gpu(given["model"], prices),
    ResourceType.NAT_SERVICE: lambda given, prices: pricing.nat_service(prices),
    ResourceType.LOAD_BALANCER: lambda given, prices: pricing.load_balancer(prices),
    ResourceType.VPN_CONNECTION: lambda given, prices: pricing.vpn_connection(prices),
    ResourceType.DIRECT_LINK: lambda given, prices: pricing.direct_link(
        given["bandwidth"], prices, hosted=given["hosted"]
    ),
    ResourceType.OBJECT_STORAGE: lambda given, prices: pricing.object_storage(
        Decimal(given["size_gib"]), prices
    ),
    ResourceType.OKS_CONTROL_PLANE: lambda given, prices: pricing.oks_control_plane(given["size"], prices),
    ResourceType.CATALOG_ENTRY: lambda given, prices: pricing.catalog_entry(_catalog_key(given), prices),
}


def price_of(resource_type: str, parameters: Parameters, prices: PriceList) -> Price:
    """Price one resource of ``parameters`` from ``prices``.

    Raises ``PriceMissing`` when any part of it has no price, ``NotPriceable`` for an entry that is none.
    """
    return _PRICES[ResourceType(resource_type)](parameters, prices)


def code_of(resource_type: str, parameters: Parameters, price: Price) -> str:
    """Return the cloud's own code of the resource: its VM type, or the catalog's type."""
    return parameters["vm_type"] if resource_type == ResourceType.VM else price.parts[0].key.type


def _vm_details(parameters: Parameters) -> str:
    shape = shape_of(parameters["vm_type"])
    size = _("%(vcores)s vCores, %(ram)s GiB, %(performance)s") % {
        "vcores": shape.vcores,
        "ram": show_number(shape.ram_gib),
        "performance": products.performance_name(shape.performance),
    }
    licences = [str(products.licence_name(code)) for code in parameters["product_codes"]]
    dedicated = [_("dedicated")] if parameters["tenancy"] == Tenancy.DEDICATED else []
    return " · ".join([size, *licences, *dedicated])


def _size_details(parameters: Parameters) -> str:
    size = _("%(size)s GiB") % {"size": show_number(Decimal(parameters["size_gib"]))}
    if not parameters.get("iops"):
        return size
    return _("%(size)s, %(iops)s IOPS") % {"size": size, "iops": show_number(parameters["iops"])}


def _direct_link_details(parameters: Parameters) -> str:
    port = _("hosted port") if parameters["hosted"] else _("own port")
    return _("%(gigabits)s Gbps, %(port)s") % {"gigabits": parameters["bandwidth"].rstrip("G"), "port": port}


_DETAILS: dict[ResourceType, Callable[[Parameters], str]] = {
    ResourceType.VM: _vm_details,
    ResourceType.VOLUME: _size_details,
    ResourceType.SNAPSHOT: _size_details,
    ResourceType.OBJECT_STORAGE: _size_details,
    ResourceType.DIRECT_LINK: _direct_link_details,
}


def details_of(resource_type: str, parameters: Parameters, price: Price) -> str:
    """Describe the resource in the reader's language; by its product name where nothing says more."""
    describe = _DETAILS.get(ResourceType(resource_type))
    return describe(parameters) if describe else str(products.name(price.parts[0].key))
