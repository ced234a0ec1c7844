from decimal import Decimal

import pytest

from costs.collation import natural
from costs.currentcost import SORTS, Grouping, Question, current_cost
from costs.inventory import OBJECTS, SOURCES, DedicatedGroup, Missing, PublicIp
from sandbox.specialcases import ODD_TAGS
from tests.costs.inventories import taken, vm
from tests.costs.portal_readings import (
    HTMX,
    figures,
    get,
    ids,
    make_vm,
    make_volume,
    money,
    own,
    read_now,
    text,
)

pytestmark = pytest.mark.django_db
HOSTILE = '<script>alert("x")</script>'

VMS = [
    make_vm(1, tags=(("Name", "Front"), ("env", "prod"), ("a=b", "c=d=e"))),
    make_vm(2, tags=(("Name", "Back"), ("env", "test"), ("équipe", "données – 数据 🚀")), state="stopped"),
    make_vm(3, tags=(("Name", "batch 10"), ("env", "prod"))),
    make_vm(4, tags=(("Name", "batch 9"), ("owner", "prod"))),
]
VOLUMES = [make_volume(5, tags=(("env", "prod"), ("équipe", "réseau"))), make_volume(6)]
NUMBERS = {f"i-{number:08x}": number for number in range(1, 5)} | {"vol-00000005": 5, "vol-00000006": 6}


@pytest.fixture
def page(logged_in, outscale):
    """Asks the page of a small estate, numbered 1 to 6."""
    own(outscale, vms=VMS, volumes=VOLUMES)
    read_now(logged_in)

    def ask(question=None, **options):
        return get(logged_in, question=question, **options)

    return ask


@pytest.fixture
def great_page(logged_in, outscale):
    """Asks the page of the sandbox's estate, which holds every special case."""
    read_now(logged_in)

    def ask(question=None, **options):
        return get(logged_in, question=question, **options)

    return ask


def numbers(response):
    return [NUMBERS[one] for one in ids(response)]


def row_of(response, resource_id):
    (link,) = response.soup.find_all(id=lambda found: found and found.endswith(f"-{resource_id}"))
    return link.find_parent("tr")


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ({}, {1, 2, 3, 4, 5, 6}),
        ({"type": "Volume"}, {5, 6}),
        ({"type": ["Volume", "Vm"]}, {1, 2, 3, 4, 5, 6}),
        ({"state": "stopped"}, {2}),
        ({"state": ["stopped", "running"]}, {1, 2, 3, 4}),
        ({"type": "Vm", "state": "running", "tag": "env=prod"}, {1, 3}),
        ({"tag": "env"}, {1, 2, 3, 5}),
        ({"tag": "=prod"}, {1, 3, 4, 5}),
        ({"tag": "env=prod"}, {1, 3, 5}),
        ({"tag": ["env=prod", "équipe"]}, {5}),
        ({"tag": "équipe=données – 数据 🚀"}, {2}),
        ({"tag": "a=b=c=d=e"}, {1}),
        ({"tag": "a=b"}, {1}),  # the key is "a=b"
        ({"tag": "a=c=d=e"}, set()),
        ({"tag_key": "a=b"}, {1}),
        ({"tag_value": "c=d=e"}, {1}),
        ({"tag": "=c=d=e"}, {1}),
        ({"tag": "ENV=prod"}, set()),
        ({"search": "BATCH"}, {3, 4}),
        ({"search": "equipe reseau"}, {5}),
        ({"search": "数据"}, {2}),
        ({"search": "gp2 prod"}, {5}),
        ({"search": "i-00000003"}, {3}),
        ({"search": "%' OR 1=1 --"}, set()),
        ({"skip": "Vm"}, {5, 6}),
        ({"tag": "env", "add_tag": "=prod"}, {1, 3, 5}),
        ({"add_tag": "équipe"}, {2, 5}),
        ({"tag": ["", "env=prod"], "type": "", "state": ""}, {1, 3, 5}),
    ],
)
def test_every_condition_narrows_rows_and_totals_together(page, question, found):
    response = page(question)
    assert response.status_code == 200
    assert set(numbers(response)) == found
    running, volumes = found & {1, 3, 4}, found & {5, 6}
    month = Decimal("131.40") * len(running) + 11 * len(volumes)
    assert figures(response).get("month", money(0)) == money(month)


