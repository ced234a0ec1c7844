import csv
import io
import json
import zipfile
from codecs import BOM_UTF8
from decimal import Decimal

import pytest
from prometheus_client.parser import text_string_to_metric_families

from costs.costfiles import FORMATS
from costs.costforms import MOST_LINES_PER_PAGE
from tests.costs.portal_readings import (
    expected_now,
    get,
    ids,
    make_vm,
    make_volume,
    money,
    own,
    read_now,
    same,
)
from tests.costs.test_spreadsheets import ods_rows, xlsx_rows

pytestmark = pytest.mark.django_db
QUESTIONS = [
    "",
    "sort=resource",
    "type=Vm&type=Volume&sort=-specification",
    "tag=project%3Dportail&group=category",
    "search=prod&skip=Vm&state=in-use",
    "search=nothing+like+it",
]
HOSTILE = '=HYPERLINK("http://evil.example")'


@pytest.fixture
def reader(logged_in, outscale):
    """Who has read the sandbox's estate, which holds every special case."""
    read_now(logged_in)
    return logged_in


def file_of(client, file_format, question=""):
    response = client.get(f"/costs/export/{file_format}/?{question}")
    assert response.status_code == 200
    return response.content


def cost_of(client, question):
    return get(client, f"/costs/?{question}").context["cost"]


def csv_rows(content, delimiter=","):
    return list(csv.DictReader(io.StringIO(content.decode(), newline=""), delimiter=delimiter))


def french_rows(content):
    mark, rest = content[:3], content[3:]
    assert mark == BOM_UTF8
    return csv_rows(rest, ";")


def of_kind(rows, kind):
    return [row for row in rows if row["row"] == kind]


def metrics_of(content):
    """Return the samples of a metric by its name: their labels and values."""
    families = text_string_to_metric_families(content.decode())
    return {family.name: [(one.labels, one.value) for one in family.samples] for family in families}


def plain_text(content):
    """Return all the text of a file, that of a spreadsheet too."""
    if not content.startswith(b"PK"):
        return content.decode()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return "".join(archive.read(name).decode() for name in archive.namelist() if name.endswith("xml"))


@pytest.mark.parametrize("question", QUESTIONS)
def test_csv_has_the_rows_of_the_page_in_its_order_and_they_add_up_to_its_total(reader, question):
    page = get(reader, f"/costs/?{question}&per_page={MOST_LINES_PER_PAGE}")
    cost = page.context["cost"]
    rows = csv_rows(file_of(reader, "csv", question))
    resources, (total,) = of_kind(rows, "resource"), of_kind(rows, "total")
    assert [row["resource_id"] for row in resources] == ids(page)
    months = [Decimal(row["price_per_month"]) for row in resources]
    assert sum(months) == Decimal(total["price_per_month"]) == cost.amount.month
    assert Decimal(total["price_per_year"]) == 12 * cost.amount.month
    assert same(total["price_per_hour"], cost.amount.hour)
    assert total["priced"] == ("false" if cost.lacks else "true")
    assert {(row["currency"], row["account_id"], row["region"]) for row in rows} == {
        ("EUR", "100000000001", "eu-west-2")
    }


def test_csv_prices_every_resource_as_the_cloud_does(reader, outscale):
    expected = expected_now(outscale)
    rows = of_kind(csv_rows(file_of(reader, "csv")), "resource")
    assert {row["resource_id"]: Decimal(row["price_per_month"]) for row in rows} == {
        one.resource_id: one.per_month for one in expected.values()
    }
    assert {row["resource_id"] for row in rows if row["priced"] == "false"} == {
        one.resource_id for one in expected.values() if one.unpriced
    }


def test_sizes_of_buckets_are_exact_in_files_too(logged_in, outscale):
    read_now(logged_in, objects=True)
    rows = of_kind(csv_rows(file_of(logged_in, "csv", "type=Oos")), "resource")
    expected = {
        one.resource_id: one.per_month
        for one in expected_now(outscale, objects=True).values()
        if one.resource_type == "Oos"
    }
    assert len(rows) == len(expected) == 3
    assert all(same(row["price_per_month"], expected[row["resource_id"]]) for row in rows)


@pytest.mark.parametrize("question", QUESTIONS)
def test_csv_for_french_excel_has_the_same_cells(reader, question):
    french = file_of(reader, "csv-fr", question)
    assert french_rows(french) == csv_rows(file_of(reader, "csv", question))


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_json_file_is_what_the_api_answers(reader, question):
    answered = reader.get(f"/api/cost/current?{question}").json()["data"]
    assert json.loads(file_of(reader, "json", question)) == answered


