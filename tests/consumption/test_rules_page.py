"""The pages of the allocation rules: kept in order by whoever owns them, with what each catches."""

import csv
import io
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from consumption import allocationpage, ruleorder
from consumption.rules import AllocationRule
from costs.money import show_money
from sandbox.cloud import DEMO_KEY, LINKED_KEY
from tests.consumption.days import entry, keep
from tests.consumption.test_allocation_page import note, vm
from tests.consumption.test_cost_centres import order, owner, rule
from tests.consumption.test_history_page import keep_days, own_ledger, past
from tests.costs.portal_readings import client_of, figures, get, keys_of, notices, text, with_soup

pytestmark = pytest.mark.django_db
PAGE = "/consumption/allocation/rules/"
GIVEN = {"cost_centre": "R&D", "tag_key": "project", "tag_value": "imag*"}


def ten_days():
    return f"first={past(10)}&last={past(1)}"


@pytest.fixture
def tagged(logged_in):
    """Ten days of three VMs and of support, two of them tagged."""
    ledger = keep_days(
        {
            days: [vm("i-1", "1"), vm("i-2", "2"), vm("i-3", "4"), entry("Support", "3", resource=None)]
            for days in range(1, 11)
        }
    )
    note(
        ledger,
        {
            "i-1": {"project": "imagerie", "Name": "web-1"},
            "i-2": {"project": "image-lab", "Name": "<b>2</b>"},
        },
    )
    return ledger


def alice():
    return owner(DEMO_KEY.account_id)


def show(client, query=None):
    return get(client, f"{PAGE}?{ten_days() if query is None else query}")


def post(client, path="new/", data=None, query=""):
    return with_soup(client.post(f"{PAGE}{path}{query}", data or {}))


def rows(page):
    return [
        [text(cell) for cell in row.find_all(["th", "td"])][:6]
        for row in page.soup.select("#rules tbody tr")
        if len(row.find_all(["th", "td"])) == 7
    ]


def errors(answer):
    return {
        one["id"].removeprefix("id_").removesuffix("_error"): text(one)
        for one in answer.soup.select("[id$=_error]")
    }


def money(amount):
    return show_money(Decimal(amount), "EUR")


def test_the_list_says_in_order_what_each_rule_catches_and_comes_to_the_bill(logged_in, tagged):
    rule("Everything", name_pattern="i-*")
    rule("Lab", of=alice(), tag_key="project", tag_value="image-lab")
    rule("Images", of=alice(), tag_key="project", tag_value="imag*", account_id=DEMO_KEY.account_id)
    page = show(logged_in)
    conditions = f"account {DEMO_KEY.account_id} tag project = imag*"
    assert rows(page) == [
        ["1", "Lab", "tag project = image-lab", money(20), "1", ""],
        ["2", "Images", conditions, money(10), "1", f"{money(20)} 1 resource"],
        ["3", "Everything", "name or id i-*", money(40), "1", f"{money(30)} 2 resources"],
    ]
    assert figures(page) == {"nobody": money(0), "shared": money(30), "total": money(100)}
    assert len(page.soup.select("#rules form")) == 2  # none for what the operators keep


def test_without_a_question_last_month_is_shown_and_unknown_days_are_no_zero(logged_in):
    rule("Lab", of=alice(), name_pattern="*")
    page = show(logged_in, "")
    assert text(page.soup.select_one(".question [aria-current]")) == "Last month"
    assert rows(page) == [["1", "Lab", "name or id *", "–", "–", "–"]]
    assert "No day of this period is known yet." in notices(page)[0]
    keep_days({3: [vm("i-1", "1")]})
    page = show(logged_in)
    assert text(page.soup.select_one("#rules .coverage")) == "1 of 10 days, 1 provisional"


def test_lines_without_a_price_are_at_least_and_never_zero(logged_in):
    keep(
        own_ledger(),
        {
            past(1): [
                entry("Unheard", None, resource="i-1"),
                vm("i-2", "1"),
                entry("Unheard", None, resource="i-2"),
            ]
        },
        at=timezone.now(),
    )
    rule("Unknown", of=alice(), name_pattern="i-1")
    rule("Partly", of=alice(), name_pattern="i-2")
    assert [row[3] for row in rows(show(logged_in))] == [
        "– 1 line without price",
        f"at least ≥ {money(1)} 1 line without price",
    ]


