"""What the page of the drift shows of a question."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core.paginator import Paginator
from django.http import QueryDict
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.keyring import place_of
from consumption import historyrows
from consumption.analysispage import AnalysisPage
from consumption.asking import Asked
from consumption.comparison import Change
from consumption.drift import Drift, Group, Sums
from consumption.driftasking import Answer, answer_of, offered
from consumption.driftfiles import FORMATS
from consumption.driftforms import LAST_READING, MOST_COMPARED_DAYS, PLAN, DriftFilter, UploadForm
from consumption.driftkinds import is_listed, kind_name
from consumption.driftlines import Shown, shown_lines
from consumption.driftreasons import SMALLEST
from consumption.drifttext import apart_name, cause_text, days_sentence, lacks_of
from consumption.estimatefiles import MOST_BYTES
from consumption.periods import preset_period
from consumption.uploads import KEPT_FOR
from costs import products
from costs.money import show_money, show_percent

LINES_PER_PAGE = 50


@dataclass(frozen=True)
class SumRow:
    """A category or a kind as the page shows it; ``url`` narrows the page to it."""

    name: str
    url: str
    sums: Sums
    count: int = 0

    @property
    def change(self) -> Change:
        """The difference in percent."""
        return change_of(self.sums)


@dataclass(frozen=True)
class Row:
    """A resource as the page shows it; ``url`` leads to what it consumed day by day.

    ``where`` is its account and region, where there are several.
    """

    shown: Shown
    kind: str
    url: str
    reasons: list[str]
    where: str = ""

    @property
    def change(self) -> Change:
        """The difference in percent."""
        return change_of(self.shown.line.sums)


def change_of(sums: Sums) -> Change:
    """Return a difference as it is shown: in percent, or as new where nothing was expected."""
    return Change(sums.percent, is_new=bool(sums.consumed and not sums.estimated))


def figures_of(asked: Asked, answer: Answer) -> dict[str, Any]:
    """Return the figures of a valid question; a page that does not exist becomes an error of the form."""
    drift, address = answer.drift, asked.form.address
    asked.form.offer(offered(asked))
    page = asked.form.page_of(Paginator(drift.lines, LINES_PER_PAGE))
    has_days = bool(drift.compared_days)
    return {
        "drift": drift,
        "basis": answer.basis,
        "has_readings": answer.has_readings,
        "is_empty": False,
        "title": _("Expected and consumed"),
        "days_compared": days_sentence(drift),
        "is_whole": drift.is_whole,
        "gaps_of_estimate": lacks_of(answer) if has_days else answer.basis.left_out,
        "by_kind_only": answer.basis.kind == PLAN,
        "finding": finding_of(answer) if has_days else "",
        "chart": chart_of(drift, address) if has_days else None,
        "kinds": [_kind_row(group, address) for group in drift.by_kind],
        "categories": [_category_row(group, address) for group in drift.by_category],
        "rows": _rows(asked, drift, page.object_list) if page else [],
        "page": page,
        "page_number": page.number if page and page.number > 1 else None,
        "row_count": len(drift.lines),
        "apart": [(one, apart_name(one), kind_name(one.kind), cause_text(one)) for one in drift.apart],
        "total_change": change_of(drift.total),
        "latest_url": _with(address, estimate=LAST_READING),
        "current_url": reverse("costs:current"),
        "conditions": _conditions(asked),
        "choices": _choices(asked, answer),
        "may_link": False,
        "upload": UploadForm(),
        "upload_url": f"{reverse('consumption:drift_upload')}?{address.urlencode()}",
        "most_megabytes": MOST_BYTES // 2**20,
        "kept_days": KEPT_FOR.days,
        "presets": _presets(asked),
    }


def _with(address: QueryDict, **changed: str) -> str:
    other = address.copy()
    for name, value in changed.items():
        other[name] = value
    return f"?{other.urlencode()}"


def _kind_row(group: Group, address: QueryDict) -> SumRow:
    url = _with(address, resource_type=group.key)
    return SumRow(kind_name(group.key), url, group.sums, group.count)


def _category_row(group: Group, address: QueryDict) -> SumRow:
    return SumRow(products.category_name(group.key), _with(address, category=group.key), group.sums)


def _rows(asked: Asked, drift: Drift, lines: list) -> list[Row]:
    history = QueryDict(mutable=True)
    history["first"], history["last"] = drift.period.first.isoformat(), drift.period.last.isoformat()
    history["group_by"] = "resource_type"
    texts = dict(zip([key.place for key in asked.keys], asked.places, strict=True))
    by_account = len(asked.keyring.names) > 1
    found = []
    for shown in shown_lines(drift, lines):
        line, url = shown.line, ""
        place = place_of(line.account_id, line.region)
        if line.resource_id and line.sums.consumed:
            history["resource"] = line.resource_id
            history["place" if by_account else "region"] = place if by_account else line.region
            url = f"{reverse('consumption:history')}?{history.urlencode()}"
        where = texts[place] if len(texts) > 1 else ""
        found.append(Row(shown, kind_name(line.kind), url, shown.texts(drift.currency), where))
    return found


def _conditions(asked: Asked) -> list[dict[str, str]]:
    """Return the filters, each with the address that is without it."""
    address = asked.form.address
    named = {
        "category": products.category_name,
        "resource_type": kind_name,
        "region": str,
        "place": str,
        "resource": str,
        "tag": str,
    }
    found = []
    for name, name_of in named.items():
        for value in address.getlist(name):
            other = address.copy()
            other.setlist(name, [one for one in other.getlist(name) if one != value])
            url = f"?{other.urlencode()}"
            found.append({"dimension": asked.form[name].label, "name": name_of(value), "url": url})
    return found


def _choices(asked: Asked, answer: Answer) -> list[dict[str, Any]]:
    """Return what can be filtered by, without what is chosen already."""
    address = asked.form.address
    values = {
        "category": [(one, products.category_name(one)) for one in products.CATEGORIES],
        "resource_type": [
            (group.key, kind_name(group.key)) for group in answer.drift.by_kind if is_listed(group.key)
        ],
    }
    if len(asked.keyring.names) > 1:
        values["place"] = [(key.place, key.place_text) for key in asked.keyring.keys]
    else:
        values["region"] = [(region, region) for region in sorted(asked.keyring.regions)]
    found = []
    for name, named in values.items():
        left = [one for one in named if one[0] not in address.getlist(name)]
        if len(named) > 1 and left:
            found.append({"name": name, "label": asked.form[name].label, "choices": left})
    return found


def _presets(asked: Asked) -> list[dict[str, Any]]:
    """Return the periods with a name that can be compared at once."""
    today = asked.now.date()
    return [
        preset
        for preset in historyrows.presets_of(asked.form.address, asked.form.preset)
        if preset_period(preset["key"], today).length <= MOST_COMPARED_DAYS
    ]


# --- The finding


def finding_of(answer: Answer) -> SafeString:
    """Say how the consumption held to the estimate, and what differs most."""
    drift, total = answer.drift, answer.drift.total
    facts = {
        "consumed": show_money(total.consumed, drift.currency),
        "estimated": show_money(total.estimated, drift.currency),
        "difference": show_money(abs(total.difference), drift.currency),
    }
    if abs(total.difference) < SMALLEST:
        said = _("%(consumed)s was consumed, as much as was expected.")
    elif total.difference > 0:
        said = _("%(consumed)s was consumed, %(difference)s more than the %(estimated)s that was expected.")
    else:
        said = _("%(consumed)s was consumed, %(difference)s less than the %(estimated)s that was expected.")
    return format_html("<strong>{}</strong> {}", said % facts, " ".join(_details(drift)))


def _details(drift: Drift) -> list[str]:
    said = []
    largest = drift.by_kind[0] if drift.by_kind else None
    if largest and abs(largest.sums.difference) >= SMALLEST:
        facts = {
            "name": kind_name(largest.key),
            "difference": _signed(largest.sums.difference, drift.currency),
        }
        if largest.sums.percent is None:
            said.append(_("The largest difference is %(name)s: %(difference)s.") % facts)
        else:
            facts["percent"] = show_percent(largest.sums.percent, places=1)
            said.append(_("The largest difference is %(name)s: %(difference)s (%(percent)s).") % facts)
    if drift.consumed_apart:
        amount = show_money(drift.consumed_apart, drift.currency)
        said.append(_("Another %(amount)s was consumed that cannot be compared.") % {"amount": amount})
    return said


def _signed(amount: Decimal, currency: str) -> str:
    return f"+{show_money(amount, currency)}" if amount > 0 else show_money(amount, currency)


# --- The chart


def chart_of(drift: Drift, address: QueryDict) -> dict[str, Any] | None:
    """Return the chart of the differences by kind, or None where there is none."""
    groups = [group for group in drift.by_kind if abs(group.sums.difference) >= SMALLEST]
    if not groups:
        return None
    return {
        "label": _("Difference by kind of resource"),
        "currency": drift.currency,
        "horizontal": True,
        "labels": [group.key for group in groups],
        "names": [kind_name(group.key) for group in groups],
        "series": [
            {
                "name": _("Consumed more or less than expected"),
                "role": "bar",
                "values": [group.sums.difference for group in groups],
                "hrefs": [_with(address, resource_type=group.key) for group in groups],
            }
        ],
    }


DRIFT = AnalysisPage(
    name="drift",
    heading=gettext_lazy("Drift"),
    stem="drift",
    shows="consumption/_drift_figures.html",
    form=DriftFilter,
    answer=answer_of,
    figures=figures_of,
    formats=FORMATS,
)
"""The page of the drift."""
