"""The page of the drift, its files, API and command: the same figures everywhere, every state in words."""

import csv
import datetime as dt
import io
import json
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.models import User
from consumption.models import UploadedEstimate
from costs.models import CommitmentRate
from finops_site.plans import QuotePlans
from quotes.calculation import calculate
from quotes.models import Quote
from sandbox.cloud import DEMO_KEY, PAYING_KEY, SECOND_DEMO_KEY
from tests.consumption.commands import Shell, run
from tests.consumption.days import entry, keep, make_ledger
from tests.consumption.drifts import held, osc_cost_file, ran, read, vm, volume
from tests.costs.portal_readings import HTMX, client_of, figures, get, text, with_soup
from tests.quotes.factories import make_item, make_owner, make_quote, set_terms

pytestmark = pytest.mark.django_db
PAGE = "/consumption/drift/"


def past(days):
    return timezone.now().date() - dt.timedelta(days=days)


def month_of(day):
    first = day.replace(day=1)
    return ((first + dt.timedelta(days=32)).replace(day=1) - first).days


@pytest.fixture
def kept(logged_in):
    """Two known days of two VMs and a volume that grew; both have a reading."""
    ledger = make_ledger(at=timezone.now())
    for days in (2, 1):
        read(past(days), vm("i-1", tags=["Name=web", "project=portal"]), vm("i-2"), volume(300))
        keep(
            ledger,
            {
                past(days): [
                    ran("i-1"),
                    ran("i-2", hours="12"),
                    held(300 * (3 - days), month_of(past(days))),
                    entry("dedicated:cp.mono.master", "0.96", service="OKS", operation="ControlPlane"),
                ]
            },
            at=timezone.now(),
        )
    return ledger


def question(**asked):
    return {"first": past(2).isoformat(), "last": past(1).isoformat()} | asked


def show(client, **asked):
    return get(client, PAGE, question(**asked))


def table(page, name):
    return [
        [text(cell) for cell in row.find_all(["th", "td"])] for row in page.soup.select(f"#{name} tbody tr")
    ]


def test_the_page_shows_both_sums_each_kind_and_each_resource_with_its_reason(logged_in, kept):
    page = show(logged_in)
    assert page.status_code == 200
    assert text(page.soup.select_one("#days-compared")) == "2 of 2 days compared"
    shown = figures(page)
    assert shown["whole"].startswith("€")
    kinds = {row[0]: row[1:] for row in table(page, "kinds")}
    assert kinds["Virtual machines"] == ["2", "€17.28", "€12.96", "−€4.32", "−25.0%"]
    [first, second, third] = table(page, "lines")
    assert first[0].startswith("i-2")
    assert first[-1] == "It ran for a part of the time: 24 of 48 hours."
    assert second[0].startswith("vol-1")
    assert second[-1] == "Resized: expected were 300, consumed were 600 (GiB or IOPS)."
    assert third[0] == "web i-1 tinav6.c4r8p2"
    assert third[-1] == ""
    [apart] = table(page, "apart")
    assert apart[-1] == "No call lists it: only the consumption tells what it costs."
    chart = json.loads(page.soup.select_one("#consumption-chart script").string)
    assert chart["labels"] == ["Vm", "Volume"]
    assert Decimal(chart["series"][0]["values"][0]) == Decimal("-4.32")


def test_page_files_api_and_command_agree(logged_in, kept, tmp_path, monkeypatch):
    page = show(logged_in)
    total = page.context["drift"].total
    asked = {"from_date": past(2).isoformat(), "to_date": past(0).isoformat(), "read": "false"}
    answered = logged_in.get("/api/drift", asked).json()
    by_api = answered["data"]
    assert Decimal(by_api["total"]["estimated"]) == total.estimated
    assert Decimal(by_api["total"]["consumed"]) == total.consumed
    assert answered["metadata"]["coverage"]["days"] == 2
    assert (by_api["days_compared"], by_api["currency"]) == (2, "EUR")
    assert [line["reason_codes"] for line in by_api["lines"]] == [["part_of_the_time"], ["resized"], []]
    by_file = json.loads(logged_in.get(f"{PAGE}export/json/", question()).content)
    assert by_file == by_api
    content = logged_in.get(f"{PAGE}export/csv/", question()).content.decode()
    rows = list(csv.DictReader(io.StringIO(content)))
    assert [row["row"] for row in rows] == [*["line"] * 3, *["type"] * 2, *["category"] * 2, "total", "apart"]
    of_total = next(row for row in rows if row["row"] == "total")
    assert Decimal(of_total["difference"]) == total.difference
    assert (of_total["currency"], of_total["days_compared"]) == ("EUR", "2")
    assert [row["reason"] for row in rows[:3]] == [line["reason"] for line in by_api["lines"]]
    for name in ("csv-fr", "xlsx", "ods"):
        assert logged_in.get(f"{PAGE}export/{name}/", question()).status_code == 200
    Shell(tmp_path, monkeypatch).use()
    days = ("--from", past(2), "--to", past(1), "--no-read")
    out, _err, failure = run("cost_drift", *days, "--format", "json")
    assert json.loads(out) == by_api
    assert failure == ""
    human, _err, _failure = run("cost_drift", *days)
    assert "It ran for a part of the time: 24 of 48 hours." in human
    assert "2 of 2 days" in human