def test_a_rule_is_made_changed_moved_and_deleted_without_script(logged_in, tagged):
    query = f"?{ten_days()}"
    form = get(logged_in, f"{PAGE}new/{query}")
    assert form.soup.select_one("main form")["action"] == f"{PAGE}new/{query}"
    made = post(logged_in, data=GIVEN, query=query)
    assert (made.status_code, made["Location"]) == (302, f"{PAGE}{query}")
    post(logged_in, data={"cost_centre": "Web", "name_pattern": "web-*", "place": "1"})
    assert order(alice()) == [(1, "Web"), (2, "R&D")]

    web, images = AllocationRule.objects.kept_by(alice())
    assert post(logged_in, f"{web.pk}/move/", {"direction": "down"}, query)["Location"] == f"{PAGE}{query}"
    assert order(alice()) == [(1, "R&D"), (2, "Web")]
    post(logged_in, f"{web.pk}/move/", {"direction": "sideways"})
    page = get(logged_in, f"{PAGE}{images.pk}/")
    assert page.soup.select_one("#id_tag_value")["value"] == "imag*"
    post(logged_in, f"{images.pk}/", {"cost_centre": "Images", "tag_key": "project", "place": "2"})
    images.refresh_from_db()
    assert (images.cost_centre, images.tag_value, images.position) == ("Images", "*", 2)

    page = get(logged_in, f"{PAGE}{web.pk}/delete/{query}")
    assert "Delete the rule for “Web”?" in text(page.soup.select_one("main"))
    assert AllocationRule.objects.count() == 2
    assert post(logged_in, f"{web.pk}/delete/", query=query)["Location"] == f"{PAGE}{query}"
    assert order(alice()) == [(1, "Images")]


