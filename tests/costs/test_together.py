"""What runs in several accounts and regions: each by itself and all together, no currency added up."""

import csv
import io
import json
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import standing
from accounts.errors import AuthenticationRefused
from costs.models import CostSnapshot
from costs.togetherfiles import FORMATS
from sandbox.cloud import DEMO_KEY, EMPTY_KEY, LINKED_KEY, PAYING_KEY, READ_ONLY_KEY
from sandbox.expected import total
from tests.costs.portal_readings import (
    HTMX,
    client_of,
    expected_now,
    get,
    keys_of,
    make_vm,
    money,
    notices,
    own,
    text,
    turned_back,
    with_soup,
)

pytestmark = pytest.mark.django_db

US = "us-east-2"
DEMO = f"{DEMO_KEY.account_id}.eu-west-2"
LINKED = f"{LINKED_KEY.account_id}.{US}"
PAYING = f"{PAYING_KEY.account_id}.eu-west-2"
EMPTY = f"{EMPTY_KEY.account_id}.eu-west-2"


def add(client, key, region="eu-west-2", name=""):
    response = client.post("/accounts/add/", keys_of(key, region) | {"name": name})
    assert response.status_code == 302, response.content.decode()


def use_together(client):
    client.post("/accounts/use/", {"together": "1"})


@pytest.fixture
def session(outscale, logged_in):
    """A session with an account billed in EUR and one billed in USD, together."""
    add(logged_in, LINKED_KEY, US, "Filiale")
    use_together(logged_in)
    outscale.requests.clear()
    return logged_in


def read(client, place, **more):
    """Read a place as the page of all places does."""
    path = f"/costs/read/?place={place}"
    for _slice in range(20):
        response = client.post(path, {"together": "1"} | more, headers=HTMX)
        if response.headers.get("HX-Trigger"):
            return response
    raise AssertionError(response.content.decode())


def read_all(client, *places):
    for place in places or (DEMO, LINKED):
        read(client, place)


def rows(page):
    """Return the rows of the places: the cells by the name of the place."""
    found = page.soup.select("#cost-places tbody tr")
    return {text(row.th): [text(cell) for cell in row.find_all("td")] for row in found}


def totals(page):
    """Return the totals of each currency: resources, hour, month, year."""
    found = page.soup.select("#cost-places tfoot tr")
    return {row["data-currency"]: [text(cell) for cell in row.find_all("td")][:4] for row in found}


def of_account(outscale, key, region="eu-west-2"):
    """Return how many resources an account has, and what a month costs, as the sandbox works it out."""
    found = expected_now(outscale, key, region)
    return len(found), total(found.values()).per_month


def refuse(key):
    standing.note_refused(key.access_key, AuthenticationRefused("ReadVms"))


# --- All places


def test_each_place_has_its_own_totals_and_no_currency_is_added_to_another(session, outscale):
    read_all(session)
    page = get(session)
    euros, dollars = of_account(outscale, DEMO_KEY), of_account(outscale, LINKED_KEY, US)
    assert rows(page)["Filiale (us-east-2)"][3].endswith(money(dollars[1], currency="USD"))
    assert rows(page)["Meridian Santé (eu-west-2)"][3].endswith(money(euros[1]))
    assert {
        currency: (cells[0], cells[2].removeprefix("at least ≥ ")) for currency, cells in totals(page).items()
    } == {
        "EUR": (f"{euros[0]}", money(euros[1])),
        "USD": (f"{dollars[0]}", money(dollars[1], currency="USD")),
    }
    assert {row.place for row in page.context["rows"]} == {"Meridian Santé (eu-west-2)"}
    other = get(session, question={"currency": "USD"})
    assert {row.place for row in other.context["rows"]} == {"Filiale (us-east-2)"}
    assert other.context["cost"].currency == "USD"


