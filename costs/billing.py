"""What is billed of a resource that exists, by its state and its use (OUTSCALE "Billing Glossary").

The rules that OUTSCALE's documents leave open are each in one place here, with the ``Assumption`` that names
them; prices themselves are made in ``costs.pricing``.
"""

from enum import Enum

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from costs import pricing
from costs.assumptions import Assumption
from costs.pricelist import FCU, PriceKey

IDLE = "ElasticIP:IdleAddress"
ADDITIONAL = "ElasticIP:AdditionalAddress"


class Remark(TextChoices):
    """What explains a price and is no assumption."""

    STATE_FREE = "state-free", _("Nothing is billed in this state.")
    FIRST_ADDRESS_FREE = "first-address-free", _("The first address of a running VM is free.")
    ADDRESS_UNUSED = "address-unused", _("Idle: this address is not associated.")
    ADDRESS_ADDITIONAL = (
        "address-additional-to-first",
        _("Additional: it is not the first address of its running VM."),
    )


_VM_STATES: dict[str, tuple[bool, Remark | Assumption | None]] = {
    "running": (True, None),
    "stopped": (False, Remark.STATE_FREE),
    "terminated": (False, Remark.STATE_FREE),
    "stopping": (True, Assumption.STATE_BILLED),
    "shutting-down": (True, Assumption.STATE_BILLED),
    "pending": (False, Assumption.STATE_NOT_BILLED),
    "quarantine": (False, Assumption.STATE_NOT_BILLED),
}
_VOLUME_STATES: dict[str, tuple[bool, Assumption | None]] = {
    "in-use": (True, None),
    "available": (True, None),
    "": (True, None),  # an answer without its state is no reason to take it for free
    "updating": (True, Assumption.VOLUME_STATE),
    "creating": (False, Assumption.VOLUME_STATE),
    "deleting": (False, Assumption.VOLUME_STATE),
    "deleted": (False, Assumption.VOLUME_STATE),
    "error": (False, Assumption.VOLUME_STATE),
}
_GONE = frozenset({"deleting", "deleted"})
_GPU_STATES = {
    "allocated": pricing.GpuState.ALLOCATED,
    "attaching": pricing.GpuState.ALLOCATED,
    "attached": pricing.GpuState.ATTACHED,
    "detaching": pricing.GpuState.ATTACHED,
}


class UnknownState(ValueError):
    """The resource is in a state of which nobody knows whether it is billed."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


def vm_is_billed(state: str) -> tuple[bool, Remark | Assumption | None]:
    """Tell whether cores, memory and licences of a VM are billed in ``state``, and the rule that says so.

    Raises ``UnknownState``.
    """
    try:
        return _VM_STATES[state]
    except KeyError:
        raise UnknownState(state) from None


def volume_is_billed(state: str) -> tuple[bool, Assumption | None]:
    """Tell whether a volume is billed in ``state``, and the rule where the "Billing Glossary" has none.

    Raises ``UnknownState``.
    """
    try:
        return _VOLUME_STATES[state]
    except KeyError:
        raise UnknownState(state) from None


def is_gone(state: str) -> bool:
    """Tell whether a NAT service, load balancer, VPN connection or DirectLink costs nothing any more."""
    return state in _GONE


def gpu_state(state: str) -> pricing.GpuState:
    """Return what a flexible GPU is billed as (OUTSCALE "Flexible GPUs FAQ"); raise ``UnknownState``."""
    try:
        return _GPU_STATES[state]
    except KeyError:
        raise UnknownState(state) from None


class AddressUse(Enum):
    """What a public IP is used for: the type under which it is sold (empty: free), and the rule for it."""

    UNUSED = (IDLE, Remark.ADDRESS_UNUSED)
    FIRST = ("", Remark.FIRST_ADDRESS_FREE)
    FURTHER = (ADDITIONAL, Remark.ADDRESS_ADDITIONAL)
    OF_NAT_SERVICE = ("", Assumption.NAT_ADDRESS_FREE)
    OF_IDLE_VM = (IDLE, Assumption.STOPPED_ADDRESS_IDLE)
    WITHOUT_VM = (IDLE, Assumption.LONE_ADDRESS_IDLE)

    @property
    def note(self) -> Remark | Assumption:
        """Why it is sold so."""
        return self.value[1]

    def price_key(self, *, in_net: bool) -> PriceKey | None:
        """Return the price of one such address for an hour, in a Net or not; None when it is free."""
        type_ = self.value[0]
        if not type_:
            return None
        # The catalog sells an additional address in a Net only.
        operation = "AssociateAddressVPC" if in_net or type_ == ADDITIONAL else "AssociateAddress"
        return PriceKey(FCU, type_, operation)
