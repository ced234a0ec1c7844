"""The files of the history: the figures of the page, whole, and what is not known says so."""

import csv
import datetime as dt
import io
import json
from codecs import BOM_UTF8
from decimal import Decimal

import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis.extra.django import TestCase as HypothesisTestCase

from accounts.errors import CloudTimeout
from accounts.models import User
from consumption import files, keeping
from consumption.documents import document_of
from consumption.files import COLUMNS, FORMATS, TooManyRows, file_name
from consumption.history import Dimension, Question, history_of
from consumption.models import Ledger, LedgerReader
from consumption.periods import Granularity, Period
from tests.consumption.days import LATER, REGION, day, entry, keep, make_ledger
from tests.consumption.test_history import PERIOD, contents
from tests.costs.test_spreadsheets import ods_rows, xlsx_rows

ACCOUNT = "100000000001"
MARCH_1_TO_4 = Period(day(1), day(5))
HOSTILE = '=HYPERLINK("http://evil.example")'


@pytest.fixture
def ledger(db):
    return make_ledger()


def ask(ledger, period=MARCH_1_TO_4, granularity=Granularity.DAY, group_by=Dimension.CATEGORY, **question):
    return history_of([ledger], Question(period, granularity, group_by, **question))


def rows_of(history, name="csv", delimiter=","):
    content = FORMATS[name].write(history).decode().removeprefix("\ufeff")
    return list(csv.DictReader(io.StringIO(content, newline=""), delimiter=delimiter))


def of_kind(rows, kind):
    return [row for row in rows if row["row"] == kind]


def costs(rows):
    return [row["cost"] for row in rows]


def added(rows):
    return sum((Decimal(row["cost"]) for row in rows if row["cost"]), Decimal(0))


def test_each_group_has_a_row_for_each_step_and_the_totals_follow(ledger):
    compute = {"category": "compute", "resource": "i-1"}
    keep(ledger, {day(1): [entry(price="1.5"), entry("Vm", "2", **compute)], day(2): [entry(price="0.25")]})

    rows = rows_of(ask(ledger, Period(day(1), day(3))))

    assert [(row["row"], row["key"], row["name"], row["first_day"], row["cost"]) for row in rows] == [
        ("group", "compute", "Compute", "2026-03-01", "2"),
        ("group", "compute", "Compute", "2026-03-02", "0"),
        ("group", "network", "Network", "2026-03-01", "1.5"),
        ("group", "network", "Network", "2026-03-02", "0.25"),
        ("step", "", "", "2026-03-01", "3.5"),
        ("step", "", "", "2026-03-02", "0.25"),
        ("total", "", "", "2026-03-01", "3.75"),
    ]
    assert rows[-1] == {
        "row": "total",
        "group_by": "",
        "key": "",
        "name": "",
        "first_day": "2026-03-01",
        "last_day": "2026-03-02",
        "cost": "3.75",
        "currency": "EUR",
        "quantity": "",
        "unpriced_lines": "0",
        "days": "2",
        "days_with_figures": "2",
        "state": "complete",
        "reason": "",
        "filters": "",
        "account_id": ACCOUNT,
        "region": REGION,
    }


def test_what_was_not_read_has_no_figure_and_a_row_that_says_so(ledger):
    keep(ledger, {day(1): [entry(price="1")]})
    keeping.note_failure(ledger, day(2), CloudTimeout("ReadConsumptionAccount"), at=LATER)
    keep(ledger, {day(3): [entry(price="1")]}, unreadable=2)

    rows = rows_of(ask(ledger))

    assert costs(of_kind(rows, "group")) == costs(of_kind(rows, "step")) == ["1", "", "1", ""]
    (total,) = of_kind(rows, "total")
    assert (total["cost"], total["days"], total["days_with_figures"]) == ("2", "4", "2")
    assert total["state"] == "unread"
    missing = [
        (row["first_day"], row["last_day"], row["state"], row["reason"]) for row in of_kind(rows, "missing")
    ]
    assert missing == [
        ("2026-03-02", "2026-03-02", "failed", "CLOUD_TIMEOUT"),
        ("2026-03-03", "2026-03-03", "partial", "ENTRIES_NOT_UNDERSTOOD"),
        ("2026-03-04", "2026-03-04", "unread", ""),
    ]
    assert set(costs(of_kind(rows, "missing"))) == {""}
    assert of_kind(rows, "missing")[2]["name"] == "This day was not read yet."


def test_nothing_read_is_no_total_of_zero(ledger):
    rows = rows_of(ask(ledger))

    assert set(costs(rows)) == {""}
    assert [row["row"] for row in rows] == ["step"] * 4 + ["total"] + ["missing"] * 4


def test_a_day_that_can_still_grow_is_provisional_and_not_missing(ledger):
    keep(ledger, {day(1): [entry()]}, at=dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC))

    rows = rows_of(ask(ledger, Period(day(1), day(2))))

    assert [row["row"] for row in rows] == ["group", "step", "total", "provisional"]
    assert {row["state"] for row in rows} == {"provisional"}


