"""What the page of the allocation shows of a question."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.keyring import place_of
from consumption import allocationcharts, historyrows
from consumption.allocation import Lacking
from consumption.allocationasking import Answer, answer_of
from consumption.allocationfiles import FORMATS
from consumption.allocationforms import AllocationFilter
from consumption.allocationrows import keys_name, ordered, sections_of, share_of
from consumption.analysispage import AnalysisPage
from consumption.asking import Asked
from consumption.groupnames import GroupName
from consumption.history import Dimension
from consumption.models import DayState, Ledger
from costs import products

GROUPS_PER_PAGE = 100

MOST_LACKING = 50
"""So many resources to tag are listed, dearest first; the files hold all."""

MOST_KEYS_OFFERED = 200
"""So many keys are offered to choose from; the address takes any."""


@dataclass(frozen=True)
class LackingRow:
    """A resource to tag as the page shows it; ``url`` leads to what it consumed day by day."""

    of: Lacking
    name: GroupName
    url: str

    @property
    def is_unknown(self) -> bool:
        """Tell whether nothing of its cost is known, which is not zero."""
        return bool(self.of.unpriced) and not self.of.cost


def figures_of(asked: Asked, answer: Answer) -> dict[str, Any]:
    """Return the figures of a valid question; a page that does not exist becomes an error of the form."""
    found, history = answer.allocation, asked.history
    chosen = () if found.by_centre else found.keys
    asked.form.offer([one.key for one in answer.seen[:MOST_KEYS_OFFERED]], chosen)
    page = asked.form.page_of(Paginator(ordered(found.groups), GROUPS_PER_PAGE))
    has_money, is_part = bool(history.currency), bool(history.coverage.counts[DayState.PARTIAL])
    return {
        "allocation": found,
        "by_centre": found.by_centre,
        "has_owner": any(group.is_whole for group in found.groups),
        "keys_name": keys_name(found),
        "rules_url": _rules_url(asked),
        "title": allocationcharts.title_of(found),
        "untagged_title": allocationcharts.untagged_title(found),
        "is_spread": allocationcharts.is_spread(found),
        "sharing_text": allocationcharts.sharing_text(found),
        "chart": allocationcharts.chart_of(found) if has_money else None,
        "finding": allocationcharts.finding_of(found) if has_money else "",
        "sections": sections_of(found, page.object_list) if page else [],
        "page": page,
        "page_number": page.number if page and page.number > 1 else None,
        "group_count": len(found.groups),
        "largest_share": max((share_of(found, one.total) or 0 for one in found.groups), default=0),
        "lacking": _lacking(asked, answer),
        "lacking_count": len(found.lacking),
        "lacking_share": share_of(found, found.lacking_total),
        "several_places": len(history.ledgers) > 1 or history.question.with_linked,
        "shared": _shared(answer),
        "shared_share": share_of(found, found.shared_total),
        "owned_lacks": is_part or any(one.unpriced for one in found.groups if one.is_whole),
        "lacking_lacks": is_part or found.lacking.has_unpriced,
        "shared_lacks": is_part or any(one.unpriced for one in found.shared),
        "tags_unread": [_place(ledger) for ledger in found.untagged_ledgers],
        "unseen_keys": _unseen(answer),
        "conditions": _conditions(asked),
        "choices": _choices(asked),
    }


def _rules_url(asked: Asked) -> str:
    """Return the address of the rules, over the same days."""
    address, kept = asked.form.address, QueryDict(mutable=True)
    for name in ("period", "first", "last", "region", "place", "currency", "linked"):
        if name in address:
            kept.setlist(name, address.getlist(name))
    return f"{reverse('consumption:rules')}?{kept.urlencode()}" if kept else reverse("consumption:rules")


def _place(ledger: Ledger) -> str:
    return f"{ledger.region} ({ledger.account_id})"


def _unseen(answer: Answer) -> list[str]:
    """Say which keys no resource was ever seen with, and which ones are nearly called so."""
    said = []
    for key in answer.unseen_keys:
        like = answer.like(key)
        text = _("%(key)s was never seen, but %(like)s: keys that differ by case are different keys.")
        text = text if like else _("%(key)s was never seen.")
        said.append(text % {"key": key, "like": ", ".join(like)})
    return said


def _lacking(asked: Asked, answer: Answer) -> list[LackingRow]:
    shown = answer.allocation.lacking.dearest(MOST_LACKING)
    if not shown:
        return []
    names, held = answer.names, {(one.account_id, one.region) for one in asked.history.ledgers}
    period = asked.history.question.period
    address = QueryDict(mutable=True)
    address["first"], address["last"] = period.first.isoformat(), period.last.isoformat()
    address["group_by"] = "resource_type"
    found = []
    for one in shown:
        address["resource"] = one.resource_id
        _say_where(address, asked, one)
        if (one.account_id, one.region) not in held:
            address["linked"] = "1"
        else:
            address.pop("linked", None)
        url = f"{reverse('consumption:history')}?{address.urlencode()}"
        found.append(LackingRow(one, names.of(Dimension.RESOURCE, one.resource_id), url))
    return found


def _say_where(address: QueryDict, asked: Asked, one: Lacking) -> None:
    """Let an address ask for the place of a resource; that of a linked account is its payer's."""
    place = place_of(one.account_id, one.region)
    for name in ("place", "region"):
        address.pop(name, None)
    if asked.keyring.together and place in asked.keyring.places:
        address["place"] = place
    else:
        address["region"] = one.region


def _shared(answer: Answer) -> list[dict[str, Any]]:
    """Return what is shared meter by meter, with the names of the products."""
    found = []
    for one in answer.allocation.shared:
        meter = answer.meters[one.meter]
        found.append(
            {
                "of": one,
                "name": products.name(meter.key),
                "type": meter.type,
                "subregion": meter.subregion,
                "service": products.service_name(meter.service),
                "is_chosen": meter.service in answer.shared_services,
                "is_unknown": bool(one.unpriced) and not one.cost,
            }
        )
    return found


# --- The question


def _conditions(asked: Asked) -> list[dict[str, str]]:
    """Return the filters and the shared services, each with the address that is without it."""
    address, field = asked.form.address, asked.form["shared"]
    found = historyrows.conditions_of(address, asked.names)
    for service in asked.form.shared_services:
        other = address.copy()
        other.setlist("shared", [one for one in other.getlist("shared") if one != service])
        name = products.service_name(service)
        found.append({"dimension": field.label, "name": name, "url": f"?{other.urlencode()}"})
    return found


def _choices(asked: Asked) -> list[dict[str, Any]]:
    """Return what can be filtered by and what can be shared, without what is chosen already."""
    regions = asked.keyring.regions
    found = historyrows.choices_of(asked.consumed, asked.names, asked.form.address, regions)
    left = _services_left(asked)
    if left:
        found.append({"name": "shared", "label": asked.form["shared"].label, "choices": left})
    return found


def _services_left(asked: Asked) -> Sequence[tuple[str, str]]:
    chosen = asked.form.shared_services
    services = [one for one in asked.consumed.values(Dimension.SERVICE) if one not in chosen]
    return sorted(((one, products.service_name(one)) for one in services), key=lambda one: one[1].casefold())


ALLOCATION = AnalysisPage(
    name="allocation",
    heading=gettext_lazy("Allocation"),
    stem="allocation",
    shows="consumption/_allocation_figures.html",
    form=AllocationFilter,
    answer=answer_of,
    figures=figures_of,
    formats=FORMATS,
    prints=True,
    remembers=True,
)
"""The page of the allocation."""
