"""Charts, and the parts that stand around them, on a page made for these tests."""

from decimal import Decimal

import pytest
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.template import engines
from django.urls import include, path
from playwright.sync_api import expect

from tests.browser.conftest import NARROW, WIDE, until

PAGE = """
{% extends "base.html" %}
{% load static %}
{% block title %}Charts{% endblock %}
{% block content %}
<div class="page-head">
  <div><h1>Current cost <span class="coverage is-note">3 minutes old</span></h1><p>EUR, tax excluded</p></div>
  <div class="actions">{% include "components/_menu.html" with label="More formats" entries=formats only %}
    <button class="btn" hx-get="/charts/figures/" hx-target="#figures">By subregion</button>
    <button class="btn" hx-get="/charts/nothing/" hx-target="#figures">Nothing</button></div>
</div>
<div class="stack" id="figures">{% include figures %}</div>
{% endblock %}
{% block scripts %}
<script src="{% static "vendor/chart.umd.js" %}" defer></script>
<script src="{% static "charts.js" %}" defer></script>
{% endblock %}
"""

FIGURES = """
{% for chart in charts %}
<section class="card">
  <div class="card-header">
    <h2>{{ chart.label }}</h2>
    <details class="coverage is-warn">
      <summary>28 of 30 days</summary><div class="coverage-days">One was not read.</div>
    </details>
    <ul class="pills ms-auto">
      <li><a href="#" aria-current="true">Type</a></li><li><a href="#">Subregion</a></li>
    </ul>
  </div>
  {% include "components/_chart.html" with id=chart.id chart=chart sentence=chart.label only %}
  <div class="table-wrap" role="group" aria-label="{{ chart.label }}" tabindex="0">
  <table class="table static-head">
    <thead><tr><th scope="col">Type</th><th scope="col" class="num">Share</th></tr></thead>
    <tbody>
      <tr>
        <th scope="row"><span class="swatch sw-series-1" aria-hidden="true"></span><a href="#">VMs</a></th>
        <td class="num">
          <meter class="share" max="72" value="71.5" aria-hidden="true"></meter><span class="pct">71.5%</span>
        </td>
      </tr>
      <tr class="is-missing">
        <th scope="row">Volumes</th><td class="num">– <span class="change up">+140.6%</span></td>
      </tr>
    </tbody>
    <tfoot><tr><th scope="row">Total</th><td class="num">100.0%</td></tr></tfoot>
  </table>
  </div>
  <div class="card-body">
    <progress class="progress-line" max="730" value="412" aria-label="Days read">56%</progress><br>
    <progress class="progress-line is-warn" max="730" value="412" aria-label="Spent">56%</progress>
  </div>
</section>
{% endfor %}
"""


def across(key, label, rows):
    return {
        "id": key,
        "label": label,
        "currency": "EUR",
        "horizontal": True,
        "labels": [name for name, _value in rows],
        "names": [name for name, _value in rows],
        "series": [
            {
                "name": "Per month",
                "role": "bar",
                "values": [value and Decimal(value) for _name, value in rows],
                "colors": ["series-1", None, "series-2"] + [None] * (len(rows) - 3),
                "partial": [name == "DirectLinks" for name, _value in rows],
                "hrefs": [f"/charts/?type={place}" for place, _row in enumerate(rows)],
            }
        ],
    }


BY_TYPE = across(
    "by-type",
    "Cost per month by type",
    [
        ("Virtual machines", "6405.75"),
        ("Flexible GPUs", "1460.00"),
        ("DirectLinks", "400.00"),
        ("Object storage buckets, with a name that is much too long for a narrow window", "310.00"),
        ("Public addresses", "0.00"),
        ("Volumes", None),
    ],
)
BY_SUBREGION = across(
    "by-type", "Cost per month by subregion", [("eu-west-2a", "5000"), ("eu-west-2b", "3959.95"), ("–", "0")]
)
SPENT = ["90.5", "90.5", "90.5", None, "80", "80", "80"]
BY_DAY = {
    "id": "by-day",
    "label": "Cost per day by category",
    "currency": "EUR",
    "labels": [f"2025-12-{day:02}" for day in range(1, 11)],
    "names": [f"{day} Dec" for day in range(1, 11)],
    "states": ["complete"] * 3 + ["missing"] + ["complete"] * 2 + ["provisional"] + ["future"] * 3,
    "series": [
        *(
            {"name": color, "role": "bar", "color": color, "values": [*SPENT, None, None, None]}
            for color in ("compute", "storage", "others", "others")
        ),
        {"name": "Forecast", "role": "forecast", "values": [None] * 6 + ["320", "330", "335", "340"]},
        {"name": "Lowest", "role": "low", "values": [None] * 6 + ["320", "310", "300", "290"]},
        {"name": "Likely range", "role": "high", "values": [None] * 6 + ["320", "350", "370", "390"]},
        {"name": "Budget", "role": "budget", "values": ["350"] * 10},
        {"name": "Average", "role": "average", "values": ["330"] * 10},
    ],
}


