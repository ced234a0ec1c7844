"""Why something costs what it costs, and why a part is not known, in words for files and programs."""

from django.utils.translation import gettext as _

from accounts.errors import PermissionRefused
from costs import products
from costs.assumptions import Assumption
from costs.inventory import OBJECTS, Missing
from costs.lines import Cost
from costs.money import money_text
from costs.pricing import Part


def explained(cost: Cost) -> str:
    """Explain a price in one text: its parts, what is assumed or remarked, and what is not known."""
    sentences = [formula(cost)] if cost.price else []
    sentences += [note.label for note in cost.notes] + [problem.text for problem in cost.problems]
    return " ".join(map(str, sentences))


def formula(cost: Cost) -> str:
    """Write a known price as its parts: ``2 × 0.035 (vCore, generation 6, high) + … = 0.09 EUR per hour``."""
    price = cost.price
    parts = " + ".join(_part(part) for part in price.parts)
    amount = cost.amount.hourly + cost.amount.monthly
    return f"{parts} = {money_text(amount)} {price.currency} {price.period.label}."


def _part(part: Part) -> str:
    name = products.name(part.key)
    if part.surplus_percent is not None:
        share = {"percent": money_text(part.surplus_percent), "amount": money_text(part.quantity)}
        return _("%(percent)s %% of %(amount)s") % share + f" ({name})"
    return f"{money_text(part.quantity)} × {money_text(part.unit_price)} ({name})"


def assumptions_of(cost: Cost) -> list[Assumption]:
    """Return the open rules that a price rests on."""
    return [note for note in cost.notes if isinstance(note, Assumption)]


def reason(missing: Missing) -> str:
    """Say why a list could not be read, and what to do."""
    error = missing.error
    if not isinstance(error, PermissionRefused):
        return str(error.message)
    right = "oos:ListBucket" if missing.call == OBJECTS else f"api:{missing.call}"
    return _("%(refusal)s Allow %(right)s.") % {"refusal": error.message, "right": right}


def missing_name(missing: Missing) -> str:
    """Name what could not be read: the call, and the bucket where it is only one."""
    return f"{missing.call} {missing.detail}".strip()