def test_a_tag_that_was_added_stays_with_the_others_and_goes_away_with_a_click(page):
    response = page({"type": "Vm", "tag": "env", "add_tag": "=prod"})
    assert [text(one).split()[0] for one in response.soup.select(".conditions a")] == ["env", "=prod"]
    assert [one["href"] for one in response.soup.select(".conditions a")] == [
        "?type=Vm&tag=%3Dprod",
        "?type=Vm&tag=env",
    ]
    hidden = response.soup.select("#costs input[form=cost-filter][name=tag]")
    assert [one["value"] for one in hidden] == ["env", "=prod"]
    assert response.soup.select_one("#cost-csv")["href"] == "/costs/export/csv/?type=Vm&tag=env&tag=%3Dprod"


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("resource", [2, 4, 3, 1, 5, 6]),  # as people count: batch 9 before batch 10
        ("-resource", [6, 5, 1, 3, 4, 2]),
        ("type", [1, 2, 3, 4, 5, 6]),
        ("state", [5, 6, 1, 3, 4, 2]),
        ("month", [2, 5, 6, 1, 3, 4]),
        ("-month", [1, 3, 4, 5, 6, 2]),
        ("", [1, 3, 4, 5, 6, 2]),
    ],
)
def test_the_rows_stand_in_the_order_asked_for(page, sort, order):
    assert numbers(page({"sort": sort})) == order


@pytest.mark.parametrize("sort", SORTS)
def test_pages_together_hold_every_resource_once(page, sort):
    whole = numbers(page({"sort": sort}))
    pages = [numbers(page({"sort": sort, "page": place, "per_page": 4})) for place in (1, 2)]
    assert [len(one) for one in pages] == [4, 2]
    assert [*pages[0], *pages[1]] == whole
    assert set(whole) == {1, 2, 3, 4, 5, 6}


def test_fifty_resources_stand_on_a_page_with_a_link_to_the_next(great_page):
    response = great_page({"sort": "resource"})
    assert len(ids(response)) == 50
    following = response.soup.select_one("a[rel=next]")["href"]
    assert following == "?sort=resource&page=2"
    second = ids(great_page({"sort": "resource", "page": 2}))
    assert set(ids(response)) & set(second) == set()


def test_the_total_is_of_all_pages(great_page):
    assert figures(great_page({"page": 3})) == figures(great_page())


@pytest.mark.parametrize("grouping", Grouping.values)
@pytest.mark.parametrize("question", [{}, {"search": "prod"}, {"type": ["Vm", "FlexibleGpu"]}])
def test_the_groups_add_up_to_the_total(great_page, grouping, question):
    cost = great_page(question | {"group": grouping}).context["cost"]
    assert sum(group.amount.month for group in cost.groups) == cost.amount.month
    assert sum(group.amount.hourly for group in cost.groups) == cost.amount.hourly
    assert round(sum(group.share for group in cost.groups), 20) == 100
    if grouping != Grouping.CATEGORY:  # a VM is in several
        assert sum(group.count for group in cost.groups) == len(cost.lines)
    months = [group.amount.month for group in cost.groups]
    assert months == sorted(months, reverse=True)


def test_a_resource_opens_with_its_parts_entries_and_catalog(page):
    (detail,) = page({"open": "vol-00000005"}).soup.select("tr.detail")
    cells = [text(cell) for cell in detail.select(".explain tbody tr > *")]
    assert cells == [
        "Volume gp2 (Performance)",
        "TinaOS-FCU / BSU:VolumeUsage:gp2 / CreateVolume",
        "100",
        "€0.110",
        "€11.0000",
    ]
    (foot,) = detail.select(".explain tfoot th")
    assert text(foot).startswith("vol-00000005, eu-west-2a, catalog version 1 of ")
    assert "env=prod" in text(detail)


def test_an_open_resource_closes_and_keeps_the_question(page):
    question = {"tag": "env=prod", "sort": "resource"}
    link = row_of(page(question), "vol-00000005").a
    assert link["href"] == "?tag=env%3Dprod&sort=resource&page=1&open=vol-00000005"
    again = row_of(page(question | {"open": "vol-00000005"}), "vol-00000005").a
    assert (again["aria-expanded"], again["href"]) == ("true", "?tag=env%3Dprod&sort=resource&page=1")
    assert not page({"open": "vol-99999999"}).soup.select("tr.detail")


def test_a_price_known_in_part_is_a_lower_bound_with_its_reason(great_page):
    # SQL Server Web has no price in the catalog; the cores below it do.
    response = great_page({"search": "sql-web tinav6"})
    (line,) = response.context["cost"].lines
    response = great_page({"search": "sql-web tinav6", "open": line.resource_id})
    cells = [text(cell) for cell in row_of(response, line.resource_id).find_all("td")]
    assert cells[-1] == f"at least ≥ {money(response.context['cost'].amount.month)}"
    assert cells[0].endswith("no price")
    said = [text(note) for note in response.soup.select(".explanation-notes > li")]
    assert said[:2] == [
        "€0.2200 per hour, €160.60 per month of 730 hours, €1,927.20 per year.",
        "Not known The catalog has no price for TinaOS-FCU / ProductUsage / RunInstances-0007-OD.",
    ]