def test_resources_of_two_accounts_in_one_currency_stand_in_one_list_in_one_order(session, outscale):
    add(session, PAYING_KEY)
    read_all(session, DEMO, LINKED, PAYING)
    page = get(session, question={"per_page": "1000"})
    counted = [of_account(outscale, key) for key in (DEMO_KEY, PAYING_KEY)]
    assert len(page.context["rows"]) == sum(count for count, _month in counted)
    assert page.context["cost"].amount.month == sum(month for _count, month in counted)
    months = [row.cost.amount.month for row in page.context["rows"]]
    assert months == sorted(months, reverse=True)
    by_place = {row.place for row in page.context["rows"]}
    assert by_place == {"Meridian Santé (eu-west-2)", "Groupe Meridian (eu-west-2)"}
    for row in page.context["rows"]:
        assert (
            row.of.snapshot.cost_of(
                next(one for one in row.of.lines if one.resource_id == row.line.resource_id)
            )
            == row.cost
        )


@pytest.mark.parametrize("grouping", ["type", "category", "subregion"])
def test_the_groups_of_all_places_add_up_to_their_total(session, grouping):
    add(session, PAYING_KEY)
    read_all(session, DEMO, PAYING)
    cost = get(session, question={"group": grouping}).context["cost"]
    assert sum(group.amount.month for group in cost.groups) == cost.amount.month


def test_filters_hold_for_every_place(session):
    read_all(session)
    page = get(session, question={"type": "Volume"})
    for row in page.context["places"]:
        assert {line.resource_type for line in row["place"].cost.lines} == {"Volume"}
    assert "type=Volume" in page.soup.select_one("#cost-places tbody a")["href"]
    assert {row.line.resource_type for row in page.context["rows"]} == {"Volume"}


def test_a_place_that_was_never_read_is_named_beside_the_total_that_lacks_it(session, outscale):
    add(session, PAYING_KEY)
    read_all(session, DEMO, LINKED)
    page = get(session)
    assert any("Groupe Meridian (eu-west-2): nothing has been read yet." in one for one in notices(page))
    assert rows(page)["Groupe Meridian (eu-west-2)"][:5] == ["not read yet", "–", "–", "–", "–"]
    assert totals(page)["EUR"][2].startswith("at least ≥")
    month = page.soup.select_one("[data-figure=month]")
    assert text(month).startswith("at least ≥")
    assert all(
        text(cell).startswith("at least ≥") for cell in page.soup.select("#cost-groups tbody td.money")
    )
    assert not totals(get(session, question={"currency": "USD"}))["USD"][2].startswith("at least ≥ 0")


def test_nothing_is_known_of_a_currency_before_its_first_reading(session, outscale):
    page = get(session)
    assert totals(page) == {"EUR": ["–"] * 4, "USD": ["–"] * 4}
    assert not page.soup.select("[data-figure]")
    assert list(outscale.requests) == []


def test_a_kind_that_one_account_may_not_list_is_no_whole_total_of_both(logged_in, outscale):
    add(logged_in, PAYING_KEY)
    use_together(logged_in)
    read(logged_in, DEMO)
    outscale.faults.add("ReadVolumes", "refuse")
    read(logged_in, PAYING)
    page = get(logged_in)
    group = next(one for one in page.context["cost"].groups if one.key == "Volume")
    assert group.count
    assert group.lacks
    assert text(page.soup.select_one("[data-figure=month]")).startswith("at least ≥")
    assert [one for one in notices(page) if "Groupe Meridian (eu-west-2): " in one]
    assert "incomplete" in rows(page)["Groupe Meridian (eu-west-2)"][0]
    assert "incomplete" not in rows(page)["Meridian Santé (eu-west-2)"][0]


def test_the_page_reads_each_old_place_by_itself_and_a_fresh_one_not(session):
    read(session, DEMO)
    page = get(session)
    forms = page.soup.select("#readings form[hx-trigger=load]")
    assert [form["hx-post"] for form in forms] == [f"/costs/read/?place={LINKED}"]
    assert forms[0]["hx-sync"] == "#readings:queue all"
    turned_back(CostSnapshot.objects.get(), minutes=30)
    assert len(get(session).soup.select("#readings form[hx-trigger=load]")) == 2


def test_without_script_a_reading_leads_back_to_all_places(session):
    response = session.post(f"/costs/read/?type=Volume&place={LINKED}", {"together": "1"})
    assert response["Location"] == "/costs/?type=Volume"
    assert CostSnapshot.objects.get().account_id == LINKED_KEY.account_id


