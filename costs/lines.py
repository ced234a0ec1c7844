"""The lines of a reading: resources, what each costs, and what explains it."""

from collections.abc import Callable
from functools import cached_property

import msgspec
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from costs import pricing
from costs.amounts import Amount, amount_of
from costs.assumptions import Assumption
from costs.billing import Remark
from costs.inventory import ResourceType
from costs.pricelist import PriceMissing
from costs.pricing import NotPriceable, Price

Note = Remark | Assumption


class ProblemKind(TextChoices):
    """Why a price, or a part of it, is not known; each text has room for a detail."""

    PRICE_MISSING = "price-missing", _("The catalog has no price for %(detail)s.")
    UNIT_UNKNOWN = "unit-unknown", _("The catalog does not say for which time %(detail)s is priced.")
    VM_TYPE_UNKNOWN = "vm-type-unknown", _("The VM type %(detail)s is not known.")
    LICENCE_NEEDS_CORES = (
        "licence-needs-cores",
        _("The licence %(detail)s depends on the number of cores, which is not known."),
    )
    STATE_UNKNOWN = (
        "state-unknown",
        _("Whether the state “%(detail)s” is billed is not known."),
    )
    IOPS_UNKNOWN = (
        "iops-unknown",
        _("An %(detail)s volume is billed for its IOPS, and the cloud does not tell them."),
    )
    TENANCY_UNKNOWN = "tenancy-unknown", _("The tenancy “%(detail)s” is not known.")
    BANDWIDTH_UNKNOWN = "bandwidth-unknown", _("The bandwidth “%(detail)s” is not known.")
    NEEDS_LIST = "needs-list", _("Its price depends on %(detail)s, which could not be read.")
    NOT_LISTED = "not-listed", _("Its objects could not be listed: %(detail)s")
    NOT_UNDERSTOOD = (
        "not-understood",
        _("The cloud describes it in a way that the portal does not know: %(detail)s"),
    )


_PROBLEM_WORDS = {
    ProblemKind.PRICE_MISSING: _("no price"),
    ProblemKind.UNIT_UNKNOWN: _("unit not published"),
    ProblemKind.VM_TYPE_UNKNOWN: _("unknown type"),
    ProblemKind.STATE_UNKNOWN: _("unknown state"),
    ProblemKind.NOT_LISTED: _("not listed"),
}


class Problem(msgspec.Struct, frozen=True, array_like=True):
    """One reason why a price is not known whole."""

    kind: ProblemKind
    detail: str

    @property
    def word(self) -> str:
        """The reason in two words."""
        return str(_PROBLEM_WORDS.get(self.kind, _("not known")))

    @property
    def text(self) -> str:
        """The reason in the reader's language."""
        return str(self.kind.label) % {"detail": self.detail}


class Cost(msgspec.Struct, frozen=True, array_like=True, dict=True):
    """What one resource costs: the known ``price``, what explains it, and what keeps it from being whole.

    ``price`` is None when nothing is known or nothing is billed: with ``problems`` the former, else free.
    ``noted`` are the codes of remarks and assumptions.
    """

    price: Price | None = None
    noted: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def is_unknown(self) -> bool:
        """Tell whether nothing of the price is known."""
        return self.price is None and bool(self.problems)

    @property
    def is_priced(self) -> bool:
        """Tell whether the whole price is known, be it zero."""
        return not self.problems

    @cached_property
    def amount(self) -> Amount:
        """The known part of the price."""
        return amount_of(self.price.parts, self.price.period) if self.price else Amount()

    @property
    def notes(self) -> list[Note]:
        """What explains the price: remarks, and assumptions where a rule is open."""
        return [Remark(code) if code in Remark.values else Assumption(code) for code in self.noted]


class Line(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One resource of a reading.

    ``resource_id`` is the cloud's own id, ``name`` what its tag ``Name`` says or the cloud shows besides.
    ``subregion`` is the region for what belongs to no subregion. ``specification`` is the cloud's own words.
    ``cost`` is the place of its ``Cost`` in the list beside: many resources have the same.
    """

    resource_id: str
    resource_type: ResourceType
    name: str
    subregion: str
    state: str
    specification: str
    tags: dict[str, str]
    cost: int


class Tally:
    """Gathers the price of one resource: its parts as far as they are known, notes and problems."""

    def __init__(self) -> None:
        self._known: list[Price] = []
        self._notes: list[Note] = []
        self._problems: list[Problem] = []

    def add(self, price_of: Callable[[], Price]) -> Price | None:
        """Add one price; one that is missing becomes a problem, and None."""
        try:
            price = price_of()
        except PriceMissing as error:
            self.problem(ProblemKind.PRICE_MISSING, str(error.key))
        except NotPriceable as error:
            self.problem(ProblemKind.UNIT_UNKNOWN, str(error.key))
        else:
            self._known.append(price)
            return price
        return None

    def note(self, note: Note | None) -> None:
        """Add what explains the price, if anything."""
        if note:
            self._notes.append(note)

    def problem(self, kind: ProblemKind, detail: str) -> None:
        """Add what is not known."""
        self._problems.append(Problem(kind, detail))

    def cost(self) -> Cost:
        """Return what was gathered."""
        price = pricing.joined(self._known) if self._known else None
        notes = dict.fromkeys([*self._notes, *(price.assumptions if price else ())])
        return Cost(price, tuple(note.value for note in notes), tuple(self._problems))
