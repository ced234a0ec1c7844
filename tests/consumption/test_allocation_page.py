"""Whose money it is, as people ask it: screen, files and JSON API agree, and all of it is the bill."""

import csv
import io
import json
from decimal import Decimal

import pytest
from django.utils import timezone

from consumption.models import Ledger
from costs.money import show_money
from sandbox.cloud import DEMO_KEY, LINKED_KEY, SECOND_DEMO_KEY
from tests.consumption.days import entry, keep, note_tags_of_vms
from tests.consumption.test_history_page import chips, keep_days, own_ledger, past
from tests.costs.portal_readings import client_of, figures, get, keys_of, notices, text
from tests.costs.test_spreadsheets import ods_rows, xlsx_rows

pytestmark = pytest.mark.django_db
PAGE, API = "/consumption/allocation/", "/api/allocation"
DAYS = range(1, 11)
MARKUP = "<b>naïve</b> & 日本"
FORMULA = "=1+1"


def question(*keys, **options):
    """Return the query of the ten days that the tests keep, for page and files."""
    pairs = [("first", past(10)), ("last", past(1)), *(("tag", key) for key in keys), *options.items()]
    return "&".join(f"{name}={value}" for name, value in pairs)


def api_question(*keys, **options):
    pairs = [("from_date", past(10)), ("to_date", past(0)), *(("tag", key) for key in keys), *options.items()]
    return "&".join(f"{name}={value}" for name, value in pairs)


def vm(name, price, **facts):
    return entry("BoxUsage:tinav6.c4r8p2", price, resource=name, category="compute", **facts)


def note(ledger, tags, *, days=10):
    """Note the tags of VMs that a reading saw some days ago: ``{resource: {key: value}}``."""
    note_tags_of_vms(ledger, past(days), tags)


TAGS = {
    "i-1": {"project": MARKUP, "env": "prod", "Name": "one"},
    "i-2": {"project": FORMULA, "env": "prod", "Name": "two"},
    "i-3": {"project": FORMULA, "Project": "other", "Name": "three"},
    "i-4": {"env": "prod", "Name": "four"},
    "i-gone": {"project": "gone", "Name": "gone"},
}


@pytest.fixture
def tagged(logged_in):
    """Ten days of five VMs, one of them retagged, of support, and of a load balancer; tags in all states."""
    ledger = keep_days(
        {
            days: [
                vm("i-1", "1"),
                vm("i-2", "2.0000000001"),
                vm("i-3", "4"),
                vm("i-4", "0.5"),
                vm("i-5", "0.25"),
                entry("Support", "3", resource=None, service="Support", category="other"),
                entry("LBU:Usage", "0.7", resource="lb-1", service="TinaOS-LBU"),
            ]
            for days in DAYS
        }
    )
    note(ledger, TAGS)
    note(ledger, TAGS | {"i-3": {"project": MARKUP, "Name": "three"}}, days=4)
    return ledger


def show(client, query, **options):
    return get(client, f"{PAGE}?{query}", **options)


def asked(client, query):
    answer = client.get(f"{API}?read=false&{query}")
    assert answer.status_code == 200, answer.content.decode()
    return answer.json()


def table(client, query, name="csv"):
    answer = client.get(f"{PAGE}export/{name}/?{query}")
    assert answer.status_code == 200, answer.content.decode()
    return answer.content


def lines(content, **options):
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), **options))


def rows(page, part="groups", of="tbody"):
    return [
        [text(cell) for cell in row.find_all(["th", "td"])] for row in page.soup.select(f"#{part} {of} tr")
    ]


def money(amount):
    return show_money(Decimal(amount), "EUR")