def test_a_preview_shows_what_a_rule_would_catch_at_its_place_and_saves_nothing(logged_in, tagged):
    lab = rule("Lab", of=alice(), tag_key="project", tag_value="image-lab")
    query = f"?{ten_days()}"
    answer = post(logged_in, data=GIVEN | {"preview": "1"}, query=query)
    assert (answer.status_code, AllocationRule.objects.count()) == (200, 1)
    assert figures(answer) == {"caught": money(10)}
    assert f"have taken days of 1 resource, {money(20)}" in text(answer.soup.select_one("#preview"))
    first = post(logged_in, data=GIVEN | {"preview": "1", "place": "1"}, query=query)
    assert figures(first) == {"caught": money(30)}
    assert [text(one) for one in first.soup.select("#preview tbody th")] == ["i-2", "i-1"]
    changed = post(
        logged_in, f"{lab.pk}/", {"cost_centre": "Lab", "name_pattern": "i-3", "preview": "1"}, query
    )
    assert figures(changed) == {"caught": money(40)}
    lab.refresh_from_db()
    assert lab.name_pattern == ""
    unknown = post(logged_in, data=GIVEN | {"preview": "1"}, query="?first=2020-01-01&last=2020-01-02")
    assert "no day of this period is known" in text(unknown.soup.select_one("#preview"))


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"cost_centre": ""}, "cost_centre"),
        ({"cost_centre": "x" * 121}, "cost_centre"),
        ({"cost_centre": "a\x07b"}, "cost_centre"),
        ({"name_pattern": "a\u2028b"}, "name_pattern"),
        ({"cost_centre": "\u200b"}, "cost_centre"),
        ({"tag_key": ""}, "tag_key"),
        ({"tag_value": "x" * 256}, "tag_value"),
        ({"name_pattern": "a\x00"}, "name_pattern"),
        ({"account_id": "12"}, "account_id"),
        ({"account_id": "١٢٣٤٥٦٧٨٩٠١٢"}, "account_id"),
        ({"place": "0"}, "place"),
        ({"place": "first"}, "place"),
        ({"place": "9" * 30}, "place"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(logged_in, data, field):
    answer = post(logged_in, data=GIVEN | data)
    assert (answer.status_code, set(errors(answer))) == (422, {field})
    assert not AllocationRule.objects.exists()


def test_a_rule_is_kept_in_any_writing_and_shown_as_it_was_written(logged_in):
    written = {
        "cost_centre": "<b>R&D</b> : é研究 👩\u200d💻",
        "tag_key": "Projet\u00a0№",
        "tag_value": "“é*”",
        "name_pattern": "*" * 255,
    }
    assert post(logged_in, data=written).status_code == 302
    one = AllocationRule.objects.get()
    assert {name: getattr(one, name) for name in written} == written
    page = get(logged_in, f"{PAGE}{one.pk}/")
    assert {name: page.soup.select_one(f"#id_{name}")["value"] for name in written} == written
    alike = written | {"cost_centre": " <b>R&D</b>\u00a0:  e\u0301研究 👩\u200d💻"}
    assert post(logged_in, data=alike).status_code == 302
    assert len({rule.cost_centre for rule in AllocationRule.objects.all()}) == 1
    assert written["cost_centre"] in show(logged_in).soup.select_one("#rules tbody th").get_text()


def test_a_rule_without_any_condition_or_beyond_the_last_one_allowed_is_refused(logged_in, monkeypatch):
    answer = post(logged_in, data={"cost_centre": "All"})
    assert answer.status_code == 422
    assert notices(answer) == ["A rule needs at least one condition: an account, a tag, or a name or id."]
    monkeypatch.setattr(ruleorder, "MOST_RULES", 1)
    rule(of=alice(), name_pattern="*")
    answer = post(logged_in, data=GIVEN)
    assert (answer.status_code, len(notices(answer)), AllocationRule.objects.count()) == (422, 1, 1)


def test_a_period_that_cannot_be_is_refused_and_the_rules_stay_listed(logged_in):
    rule("Lab", of=alice(), name_pattern="*")
    page = show(logged_in, "first=2026-02-30")
    assert (page.status_code, len(rows(page))) == (422, 1)


@pytest.mark.parametrize("of", ["100000000002", None])
def test_rules_of_others_and_of_the_operators_cannot_be_touched(logged_in, of):
    other = rule("Other", of=of and owner(of), name_pattern="*")
    for path in ("", "delete/"):
        assert logged_in.get(f"{PAGE}{other.pk}/{path}").status_code == 404
    for path in ("", "delete/", "move/"):
        assert logged_in.post(f"{PAGE}{other.pk}/{path}", GIVEN | {"direction": "up"}).status_code == 404
    assert order(of and owner(of)) == [(1, "Other")]
    assert len(rows(show(logged_in))) == (0 if of else 1)


def test_a_get_changes_nothing_and_a_post_needs_a_token_and_keys(logged_in, client, outscale, admin_client):
    one = rule("Lab", of=alice(), name_pattern="*")
    assert logged_in.get(f"{PAGE}{one.pk}/move/").status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = logged_in.cookies
    assert strict.post(f"{PAGE}{one.pk}/delete/").status_code == 403
    assert Client().get(PAGE).status_code == 302
    assert admin_client.get(PAGE).status_code == 403
    assert client_of(LINKED_KEY).get(f"{PAGE}{one.pk}/").status_code == 404
    assert order(alice()) == [(1, "Lab")]


def test_what_another_window_has_saved_is_never_replaced_unasked(logged_in, tagged):
    one, other = (rule(name, of=alice(), name_pattern="*") for name in ("One", "Other"))
    path, given = f"{one.pk}/", {"cost_centre": "Mine", "name_pattern": "web-*"}
    opened = get(logged_in, f"{PAGE}{path}")
    given["seen"] = opened.soup.select_one("[name=seen]")["value"]
    assert opened.soup.select_one("#id_place").get("value") is None

    ruleorder.move(rule=other, steps=-1)  # which is another place, and no other content
    assert post(logged_in, path, given).status_code == 302
    assert order(alice()) == [(1, "Other"), (2, "Mine")]
    for more in ({}, {"preview": "1"}):
        answer = post(logged_in, path, given | {"cost_centre": "Stale"} | more)
        assert (answer.status_code, order(alice())) == (422, [(1, "Other"), (2, "Mine")])
    assert notices(answer) == [
        "This rule was changed since you have opened it. Save again to replace that change."
    ]
    given["seen"] = answer.soup.select_one("[name=seen]")["value"]
    assert answer.soup.select_one("#id_cost_centre")["value"] == "Stale"
    assert post(logged_in, path, given | {"cost_centre": "Again"}).status_code == 302
    assert order(alice()) == [(1, "Other"), (2, "Again")]


def test_a_rule_that_another_window_has_deleted_is_a_404(logged_in):
    one = rule("Gone", of=alice(), name_pattern="*")
    ruleorder.delete(rule=one)
    for path in ("", "delete/"):
        assert logged_in.get(f"{PAGE}{one.pk}/{path}").status_code == 404
    for path in ("", "delete/", "move/"):
        assert logged_in.post(f"{PAGE}{one.pk}/{path}", GIVEN | {"direction": "up"}).status_code == 404
    assert order(alice()) == []


def test_several_currencies_are_never_added_and_the_rules_stay_listed(outscale):
    client = client_of(DEMO_KEY)
    client.post("/login/", keys_of(DEMO_KEY, "us-west-1"))
    keep(own_ledger(), {past(1): [vm("i-1", "1")]}, at=timezone.now())
    dollars = {past(1): [vm("i-2", "2")]}
    keep(own_ledger(region="us-west-1"), dollars, at=timezone.now(), currency="USD")
    rule("All", of=alice(), name_pattern="*")
    query = f"{ten_days()}&region=eu-west-2&region=us-west-1"
    page = show(client, query)
    assert (page.status_code, rows(page)) == (422, [["1", "All", "name or id *", "–", "–", "–"]])
    assert "which cannot be added" in notices(page)[0]
    links = {text(one): one["href"] for one in page.soup.select(".stack > .actions .btn")}
    one = show(client, links["us-west-1"].lstrip("?"))
    assert figures(one)["total"] == show_money(Decimal(2), "USD")
    preview = post(client, data=GIVEN | {"preview": "1"}, query=f"?{query}")
    assert "Nothing can be told yet" in text(preview.soup.select_one("#preview"))


def test_the_number_of_queries_does_not_grow_with_rules(logged_in, tagged, django_assert_max_num_queries):
    rule("0", of=alice(), name_pattern="*")
    with django_assert_max_num_queries(60) as first:
        show(logged_in)
    for number in range(5):
        rule(f"{number}", of=alice(), tag_key="project", tag_value=f"{number}*")
        rule(f"{number}", tag_key=f"key{number}", tag_value="*")
    with django_assert_max_num_queries(len(first.captured_queries)):
        show(logged_in)
    with django_assert_max_num_queries(len(first.captured_queries)):
        show(logged_in)


def test_operators_keep_rules_for_everybody_and_only_read_those_of_customers(admin_client, db):
    admin = "/admin/consumption/allocationrule/"
    for place, name in ((None, "last"), (1, "first")):
        data = {"cost_centre": name, "name_pattern": "*"} | ({"place": place} if place else {})
        assert admin_client.post(f"{admin}add/", data).status_code == 302
    assert order() == [(1, "first"), (2, "last")]
    refused = admin_client.post(f"{admin}add/", {"cost_centre": "none"})
    assert (refused.status_code, len(order())) == (200, 2)

    first = AllocationRule.objects.get(cost_centre="first")
    data = {"cost_centre": "changed", "name_pattern": "web-*", "place": "2"}
    assert admin_client.post(f"{admin}{first.pk}/change/", data).status_code == 302
    assert order() == [(1, "last"), (2, "changed")]
    assert admin_client.post(f"{admin}{first.pk}/delete/", {"post": "yes"}).status_code == 302
    assert order() == [(1, "last")]

    own = rule("own", of=alice(), name_pattern="*")
    listed = {
        query: [
            text(row)
            for row in with_soup(admin_client.get(f"{admin}{query}")).soup.select(".field-cost_centre")
        ]
        for query in ("", "?kept_by=operators", "?kept_by=customers", "?q=las", f"?q={DEMO_KEY.account_id}")
    }
    assert list(listed.values()) == [["last", "own"], ["last"], ["own"], ["last"], ["own"]]
    last = AllocationRule.objects.get(cost_centre="last")
    stale = data | {"seen": "2026-01-01T00:00:00+00:00"}
    refused = admin_client.post(f"{admin}{last.pk}/change/", stale)
    assert (refused.status_code, order()) == (200, [(1, "last")])
    assert b"was changed since you have opened it" in refused.content
    assert admin_client.get(f"{admin}{own.pk}/change/").status_code == 200
    assert admin_client.post(f"{admin}{own.pk}/change/", data).status_code == 403
    assert admin_client.post(f"{admin}{own.pk}/delete/", {"post": "yes"}).status_code == 403
    assert order(alice()) == [(1, "own")]


# --- The allocation by cost centre


def first_amounts(page):
    return {text(row.th): text(row.td) for row in page.soup.select("#groups tbody tr")}


def test_the_allocation_by_cost_centre_is_the_bill_on_screen_in_files_and_in_the_api(logged_in, tagged):
    rule("=Lab", of=alice(), tag_key="project", tag_value="image-lab")
    rule("Images", of=alice(), tag_key="project", tag_value="imag*")
    rule("Nobody's", of=owner("100000000002"), name_pattern="*")
    query = f"{ten_days()}&by=centre"
    page = get(logged_in, f"/consumption/allocation/?{query}")
    assert first_amounts(page) == {"=Lab": money(20), "Images": money(10), "Not allocated": money(40)}
    shown = figures(page)
    assert (shown["total"], shown["owned"], shown["untagged"]) == (money(100), money(30), money(40))
    assert text(page.soup.select_one("#lacking tbody th")) == "i-3"
    assert page.soup.select_one("#id_by option[selected]")["value"] == "centre"
    assert not page.soup.select("#id_key, #id_second_key")
    assert page.soup.select_one("#consumption-rules")["href"] == f"{PAGE}?{ten_days()}"

    question = f"from_date={past(10)}&to_date={past(0)}&by=centre&read=false"
    data = logged_in.get(f"/api/allocation?{question}").json()["data"]
    found = [(one["values"]["cost_centre"], Decimal(one["total"])) for one in data["groups"]]
    assert found == [("=Lab", 20), ("Images", 10), (None, 40)]
    assert (data["by"], data["tags"], Decimal(data["total"])) == ("centre", [], 100)
    content = logged_in.get(f"/consumption/allocation/export/csv/?{query}").content.decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(content)))
    resources = [(one["value"], one["code"], one["cost"]) for one in lines if one["row"] == "resource"]
    assert resources == [("'=Lab", "i-2", "20"), ("Images", "i-1", "10")]
    in_file = {(one["value"], one["by"]): Decimal(one["total"]) for one in lines if one["row"] == "group"}
    assert in_file == {("'=Lab", "centre"): 20, ("Images", "centre"): 10, ("", "centre"): 40}
    assert sum(Decimal(one["total"]) for one in lines if one["row"] in ("group", "shared")) == 100