def test_what_has_no_price_is_named_and_never_zero(ledger):
    odd = entry("x", None, value="7", operation="y", category="compute")
    keep(ledger, {day(1): [odd, entry(price="1")], day(2): [odd]})

    rows = rows_of(ask(ledger, Period(day(1), day(3))))

    compute = [row for row in of_kind(rows, "group") if row["key"] == "compute"]
    assert [(row["cost"], row["unpriced_lines"]) for row in compute] == [("", "1"), ("", "1")]
    assert [(row["cost"], row["unpriced_lines"]) for row in of_kind(rows, "step")] == [("1", "1"), ("", "1")]
    (total,) = of_kind(rows, "total")
    assert (total["cost"], total["unpriced_lines"]) == ("1", "2")
    (unpriced,) = of_kind(rows, "unpriced")
    assert (unpriced["key"], unpriced["quantity"], unpriced["cost"]) == ("TinaOS-FCU / x / y", "14", "")
    assert unpriced["unpriced_lines"] == "2"


def test_what_has_no_price_is_counted_by_resource_too(ledger):
    odd = entry("x", None, operation="y", resource="i-1")
    keep(ledger, {day(1): [odd, entry(price="1", resource="i-2")], day(2): [odd], day(3): [odd]})

    rows = rows_of(ask(ledger, Period(day(1), day(4)), Granularity.MONTH, Dimension.RESOURCE))

    groups = {row["key"]: (row["cost"], row["unpriced_lines"]) for row in of_kind(rows, "group")}
    assert groups == {"i-1": ("", "3"), "i-2": ("1", "0")}


def test_a_narrowed_question_stands_in_every_row(ledger):
    keep(ledger, {day(1): [entry(), entry("Vm", category="compute")]}, with_linked=True)
    filters = {"category": frozenset(["compute"]), "service": frozenset(["b", "TinaOS-FCU"])}

    rows = rows_of(ask(ledger, filters=filters, with_linked=True))

    assert {row["filters"] for row in rows} == {"category=compute; service=TinaOS-FCU; service=b; linked=1"}


def test_every_group_of_a_long_table_is_there(ledger, monkeypatch):
    monkeypatch.setattr(files, "_GROUPS_AT_ONCE", 7)
    keep(ledger, {day(1): [entry(price=str(number), resource=f"i-{number}") for number in range(1, 31)]})

    rows = of_kind(rows_of(ask(ledger, Period(day(1), day(2)), group_by=Dimension.RESOURCE)), "group")

    assert [(row["key"], row["cost"]) for row in rows] == [(f"i-{n}", str(n)) for n in range(30, 0, -1)]


def test_what_has_no_resource_id_is_a_group_of_its_own(ledger):
    keep(ledger, {day(1): [entry(resource="")]})

    (row,) = of_kind(rows_of(ask(ledger, Period(day(1), day(2)), group_by=Dimension.RESOURCE)), "group")

    assert (row["key"], row["name"]) == ("", "Without a resource id")


class SumsOfGeneratedDays(HypothesisTestCase):
    """Each example works in a transaction of its own."""

    @settings(max_examples=15, deadline=None)
    @given(contents)
    def test_groups_steps_and_total_add_up_to_the_page_whatever_is_asked(self, days):
        ledger = make_ledger()
        keep(ledger, days)
        for granularity in Granularity:
            for group_by in Dimension:
                history = ask(ledger, PERIOD, granularity, group_by)
                rows = rows_of(history)
                (total,) = of_kind(rows, "total")
                assert added(of_kind(rows, "group")) == added(of_kind(rows, "step")) == history.total
                assert added([total]) == history.total
                for step in of_kind(rows, "step"):
                    groups = [row for row in of_kind(rows, "group") if row["first_day"] == step["first_day"]]
                    assert added(groups) == added([step])
                    assert sum(int(row["unpriced_lines"]) for row in groups) == int(step["unpriced_lines"])
                days_named = {row["first_day"] for row in of_kind(rows, "missing")}
                assert len(days_named) == PERIOD.length - len(days)


# --- Formats


@pytest.fixture
def history(ledger):
    keep(ledger, {day(1): [entry(price="1.5", resource=HOSTILE), entry("x", None, operation="y")]})
    return ask(ledger, group_by=Dimension.RESOURCE)


def test_csv_for_french_excel_has_the_same_cells(history):
    assert FORMATS["csv-fr"].write(history).startswith(BOM_UTF8)
    assert rows_of(history, "csv-fr", ";") == rows_of(history)


def test_names_that_look_like_formulas_are_harmless(history):
    keys = {row["key"] for row in of_kind(rows_of(history), "group")}
    assert keys == {f"'{HOSTILE}", "nat-1"}