def test_the_page_says_whose_money_it_is_and_comes_to_the_total_of_the_history(logged_in, tagged):
    page = show(logged_in, question("project"))
    history = get(logged_in, f"/consumption/?{question()}")
    assert [(row[0], row[1], row[3]) for row in rows(page)] == [
        (FORMULA, "€44.00", "2"),
        (MARKUP, "€26.00", "2"),
        ("Not tagged", "€14.50", "3"),
    ]
    assert rows(page, of="tfoot")[0][:2] == ["Shared, in no group", "€30.00"]
    shown = figures(page)
    assert shown["total"] == shown["sum"] == figures(history)["total"] == "€114.50"
    assert (shown["owned"], shown["untagged"], shown["shared"]) == ("€70.00", "€14.50", "€30.00")
    assert "82.8% of what resources cost" in text(page.soup.select_one(".figures"))
    assert [(row[0], row[1]) for row in rows(page, "lacking")] == [
        ("lb-1", "€7.00"),
        ("i-4", "€5.00"),
        ("i-5", "€2.50"),
    ]
    assert [row[-1] for row in rows(page, "shared")] == ["€30.00"]
    drawn = json.loads(page.soup.select_one("#consumption-chart script").string)
    assert drawn["names"] == [FORMULA, MARKUP, "Not tagged", "Shared"]
    assert sum(map(Decimal, drawn["series"][0]["values"])) == Decimal("114.500000001")
    assert page.soup.select("[data-print]")
    link = page.soup.select_one("#lacking tbody a")["href"]
    assert figures(get(logged_in, link))["total"] == "€7.00"


def test_without_a_key_that_of_most_resources_is_taken_but_never_one_that_tells_them_apart(logged_in, tagged):
    page = show(logged_in, question())
    options = [one["value"] for one in page.soup.select("#id_key option")]
    assert options == ["project", "env", "Name", "Project"]
    assert page.soup.select_one("#id_key option[selected]")["value"] == "project"
    assert rows(page) == rows(show(logged_in, question("project")))
    assert asked(logged_in, api_question())["data"]["tags"] == ["project"]


def test_two_keys_have_a_row_for_each_combination_under_the_sums_of_the_first(logged_in, tagged):
    page = show(logged_in, question("project", "env"))
    assert [(row[0], row[1]) for row in rows(page)] == [
        (FORMULA, "€44.00"),
        ("prod", "€20.00"),
        ("Not tagged", "€24.00"),
        (MARKUP, "€26.00"),
        ("prod", "€10.00"),
        ("Not tagged", "€16.00"),
        ("Not tagged", "€14.50"),
        ("Not tagged", "€9.50"),
        ("prod", "€5.00"),
    ]
    assert page.soup.select_one("#id_second_key option[selected]")["value"] == "env"
    chosen = show(logged_in, f"{question()}&key=project&second_key=env", headers={"HX-Request": "true"})
    assert rows(chosen) == rows(page)


def test_a_changed_select_has_an_address_without_the_fields_of_the_form(logged_in, tagged):
    headers = {"HX-Request": "true", "HX-Trigger": "consumption-filter"}
    query = "period=last-month&key=project&second_key=&sharing=even"
    pushed = logged_in.get(f"{PAGE}?{query}", headers=headers)["HX-Push-Url"]
    assert pushed == "?period=last-month&sharing=even&tag=project"