def answer(template, *charts):
    django = engines["django"]
    formats = [{"url": f"/charts/?format={name}", "label": name} for name in ("JSON", "XML")]
    figures = django.from_string(FIGURES)

    @login_not_required
    def view(request):
        context = {"charts": charts, "formats": formats, "figures": figures.template}
        return HttpResponse(django.from_string(template).render(context, request))

    return view


urlpatterns = [
    path("charts/", answer(PAGE, BY_TYPE, BY_DAY)),
    path("charts/none/", answer(PAGE)),
    path("charts/figures/", answer(FIGURES, BY_SUBREGION)),
    path("charts/nothing/", answer("Nothing to draw.")),
    path("", include("finops_site.urls")),
]
pytestmark = pytest.mark.urls(__name__)

CHART = "#by-type canvas[role=slider]"
PIXELS = """canvas => {
  const paper = new OffscreenCanvas(canvas.width, canvas.height);
  const copy = paper.getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const { x, y, base } = Chart.getChart(canvas).getDatasetMeta(0).data[0];
  const all = copy.getImageData(0, 0, canvas.width, canvas.height).data;
  return {
    first: [...copy.getImageData((x + base) / 2 * devicePixelRatio, y * devicePixelRatio, 1, 1).data],
    inked: all.filter((part, i) => i % 4 === 3 && part > 0).length / (all.length / 4),
  };
}"""
BLUE, BLUE_IN_THE_DARK = [0x32, 0x56, 0xBE, 255], [0x54, 0x7D, 0xBB, 255]


def colour(chart):
    """Return the colour in the middle of the first bar."""
    return chart.evaluate(PIXELS)["first"]


def inked(chart):
    """Return which part of the canvas is not blank."""
    return chart.evaluate(PIXELS)["inked"]


def charts_alive(page):
    return page.evaluate("Object.keys(Chart.instances).length")


@pytest.fixture
def shown(page):
    page.goto("/charts/")
    page.locator(CHART).wait_for()
    return page


def test_a_chart_draws_its_bars_in_the_colours_of_the_theme(shown):
    chart = shown.locator(CHART)
    assert 0.02 < inked(chart) < 0.6
    assert colour(chart) == BLUE
    shown.evaluate("document.documentElement.dataset.bsTheme = 'dark'")
    assert colour(chart) == BLUE_IN_THE_DARK
    assert charts_alive(shown) == 2


def test_a_chart_follows_the_theme_of_the_system(shown):
    shown.emulate_media(color_scheme="dark")  # the page hears of it a moment later
    wanted = [shown.locator(CHART).element_handle(), BLUE_IN_THE_DARK]
    shown.wait_for_function(f"([chart, blue]) => `${{({PIXELS})(chart).first}}` === `${{blue}}`", arg=wanted)


def test_a_chart_on_paper_is_that_of_the_light_theme(shown):
    chart = shown.locator(CHART)
    shown.evaluate("document.documentElement.dataset.bsTheme = 'dark'")
    shown.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert colour(chart) == BLUE
    shown.evaluate("dispatchEvent(new Event('afterprint'))")
    assert colour(chart) == BLUE_IN_THE_DARK


def test_arrow_keys_walk_the_bars_and_speak_what_is_known(shown):
    chart = shown.get_by_role("slider", name="Cost per month by type")
    expect(chart).to_have_attribute("aria-valuetext", "Virtual machines, €6,405.75")
    chart.focus()
    for key, spoken in [
        ("ArrowDown", "Flexible GPUs, €1,460.00"),
        ("ArrowRight", "DirectLinks, ≥\u00a0€400.00"),
        ("ArrowUp", "Flexible GPUs, €1,460.00"),
        ("End", "Volumes, not read"),
        ("ArrowUp", "Public addresses, €0.00"),
        ("Home", "Virtual machines, €6,405.75"),
        ("ArrowLeft", "Virtual machines, €6,405.75"),
    ]:
        chart.press(key)
        expect(chart).to_have_attribute("aria-valuetext", spoken)