@pytest.mark.parametrize(("file_format", "rows_in"), [("xlsx", xlsx_rows), ("ods", ods_rows)])
@pytest.mark.parametrize("question", QUESTIONS)
def test_spreadsheets_have_the_cells_of_the_csv(reader, question, file_format, rows_in):
    content = file_of(reader, "csv", question).decode()
    written = list(csv.reader(io.StringIO(content, newline="")))
    width = len(written[0])
    read = [row[:width] for row in rows_in(file_of(reader, file_format, question))]
    sheet = [[cell[1] for cell in row] for row in read]
    assert sheet == [[cell.removeprefix("'") for cell in row] for row in written]
    numbers = {written[0][place] for row in read for place, cell in enumerate(row) if cell[0] == "number"}
    assert numbers == {"price_per_hour", "price_per_month", "price_per_year"}


@pytest.mark.parametrize("file_format", ["markdown", "human"])
@pytest.mark.parametrize("question", QUESTIONS)
def test_texts_hold_the_totals_and_every_resource_in_order(reader, question, file_format):
    cost = cost_of(reader, question)
    written = file_of(reader, file_format, question).decode()
    for period, places in (("hour", 4), ("month", 2), ("year", 2)):
        (line,) = [line for line in written.splitlines() if line.strip("| ").startswith(f"Per {period} ")]
        assert money(getattr(cost.amount, period), places) in line
    places = [written.find(line.resource_id) for line in cost.lines]
    assert -1 not in places
    assert written.startswith(("The total is incomplete", "## The total is incomplete")) == cost.lacks


@pytest.mark.parametrize("question", QUESTIONS)
def test_prometheus_reads_the_same_figures(reader, question):
    cost = cost_of(reader, question)
    metrics = metrics_of(file_of(reader, "prometheus", question))
    place = {"account_id": "100000000001", "region": "eu-west-2"}
    assert metrics["outscale_cost_per_hour"] == [(place | {"currency": "EUR"}, float(cost.amount.hour))]
    assert metrics["outscale_cost_per_month"] == [(place | {"currency": "EUR"}, float(cost.amount.month))]
    assert metrics["outscale_cost_complete"] == [(place, 1)]
    assert metrics["outscale_cost_unpriced_resources"] == [(place, len(cost.unpriced))]
    assert metrics["outscale_cost_read_at_seconds"] == [(place, int(cost.snapshot.taken_at.timestamp()))]
    counts = metrics["outscale_cost_type_resources"]
    assert {labels["resource_type"]: value for labels, value in counts} == {
        group.key: group.count for group in cost.by_type()
    }
    resources = metrics["outscale_cost_resource_per_hour"]
    assert [(labels["resource_id"], value) for labels, value in resources] == [
        (line.resource_id, float(cost.cost_of(line).amount.hour)) for line in cost.lines
    ]


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_single_figure_is_that_of_the_page(reader, question):
    cost = cost_of(reader, question)
    for period in ("hour", "month", "year"):
        written = file_of(reader, period, question).decode()
        assert written.count("\n") == 1
        assert same(written.strip(), getattr(cost.amount, period))


@pytest.mark.parametrize("aggregate", ["", "&aggregate=1"])
@pytest.mark.parametrize("file_format", FORMATS)
def test_every_format_names_what_is_missing_and_only_then(logged_in, outscale, file_format, aggregate):
    own(outscale, vms=[make_vm()])
    read_now(logged_in)
    assert "ReadVolumes" not in plain_text(file_of(logged_in, file_format, aggregate))
    outscale.faults.add("ReadVolumes", "refuse")
    read_now(logged_in)
    assert "ReadVolumes" in plain_text(file_of(logged_in, file_format, aggregate))
    other = plain_text(file_of(logged_in, file_format, f"type=Vm{aggregate}"))
    assert "ReadVolumes" not in other  # volumes are not asked for


def test_a_missing_list_has_no_figure_and_its_reason(logged_in, outscale):
    own(outscale, vms=[make_vm()], volumes=[make_volume()])
    outscale.faults.add("ReadVolumes", "refuse")
    read_now(logged_in)
    rows = csv_rows(file_of(logged_in, "csv"))
    (missing,) = of_kind(rows, "missing")
    assert (missing["resource_type"], missing["resource_id"]) == ("Volume", "ReadVolumes")
    assert (missing["price_per_month"], missing["priced"]) == ("", "false")
    assert missing["explanation"].endswith("refuses this reading (code 4). Allow api:ReadVolumes.")
    (total,) = of_kind(rows, "total")
    assert (total["price_per_month"], total["priced"]) == ("131.4", "false")
    metrics = metrics_of(file_of(logged_in, "prometheus"))
    assert [value for _labels, value in metrics["outscale_cost_complete"]] == [0]
    ((labels, _one),) = metrics["outscale_cost_missing"]
    assert (labels["call"], labels["code"]) == ("ReadVolumes", "PERMISSION_REFUSED")