def test_filters_and_tags_narrow_page_and_command_alike(logged_in, kept, tmp_path, monkeypatch):
    page = show(logged_in, tag="project=portal", resource_type="Vm")
    assert [row[0] for row in table(page, "lines")] == ["web i-1 tinav6.c4r8p2"]
    chips = [text(one) for one in page.soup.select(".chip")]
    assert chips == ["Type is Virtual machines", "Tag is project=portal"]
    Shell(tmp_path, monkeypatch).use()
    arguments = ("--tag", "project=portal", "--resource-type", "Vm", "--no-read", "--format", "csv")
    out, _err, failure = run("cost_drift", "--from", past(2), "--to", past(1), *arguments)
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["resource_id"] for row in rows if row["row"] == "line"] == ["i-1"]
    assert failure == ""


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"estimate": "guess"}, "“guess” is no estimate"),
        ({"resource_type": "Wm"}, "No kind of resource is called “Wm”."),
        ({"first": "2026-01-01", "last": "2026-06-30"}, "At most 62 days"),
        ({"first": "2015-01-01", "last": ""}, "At most 62 days"),
        ({"first": "", "last": "", "period": "last-12-months"}, "At most 62 days"),
        ({"page": "9"}, "There is no such page"),
        ({"region": "nowhere"}, "This session holds no key"),
        ({"tag": "a\x00b"}, "Nothing is called like this."),
    ],
)
def test_a_question_that_cannot_be_right_says_why(logged_in, kept, asked, said):
    page = show(logged_in, **asked)
    assert page.status_code == 422
    assert said in text(page.soup.select_one("#figures"))
    if "page" not in asked and "first" not in asked and "last" not in asked:
        assert logged_in.get("/api/drift", asked | {"read": "false"}).status_code == 400


@pytest.mark.parametrize("estimate", ["file:7", "plan:7", "file:00000000-0000-0000-0000-000000000000"])
def test_an_estimate_that_is_not_there_is_not_found(logged_in, kept, estimate):
    assert show(logged_in, estimate=estimate).status_code == 404
    assert logged_in.get(f"{PAGE}export/csv/", question(estimate=estimate)).status_code == 404
    answer = logged_in.get("/api/drift", {"estimate": estimate, "read": "false"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "ESTIMATE_UNKNOWN")
    assert logged_in.post(f"{PAGE}upload/?estimate={estimate}").status_code == 404


def test_without_readings_the_page_says_how_they_come_and_offers_the_last_one_as_soon_as_there_is_one(
    logged_in,
):
    ledger = make_ledger(at=timezone.now())
    keep(ledger, {past(days): [ran()] for days in (1, 2)}, at=timezone.now())
    said = text(show(logged_in).soup.select_one("#figures"))
    assert "There is no reading yet" in said
    assert "manage.py current_cost" in said
    read(past(0), vm("i-1"))
    page = show(logged_in)
    assert "No day can be compared yet" in text(page.soup.select_one("#figures"))
    [link] = [
        one["href"] for one in page.soup.select("#figures a") if text(one) == "Compare with the last reading"
    ]
    by_last = get(logged_in, f"{PAGE}{link}")
    assert figures(by_last)["difference"] == "€0.00"
    # Another key of the same account is not shown what this one has read.
    make_ledger(at=timezone.now(), reader=SECOND_DEMO_KEY)
    assert "There is no reading yet" in text(show(client_of(SECOND_DEMO_KEY)).soup)


def test_queries_do_not_grow_with_resources_nor_days(logged_in, django_assert_max_num_queries):
    ledger = make_ledger(at=timezone.now())
    for days in range(20, 0, -1):
        resources = [vm(f"i-{number}") for number in range(days % 3, 30)]
        read(past(days), *resources)
        used = [ran(f"i-{number}") for number in range(30)]
        keep(ledger, {past(days): used}, at=timezone.now())
    with django_assert_max_num_queries(30):
        page = get(logged_in, PAGE, {"period": "last-30-days"}, headers=HTMX)
    assert page.status_code == 200
    assert len(table(page, "lines")) == 30


# --- A file as the estimate


def send(client, content, name="cost.json", **asked):
    path = f"{PAGE}upload/?" + "&".join(f"{key}={value}" for key, value in question(**asked).items())
    data = {"file": SimpleUploadedFile(name, content)} if content is not None else {}
    return with_soup(client.post(path, data))


def test_a_file_that_is_sent_becomes_the_estimate_of_page_files_and_api(logged_in, kept):
    sent = send(logged_in, osc_cost_file(("Vm", "i-1", "0.2"), ("Vm", "i-2", "0.09")), "my cost.json")
    assert sent.status_code == 302
    page = get(logged_in, sent.url)
    lines = {row[0]: row[1:-1] for row in table(page, "lines")}
    assert lines["i-1"][1:4] == ["€9.60", "€8.64", "−€0.96"]
    assert lines["i-2"][1:4] == ["€4.32", "€4.32", "€0.00"]
    [chosen] = page.soup.select("[name=estimate] option[selected]")
    assert text(chosen) == "File my cost.json"
    estimate = chosen["value"]
    asked = {"from_date": past(2), "to_date": past(0), "estimate": estimate, "read": "false"}
    by_api = logged_in.get("/api/drift", asked).json()["data"]
    assert by_api["estimate"]["name"] == "my cost.json"
    assert by_api["total"]["estimated"] == "13.92"
    assert logged_in.get(f"{PAGE}export/csv/", question(estimate=estimate)).status_code == 200
    # It is nobody else's, not even another key's of the same account, and goes after a week.
    make_ledger(at=timezone.now(), reader=SECOND_DEMO_KEY)
    assert show(client_of(SECOND_DEMO_KEY), estimate=estimate).status_code == 404
    UploadedEstimate.objects.update(uploaded_at=timezone.now() - dt.timedelta(days=8))
    assert show(logged_in, estimate=estimate).status_code == 404


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "Choose a file."),
        (b"", "The submitted file is empty."),
        (b"Summary: 0.42", "Line 1 is no JSON."),
        (osc_cost_file(("Vm", "i-1", "-1")), "Row 1: price_per_hour cannot be right."),
        (osc_cost_file(("Vm", "i-1", "1"), account_id="999999999999"), "which these keys do not open"),
        (osc_cost_file(("Vm", "i-1", "1"), region="us-east-2"), "in us-east-2, which these keys"),
    ],
)
def test_a_file_that_is_no_estimate_is_refused_beside_its_field(logged_in, kept, content, said):
    page = send(logged_in, content)
    assert page.status_code == 422
    assert said in text(page.soup.select_one("#upload .invalid-feedback"))
    assert figures(page)["estimated"]
    assert not UploadedEstimate.objects.exists()


