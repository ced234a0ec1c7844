"""How much of a bill carries no tag of a key: what the page of the allocation answers, remembered in short.

The allocation of ten thousand resources takes a part of a second even where its parts are remembered. The
overview shows three figures of it.
"""

from dataclasses import dataclass
from decimal import Decimal

from consumption.allocationasking import answer_of
from consumption.allocationparts import facts_of
from consumption.asking import Asked
from consumption.history import History
from consumption.models import DayState
from consumption.remembering import Memory

_MEMORY = Memory("untagged-share", version=1)


@dataclass(frozen=True)
class Untagged:
    """What resources cost on days on which they lack a value of ``key``, out of the total of ``history``.

    ``key`` is empty while no key was ever seen. ``lacks``: the cost is only what is known of it.
    ``tags_unread`` are the places of which no tag was ever read, so that all of theirs counts as untagged.
    """

    history: History
    key: str
    cost: Decimal
    lacks: bool
    tags_unread: tuple[str, ...]

    @property
    def share(self) -> Decimal | None:
        """The part of the total in percent; None without a total."""
        return self.cost * 100 / self.history.total if self.history.total else None

    @property
    def is_known(self) -> bool:
        """Tell whether tags of any place were read at all."""
        return len(self.tags_unread) < len(self.history.ledgers)


def untagged_of(asked: Asked) -> Untagged:
    """Return what of an allocation's question carries no value of its usual key; only of a valid form."""
    history = asked.history
    name = _MEMORY.name(*facts_of(history), asked.form.tag_keys, asked.form.shared_services)
    known = _MEMORY.recall([name]).get(name)
    if known is None:
        known = _found(asked)
        _MEMORY.keep({name: known})
    return Untagged(history, *known)


def _found(asked: Asked) -> tuple[str, Decimal, bool, tuple[str, ...]]:
    found = answer_of(asked).allocation
    is_part = bool(found.history.coverage.counts[DayState.PARTIAL])
    return (
        found.keys[0] if found.keys else "",
        found.lacking_total,
        is_part or found.lacking.has_unpriced,
        tuple(ledger.place for ledger in found.untagged_ledgers),
    )