def test_a_refused_key_is_marked_at_its_place_and_the_others_work(session, outscale):
    read_all(session)
    refuse(LINKED_KEY)
    outscale.requests.clear()
    page = get(session)
    assert page.status_code == 200
    assert "key refused" in rows(page)["Filiale (us-east-2)"][0]
    assert "key refused" not in rows(page)["Meridian Santé (eu-west-2)"][0]
    (notice,) = [one for one in notices(page) if "could not be read" in one]
    assert notice.startswith("Filiale (us-east-2):")
    assert not page.soup.select("#readings form")
    failed = with_soup(read(session, LINKED))
    assert "Filiale (us-east-2):" in notices(failed)[0]
    plain = with_soup(session.post(f"/costs/read/?place={LINKED}", {"together": "1"}))
    assert plain.status_code == 401
    assert len(rows(plain)) == 2
    assert list(outscale.requests) == []


def test_more_places_cost_no_more_queries(session):
    def queries():
        with CaptureQueriesContext(connection) as found:
            assert session.get("/costs/").status_code == 200
        return len(found)

    read_all(session)
    few = queries()
    for key, place in ((PAYING_KEY, PAYING), (EMPTY_KEY, EMPTY)):
        add(session, key)
        read(session, place)
    assert queries() == few


def test_an_account_with_nothing_is_whole_and_costs_nothing(session):
    add(session, EMPTY_KEY, name="Rien")
    read_all(session, DEMO, EMPTY)
    page = get(session)
    assert rows(page)["Rien (eu-west-2)"][1] == "0"
    assert rows(page)["Rien (eu-west-2)"][3] == money(0)


@pytest.mark.parametrize(
    "question", [{"currency": "XYZ"}, {"currency": "EURO"}, {"page": "999"}, {"sort": "x"}, {"type": "x"}]
)
def test_what_cannot_be_asked_is_refused_and_said(session, question):
    read_all(session)
    page = get(session, question=question)
    assert page.status_code == 422
    assert any("does not understand" in one for one in notices(page))
    assert session.get("/costs/export/csv/", question).status_code == 422


# --- One place


def test_the_page_of_a_place_stays_at_it_with_everything_on_it(session, outscale):
    read_all(session)
    page = get(session, question={"place": LINKED, "type": "Volume"})
    assert page.context["cost"].snapshot.account_id == LINKED_KEY.account_id
    assert "What runs in Filiale (us-east-2)" in text(page.soup.select_one("#cost-head"))
    assert page.soup.select_one("input[form=cost-filter][name=place]")["value"] == LINKED
    inside = page.soup.select("#costs a[href], #cost-head a[href]")
    assert all(f"place={LINKED}" in link["href"] for link in inside if text(link) not in {"All together", ""})
    read_form = page.soup.select_one("#cost-head form")
    assert f"place={LINKED}" in read_form["action"]
    assert read_form["hx-post"] == f"/costs/read/?place={LINKED}"
    found = session.get("/costs/export/csv/", {"place": LINKED}).content.decode()
    assert {row["account_id"] for row in csv.DictReader(io.StringIO(found))} == {LINKED_KEY.account_id}


def test_a_place_of_another_session_or_of_an_account_that_is_not_worked_on_is_not_found(session):
    for path in ("/costs/", "/costs/changes/", "/costs/export/csv/"):
        for place in (PAYING, "x", "1.2.3", "\x00", f"{LINKED_KEY.account_id}.eu-west-2"):
            assert session.get(path, {"place": place}).status_code == 404, (path, place)
    assert session.post(f"/costs/read/?place={PAYING}", headers=HTMX).status_code == 404
    session.post("/accounts/use/", {"place": DEMO})
    assert session.get("/costs/", {"place": LINKED}).status_code == 404
    assert session.get("/costs/", {"place": DEMO}).status_code == 200
    assert not CostSnapshot.objects.exists()


def test_a_reading_of_another_key_of_the_account_is_not_shown(session, outscale):
    read(client_of(READ_ONLY_KEY), f"{READ_ONLY_KEY.account_id}.eu-west-2")
    assert rows(get(session))["Meridian Santé (eu-west-2)"][0].startswith("not read yet")