def test_an_upload_is_changed_by_post_only_and_keeps_no_more_than_ten(logged_in, kept):
    assert logged_in.get(f"{PAGE}upload/").status_code == 302
    for number in range(12):
        assert send(logged_in, osc_cost_file(("Vm", f"i-{number}", "1"))).status_code == 302
    assert UploadedEstimate.objects.count() == 10


def test_the_command_takes_a_file_of_osc_cost(kept, outscale, tmp_path, monkeypatch):
    Shell(tmp_path, monkeypatch).use()
    path = tmp_path / "cost.json"
    path.write_bytes(osc_cost_file(("Vm", "i-1", "0.2"), ("Volume", "vol-1", "33")))
    days = ("--from", past(2), "--to", past(1), "--no-read", "--format", "csv")
    output = tmp_path / "drift.csv"
    _out, _err, failure = run("cost_drift", "--input", path, *days, "--output", output)
    rows = {row["resource_id"]: row for row in csv.DictReader(output.read_text().splitlines())}
    assert (rows["i-1"]["estimated"], rows["i-1"]["consumed"]) == ("9.6", "8.64")
    assert rows["i-2"]["reason_codes"] == "not_expected"
    assert failure == ""
    for arguments, said in (
        (("--input", tmp_path / "nothing.json"), "No such file"),
        (("--input", path, "--last-reading"), "not allowed with"),
        (("--from", "2026-01-01", "--to", "2026-06-30"), "more than 62 days"),
        (("--from", past(1), "--to", past(2)), "is after the last one"),
        (("--linked",), "unrecognized arguments: --linked"),
    ):
        assert said in run("cost_drift", "--no-read", *arguments)[2]
    path.write_text("Summary: 0.42")
    assert "Line 1 is no JSON" in run("cost_drift", "--no-read", "--input", path)[2]


def test_the_command_reads_what_is_missing_and_says_what_cannot_be_compared(
    outscale, db, tmp_path, monkeypatch
):
    Shell(tmp_path, monkeypatch).use()
    _out, _err, failure = run("cost_drift", "--from", past(2), "--to", past(1))
    assert failure.startswith("no day can be compared\n2 days have no estimate")
    assert not run("current_cost")[2]
    out, _err, _failure = run("cost_drift", "--from", past(2), "--to", past(1), "--last-reading")
    assert "Upper bound: a snapshot is estimated at the size of its volume" in out


