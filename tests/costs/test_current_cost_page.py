import pytest

from accounts.models import User
from costs.costfiles import FORMATS
from costs.models import CostReading, CostSnapshot
from sandbox.cloud import (
    CONSUMPTION_ONLY_KEY,
    DEMO_KEY,
    EMPTY_KEY,
    LINKED_KEY,
    READ_ONLY_KEY,
    SECOND_DEMO_KEY,
)
from sandbox.expected import total
from tests.costs.portal_readings import (
    HTMX,
    client_of,
    expected_now,
    figures,
    get,
    make_snapshot,
    make_vm,
    make_volume,
    money,
    notices,
    own,
    read_now,
    text,
    turned_back,
    with_soup,
)

pytestmark = pytest.mark.django_db
READ = "/costs/read/"


def post_reading(client, headers=HTMX):
    return with_soup(client.post(READ, headers=headers))


def group_row(response, name):
    (row,) = [row for row in response.soup.select("#cost-groups tbody tr") if text(row.th) == name]
    return [text(cell) for cell in row.find_all("td")]


def begins_a_reading(response):
    """Tell whether the page asks for a reading by itself."""
    return [form["hx-post"] for form in response.soup.select("#reading form[hx-trigger=load]")] == [READ]


def test_the_shell_stands_at_once_and_asks_for_a_reading_by_itself(logged_in, outscale):
    page = get(logged_in)
    assert (page.status_code, list(outscale.requests)) == (200, [])
    assert begins_a_reading(page)
    assert page.soup.select_one("[aria-busy=true]")
    assert not page.soup.select("[data-figure]")
    assert not CostReading.objects.exists()


def test_a_reading_is_stored_and_tells_the_page_to_show_it(logged_in, outscale):
    answer = logged_in.post(READ, headers=HTMX)
    assert (answer.status_code, answer.headers["HX-Trigger"]) == (200, '{"current-cost-read": {}}')
    stored = CostSnapshot.objects.get()
    assert (stored.account_id, stored.region, stored.is_complete) == (DEMO_KEY.account_id, "eu-west-2", True)
    assert stored.resource_count == len(expected_now(outscale))
    assert not CostReading.objects.exists()
    listening = get(logged_in).soup.select_one("#costs")
    assert listening["hx-trigger"] == "current-cost-read from:body"


def test_the_totals_are_what_the_resources_cost_together(logged_in, outscale):
    whole = total(expected_now(outscale).values())
    read_now(logged_in)
    assert figures(get(logged_in)) == {
        "hour": f"at least ≥ {money(whole.per_hour, 4)}",
        "month": f"at least ≥ {money(whole.per_month)}",
        "year": f"at least ≥ {money(whole.per_year)}",
    }
    shown = get(logged_in).context["cost"]
    assert shown.amount.month == whole.per_month
    assert {line.resource_id for line in shown.unpriced} == set(whole.unpriced)


def test_a_total_of_wholly_priced_resources_is_no_lower_bound(logged_in, outscale):
    own(outscale, vms=[make_vm()], volumes=[make_volume()], snapshots=[make_snapshot()])
    read_now(logged_in)
    month = expected_now(outscale).values()
    assert figures(get(logged_in))["month"] == money(total(month).per_month)


def test_a_fresh_reading_is_not_read_again(logged_in, outscale):
    read_now(logged_in)
    outscale.requests.clear()
    page = get(logged_in)
    assert not begins_a_reading(page)
    assert text(page.soup.select_one("#reading")) == ""
    assert len(outscale.requests) == 0


def test_an_old_reading_is_shown_with_its_age_and_read_again(logged_in, outscale):
    own(outscale, vms=[make_vm()])
    turned_back(read_now(logged_in), hours=2)
    outscale.requests.clear()
    page = get(logged_in)
    assert begins_a_reading(page)
    assert len(outscale.requests) == 0
    assert "The figures below are 2 hours old." in text(page.soup.select_one("#reading")).replace("\xa0", " ")
    assert figures(page)["month"] == "€131.40"
    own(outscale, vms=[make_vm(), make_vm(2)])
    read_now(logged_in)
    assert figures(get(logged_in))["month"] == "€262.80"


