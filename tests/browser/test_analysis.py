"""The analysis of the consumption, as people read it: its charts, their tables, and what explains them."""

import re

from django.utils import timezone
from playwright.sync_api import expect

from consumption.daytext import period_text, weekday_text
from consumption.periods import ONE_DAY, Period
from sandbox.history import spike_days
from tests.browser.conftest import settled, until


def test_a_spike_is_found_in_the_table_of_the_chart_explained_and_marked(customer):
    first, _second, last = spike_days(timezone.now().date())
    days = period_text(Period(first, last + ONE_DAY))
    customer.goto(f"/consumption/anomalies/?first={first - 29 * ONE_DAY}&last={last + 2 * ONE_DAY}")
    finding = customer.locator("#consumption-chart figcaption")
    expect(finding).to_contain_text("1 anomaly in 34 days.")
    expect(customer.locator("#reading")).to_be_empty()
    settled(customer)

    customer.get_by_text("Figures by day").click()
    anomalous = customer.locator("#steps tbody tr", has_text="Anomaly: more")
    expect(anomalous).to_have_count(3)
    expect(anomalous.first.locator("th")).to_have_text(weekday_text(first))

    link = customer.get_by_role("link", name=days)
    link.press("Enter")
    explanation = customer.locator("tr.detail")
    expect(explanation).to_contain_text("GPU NVIDIA H100, attached")
    expect(explanation.locator("tbody tr", has_text="New")).to_have_count(12)
    expect(link).to_have_attribute("aria-expanded", "true")
    expect(customer).to_have_url(re.compile(f"anomaly={first}$"))

    explanation.get_by_label("Why it is expected").fill("Spring campaign")
    explanation.get_by_role("button", name="Mark as expected").click()
    expect(customer.locator("#toasts")).to_contain_text("The anomaly is marked as expected.")
    expect(customer.locator("tr.open .osc-tag")).to_have_text("expected")
    expect(explanation).to_contain_text("Spring campaign")
    customer.get_by_label("State").select_option("open")
    expect(customer.locator("#anomalies")).to_contain_text("1 anomaly of this period is in another state.")


def test_the_chart_of_anomalies_is_walked_by_key_and_leads_to_the_explanation(customer):
    first, _second, last = spike_days(timezone.now().date())
    customer.goto(f"/consumption/anomalies/?first={first - 29 * ONE_DAY}&last={last}")
    expect(customer.locator("#consumption-chart figcaption")).to_contain_text("1 anomaly in 32 days.")
    expect(customer.locator("#reading")).to_be_empty()
    settled(customer)

    chart = customer.get_by_role("slider", name="Cost per day and what was expected")
    chart.focus()
    until(customer, "() => document.activeElement.getAttribute('aria-valuetext').includes(', Anomaly €')")
    chart.press("Enter")
    expect(customer.locator("tr.detail")).to_contain_text("GPU NVIDIA H100, attached")