def test_shared_costs_are_spread_over_cost_centres_and_the_choice_stays_in_the_address(logged_in, tagged):
    rule("All", of=alice(), name_pattern="i-*")
    page = get(logged_in, f"/consumption/allocation/?{ten_days()}&by=centre&sharing=even&key=project")
    amounts = [text(one) for one in page.soup.select("#groups tbody td.money")]
    assert amounts == [money(70), money(30), money(100)]
    url = page.soup.select_one("#consumption-csv")["href"]
    assert ("by=centre" in url, "sharing=even" in url, "key=" in url) == (True, True, False)


@pytest.mark.parametrize("query", ["by=owner", "by=centre&tag=project"])
def test_a_question_by_something_else_or_by_two_things_is_refused(logged_in, tagged, query):
    assert logged_in.get(f"/consumption/allocation/?{ten_days()}&{query}").status_code == 422
    assert logged_in.get(f"/api/allocation?read=false&{query}").status_code == 400


def test_a_page_of_several_says_on_paper_that_it_holds_not_all_centres(logged_in, tagged, monkeypatch):
    rule("One", of=alice(), name_pattern="i-1")
    query = f"{ten_days()}&by=centre"
    assert not get(logged_in, f"/consumption/allocation/?{query}").soup.select("#groups .print-only")
    monkeypatch.setattr(allocationpage, "GROUPS_PER_PAGE", 1)
    page = get(logged_in, f"/consumption/allocation/?{query}&page=2")
    assert "Only the groups 2 to 2 of 2" in text(page.soup.select_one("#groups .print-only"))


def test_without_a_rule_nothing_is_allocated_and_the_page_leads_to_the_rules(logged_in, tagged):
    page = get(logged_in, f"/consumption/allocation/?{ten_days()}&by=centre")
    assert first_amounts(page) == {"Not allocated": money(70)}
    assert "No rule fits any resource." in text(page.soup.select_one("figcaption"))
