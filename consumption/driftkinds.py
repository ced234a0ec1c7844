"""Which kind of resource a meter belongs to, so that what was consumed meets what was expected.

The kinds are those of the current cost (``costs.inventory.ResourceType``), and a few more for what no call
lists.
"""

from enum import StrEnum

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from costs.currentcost import type_name
from costs.inventory import ResourceType
from costs.pricelist import FCU, PriceKey
from costs.unlisted import is_unlisted


class OtherKind(StrEnum):
    """What is consumed and is no resource that a reading could list."""

    KUBERNETES = "Oks"
    MARKETPLACE = "Marketplace"
    TRAFFIC = "Traffic"
    UNKNOWN = "Other"


_NAMES = {
    OtherKind.KUBERNETES: gettext_lazy("Kubernetes"),
    OtherKind.MARKETPLACE: gettext_lazy("Marketplace"),
    OtherKind.TRAFFIC: gettext_lazy("Traffic and requests"),
    OtherKind.UNKNOWN: gettext_lazy("Other products"),
}

_OF_SERVICE = {"OKS": OtherKind.KUBERNETES, "Marketplace": OtherKind.MARKETPLACE}

_OF_FAMILY = {
    "BoxUsage": ResourceType.VM,
    "ProductUsage": ResourceType.VM,
    "CustomCore": ResourceType.VM,
    "CustomRam": ResourceType.VM,
    "DedicatedInstanceSurplus": ResourceType.VM,
    "DedicatedGroupsInstanceSurplus": ResourceType.VM,
    "BSU": ResourceType.VOLUME,
    "Snapshot": ResourceType.SNAPSHOT,
    "ElasticIP": ResourceType.PUBLIC_IP,
    "Gpu": ResourceType.FLEXIBLE_GPU,
    "NatGatewayUsage": ResourceType.NAT_SERVICE,
    "ConnectionUsage": ResourceType.VPN_CONNECTION,
    "UseDedicated": ResourceType.DEDICATED_INSTANCE,
    "UseDedicatedGroups": ResourceType.DEDICATED_INSTANCE,
}

_ELSEWHERE = {
    "TinaOS-LBU": ResourceType.LOAD_BALANCER,
    "TinaOS-OOS": ResourceType.OBJECT_STORAGE,
    "TinaOS-DirectLink": ResourceType.DIRECT_LINK,
    "TinaOS-HostedDirectLink": ResourceType.DIRECT_LINK,
}


def kind_of(key: PriceKey) -> str:
    """Return the kind of resource that is billed under ``key``."""
    if is_unlisted(key):
        kind = _OF_SERVICE.get(key.service, OtherKind.TRAFFIC)
    elif key.service == FCU:
        kind = _OF_FAMILY.get(key.type.partition(":")[0], OtherKind.UNKNOWN)
    else:
        kind = _ELSEWHERE.get(key.service, OtherKind.UNKNOWN)
    return kind.value


def resource_of(kind: str, key: PriceKey, resource_id: str) -> str:
    """Return the id under which a reading lists what consumption names ``resource_id``.

    The fee for dedicated hardware is one of the account, for which readings use the name of the product.
    """
    return key.type if kind == ResourceType.DEDICATED_INSTANCE else resource_id


def is_listed(kind: str) -> bool:
    """Tell whether a reading can list resources of a kind."""
    return kind in set(ResourceType)


def kind_name(kind: str) -> str:
    """Name a kind in the reader's language."""
    if kind == ResourceType.SNAPSHOT:
        return _("Snapshots")  # what was consumed of them is no upper bound
    return type_name(kind) if is_listed(kind) else str(_NAMES[OtherKind(kind)])


KINDS = [*(kind.value for kind in ResourceType), *(kind.value for kind in OtherKind)]
"""All kinds, in the order in which they are offered."""
