"""Whatever was consumed, the causes of an anomaly add up to it exactly, over ends of months too."""

import datetime as dt
from decimal import Decimal

from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from consumption.anomalyfiles import document_of
from consumption.anomalyfindings import asked_by_day, findings_of
from consumption.anomalymarks import Scope
from consumption.history import Question, history_of
from consumption.periods import Period
from tests.consumption.days import entry, keep, make_ledger

FIRST = dt.date(2026, 1, 20)
PERIOD = Period(FIRST, FIRST + dt.timedelta(days=45))
"""February is in it, with three days less than the months around it."""

PRODUCTS = [
    {"type_": "BSU:VolumeUsage:gp2", "operation": "CreateVolume", "category": "storage"},
    {"type_": "Snapshot:Usage", "operation": "Snapshot", "category": "storage"},
    {"type_": "BoxUsage:tinav6.c2r4p2", "operation": "RunInstances-OD", "category": "compute"},
    {"type_": "DataTransfer-Internet:out", "operation": "RunInstances", "category": "network"},
]
lines = st.tuples(
    st.integers(0, len(PRODUCTS) - 1),
    st.sampled_from(["", *(f"r-{number}" for number in range(9))]),
    st.decimals("0.0000000001", "900", places=10),
    st.decimals("0.1", "9", places=3),
)
days = st.lists(lines, min_size=1, max_size=14, unique_by=lambda line: line[:2])


def entries(drawn):
    return [
        entry(price=str(price), value=str(value), resource=resource, **PRODUCTS[product])
        for product, resource, price, value in drawn
    ]


def found_in(ledger):
    question = asked_by_day(Question(PERIOD))
    history = history_of([ledger], question)
    return findings_of([ledger], history, Scope.of("1", [ledger], question), expected=1)


class CausesOfGeneratedDays(HypothesisTestCase):
    """Each example works in a transaction of its own."""

    @settings(max_examples=15, deadline=None)
    @given(days, st.lists(days, min_size=1, max_size=4))
    def test_types_resources_and_what_happened_add_up(self, usual, unusual):
        ledger, last = make_ledger(), PERIOD.last
        contents = {day: entries(usual) for day in PERIOD.days}
        contents |= {last - dt.timedelta(days=place): entries(one) for place, one in enumerate(unusual)}
        keep(ledger, contents)

        findings = found_in(ledger)
        for one in document_of(findings)["anomalies"]:
            excess = [Decimal(cause["excess"]) for cause in one["causes"]]
            assert sum(excess) + Decimal(one["others"]["excess"]) == Decimal(one["excess"])
            assert Decimal(one["actual"]) - Decimal(one["expected"]) == Decimal(one["excess"])
            for cause in one["causes"]:
                parts = [part["excess"] for part in cause["resources"]]
                parts += [cause["others"]["excess"], cause["without_resource"]]
                assert sum(map(Decimal, parts)) == Decimal(cause["excess"])
                assert sum(map(Decimal, cause["split"].values())) == Decimal(cause["excess"])
                assert all(part["resource_id"] for part in cause["resources"])
                left = abs(Decimal(cause["others"]["excess"]))
                assert cause["others"]["resources"] or left < Decimal("0.1")


def test_many_anomalies_are_explained_with_one_query(db):
    ledger = make_ledger()
    quiet, loud = [entry(price="20")], [entry(price="20"), entry("Snapshot:Usage", "40", resource="s-1")]
    loud_days = {FIRST + dt.timedelta(days=place) for place in (30, 33, 36, 40, 43)}
    keep(ledger, {day: loud if day in loud_days else quiet for day in PERIOD.days})
    findings = found_in(ledger)
    assert len(findings.all) == len(loud_days)

    with CaptureQueriesContext(connection) as asked:
        found = document_of(findings)["anomalies"]
    assert len(asked) == 1
    assert [one["causes"][0]["resources"][0]["resource_id"] for one in found] == ["s-1"] * 5


def test_what_is_free_from_now_on_is_gone_once_and_not_cheaper_too(db):
    ledger = make_ledger()
    usual, free = (entry(price=price, unit_price=Decimal(price) / 24) for price in ("24", "0"))
    stays = entry("BoxUsage:tinav6.c2r4p2", "30", resource="i-1")
    keep(ledger, {day: [free if day == PERIOD.last else usual, stays] for day in PERIOD.days})

    [anomaly] = document_of(found_in(ledger))["anomalies"]
    [cause] = anomaly["causes"]
    assert cause["happened"] == "gone"
    assert cause["split"] == {"new": "0", "gone": "-24", "quantity": "0", "unit_price": "0"}


def test_a_rise_is_mainly_for_what_rose_and_not_for_what_fell_more(db):
    ledger = make_ledger()
    gone = entry("BoxUsage:tinav6.c2r4p2", "12", resource="i-1")
    new = [entry("Volume:a", "10", resource="a"), entry("Volume:b", "9", resource="b")]
    stays = entry(price="20")
    keep(ledger, {day: [stays, *(new if day == PERIOD.last else [gone])] for day in PERIOD.days})

    findings = found_in(ledger)
    [found] = findings.all
    assert (found.anomaly.excess, findings.main_type_of(found.anomaly)) == (7, "Volume:a")


def test_an_older_currency_of_days_before_refuses_no_answer_about_days_in_one(db):
    ledger, before = make_ledger(), PERIOD.first - dt.timedelta(days=130)
    keep(ledger, {PERIOD.first - dt.timedelta(days=3): [entry()], PERIOD.first: [entry()]})
    keep(ledger, {before: [entry()]}, currency="USD")

    assert len(found_in(ledger).days) == PERIOD.length