def test_the_age_at_which_a_reading_is_old_is_a_setting(logged_in, outscale, settings):
    own(outscale, vms=[make_vm()])
    turned_back(read_now(logged_in), minutes=10)
    assert begins_a_reading(get(logged_in))
    settings.COST_TTL_MINUTES = 15
    assert not begins_a_reading(get(logged_in))


def test_looking_at_a_reading_from_every_side_never_calls_the_cloud(logged_in, outscale):
    read_now(logged_in)
    outscale.requests.clear()
    for question in ("sort=resource", "group=category", "page=2", "search=prod", "type=Vm&state=running"):
        for headers in ({}, HTMX):
            assert logged_in.get(f"/costs/?{question}", headers=headers).status_code == 200
    assert logged_in.get("/costs/export/csv/").status_code == 200
    assert logged_in.get("/costs/changes/").status_code == 200
    assert len(outscale.requests) == 0


def test_the_number_of_queries_does_not_grow_with_the_resources(
    logged_in, outscale, django_assert_num_queries
):
    for count in (1, 3, 120):
        CostSnapshot.objects.all().delete()
        own(
            outscale,
            vms=[make_vm(number) for number in range(1, count + 1)],
            volumes=[make_volume(number) for number in range(1, count + 1)],
        )
        read_now(logged_in)
        get(logged_in)
        with django_assert_num_queries(6):
            page = get(logged_in)
        assert len(page.context["cost"].lines) == 2 * count


def test_the_fragment_is_what_the_page_shows(logged_in, outscale):
    read_now(logged_in)
    question = {"type": "Volume", "sort": "resource", "group": "subregion", "tag": "env"}
    page, fragment = get(logged_in, question=question), get(logged_in, question=question, headers=HTMX)
    assert "<html" not in fragment.content.decode()
    assert "HX-Request" in fragment["Vary"]
    parts = fragment.soup.find_all(recursive=False)
    assert [part["id"] for part in parts] == ["cost-head", "cost-tags", "id_type", "id_state", "costs"]
    for part in parts:
        part.attrs.pop("hx-swap-oob", None)
        whole = page.soup.find(id=part["id"])
        for token in [
            *part.select("[name=csrfmiddlewaretoken]"),
            *whole.select("[name=csrfmiddlewaretoken]"),
        ]:
            token.decompose()
        assert str(part) == str(whole)


def test_an_account_without_resources_is_told_so(outscale):
    client = client_of(EMPTY_KEY)
    stored = read_now(client)
    page = get(client)
    assert (stored.resource_count, stored.per_month, stored.is_complete) == (0, 0, True)
    assert figures(page) == {"hour": "€0.0000", "month": "€0.00", "year": "€0.00"}
    assert text(page.soup.select_one("#resources h3")) == "Nothing runs in eu-west-2"


def test_an_empty_account_is_not_said_to_be_read_whole_without_its_object_storage(outscale):
    client = client_of(EMPTY_KEY)
    read_now(client)
    page = get(client)
    assert text(page.soup.select_one("#resources p")).startswith("Every list but the object storage was read")
    form = page.soup.select_one("#resources form")
    assert (form["hx-post"], form.select_one("[name=objects]")["value"]) == (READ, "1")
    read_now(client, objects=True)
    page = get(client)
    assert text(page.soup.select_one("#resources p")).startswith("Every list of this account was read")
    assert not page.soup.select("#resources form")


def test_counts_are_written_with_the_separators_of_the_language(logged_in, outscale):
    own(outscale, volumes=[make_volume(number) for number in range(1001)], snapshots=[make_snapshot()])
    read_now(logged_in)
    page = get(logged_in)
    assert text(page.soup.select_one(".figures dd:not(.value)")) == "1,002 resources"
    assert text(page.soup.select_one("#resources > .table-wrap > table > tfoot th")).startswith("1,002 res")
    narrowed = get(logged_in, question={"type": "Volume"})
    assert text(narrowed.soup.select_one("#resources [role=status]")) == "1,001 of 1,002"