# --- A quote against what was consumed


def plan_of(client, **terms):
    owner = User.objects.get(account_id=DEMO_KEY.account_id)
    quote = make_quote(owner=owner, name="ERP")
    make_item(quote, quantity=3)
    make_item(quote, resource_type="volume", parameters={"volume_type": "gp2", "size_gib": 300})
    make_item(quote, resource_type="nat_service", parameters={})
    if terms:
        set_terms(quote, **terms)
    return f"plan:{quote.pk}"


def test_a_quote_is_compared_with_what_was_consumed_kind_by_kind(logged_in, kept):
    plan = plan_of(logged_in)
    assert "Quote ERP" in [text(one) for one in show(logged_in).soup.select("[name=estimate] option")]
    page = show(logged_in, estimate=plan)
    rows = {row[0]: row for row in table(page, "lines")}
    storage = sum(Decimal(33) / month_of(past(days)) for days in (1, 2))
    assert rows["Virtual machines"][2:5] == ["€25.92", "€12.96", "−€12.96"]
    assert rows["Volumes"][2] == f"€{storage:.2f}"
    assert rows["NAT services"][2:5] == ["€2.40", "€0.00", "−€2.40"]
    assert rows["NAT services"][-1] == "Planned, and nothing of this kind was consumed."
    assert rows["Kubernetes"][-1] == "Nothing of this kind was planned."
    assert figures(page)["whole"] == figures(page)["consumed"]
    by_tag = {row[0]: row for row in table(show(logged_in, estimate=plan, tag="project=portal"), "lines")}
    assert by_tag["Virtual machines"][2:4] == ["€25.92", "€8.64"]


def test_the_discounts_of_a_quote_are_those_of_its_own_total(logged_in, kept):
    plan = plan_of(logged_in, commitment_period="1year", global_discount_percent=Decimal(10))
    quote = Quote.objects.get()
    rates = {
        name: rate.percent
        for name, rate in CommitmentRate.objects.valid_on(timezone.now().date(), "1year").items()
    }
    assert rates
    monthly = calculate(quote, list(quote.items.all()), rates, currency="EUR").single.monthly
    found = QuotePlans().plan(DEMO_KEY.account_id, str(quote.pk))
    assert sum(line.hourly * 730 + line.monthly for line in found.lines) == monthly
    page = show(logged_in, estimate=plan)
    assert page.status_code == 200


def test_a_quote_is_compared_with_the_known_part_where_something_has_no_price(logged_in, kept):
    keep(kept, {past(1): [ran("i-1"), entry("BoxUsage:odd", None, resource="i-9")]}, at=timezone.now())
    page = show(logged_in, estimate=plan_of(logged_in))
    rows = {row[0]: row for row in table(page, "lines")}
    assert rows["Virtual machines"][2:4] == ["€25.92", "€10.80"]
    [apart] = table(page, "apart")
    assert apart[2:] == ["–", "–", "The consumption has no price for a part of it."]


def test_a_quote_counts_once_for_several_accounts_and_is_of_who_logged_in(logged_in, kept):
    paying = {"access_key": PAYING_KEY.access_key, "secret_key": PAYING_KEY.secret_key}
    logged_in.post("/accounts/add/", paying | {"region": "eu-west-2"})
    other = make_ledger(PAYING_KEY.account_id, reader=PAYING_KEY, at=timezone.now())
    keep(other, {past(days): [ran("i-7")] for days in (1, 2)}, at=timezone.now())
    plan, payer = plan_of(logged_in), User.objects.get(account_id=PAYING_KEY.account_id)
    theirs = make_quote(owner=payer, name="Theirs", items=1)
    logged_in.post("/accounts/use/", {"together": "1"})
    page = show(logged_in, estimate=plan)
    [planned] = [row for row in table(page, "lines") if row[0].startswith("Virtual machines")]
    assert planned[2:4] == ["€25.92", "€12.96"]
    assert "The quote is compared with account 100000000001 alone" in text(page.soup)
    logged_in.post("/accounts/use/", {"place": f"{PAYING_KEY.account_id}.eu-west-2"})
    offered = [text(one) for one in show(logged_in).soup.select("[name=estimate] option")]
    assert ("Quote ERP" in offered, "Quote Theirs" in offered) == (True, False)
    assert show(logged_in, estimate=f"plan:{theirs.pk}").status_code == 404
    planned, *_rest = table(show(logged_in, estimate=plan), "lines")
    assert planned[2:4] == ["€25.92", "€8.64"]


def test_a_quote_of_somebody_else_is_not_found(logged_in, kept):
    other = make_quote(owner=make_owner("100000000009"), name="Theirs", items=1)
    assert show(logged_in, estimate=f"plan:{other.pk}").status_code == 404
    assert "Theirs" not in show(logged_in).content.decode()