@pytest.mark.parametrize("sharing", ["apart", "proportional", "even"])
@pytest.mark.parametrize("keys", [("project",), ("project", "env"), ("nobody",)])
@pytest.mark.parametrize("more", [{}, {"shared": "TinaOS-LBU"}, {"category": "compute"}])
def test_screen_files_and_api_say_the_same_to_the_last_decimal(logged_in, tagged, keys, sharing, more):
    answer = asked(logged_in, api_question(*keys, sharing=sharing, **more))
    data, query = answer["data"], question(*keys, sharing=sharing, **more)
    whole = logged_in.get(f"/api/consumption?read=false&{api_question()}&category={more.get('category', '')}")
    total = Decimal(data["total"])
    assert total == Decimal(whole.json()["data"]["total"])
    assert sum(Decimal(one["total"]) for one in data["groups"]) + Decimal(data["shared"]["apart"]) == total
    assert sum(Decimal(one["cost"]) for one in data["shared"]["meters"]) == Decimal(data["shared"]["cost"])
    assert sum(Decimal(one["cost"]) for one in data["untagged"]["resources"]) == Decimal(
        data["untagged"]["cost"]
    )

    content = lines(table(logged_in, query))
    kinds = {kind: [row for row in content if row["row"] == kind] for kind in {row["row"] for row in content}}
    summed = [*kinds["group"], *kinds.get("shared", [])]
    assert sum(Decimal(row["total"] or 0) for row in summed) == total == Decimal(kinds["total"][0]["total"])

    def values(row):
        columns = [("value", "carried"), ("second_value", "second_carried")][: len(keys)]
        found = [row[value] if row[carried] == "true" else None for value, carried in columns]
        return [value and value.removeprefix("'") for value in found]  # that no sheet runs it as a formula

    figures_of = ("cost", "total", "resources")
    assert [[*values(row), *(row[name] for name in figures_of)] for row in kinds["group"]] == [
        [*one["values"].values(), *(str(one[name]) for name in figures_of)] for one in data["groups"]
    ]
    assert [(row["code"], row["cost"]) for row in kinds["untagged_resource"]] == [
        (one["resource_id"], one["cost"]) for one in data["untagged"]["resources"]
    ]
    page = show(logged_in, query)
    tagged_rows = page.soup.select("#groups tbody tr:not(.section)")
    place = 3 if page.soup.select("#groups thead th:nth-of-type(6)") else 1
    assert [text(row.find_all(["th", "td"])[place]) for row in tagged_rows] == [
        money(one["total"]) for one in data["groups"]
    ]
    assert json.loads(table(logged_in, query, "json")) == data | {
        "coverage": answer["metadata"]["coverage"],
        "partial": answer["metadata"]["partial"],
    }
    assert lines(table(logged_in, query, "csv-fr"), delimiter=";") == content


def test_spreadsheets_hold_the_rows_and_no_formula(logged_in, tagged):
    content = lines(table(logged_in, question("project")))
    assert [row["value"] for row in content if row["row"] == "group"] == [f"'{FORMULA}", MARKUP, ""]
    for rows_of, name in ((xlsx_rows, "xlsx"), (ods_rows, "ods")):
        assert len(rows_of(table(logged_in, question("project"), name))) == len(content) + 1


def test_markup_in_a_value_is_text(logged_in, tagged):
    page = show(logged_in, question("project"))
    assert not page.soup.select("#groups b, #consumption b")
    assert MARKUP in [row[0] for row in rows(page)]


def test_shared_costs_can_be_spread_and_a_service_can_be_shared(logged_in, tagged):
    even = show(logged_in, question("project", sharing="even", shared="TinaOS-LBU"))
    assert [row[:4] for row in rows(even)] == [
        [FORMULA, "€44.00", "€18.50", "€62.50"],
        [MARKUP, "€26.00", "€18.50", "€44.50"],
        ["Not tagged", "€7.50", "", "€7.50"],
    ]
    assert [(row[-2], row[-1]) for row in rows(even, "shared")] == [
        ("the cloud names no resource", "€30.00"),
        ("its service is shared", "€7.00"),
    ]
    [(chip, without)] = chips(even).items()
    assert chip.startswith("Shared service is ")
    assert "shared=" not in without
    assert "sharing=even" in without
    offered = [one["value"] for one in even.soup.select("#add-shared option")]
    assert sorted(offered) == ["", "Support", "TinaOS-FCU"]
    alone = show(logged_in, question("nobody", sharing="even"))
    assert "nobody owns anything to spread them over" in text(alone.soup.select_one("#shared"))


def test_a_key_that_was_never_seen_leaves_all_untagged_and_names_those_that_differ_by_case(logged_in, tagged):
    page = show(logged_in, question("PROJECT"))
    assert [row[0] for row in rows(page)] == ["Not tagged"]
    assert figures(page)["owned"] == "€0.00"
    [notice] = [one for one in notices(page) if "never seen" in one]
    assert "PROJECT was never seen, but project, Project" in notice
    assert page.soup.select_one("#id_key option[selected]")["value"] == "PROJECT"
    assert asked(logged_in, api_question("PROJECT"))["data"]["tags_unseen"] == ["PROJECT"]
    assert rows(show(logged_in, question("Project")))[0][:2] == ["other", "€24.00"]