def test_changes_are_those_of_one_place_with_links_to_each(session, outscale):
    own(outscale, vms=[make_vm(1)])
    read_all(session)
    turned_back(CostSnapshot.objects.get(account_id=DEMO_KEY.account_id), days=1)
    own(outscale, vms=[make_vm(1), make_vm(2)])
    read(session, DEMO)
    page = get(session, "/costs/changes/")
    assert [link["href"] for link in page.soup.select(".page-head + .stack .pills a")] == [
        f"/costs/changes/?place={DEMO}",
        f"/costs/changes/?place={LINKED}",
    ]
    assert len(page.context["changes"].changes) == 1
    other = get(session, "/costs/changes/", {"place": LINKED})
    assert other.context["changes"] is None
    assert "Filiale (us-east-2)" in text(other.soup.select_one(".page-head"))


# --- Files


def test_the_table_of_all_places_names_account_region_and_currency_of_each_row(session, outscale):
    add(session, PAYING_KEY)
    read_all(session, DEMO, LINKED)
    found = list(csv.DictReader(io.StringIO(session.get("/costs/export/csv/").content.decode())))
    sums = {
        (row["account_id"], row["region"], row["currency"]): Decimal(row["price_per_month"])
        for row in found
        if row["row"] == "total"
    }
    assert sums == {
        (DEMO_KEY.account_id, "eu-west-2", "EUR"): pytest.approx(of_account(outscale, DEMO_KEY)[1]),
        (LINKED_KEY.account_id, US, "USD"): pytest.approx(of_account(outscale, LINKED_KEY, US)[1]),
    }
    (unread,) = [row for row in found if row["account_id"] == PAYING_KEY.account_id]
    assert (unread["row"], unread["priced"], unread["explanation"]) == (
        *("missing", "false", "Nothing has been read yet."),
    )


def test_every_format_holds_every_place(session):
    add(session, PAYING_KEY)
    read_all(session, DEMO, LINKED)
    for name, file_format in FORMATS.items():
        for question in ({}, {"aggregate": "1"}):
            response = session.get(f"/costs/export/{name}/", question)
            assert response.status_code == 200, name
            if not file_format.is_binary:
                said = response.content.decode()
                assert all(part in said for part in (US, "eu-west-2")), name
    document = json.loads(session.get("/costs/export/json/").content)
    assert [one["is_whole"] for one in document["totals"]] == [False, document["totals"][1]["is_whole"]]
    assert document["totals"][0]["not_read"] == [{"account_id": PAYING_KEY.account_id, "region": "eu-west-2"}]
    assert document["places"][2]["cost"] is None
    assert document["places"][1]["cost"]["currency"] == "USD"


def test_metrics_of_several_places_are_named_once(session):
    read_all(session)
    said = session.get("/costs/export/prometheus/").content.decode()
    names = [line.split()[2] for line in said.splitlines() if line.startswith("# TYPE")]
    assert len(names) == len(set(names))
    assert said.count("outscale_cost_per_month{") == 2


def test_a_figure_alone_is_no_file_of_several_currencies(session):
    read_all(session)
    assert session.get("/costs/export/month/").status_code == 404
    assert session.get("/costs/export/month/", {"place": DEMO}).status_code == 200


# --- API


def test_the_api_answers_of_the_account_and_region_asked_for(session):
    def asked(**question):
        response = session.get("/api/cost/current", question)
        return response.status_code, response.json()

    add(session, PAYING_KEY)
    add(session, DEMO_KEY, US)
    status, body = asked(account_id=LINKED_KEY.account_id)
    assert (status, body["data"]["account_id"], body["data"]["currency"]) == (
        *(200, LINKED_KEY.account_id, "USD"),
    )
    assert asked()[1]["data"]["account_id"] == DEMO_KEY.account_id
    assert asked(account_id=DEMO_KEY.account_id, region=US)[1]["data"]["region"] == US
    for question, field in (
        ({"region": "eu-west-2"}, "account_id"),  # two accounts
        ({"account_id": "1"}, "account_id"),
        ({"account_id": LINKED_KEY.account_id, "region": "eu-west-2"}, "region"),
        ({"region": "mars"}, "region"),
    ):
        status, body = asked(**question)
        assert status == 400, question
        assert field in json.dumps(body["error"]), question