# --- Who sees what


def test_a_visitor_is_sent_to_the_login_and_back(client, outscale):
    for path in ("/costs/", "/costs/changes/", "/costs/export/csv/"):
        answer = client.get(path)
        assert (answer.status_code, answer["Location"]) == (302, f"/login/?next={path}")
    assert client.post(READ).status_code == 302


def test_an_operator_without_keys_is_told_what_to_do(client):
    client.force_login(User.objects.create_superuser("operator"), "django.contrib.auth.backends.ModelBackend")
    for path in ("/costs/", READ, "/costs/changes/", "/costs/export/csv/"):
        page = get(client, path)
        assert page.status_code == 403
        assert text(page.soup.select_one("main h2")) == "This page needs the keys of an account"
        assert page.soup.select_one("main a.btn-primary")["href"] == "/login/"


@pytest.mark.parametrize(
    "other", [LINKED_KEY, READ_ONLY_KEY, SECOND_DEMO_KEY], ids=lambda key: key.access_key
)
def test_neither_another_account_nor_another_key_sees_a_reading(logged_in, outscale, other):
    read_now(logged_in)
    page = get(client_of(other))
    assert begins_a_reading(page)
    assert not page.soup.select("[data-figure]")
    assert page.context["stored"] is None


def test_a_key_that_may_read_nothing_never_shows_what_another_key_of_the_account_read(logged_in, outscale):
    own(outscale, vms=[make_vm(tags=(("Name", "secret-project"),))])
    read_now(logged_in)
    accountant = client_of(CONSUMPTION_ONLY_KEY)
    failed = accountant.post(READ, headers=HTMX)
    assert "refuses this reading" in failed.content.decode()
    assert accountant.get("/costs/export/csv/")["Location"] == "/costs/?"
    for path in ("/costs/", "/costs/changes/"):
        assert "secret-project" not in accountant.get(path).content.decode()
    assert CostSnapshot.objects.count() == 1


def test_another_region_has_its_own_reading(logged_in, outscale):
    read_now(logged_in)
    elsewhere = client_of(DEMO_KEY, "us-west-1")
    assert begins_a_reading(get(elsewhere))
    read_now(elsewhere)
    shown = get(elsewhere).context["cost"]
    whole = total(expected_now(outscale, region="us-west-1").values())
    assert (shown.currency, shown.amount.month) == ("USD", whole.per_month)


# --- Without script


def test_without_script_a_reading_leads_back_to_the_same_question(logged_in, outscale):
    form = get(logged_in, question={"type": "Vm", "tag": ["a=b", "c d"]}).soup.select_one("#reading form")
    assert form["action"] == "/costs/read/?type=Vm&tag=a%3Db&tag=c+d"
    assert text(form.noscript) == "Read now"
    answer = logged_in.post(form["action"])
    assert (answer.status_code, answer["Location"]) == (302, "/costs/?type=Vm&tag=a%3Db&tag=c+d")
    assert CostSnapshot.objects.count() == 1


def test_the_address_of_the_reading_itself_leads_to_the_page(logged_in, outscale):
    answer = logged_in.get(READ)
    assert (answer.status_code, answer["Location"], len(outscale.requests)) == (302, "/costs/", 0)


# --- When the cloud does not answer


def test_a_dead_cloud_leaves_the_old_figures_and_says_why(logged_in, outscale):
    own(outscale, vms=[make_vm()])
    turned_back(read_now(logged_in), hours=3)
    outscale.faults.add("*", "error")
    answer = post_reading(logged_in)
    assert "HX-Trigger" not in answer.headers
    (notice,) = notices(answer)
    assert notice == (
        "The cloud could not be read. These figures are 3 hours old. "
        "OUTSCALE cannot be reached in this region at the moment. Please try again later."
    )
    assert figures(get(logged_in))["month"] == "€131.40"
    without_script = post_reading(logged_in, headers={})
    assert without_script.status_code == 503
    assert "These figures are 3 hours old." in notices(without_script)[0].replace("\xa0", " ")
    assert figures(without_script)["month"] == "€131.40"
    assert CostSnapshot.objects.count() == 1


