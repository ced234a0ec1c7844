"""Rules that OUTSCALE's documents leave open, as this portal applies them, in words for people.

Each rule is applied in one place, in ``costs.pricing`` or ``costs.billing``, which names it here.
"""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Assumption(TextChoices):
    """What the portal assumes about a price."""

    LICENCE_PER_VM = "licence-per-vm", _("This licence is counted once for each VM.")
    SQL_SERVER_MINIMUM = "sql-server-minimum", _("SQL Server is counted for at least four cores.")
    DEDICATED_SURPLUS = (
        "dedicated-surplus",
        _("The dedicated surplus of 0.01 means 10 %, on cores and memory and not on licences."),
    )
    GROUP_FEE_ONCE = (
        "group-fee-once",
        _("The fee for dedicated groups is counted once for the account and region, not for each group."),
    )
    GPU_BILLED_APART = "gpu-billed-apart", _("The GPU of this VM type is billed apart, as a flexible GPU.")
    CONVERTED_SIZE = (
        "converted-size",
        _("Cores and memory of this VM type are those that the API tells; its generation is its family's."),
    )
    STATE_BILLED = "state-billed", _("A VM that is stopping or shutting down is counted as billed.")
    STATE_NOT_BILLED = (
        "state-not-billed",
        _("A VM that is pending or in quarantine is counted as free."),
    )
    VOLUME_STATE = (
        "volume-state",
        _(
            "A volume that is updating is counted as billed; "
            "one that is being created or deleted, is deleted or in error is counted as free."
        ),
    )
    SNAPSHOT_UPPER_BOUND = (
        "snapshot-upper-bound",
        _("The bill counts the data that a snapshot stores, so this is the most that it can cost."),
    )
    OBJECTS_LISTED = (
        "objects-listed",
        _("Only the objects listed are counted: earlier versions and unfinished uploads take space too."),
    )
    ADDRESS_ADDITIONAL = (
        "address-additional",
        _("The first address of a running VM is free; this one is counted as an additional address."),
    )
    NAT_ADDRESS_FREE = "nat-address-free", _("The address of a NAT service is counted as free.")
    STOPPED_ADDRESS_IDLE = (
        "stopped-address-idle",
        _("The address of a VM that does not run is counted as idle."),
    )
    LONE_ADDRESS_IDLE = (
        "lone-address-idle",
        _("An address of a load balancer or of a network interface without VM is counted as idle."),
    )
    DIRECT_LINK_OWN = (
        "direct-link-own",
        _("The API does not tell whether this DirectLink is hosted: it is priced as an own port."),
    )
    USAGE_PER_MONTH = "usage-per-month", _("The quantity is taken as the use of one month.")
    SUBSCRIPTION_ONCE = (
        "subscription-once",
        _("The catalog does not say how long this subscription lasts: it is counted once."),
    )
