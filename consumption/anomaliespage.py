"""What the page of the anomalies shows of a question."""

from collections.abc import Iterator
from typing import Any

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from consumption import anomalycharts
from consumption.analysispage import AnalysisPage
from consumption.anomalycauses import Cause, Explanation, Happened, explained
from consumption.anomalycharts import Row
from consumption.anomalyfiles import FORMATS
from consumption.anomalyfindings import Findings, Found, findings_of
from consumption.anomalyforms import AnomaliesFilter, NoteForm
from consumption.anomalymarks import Scope
from consumption.asking import Asked
from consumption.groupnames import Names
from consumption.history import Dimension
from costs.money import round_for_display, show_signed

MOST_STEPS = 100
"""A table of more days than this is shown when it is asked for."""


def answer_of(asked: Asked) -> Findings:
    """Return the anomalies that are asked for."""
    history = asked.history
    account_id = min(key.account_id for key in asked.keys)  # whichever of several is in use
    scope = Scope.of(account_id, asked.access.ledgers, asked.question)
    return findings_of(
        asked.access.ledgers,
        history,
        scope,
        expected=len(asked.keys),
        state=asked.form.cleaned_data["state"],
    )


def figures_of(asked: Asked, findings: Findings) -> dict[str, Any]:
    """Return the figures of a valid question."""
    names, rows = asked.names, rows_of(asked, findings)
    found = findings.of(asked.form.opened)
    urls = {row.anomaly.key: row.open_url for row in rows}
    days = len(findings.days)
    shows_days = days <= MOST_STEPS or asked.form.cleaned_data["steps"]
    return {
        "findings": findings,
        "title": anomalycharts.title_of(),
        "chart": anomalycharts.chart_of(findings, urls),
        "finding": anomalycharts.finding_of(findings, names)
        if findings.history.coverage.with_figures
        else "",
        "rows": rows,
        "step_count": days,
        "day_rows": anomalycharts.day_rows(findings) if shows_days else [],
        "closed_url": _url(ANOMALIES.url, asked.form.closed_address),
        "explanation": explanation_of(asked, findings, found) if found in findings.shown else None,
    }


def rows_of(asked: Asked, findings: Findings) -> list[Row]:
    """Return the anomalies that are asked for, as a table shows them."""
    return [
        Row(
            one,
            anomalycharts.kind_text(one.anomaly),
            asked.names.text(Dimension.TYPE, findings.main_type_of(one.anomaly)),
            open_url(asked.form, one.anomaly.key),
            one.anomaly.key == asked.form.opened,
        )
        for one in findings.shown
    ]


def explanation_of(asked: Asked, findings: Findings, found: Found) -> dict[str, Any]:
    """Return what explains an anomaly, as its fragment shows it: each type and resource with its name."""
    anomaly = found.anomaly
    explanation = explained(findings, [anomaly])[anomaly.key]
    names = asked.resource_names if any(cause.resources for cause in explanation.causes) else asked.names
    address, anomaly_of_url = asked.form.closed_address, {"anomaly": anomaly.key}
    return {
        "found": found,
        "anomaly": anomaly,
        "story": anomalycharts.story_of(anomaly),
        "compared": anomalycharts.compared_text(anomaly),
        "causes": [_cause(cause, names) for cause in explanation.causes],
        "others": explanation.others,
        "others_excess": explanation.others_excess,
        "splits": list(_splits(explanation, names, findings.history.currency)),
        "mark_url": _url(reverse("consumption:mark_anomaly", kwargs=anomaly_of_url), address),
        "unmark_url": _url(reverse("consumption:unmark_anomaly", kwargs=anomaly_of_url), address),
        "note_form": NoteForm(),
    }


def _cause(cause: Cause, names: Names) -> dict[str, Any]:
    """Return a type as the explanation shows it; ``unnamed`` is what belongs to no resource, if anything."""
    unnamed = cause.without_resource + (0 if cause.others else cause.others_excess)
    return {
        "of": cause,
        "name": names.of(Dimension.TYPE, cause.key),
        "word": happened_text(cause.happened),
        "resources": [
            {
                "of": one,
                "name": names.of(Dimension.RESOURCE, one.resource_id),
                "word": happened_text(one.happened),
            }
            for one in cause.resources
        ],
        "unnamed": unnamed if cause.resources and round_for_display(unnamed) else None,
    }


def _splits(explanation: Explanation, names: Names, currency: str) -> Iterator[str]:
    """Say of each type of which more than one thing happened how much comes from each."""
    for cause in explanation.causes:
        parts = {
            _("new resources %(amount)s"): cause.split.new,
            _("gone resources %(amount)s"): cause.split.gone,
            _("quantity %(amount)s"): cause.split.quantity,
            _("unit price %(amount)s"): cause.split.unit_price,
        }
        said = [
            text % {"amount": show_signed(amount, currency)}
            for text, amount in parts.items()
            if round_for_display(amount)
        ]
        if len(said) > 1:
            name = names.text(Dimension.TYPE, cause.key)
            yield _("%(name)s: %(parts)s.") % {"name": name, "parts": ", ".join(said)}


def happened_text(happened: Happened) -> str:
    """Say in a word what happened to a type or a resource."""
    return {
        Happened.NEW: _("new"),
        Happened.GONE: _("gone"),
        Happened.MORE: _("more of it"),
        Happened.LESS: _("less of it"),
        Happened.DEARER: _("dearer"),
        Happened.CHEAPER: _("cheaper"),
    }[happened]


def open_url(form: AnomaliesFilter, key: str) -> str:
    """Return the address of the page with an anomaly explained."""
    address = form.closed_address
    address["anomaly"] = key
    return _url(ANOMALIES.url, address)


def _url(path: str, address: QueryDict) -> str:
    return f"{path}?{address.urlencode()}" if address else path


ANOMALIES = AnalysisPage(
    name="anomalies",
    heading=gettext_lazy("Anomalies"),
    stem="anomalies",
    shows="consumption/_anomalies_figures.html",
    form=AnomaliesFilter,
    answer=answer_of,
    figures=figures_of,
    formats=FORMATS,
)
"""The page of the anomalies."""