def test_where_no_tag_was_ever_read_the_page_says_what_to_do(logged_in):
    keep_days({days: [vm("i-1", "1")] for days in DAYS})
    page = show(logged_in, question())
    assert "api:ReadTags" in text(page.soup.select_one("#no-tags"))
    assert page.soup.select_one("#no-tags form")["action"].startswith("/consumption/read/?")
    assert (figures(page)["total"], figures(page)["owned"]) == ("€10.00", "€0.00")
    data = asked(logged_in, api_question())["data"]
    assert (data["tags"], data["groups"][0]["values"], data["untagged"]["cost"]) == ([], {}, "10")
    assert data["tags_never_read"] == [{"account_id": "100000000001", "region": "eu-west-2"}]
    content = lines(table(logged_in, question()))
    assert [row["total"] for row in content if row["row"] in ("group", "total")] == ["10", "10"]
    assert any("Not all tags are known" in one for one in notices(show(logged_in, question("project"))))


def test_where_nothing_is_tagged_the_page_says_so(logged_in):
    note(keep_days({days: [vm("i-1", "1")] for days in DAYS}), {})
    assert "No resource carries a tag" in text(show(logged_in, question()).soup.select_one("#no-tags"))


def test_an_empty_value_is_a_value(logged_in):
    note(keep_days({days: [vm("i-1", "1"), vm("i-2", "1")] for days in DAYS}), {"i-1": {"project": ""}})
    assert [row[0] for row in rows(show(logged_in, question("project")))] == ["(empty)", "Not tagged"]
    values = [one["values"]["project"] for one in asked(logged_in, api_question("project"))["data"]["groups"]]
    assert values == ["", None]
    content = [row for row in lines(table(logged_in, question("project"))) if row["row"] == "group"]
    assert [(row["value"], row["carried"]) for row in content] == [("", "true"), ("", "false")]


def test_what_is_not_known_looks_so(logged_in):
    ledger = keep_days(
        {
            days: [vm("i-1", "1"), entry("Unheard", None, resource="i-2"), vm("i-3", "2")]
            for days in DAYS
            if days != 5
        }
    )
    note(ledger, {"i-1": {"project": "a"}, "i-2": {"project": "b"}})
    page = show(logged_in, question("project"))
    assert [(row[0], row[1]) for row in rows(page)] == [
        ("a", "€9.00"),
        ("b 9 lines without price", "–"),
        ("Not tagged", "€18.00"),
    ]
    assert (figures(page)["total"], figures(page)["untagged"]) == ("at least ≥ €27.00", "€18.00")
    assert "9 of 10 days" in text(page.soup.select_one("#coverage"))
    assert any("no price" in one for one in notices(page))
    answer = asked(logged_in, api_question("project"))
    assert [one["day"] for one in answer["metadata"]["partial"]] == [past(5).isoformat()]
    content = lines(table(logged_in, question("project")))
    assert [row["first_day"] for row in content if row["row"] == "missing"] == [past(5).isoformat()]
    assert [row["cost"] for row in content if row["row"] == "group"] == ["9", "", "18"]


