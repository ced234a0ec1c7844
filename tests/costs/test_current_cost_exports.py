import csv
import io
import json
import zipfile
from codecs import BOM_UTF8
from decimal import Decimal

import pytest
from prometheus_client.parser import text_string_to_metric_families

from costs.costdocuments import document_of
from costs.costfiles import FORMATS
from costs.costforms import MOST_LINES_PER_PAGE
from costs.currentcost import Question, current_cost
from costs.inventory import OBJECTS, SOURCES, Missing, Unreadable
from tests.costs.inventories import taken, vm
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
        (line.resource_id, float(cost.cost_of(line).amount.hour))
        for line in cost.lines
        if not cost.cost_of(line).is_unknown
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


def test_no_two_formats_share_the_name_of_a_file():
    endings = [file_format.ending for file_format in FORMATS.values()]
    assert len(set(endings)) == len(endings)
    assert (FORMATS["csv-fr"].ending, FORMATS["month"].ending) == ("fr.csv", "month.txt")


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


# --- Files of readings made by hand


def written(file_format, question=None, **inventory):
    return FORMATS[file_format].write(current_cost(taken(**inventory), question or Question()), False)


def test_the_json_file_is_indented_and_keeps_every_letter():
    cost = current_cost(taken(vms=[vm(), vm(vm_id="i-é", codes=["0007"])]), Question())
    expected = json.dumps(document_of(cost), ensure_ascii=False, indent=2)
    assert FORMATS["json"].write(cost, False).decode() == expected


def test_resources_that_cost_the_same_are_explained_once_and_alike():
    cost = current_cost(taken(vms=[vm(vm_id=f"i-{number}") for number in range(3)]), Question())
    first, *others = document_of(cost)["resources"]
    assert all(other["explanation"] is first["explanation"] for other in others)
    assert [one["resource_id"] for one in (first, *others)] == ["i-0", "i-1", "i-2"]


SAID = "Object storage was not read."


@pytest.mark.parametrize(
    ("read", "question", "is_said"),
    [
        (list(SOURCES), Question(), True),
        ([*SOURCES, OBJECTS], Question(), False),
        (list(SOURCES), Question(skipped=frozenset({"Oos"})), False),
    ],
)
def test_every_file_says_that_the_object_storage_was_not_read(read, question, is_said):
    owned = {"question": question, "vms": [vm()], "read": read}
    assert json.loads(written("json", **owned))["not_read"] == ["Oos"] * is_said
    (total,) = of_kind(csv_rows(written("csv", **owned)), "total")
    assert (total["priced"], total["explanation"]) == ("true", SAID * is_said)
    facts = [line.split() for line in written("human", **owned).decode().splitlines()]
    assert (["Object", "storage", "not", "read"] in facts) is is_said
    facts = [line.strip("| ").split() for line in written("markdown", **owned).decode().splitlines()]
    assert (["Object", "storage", "|", "not", "read"] in facts) is is_said
    place = {"account_id": "100000000001", "region": "eu-west-2"}
    metrics = metrics_of(written("prometheus", **owned))
    assert metrics["outscale_cost_objects_read"] == [(place, int(OBJECTS in read))]
    assert metrics["outscale_cost_complete"] == [(place, 1)]


@pytest.mark.parametrize("file_format", ["xlsx", "ods"])
def test_spreadsheets_say_that_the_object_storage_was_not_read_beside_what_is_not_priced(file_format):
    rows_in = {"xlsx": xlsx_rows, "ods": ods_rows}[file_format]
    header, *rows = rows_in(written(file_format, vms=[vm(codes=["0007"])], read=list(SOURCES)))
    place = [cell[1] for cell in header].index("explanation")
    (total,) = [row for row in rows if row[0][1] == "total"]
    assert total[place][1] == f"1 resource is not priced whole. {SAID}"


def test_prometheus_has_no_series_for_what_nobody_knows_the_price_of():
    odd = [Unreadable("?", "ReadVolumes", "no id"), Unreadable("?", "ReadVolumes", "no id")]
    content = written("prometheus", vms=[vm(), vm("x1.32xlarge", vm_id="i-2")], unreadable=odd)
    metrics = metrics_of(content)
    assert [labels["resource_id"] for labels, _hour in metrics["outscale_cost_resource_per_hour"]] == ["i-1"]
    assert [value for _labels, value in metrics["outscale_cost_unpriced_resources"]] == [3]
    rows = of_kind(csv_rows(written("csv", unreadable=odd)), "resource")
    assert [row["resource_id"] for row in rows] == ["?1", "?2"]


NASTY = Missing(OBJECTS, "CALL_REFUSED", "No\x1b[31m\nCode", detail="<b>a</b>\r\n\u202eb")


@pytest.mark.parametrize(
    "file_format", ["json", "csv", "csv-fr", "human", "markdown", "hour", "month", "year"]
)
def test_names_of_the_cloud_steer_nothing_in_a_sentence(file_format):
    content = written(file_format, missing=[NASTY]).decode()
    found = [line for line in content.splitlines() if "<b>a</b>" in line]
    assert len(found) == {"csv": 2, "csv-fr": 2}.get(file_format, 1)
    assert not any(sign in content for sign in ("\x1b", "\u202e", "<b>a</b>\r"))
    assert all("<b>a</b> \ufffdb" in line for line in found)


def test_names_of_the_cloud_are_no_markup_in_a_sentence():
    (line,) = [line for line in written("markdown", missing=[NASTY]).decode().splitlines() if "<b>" in line]
    assert line.startswith("- ListObjectsV2 `<b>a</b> \ufffdb`: ")