def test_a_price_of_which_nothing_is_known_is_a_dash_not_zero(logged_in, outscale):
    own(outscale, vms=[make_vm(vm_type="x1.32xlarge", product_codes=())])
    read_now(logged_in)
    response = get(logged_in, question={"open": "i-00000001"})
    cells = [text(cell) for cell in row_of(response, "i-00000001").find_all("td")]
    assert cells[-2:] == ["–", "–"]
    assert cells[0].endswith("unknown type")
    assert text(response.soup.select_one(".explanation-notes li")) == (
        "Not known The VM type x1.32xlarge is not known."
    )
    assert figures(response)["month"] == "at least ≥ €0.00"


def test_hostile_names_and_tags_are_text(logged_in, outscale):
    tags = (("Name", HOSTILE), (HOSTILE, '"><img src=x onerror=alert(1)>'))
    own(outscale, vms=[make_vm(tags=tags)])
    read_now(logged_in)
    for question in ({}, {"open": "i-00000001"}, {"tag": HOSTILE}, {"search": HOSTILE}):
        response = get(logged_in, question=question)
        assert ids(response) == ["i-00000001"]
        assert HOSTILE in text(row_of(response, "i-00000001"))
        assert "alert(" not in "".join(script.get_text() for script in response.soup.select("script"))
        assert not response.soup.select("img[onerror]")


@pytest.mark.parametrize("tags", ODD_TAGS[1:], ids=["letters", "fifty", "cases", "signs"])
def test_a_click_on_a_tag_asks_for_it_whatever_signs_it_holds(logged_in, outscale, tags):
    own(outscale, vms=[make_vm(1, tags=tags), make_vm(2)])
    read_now(logged_in)
    cell = row_of(get(logged_in), "i-00000001").select_one("td.tags")
    assert [text(link) for link in cell.select("a")] == [f"{key}={value}" for key, value in tags[:3]]
    assert [text(rest) for rest in cell.select("span")] == (
        [f"and {len(tags) - 3} more"] if len(tags) > 3 else []
    )
    for link in cell.select("a"):
        assert ids(get(logged_in, f"/costs/{link['href']}", headers=HTMX)) == ["i-00000001"]


@pytest.mark.parametrize(
    ("question", "problem"),
    [
        ({"sort": "colour"}, "Order: The resources cannot be sorted by “colour”."),
        ({"sort": "--month"}, "Order: The resources cannot be sorted by “--month”."),
        ({"group": "moon"}, "Totals by: The totals cannot be grouped by “moon”."),
        ({"type": "Car"}, "Type: No kind of resource is called “Car”."),
        ({"skip": "Car"}, "Without: No kind of resource is called “Car”."),
        ({"page": "0"}, "Page: Ensure this value is greater than or equal to 1."),
        ({"page": "99"}, "Page: There is no such page: the last one is 1."),
        ({"page": "x"}, "Page: Enter a whole number."),
        ({"per_page": "0"}, "Lines per page: Ensure this value is greater than or equal to 1."),
        ({"per_page": "1001"}, "Lines per page: Ensure this value is less than or equal to 1000."),
        (
            {"search": "x" * 200_000},
            "Search: Ensure this value has at most 100 characters (it has 200000).",
        ),
        ({"search": "\x00"}, "Search: Null characters are not allowed."),
        ({"tag": "a\x00b"}, "Tag: Nothing is called like this."),
        ({"tag": "x" * 200_000}, "Tag: Nothing is called like this."),
        ({"tag_key": "\x00"}, "Tag key: Nothing is called like this."),
        ({"tag": [f"key-{number}" for number in range(21)]}, "Tag: At most 20 at once."),
        ({"add_tag": "\x00"}, "Tag: Null characters are not allowed."),
    ],
)
def test_a_question_that_makes_no_sense_is_answered_with_what_is_wrong(page, question, problem):
    for headers in ({}, HTMX):
        response = page(question, headers=headers)
        assert response.status_code == 422
        assert [text(one) for one in response.soup.select("#costs [role=alert] li")] == [problem]
        assert not response.soup.select("[data-figure]")


def test_a_wrong_question_keeps_what_was_right_in_the_form(page):
    response = page({"search": "front", "sort": "colour"})
    assert response.soup.select_one("input[type=search]")["value"] == "front"


def test_nothing_found_offers_everything(page):
    response = page({"search": "nothing like it"})
    assert text(response.soup.select_one("#resources h3")) == "No resource matches"
    assert response.soup.select_one("#resources .btn-primary")["href"] == "/costs/"
    assert figures(response) == {}