@pytest.mark.parametrize(("file_format", "rows_in"), [("xlsx", xlsx_rows), ("ods", ods_rows)])
def test_spreadsheets_have_the_cells_of_the_csv(history, file_format, rows_in):
    read = [row[: len(COLUMNS)] for row in rows_in(FORMATS[file_format].write(history))]
    written = [list(COLUMNS), *(list(row.values()) for row in rows_of(history))]
    assert [[cell[1] for cell in row] for row in read] == [
        [cell.removeprefix("'") for cell in row] for row in written
    ]
    numbers = {COLUMNS[place] for row in read for place, cell in enumerate(row) if cell[0] == "number"}
    assert numbers == {"cost", "quantity", "unpriced_lines", "days", "days_with_figures"}


def test_the_json_file_is_the_document_of_the_api_and_its_coverage(history):
    read = json.loads(FORMATS["json"].write(history))
    assert read == document_of(history) | {"coverage": history.coverage.counts}
    assert read["coverage"] == {
        "days": 4,
        "complete": 1,
        "provisional": 0,
        "partial": 0,
        "failed": 0,
        "unread": 3,
    }


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_file_is_named_after_account_region_and_days(history, file_format):
    ending = FORMATS[file_format].ending
    expected = f"consumption-100000000001-eu-west-2-2026-03-01-2026-03-04.{ending}"
    assert (
        file_name("consumption", history.ledgers, history.question.period, FORMATS[file_format]) == expected
    )


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_file_that_nobody_could_read_is_refused(history, monkeypatch, file_format):
    monkeypatch.setattr(files, "MOST_ROWS", 7)
    with pytest.raises(TooManyRows) as caught:
        FORMATS[file_format].write(history)
    assert "8 rows; 7 are the most" in caught.value.message


# --- Over the web


@pytest.fixture
def reader(logged_in):
    """Who may see a day of March, which is kept."""
    ledger = make_ledger(at=dt.datetime.now(dt.UTC))
    keep(ledger, {day(1): [entry(price="1.5")], day(2): [entry("Vm", "2", category="compute")]})
    return logged_in


ASKED = "first=2026-03-01&last=2026-03-02"


def test_the_file_answers_the_question_in_the_address(reader, outscale):
    response = reader.get(f"/consumption/export/csv/?{ASKED}&category=compute&granularity=month&page=3")

    rows = list(csv.DictReader(io.StringIO(response.content.decode(), newline="")))
    assert [(row["row"], row["key"], row["cost"]) for row in rows] == [
        ("group", "compute", "2"),
        ("step", "", "2"),
        ("total", "", "2"),
    ]
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    name = "consumption-100000000001-eu-west-2-2026-03-01-2026-03-02.csv"
    assert response["Content-Disposition"] == f'attachment; filename="{name}"'
    assert "no-store" in response["Cache-Control"]
    assert len(outscale.requests) == 0


def test_a_format_that_does_not_exist_is_not_found(reader):
    assert reader.get(f"/consumption/export/pdf/?{ASKED}").status_code == 404


def test_a_wrong_question_gives_no_file_and_leads_back(reader):
    response = reader.get(f"/consumption/export/csv/?{ASKED}&group_by=colour")

    assert response.status_code == 422
    assert response["Content-Type"].startswith("text/html")
    page = response.content.decode()
    assert "colour" in page
    assert 'href="/consumption/?first=2026-03-01&amp;last=2026-03-02"' in page


def test_days_in_several_currencies_give_no_file(reader):
    keep(Ledger.objects.get(), {day(2): [entry()]}, currency="USD")

    response = reader.get(f"/consumption/export/json/?{ASKED}")

    assert response.status_code == 400
    assert "EUR, USD" in response.content.decode()


def test_a_key_that_was_not_answered_yet_reads_first(reader, outscale):
    LedgerReader.objects.all().delete()

    response = reader.get(f"/consumption/export/csv/?{ASKED}&category=compute")

    expected = f"/consumption/?{ASKED}&group_by=category&category=compute"
    assert (response.status_code, response["Location"]) == (302, expected)
    assert len(outscale.requests) == 0


@pytest.mark.parametrize("path", ["csv", "focus"])
def test_an_operator_without_keys_is_told_so(db, path):
    client = Client()
    client.force_login(
        User.objects.create_superuser("operator", "x"), "django.contrib.auth.backends.ModelBackend"
    )

    assert client.get(f"/consumption/export/{path}/").status_code == 403


@pytest.mark.parametrize("path", ["csv", "focus"])
def test_a_stranger_logs_in_first(client, db, path):
    response = client.get(f"/consumption/export/{path}/?{ASKED}")
    assert response.status_code == 302
    assert response["Location"].startswith("/login/")


@pytest.mark.parametrize("path", ["csv", "focus"])
def test_nothing_is_posted_to_a_file(reader, path):
    assert reader.post(f"/consumption/export/{path}/").status_code == 405
