"""What the page of the current cost of one place shows."""

from typing import Any

from django.urls import reverse
from django.utils import timezone

from accounts.keyring import Key
from costs import changes, costcharts, costrows, currentcost, refreshing, snapshots
from costs.costdocuments import missing_texts
from costs.costfiles import FORMATS
from costs.costforms import CostFilter
from costs.costplaces import Scope, reading_of
from costs.currentcost import CurrentCost
from costs.inventory import OBJECTS, ResourceType
from costs.models import CostSnapshot
from costs.unlisted import unlisted_of


def context_of(form: CostFilter, scope: Scope, *, opened: str = "") -> dict[str, Any]:
    """Return what the templates show; what is wrong with the question ends up in the form."""
    now, key = timezone.now(), scope.key
    stored = latest(key)
    unlisted = unlisted_of(key.account_id, key.region, key.access_key, now)
    cost = form.answer_of(snapshots.read(stored), unlisted=unlisted) if form.is_valid() and stored else None
    narrows = cost is None or cost.question.is_narrowed
    return {
        "now": now,
        "region": scope.where,
        "stored": stored,
        "is_fresh": bool(stored) and snapshots.is_fresh(stored, now),
        "reasons": missing_texts(cost) if cost else [],
        "files": costrows.files_of(form.address, FORMATS, export_url),
        "since": None if narrows else changes.since_last_day(stored),
        "changes_url": f"{reverse('costs:changes')}{scope.query}",
        "all_url": reverse("costs:current") if scope.links else "",
        **reading_of(key, query=scope.query, action=_query(form), among_others=False),
        **shown(form, cost, everything=f"{reverse('costs:current')}{scope.query}", opened=opened),
    }


def latest(key: Key) -> CostSnapshot | None:
    """Return the last reading with a key, or None."""
    return snapshots.latest(key.account_id, key.region, snapshots.reader_of(key.access_key))


def shown(form: CostFilter, cost: CurrentCost | None, *, everything: str, opened: str) -> dict[str, Any]:
    """Return what the figures, the groups and the resources of an answer show, of one place or of several.

    ``everything`` is the address without any filter.
    """
    page = form.page_of(cost) if cost else None
    return {
        "form": form,
        "cost": cost,
        "page": page,
        "page_number": page.number if page and page.number > 1 else None,
        "rows": costrows.rows_of(cost, list(page), form.address, opened=opened) if page else [],
        "address": form.address,
        "everything_url": everything,
        "conditions": costrows.conditions_of(form.address),
        "hidden": costrows.hidden_of(form.address),
        "objects_missing": any(one.call == OBJECTS for one in cost.missing) if cost else False,
        "columns": currentcost.columns(form.cleaned_data.get("sort", "")),
        "groupings": currentcost.Grouping.choices,
        "chart": costcharts.chart_of(cost) if cost else None,
        "finding": costcharts.finding_of(cost) if cost and cost.amount else "",
        "types": [(type_.value, currentcost.type_name(type_)) for type_ in ResourceType],
        "states": [(state, state) for state in currentcost.states(cost.snapshot)] if cost else [],
        "chosen_types": _single(form, "type"),
        "chosen_states": _single(form, "state"),
    }


def progress_of(progress: refreshing.Progress, *, after: int) -> dict[str, Any]:
    """Return what the templates show of a reading under way; ``after`` is the last snapshot before it."""
    lists = [(currentcost.call_name(call), call not in progress.open) for call in progress.calls]
    return {"progress": progress, "lists": lists, "after": after}


def export_url(file_format: str) -> str:
    """Return the address of a file."""
    return reverse("costs:export_current", args=[file_format])


def _query(form: CostFilter) -> str:
    return f"?{form.address.urlencode()}" if form.address else ""


def _single(form: CostFilter, name: str) -> list[str]:
    """Return what a field for one value shows: several stand as conditions beside it."""
    values = form.cleaned_data.get(name, [])
    return values if len(values) == 1 else []