# --- What a reading lacks, as far as it is asked for


def lacking(*calls, types=(), skipped=(), **owned):
    """Return what is shown of a reading in which these lists failed."""
    reading = taken(missing=[Missing(call, "PERMISSION_REFUSED", "4") for call in calls], **owned)
    return current_cost(reading, Question(types=frozenset(types), skipped=frozenset(skipped)))


@pytest.mark.parametrize(
    ("call", "question", "is_told"),
    [
        ("ReadVms", {}, True),
        ("ReadVms", {"types": {"Vm"}}, True),
        ("ReadVms", {"types": {"DedicatedInstance"}}, True),
        ("ReadVms", {"types": {"PublicIp"}}, True),
        ("ReadVms", {"types": {"Volume", "PublicIp"}}, True),
        ("ReadVms", {"types": {"Volume"}}, False),
        ("ReadVms", {"skipped": {"Vm"}}, True),
        ("ReadVms", {"skipped": {"Vm", "PublicIp", "DedicatedInstance"}}, False),
        ("ReadNatServices", {"types": {"PublicIp"}}, True),
        ("ReadNatServices", {"types": {"PublicIp"}, "skipped": {"PublicIp"}}, False),
        ("ReadNatServices", {"types": {"DedicatedInstance"}}, False),
        ("ReadPublicIps", {"types": {"Vm"}}, False),
        ("ReadVmTypes", {"types": {"Vm"}}, True),
        (OBJECTS, {"skipped": {"Oos"}}, False),
    ],
)
def test_a_list_that_failed_is_told_while_anything_is_asked_for_that_depends_on_it(call, question, is_told):
    cost = lacking(call, **question)
    assert [one.call for one in cost.missing] == [call] * is_told
    assert cost.lacks is is_told


def gaps_of(cost):
    return [(group.key, group.missing.call) for group in cost.by_type() if group.count is None]


def test_the_fee_of_dedicated_vms_is_a_gap_when_the_vms_could_not_be_read():
    assert gaps_of(lacking("ReadVms")) == [("Vm", "ReadVms"), ("DedicatedInstance", "ReadVms")]
    assert gaps_of(lacking("ReadVms", types={"DedicatedInstance"})) == [("DedicatedInstance", "ReadVms")]
    assert gaps_of(lacking("ReadVms", skipped={"DedicatedInstance"})) == [("Vm", "ReadVms")]
    assert gaps_of(lacking("ReadVms", types={"PublicIp"}, public_ips=[PublicIp("192.0.2.7")])) == []


def test_a_fee_that_is_known_to_be_due_is_no_gap():
    assert gaps_of(lacking("ReadVms", dedicated_groups=[DedicatedGroup("ded-1")])) == [("Vm", "ReadVms")]


def test_a_kind_whose_own_list_failed_names_that_list():
    assert gaps_of(lacking("ReadVms", "ReadDedicatedGroups")) == [
        ("Vm", "ReadVms"),
        ("DedicatedInstance", "ReadDedicatedGroups"),
    ]


@pytest.mark.parametrize(
    ("question", "not_read"),
    [
        ({}, ["Oos"]),
        ({"search": "vm", "states": frozenset({"running"})}, ["Oos"]),
        ({"types": frozenset({"Vm", "Oos"})}, ["Oos"]),
        ({"types": frozenset({"Vm"})}, []),
        ({"skipped": frozenset({"Oos"})}, []),
    ],
)
def test_kinds_that_were_not_asked_for_are_told_and_make_no_total_partial(question, not_read):
    cost = current_cost(taken(vms=[vm()], read=list(SOURCES)), Question(**question))
    assert cost.not_read == not_read
    assert cost.leaves_objects_out is bool(not_read)
    assert cost.lacks is False


def test_an_object_storage_that_was_read_or_refused_is_not_among_those_not_asked_for():
    assert current_cost(taken(), Question()).not_read == []
    assert lacking(OBJECTS).not_read == []


@pytest.mark.parametrize("grouping", Grouping.values)
def test_the_page_says_under_every_grouping_that_the_object_storage_was_not_read(page, grouping):
    note = text(page({"group": grouping}).soup.select_one("#cost-groups .card-note"))
    assert ("Object storage was not read." in note) is True
    note = text(page({"group": grouping, "skip": "Oos"}).soup.select_one("#cost-groups .card-note"))
    assert ("Object storage was not read." in note) is False


def test_names_with_thousands_of_digits_have_their_order():
    names = [f"v{'9' * 5000}", f"v1{'0' * 5000}", "v10", "v7", "v٣"]
    assert sorted(names, key=natural) == ["v٣", "v7", "v10", f"v{'9' * 5000}", f"v1{'0' * 5000}"]