def test_figures_of_this_minute_are_not_called_zero_minutes_old(logged_in, outscale):
    own(outscale, vms=[make_vm()])
    read_now(logged_in)
    outscale.faults.add("*", "error")
    (notice,) = notices(post_reading(logged_in))
    assert notice.startswith(
        "The cloud could not be read. These figures are less than a minute old. OUTSCALE"
    )


def test_a_key_that_may_read_nothing_is_told_the_refusal(outscale):
    accountant = client_of(CONSUMPTION_ONLY_KEY)
    (notice,) = notices(post_reading(accountant))
    assert notice == (
        "The cloud could not be read. The policy of this key, or an access rule of the account, "
        "refuses this reading (code 4)."
    )
    assert post_reading(accountant, headers={}).status_code == 403
    assert not CostSnapshot.objects.exists()
    assert not CostReading.objects.exists()


def test_a_partial_reading_names_the_list_the_right_and_no_figure(logged_in, outscale):
    own(outscale, vms=[make_vm()], volumes=[make_volume()])
    outscale.faults.add("ReadVolumes", "refuse")
    stored = read_now(logged_in)
    page = get(logged_in)
    assert (stored.is_complete, stored.resource_count) == (False, 1)
    (notice,) = notices(page)
    assert notice == (
        "The total is incomplete. What is named here is left out below; it is not free. "
        "ReadVolumes: The policy of this key, or an access rule of the account, refuses this reading "
        "(code 4). Allow api:ReadVolumes."
    )
    assert group_row(page, "Volumes") == ["–", "–", "–", "Refused"]
    assert group_row(page, "Virtual machines")[:3] == ["1", "€0.1800", "€131.40"]
    assert figures(page) == {
        "hour": "at least ≥ €0.1800",
        "month": "at least ≥ €131.40",
        "year": "at least ≥ €1,576.80",
    }
    assert text(page.soup.select_one("#cost-groups tfoot th")) == "Total of what is known"


def test_a_question_that_leaves_out_the_failed_list_is_complete(logged_in, outscale):
    own(outscale, vms=[make_vm()])
    outscale.faults.add("ReadVolumes", "refuse")
    read_now(logged_in)
    page = get(logged_in, question={"type": "Vm"})
    assert (figures(page)["month"], notices(page)) == ("€131.40", [])
    empty = get(logged_in, question={"type": "Volume"})
    assert (figures(empty), len(notices(empty))) == ({}, 1)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/costs/?group=category", 200),
        ("/costs/?open=UseDedicated&search=UseDedicated", 200),
        ("/costs/?sort=x", 422),
        ("/costs/changes/", 200),
    ],
)
def test_every_page_stands_in_french_too(logged_in, outscale, path, status):
    outscale.faults.add("ReadVolumes", "refuse")
    turned_back(read_now(logged_in), days=1)
    read_now(logged_in)
    page = get(logged_in, path, headers={"Accept-Language": "fr"})
    assert (page.status_code, page.soup.html["lang"]) == (status, "fr")
    assert all(figure.endswith(" €") for figure in figures(page).values())


def test_sizes_of_vm_types_that_could_not_be_read_are_named_and_leave_the_rest(logged_in, outscale):
    own(outscale, vms=[make_vm(1), make_vm(2, vm_type="t2.16xlarge")])
    outscale.faults.add("ReadVmTypes", "refuse")
    turned_back(read_now(logged_in), days=1)
    assert outscale.requests.count("ReadVmTypes") == 1
    read_now(logged_in)
    page = get(logged_in)
    assert page.status_code == 200
    assert notices(page)[0].endswith("Allow api:ReadVmTypes.")
    assert group_row(page, "Virtual machines")[0] == "2"
    assert get(logged_in, "/costs/changes/").context["changes"].changes == []
    for file_format in FORMATS:
        assert logged_in.get(f"/costs/export/{file_format}/").status_code == 200