def test_names_that_look_like_formulas_are_harmless(logged_in, outscale):
    tags = (("Name", HOSTILE), ("@SUM(A1)", "+1"))
    own(outscale, vms=[make_vm(tags=tags), make_vm(2, tags=(("-1+1", "x"),))])
    read_now(logged_in)
    for rows in (csv_rows(file_of(logged_in, "csv")), french_rows(file_of(logged_in, "csv-fr"))):
        assert [row["name"] for row in of_kind(rows, "resource")] == [f"'{HOSTILE}", ""]
        assert of_kind(rows, "resource")[1]["tags"] == "'-1+1=x"
    for rows in (xlsx_rows(file_of(logged_in, "xlsx")), ods_rows(file_of(logged_in, "ods"))):
        assert rows[1][3] == ("text", HOSTILE)


def test_names_that_look_like_markup_stay_names(logged_in, outscale):
    name = 'a|b`c\n"d"\\ <b>é 🚀'
    own(outscale, vms=[make_vm(tags=(("Name", name),))])
    read_now(logged_in)
    ((labels, _value),) = metrics_of(file_of(logged_in, "prometheus"))["outscale_cost_resource_per_hour"]
    assert labels["name"] == name
    lines = file_of(logged_in, "markdown").decode().splitlines()
    (row,) = [line for line in lines if "i-00000001" in line]
    assert "<b>" not in row.split("`")[0]
    assert json.loads(file_of(logged_in, "json"))["resources"][0]["name"] == name


@pytest.mark.parametrize("question", QUESTIONS)
def test_totals_by_kind_add_up(reader, question):
    cost = cost_of(reader, question)
    rows = csv_rows(file_of(reader, "csv", f"{question}&aggregate=1"))
    kinds, (total,) = of_kind(rows, "type"), of_kind(rows, "total")
    assert sum(Decimal(row["price_per_month"]) for row in kinds) == cost.amount.month
    assert Decimal(total["price_per_month"]) == cost.amount.month
    assert sum(int(row["count"]) for row in kinds) == int(total["count"]) == len(cost.lines)
    whole = json.loads(file_of(reader, "json", question))
    del whole["resources"]
    assert json.loads(file_of(reader, "json", f"{question}&aggregate=1")) == whole


@pytest.mark.parametrize("file_format", ["human", "markdown", "prometheus", "xlsx", "ods"])
def test_totals_by_kind_name_no_resource(logged_in, outscale, file_format):
    own(outscale, vms=[make_vm()])
    read_now(logged_in)
    assert "i-00000001" in plain_text(file_of(logged_in, file_format))
    assert "i-00000001" not in plain_text(file_of(logged_in, file_format, "aggregate=1"))


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_file_is_named_after_account_region_and_moment(logged_in, outscale, file_format):
    own(outscale)
    moment = read_now(logged_in).taken_at.strftime("%Y-%m-%d-%H%M")
    response = logged_in.get(f"/costs/export/{file_format}/")
    name = f"cost-100000000001-eu-west-2-{moment}.{FORMATS[file_format].ending}"
    assert response["Content-Disposition"] == f'attachment; filename="{name}"'
    assert response["Content-Type"] == FORMATS[file_format].content_type
    assert "no-store" in response["Cache-Control"]


def test_the_menu_of_files_leads_to_every_format_with_the_question(reader):
    page = get(reader, "/costs/?tag=project&sort=resource")
    links = [link["href"] for link in page.soup.select("#cost-head a[href*=export]")]
    assert sorted(links) == sorted(f"/costs/export/{name}/?tag=project&sort=resource" for name in FORMATS)


def test_a_format_that_does_not_exist_is_not_found(reader):
    assert reader.get("/costs/export/pdf/").status_code == 404


def test_a_wrong_question_gives_no_file(reader):
    response = get(reader, "/costs/export/csv/?sort=colour")
    assert response.status_code == 422
    assert response["Content-Type"].startswith("text/html")


def test_without_any_reading_the_page_comes_first(logged_in, outscale):
    response = logged_in.get("/costs/export/csv/?type=Vm&tag=a")
    assert (response.status_code, response["Location"]) == (302, "/costs/?type=Vm&tag=a")
    assert len(outscale.requests) == 0