def test_days_speak_their_state_their_sum_and_the_lines_beside_it(shown):
    chart = shown.get_by_role("slider", name="Cost per day by category")
    lines = "Budget €350.00, Average €330.00"
    assert chart.get_attribute("aria-valuetext") == (
        f"10 Dec, Forecast €340.00, Lowest €290.00, Likely range €390.00, {lines}"
    )
    chart.focus()
    chart.press("Home")
    assert chart.get_attribute("aria-valuetext") == f"1 Dec, Total €362.00, {lines}"
    for _day in range(3):
        chart.press("ArrowRight")
    assert chart.get_attribute("aria-valuetext") == "4 Dec, not read"
    for _day in range(3):
        chart.press("ArrowRight")
    spoken = chart.get_attribute("aria-valuetext")
    assert spoken.startswith("7 Dec (provisional), Total €320.00, Forecast €320.00")


def test_a_day_to_come_shows_its_forecast_and_no_sum(shown):
    chart = shown.locator("#by-day canvas")
    chart.focus()
    shown_in = "canvas => Chart.getChart(canvas).tooltip[{}].flatMap(part => part.lines ?? part)"
    chart.press("End")
    assert chart.evaluate(shown_in.format("'body'"))[0].strip() == "Forecast   €340.00"
    assert chart.evaluate(shown_in.format("'footer'")) == []
    chart.press("Home")
    assert chart.evaluate(shown_in.format("'footer'")) == ["Total   €362.00"]


def test_lines_are_not_added_to_each_other(shown):
    top = shown.locator("#by-day canvas").evaluate("canvas => Chart.getChart(canvas).scales.y.max")
    assert top <= 500


def test_the_words_and_amounts_are_those_of_the_language(open_page):
    page = open_page(locale="fr-FR")
    page.goto("/charts/")
    chart = page.locator(CHART)
    expect(chart).to_have_attribute("aria-valuetext", "Virtual machines, 6\u202f405,75\u00a0€")
    chart.focus()
    chart.press("End")
    expect(chart).to_have_attribute("aria-valuetext", "Volumes, non lu")


def test_enter_and_a_click_follow_the_link_of_a_bar(shown):
    chart = shown.locator(CHART)
    chart.focus()
    chart.press("ArrowDown")
    chart.press("Enter")
    shown.wait_for_url("**/charts/?type=1")
    chart.wait_for()
    chart.click(position={"x": 600, "y": 14})
    shown.wait_for_url("**/charts/?type=0")


def test_a_swap_draws_anew_and_leaves_no_chart_behind(shown):
    shown.get_by_role("button", name="By subregion").click()
    chart = shown.get_by_role("slider", name="Cost per month by subregion")
    expect(chart).to_have_attribute("aria-valuetext", "eu-west-2a, €5,000.00")
    assert inked(chart) > 0.02
    assert charts_alive(shown) == 1
    shown.get_by_role("button", name="Nothing").click()
    shown.get_by_text("Nothing to draw.").wait_for()
    until(shown, "Object.keys(Chart.instances).length === 0")


def test_a_chart_may_come_into_a_page_that_had_none(page):
    page.goto("/charts/none/")
    page.get_by_role("button", name="By subregion").click()
    expect(page.locator(CHART)).to_have_attribute("aria-valuetext", "eu-west-2a, €5,000.00")


def test_without_script_the_table_is_named_and_the_menu_opens(open_page):
    page = open_page(java_script_enabled=False)
    page.goto("/charts/")
    assert page.locator(".chart-unseen").first.is_visible()
    assert not page.locator("canvas").first.is_visible()
    page.get_by_text("More formats").click()
    assert page.get_by_role("link", name="JSON", exact=True).is_visible()


def test_a_menu_is_closed_by_escape_a_click_elsewhere_and_the_focus_that_goes_on(shown):
    button, entry = shown.get_by_text("More formats"), shown.get_by_role("link", name="XML")
    button.focus()
    shown.keyboard.press("Enter")
    shown.keyboard.press("Tab")
    assert entry.is_visible()
    shown.keyboard.press("Escape")
    assert not entry.is_visible()
    assert shown.evaluate("document.activeElement.matches('details[data-menu] > summary')")
    button.click()
    shown.get_by_role("heading", level=1).click()
    assert not entry.is_visible()
    button.click()
    shown.locator(CHART).focus()
    assert not entry.is_visible()


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_axe_finds_nothing_in_either_theme(open_page, axe, viewport):
    page = open_page(viewport=viewport)
    page.goto("/charts/")
    page.locator(CHART).wait_for()
    axe(page)
    page.get_by_text("More formats").click()
    page.locator("details.coverage").first.evaluate("coverage => coverage.open = true")
    axe(page)


def test_a_page_with_charts_is_never_wider_than_the_window(open_page):
    page = open_page(viewport={"width": 320, "height": 640})
    page.goto("/charts/")
    page.locator(CHART).wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.set_viewport_size({"width": 1440, "height": 900})
    page.set_viewport_size({"width": 400, "height": 900})
    until(page, "document.documentElement.scrollWidth <= 400")
