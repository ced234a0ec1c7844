"""What the page of the current cost of several places together shows."""

from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.errors import PortalError
from accounts.keyring import Key
from costs import costrows
from costs.costdocuments import missing_texts
from costs.costforms import CostFilter
from costs.costpage import export_url, shown
from costs.costplaces import Scope, reading_of
from costs.together import Place, Together
from costs.togetherfiles import FORMATS

Failure = tuple[Key, PortalError]


def context_of(
    form: CostFilter, scope: Scope, *, opened: str = "", failed: Failure | None = None
) -> dict[str, Any]:
    """Return what the templates show; what is wrong with the question ends up in the form.

    ``failed`` is the key with which a reading has just failed, and why.
    """
    now = timezone.now()
    answer = form.together_of(scope.keys.keys, now) if form.is_valid() else None
    currency = form.currency_of(answer) if answer else ""
    cost = answer.merged(currency) if currency else None
    return {
        "now": now,
        "region": _("these accounts and regions"),
        "answer": answer if currency else None,
        "currency": currency,
        "currencies": _currencies(form, answer) if currency else [],
        "places": [_row(form, place) for place in answer.places] if currency else [],
        "readings": [_reading(form, place, failed) for place in answer.places] if currency else [],
        "reasons": _reasons(answer) if currency else [],
        "files": costrows.files_of(form.address, FORMATS, export_url),
        **shown(form, cost, everything=reverse("costs:current"), opened=opened),
    }


def _currencies(form: CostFilter, answer: Together) -> list[dict[str, Any]]:
    """Return the total of each currency, with the query that shows its resources."""
    found = []
    for one in answer.totals:
        address = form.address
        address["currency"] = one.currency
        found.append({"total": one, "query": f"?{address.urlencode()}"})
    return found


def _row(form: CostFilter, place: Place) -> dict[str, Any]:
    """Return a place with the address of its page, which keeps the filters, and how it is read."""
    address = form.address
    address.pop("currency", None)
    address["place"] = place.key.place
    query = f"?place={place.key.place}"
    return {
        "place": place,
        "url": f"{reverse('costs:current')}?{address.urlencode()}",
        "stored": place.stored,
        "region": place.key.place_text,
        **reading_of(place.key, query=query, action=f"?{address.urlencode()}", among_others=True),
    }


def _reading(form: CostFilter, place: Place, failed: Failure | None) -> dict[str, Any]:
    """Return the state of the reading of a place; a key that was refused is not tried again by itself."""
    failure = place.refusal
    if failed and failed[0] == place.key:
        failure = failed[1]
    return _row(form, place) | {"is_fresh": place.is_fresh, "failure": failure}


def _reasons(answer: Together) -> list[str]:
    """Say what the totals lack, one sentence for each place never read and each list that failed."""
    said = []
    for place in answer.places:
        where = place.key.place_text
        if place.cost is None:
            text = _("%(where)s: nothing has been read yet.")
            said.append(text % {"where": where})
        else:
            said += [f"{where}: {text}" for text in missing_texts(place.cost)]
    return said