def test_nothing_read_is_unknown_and_not_zero(logged_in, outscale):
    page = get(logged_in, PAGE)
    assert text(page.soup.select_one("h1")) == "Allocation"
    assert text(page.soup.select_one("#consumption .pills [aria-current]")) == "Last month"
    assert figures(page) == {}
    data = asked(logged_in, "")["data"]
    assert (data["total"], data["untagged"]["cost"], data["shared"]["apart"]) == (None, None, None)
    assert list(outscale.requests) == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("tag=a&tag=b&tag=c", "tag"),
        ("tag=", "tag"),
        (f"tag={'k' * 256}", "tag"),
        ("tag=a%00b", "tag"),
        ("sharing=fairly", "sharing"),
        ("shared=a%00b", "shared"),
        ("period=ever", "period"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused_everywhere(logged_in, tagged, query, field):
    page = show(logged_in, query)
    assert page.status_code == 422
    assert page.soup.select("#figures .notice.is-bad")
    assert logged_in.get(f"{PAGE}export/csv/?{query}").status_code == 422
    answer = logged_in.get(f"{API}?{query}")
    assert answer.status_code == 400
    assert list(answer.json()["error"]["details"]) == [field]


def test_keys_of_form_and_address_together_are_at_most_two(logged_in, tagged):
    assert show(logged_in, f"{question('a', 'b')}&key=c").status_code == 422
    assert show(logged_in, f"{question('project')}&key=project&second_key=project").status_code == 200
    assert show(logged_in, question("project", page=9)).status_code == 422


def test_many_values_come_page_by_page(logged_in):
    names = [f"i-{number:03}" for number in range(130)]
    ledger = keep_days({1: [vm(name, "1") for name in names]})
    note(ledger, {name: {"project": f"p-{name}"} for name in names[:120]}, days=1)
    query = f"first={past(1)}&last={past(1)}&tag=project"
    first, second = show(logged_in, query), show(logged_in, f"{query}&page=2")
    assert (len(rows(first)), len(rows(second))) == (100, 21)
    assert rows(second)[-1][:2] == ["Not tagged", "€10.00"]
    assert figures(second)["sum"] == "€130.00"


@pytest.mark.parametrize("other", [LINKED_KEY, SECOND_DEMO_KEY], ids=lambda key: key.access_key)
def test_neither_another_account_nor_an_unproven_key_sees_whose_it_is(tagged, outscale, other):
    client = client_of(other)
    page = show(client, question("project"))
    assert figures(page) == {}
    assert not any(word in page.content.decode() for word in ("naïve", "lb-1", "Project"))
    assert client.get(f"{PAGE}export/csv/?{question('project')}").status_code == 302
    data = asked(client, api_question("project"))["data"]
    assert (data["total"], data["groups"], data["tags_unseen"]) == (None, [], ["project"])
    assert asked(client, api_question())["data"]["tags"] == []


def test_without_keys_nothing_is_told(client, outscale):
    for path in (PAGE, f"{PAGE}export/csv/"):
        assert client.get(path)["Location"] == f"/login/?next={path}"
    assert client.get(API).status_code == 401


def test_what_is_remembered_is_forgotten_when_days_or_tags_are_read_again(logged_in, tagged):
    assert rows(show(logged_in, question("env")))[0][:2] == ["prod", "€35.00"]
    note(tagged, TAGS | {"i-5": {"env": "prod"}}, days=1)
    assert rows(show(logged_in, question("env")))[0][:2] == ["prod", "€35.75"]
    keep(tagged, {past(1): [vm("i-5", "100")]}, at=timezone.now())
    assert rows(show(logged_in, question("env")))[0][:2] == ["prod", "€132.00"]


def test_the_regions_whose_tags_are_unknown_are_named(outscale, tagged):
    client = client_of(DEMO_KEY)
    client.post("/login/", keys_of(DEMO_KEY, "us-west-1"))
    keep_days({days: [vm("i-9", "1")] for days in DAYS}, ledger=own_ledger(region="us-west-1"))
    query = f"{question('project')}&region=eu-west-2&region=us-west-1"
    page = show(client, query)
    [notice] = [one for one in notices(page) if "Not all tags are known" in one]
    assert "us-west-1 (100000000001)" in notice
    assert "eu-west-2" not in notice
    assert rows(page, "lacking")[0][0] == "i-9"


def test_the_number_of_queries_does_not_grow(logged_in, django_assert_max_num_queries):
    for count in (2, 60):
        Ledger.objects.all().delete()
        names = [f"i-{number}" for number in range(count)]
        ledger = keep_days({days: [vm(name, "1") for name in names] for days in range(1, count + 1)})
        note(ledger, {name: {"project": name[:3], "env": "a"} for name in names[1:]}, days=count)
        with django_assert_max_num_queries(50):  # of which many keep what is remembered
            page = show(logged_in, f"first={past(count)}&last={past(1)}&tag=project&tag=env")
        assert rows(page)[-1][0] == "Not tagged"
