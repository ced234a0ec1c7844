"""What the components of every page promise."""

import json
from decimal import Decimal

import pytest
from bs4 import BeautifulSoup
from django import forms
from django.core.paginator import Paginator
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils import translation


class NameForm(forms.Form):
    name = forms.CharField(label="Name", help_text="As on the invoice", max_length=10)
    size = forms.ChoiceField(label="Size", choices=[("s", "Small")], required=False)
    agree = forms.BooleanField(label="Agree", required=False)


def render(component, **context):
    return BeautifulSoup(render_to_string(f"components/{component}", context), "html.parser")


def test_a_refused_field_has_its_error_beside_it_and_says_so_to_screen_readers():
    part = render("_field.html", field=NameForm({"name": "much too long a name"})["name"])
    described_by = part.input["aria-describedby"].split()
    assert part.label["for"] == part.input["id"]
    assert part.input["aria-invalid"] == "true"
    assert [part.find(id=one).get_text(strip=True) for one in described_by] == [
        "As on the invoice",
        "Ensure this value has at most 10 characters (it has 20).",
    ]


def test_a_field_is_dressed_by_its_kind():
    form = NameForm()
    assert render("_field.html", field=form["name"]).input["class"] == ["form-control"]
    assert render("_field.html", field=form["size"]).find("select")["class"] == ["form-select"]
    assert render("_field.html", field=form["agree"]).input["class"] == ["form-check-input"]


def test_a_field_keeps_the_classes_of_its_widget():
    form = NameForm()
    form.fields["name"].widget.attrs["class"] = "num"
    assert render("_field.html", field=form["name"]).input["class"] == ["form-control", "num"]


def test_a_hidden_label_is_still_read_out():
    label = render("_field.html", field=NameForm()["name"], hide_label=True).label
    assert label.get_text() == "Name"
    assert "visually-hidden" in label["class"]


def test_a_notice_says_what_why_and_what_to_do():
    part = render(
        "_notice.html",
        kind="warn",
        title="The total is incomplete.",
        reasons=["ReadVolumes: refused"],
        action_url="/again/",
        action_label="Read again",
    )
    assert part.strong.get_text() == "The total is incomplete."
    assert [li.get_text() for li in part("li")] == ["ReadVolumes: refused"]
    assert (part.a["href"], part.a.get_text()) == ("/again/", "Read again")
    assert part.svg["aria-hidden"] == "true"


def test_what_a_notice_says_is_text_and_never_markup():
    assert render("_notice.html", kind="bad", title="<b>x</b>").strong.get_text() == "<b>x</b>"


def test_pages_keep_the_other_parameters_of_the_address():
    page = Paginator(range(30), 10).page(2)
    part = render("_pagination.html", page=page, query=QueryDict("search=gp2&page=2"))
    assert [(a["rel"], a["href"]) for a in part("a")] == [
        (["prev"], "?search=gp2&page=1"),
        (["next"], "?search=gp2&page=3"),
    ]
    assert part.span.get_text() == "Page 2 of 3"


def test_a_list_of_one_page_has_no_pagination():
    assert render("_pagination.html", page=Paginator([1], 10).page(1), query=QueryDict()).find() is None


BY_TYPE = {
    "label": "Cost per month by type",
    "currency": "EUR",
    "horizontal": True,
    "labels": ["Vm", "Volume"],
    "names": ["Virtual machines", "</script><b>Volumes</b>"],
    "series": [{"name": "Per month", "role": "bar", "values": [Decimal("6405.750"), None]}],
}


def bars(*names, **extra):
    return [{"name": name, "role": "bar", "values": [Decimal(1)], **extra} for name in names]


def by_day(*series, states=("complete",)):
    return {
        "label": "Cost per day",
        "currency": "EUR",
        "labels": ["2025-12-16"],
        "names": ["16 Dec"],
        "states": list(states),
        "series": list(series),
    }


def legend(chart):
    return [
        (item.get_text(strip=True), item.span["class"][1:])
        for item in render("_chart.html", id="c", chart=chart).select(".chart-legend li")
    ]


def test_a_chart_hands_over_exact_amounts_and_what_is_unknown():
    figure = render("_chart.html", id="by-type", chart=BY_TYPE).figure
    sent = json.loads(figure.script.string)
    assert sent["series"][0]["values"] == ["6405.750", None]
    assert sent["names"] == BY_TYPE["names"]  # and has not ended its script
    assert figure.b is None


def test_a_chart_has_its_finding_above_and_a_way_without_script():
    figure = render("_chart.html", id="by-type", chart=BY_TYPE, sentence="VMs cost most.").figure
    finding = figure.find(id=figure.canvas["aria-describedby"])
    assert finding.get_text() == "VMs cost most."
    assert figure["id"] == figure.canvas["data-chart"] == "by-type"
    assert figure.noscript.get_text() == "The figures are in the table below."
    assert "aria-describedby" not in render("_chart.html", id="by-type", chart=BY_TYPE).canvas.attrs


def test_horizontal_bars_have_a_row_each():
    box = render("_chart.html", id="by-type", chart=BY_TYPE).select_one(".chart-box.is-horizontal")
    assert len(box.select(".chart-row")) == 2
    assert render("_chart.html", id="c", chart=by_day(*bars("One"))).select(".chart-row") == []


def test_one_series_needs_no_legend():
    assert legend(BY_TYPE) == legend(by_day(*bars("One"))) == []


def test_a_legend_names_each_series_once_and_the_small_ones_together():
    series = [
        *bars("Compute", color="compute"),
        *bars("Snapshots", "Addresses", color="others"),
        {"name": "Forecast", "role": "forecast", "values": ["1"]},
        {"name": "Lowest", "role": "low", "values": ["0"]},
        {"name": "Likely range", "role": "high", "values": ["2"]},
        {"name": "Budget", "role": "budget", "values": ["3"]},
    ]
    assert legend(by_day(*series)) == [
        ("Compute", ["sw-compute"]),
        ("Others (2)", []),
        ("Forecast", ["sw-forecast"]),
        ("Likely range", ["sw-band"]),
        ("Budget", ["sw-budget"]),
    ]


def test_a_legend_explains_days_that_are_not_whole():
    states = ["complete", "missing", "provisional"]
    assert legend(by_day(*bars("One"), states=states)) == [
        ("Provisional", ["sw-provisional"]),
        ("Not read", ["sw-missing"]),
    ]


def test_a_chart_may_say_what_the_colours_of_its_bars_mean():
    assert legend({**BY_TYPE, "legend": [{"name": "Compute", "color": "compute"}]}) == [
        ("Compute", ["sw-compute"])
    ]


@pytest.mark.parametrize(("language", "word"), [("en", "not read"), ("fr", "non lu")])
def test_the_words_of_a_chart_are_in_the_language_of_the_page(language, word):
    with translation.override(language):
        assert render("_chart.html", id="by-type", chart=BY_TYPE).figure["data-not-read"] == word


def test_a_menu_opens_without_script():
    entries = [{"url": "/costs.json", "label": "JSON", "download": True}, {"url": "/costs/", "label": "Page"}]
    menu = render("_menu.html", label="More formats", entries=entries).details
    assert menu.summary.get_text(strip=True) == "More formats"
    assert [(a["href"], a.get_text(), a.has_attr("download")) for a in menu("a")] == [
        ("/costs.json", "JSON", True),
        ("/costs/", "Page", False),
    ]
