import datetime as dt
from io import BytesIO
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from consumption import savedviews
from consumption.models import SavedView
from consumption.views import PAGES
from sandbox.cloud import DEMO_ACCOUNT, PAYING_KEY
from tests.conftest import DEMO_KEYS
from tests.consumption.days import entry, keep, make_ledger
from tests.consumption.drifts import osc_cost_file
from tests.costs.portal_readings import client_of, get, text, with_soup
from tests.quotes.test_lifecycle import at_once

pytestmark = pytest.mark.django_db
VIEWS = "/consumption/views/"
NOW = dt.datetime(2026, 9, 1, 8, tzinfo=dt.UTC)


@pytest.fixture
def owner(logged_in):
    return User.objects.get(account_id=DEMO_ACCOUNT.account_id)


def save(client, name="Mine", question="period=last-month", page="history", **data):
    return with_soup(client.post(f"/consumption/{page}/save/?{question}", {"name": name} | data))


def saved(owner, name="Mine", query="period=last-month", page="history"):
    return savedviews.save(owner=owner, name=name, page=page, query=query, at=NOW)


def names(client):
    return [text(link) for link in get(client, VIEWS).soup.select("tbody th > a")]


def row(client, name="Mine"):
    [found] = [one for one in get(client, VIEWS).soup.select("tbody tr") if text(one.select_one("a")) == name]
    return found


def errors(page):
    return [text(one) for one in page.soup.select("#view_name_error")]


def log_in(client, **data):
    return client.post("/login/", DEMO_KEYS | data, follow=True)


ASKED = [
    ("history", "period=last-month&category=compute&sort=name", ["Last month (", "Category: Compute"]),
    ("history", "group_by=resource_type&granularity=week", ["Group by: Type", "Week"]),
    ("trends", "period=last-6-months&linked=1&group_by=region", ["6 months (", "With linked accounts"]),
    ("forecast", "horizon=quarter&period=last-30-days", ["This quarter (", ", learnt from 30 days ("]),
    ("anomalies", "state=open&subregion=eu-west-2a", ["365 days (", "State: Open", "eu-west-2a"]),
    ("drift", "estimate=latest&tag=env%3Dprod", ["The last reading", "Tag: env=prod"]),
]


def test_each_page_is_saved_as_it_stands_listed_in_words_and_opened_again(logged_in, owner):
    assert {page for page, _question, _words in ASKED} >= PAGES.keys() - {"allocation"}
    for number, (page, question, words) in enumerate(ASKED):
        answer = save(logged_in, f"  View \t {number} ", question, page)
        view = SavedView.objects.owned_by(owner).get(name=f"View {number}")
        assert answer.url == view.get_absolute_url()
        asked, kept = parse_qs(question), parse_qs(view.query)
        assert kept in (asked, asked | {"group_by": ["category"]})  # which is what the page groups by anyway
        listed = row(logged_in, view.name)
        assert listed.select_one("a")["href"] == view.get_absolute_url()
        assert [word for word in words if word not in text(listed)] == []
        opened = get(logged_in, view.get_absolute_url())
        assert opened.status_code == 200
        [current] = opened.soup.select("#saved-views [aria-current=page]")
        assert text(current).startswith(view.name)


def test_the_form_of_the_page_itself_saves_what_the_page_asks(logged_in):
    page = get(logged_in, "/consumption/trends/?period=last-6-months&category=storage")
    form = page.soup.select_one("#saved-views form")
    assert "6 months (" in text(form)
    answer = logged_in.post(form["action"], {"name": "Storage"})
    assert SavedView.objects.get().page == "trends"
    assert parse_qs(urlsplit(answer.url).query) == {
        "period": ["last-6-months"],
        "category": ["storage"],
        "group_by": ["category"],
    }


def test_it_is_saved_only_with_the_token_of_the_form(logged_in):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = logged_in.cookies
    assert save(strict).status_code == 403
    assert not SavedView.objects.exists()


def test_a_period_with_a_name_stays_relative_and_chosen_days_stay(logged_in, monkeypatch):
    today = timezone.now().date()
    first, last = today - dt.timedelta(days=40), today - dt.timedelta(days=30)
    save(logged_in, "named", "period=month-to-date")
    save(logged_in, "chosen", f"first={first}&last={last}")
    save(logged_in, "plain", "")

    def days():
        return {
            name: text(get(logged_in, SavedView.objects.get(name=name).get_absolute_url()).soup.h1.parent.p)
            for name in ("named", "chosen", "plain")
        }

    before = days()
    later = SimpleNamespace(now=lambda: timezone.now() + dt.timedelta(days=40))
    monkeypatch.setattr("consumption.views.timezone", later)
    after = days()
    assert after["chosen"] == before["chosen"]
    assert after["named"] != before["named"]
    assert after["plain"] != before["plain"]


def test_an_own_name_is_replaced_only_when_it_is_asked_for_by_that_name(logged_in, owner):
    for name in ("Mine", "Other"):
        saved(owner, name)
    refused = save(logged_in, "Mine", "period=last-7-days", "trends")
    assert refused.status_code == 422
    assert errors(refused) == ["Another of your views is called like this."]
    button = refused.soup.select_one("#saved-views button[name=replace]")
    assert (
        save(logged_in, "Other", "period=last-7-days", "trends", replace=button["value"]).status_code == 422
    )
    assert set(SavedView.objects.values_list("query", flat=True)) == {"period=last-month"}
    save(logged_in, "Mine", "period=last-7-days", "trends", replace=button["value"])
    view = SavedView.objects.get(name="Mine")
    assert (view.page, parse_qs(view.query)["period"]) == ("trends", ["last-7-days"])
    assert SavedView.objects.count() == 2


def test_a_name_that_cannot_be_read_is_refused_beside_the_field_with_the_page_around_it(logged_in):
    for name in ("", "  \t ", "x" * 81, "x" * 200, "a\x00b", "\u200b\u200d", "\u202e"):
        refused = save(logged_in, name)
        assert (refused.status_code, len(errors(refused))) == (422, 1), ascii(name)
        assert refused.soup.select_one("#saved-views").has_attr("open")
        assert refused.soup.select_one("#period-last-month[aria-current=true]")
    assert not SavedView.objects.exists()


def test_any_other_name_is_shown_as_it_was_written(logged_in):
    written = ["Coûts d’août 💶", "<script>alert(1)</script>", '"&{{ x }}', "=1+1", "你好", "x" * 80]
    for name in written:
        save(logged_in, name)
    assert names(logged_in) == sorted(written)
    page = get(logged_in, "/consumption/")
    shown = [text(one.find(string=True)) for one in page.soup.select("#saved-views a > span")]
    assert sorted(shown) == sorted(written)
    assert b"<script>alert" not in page.content


def test_two_spellings_of_an_accent_are_one_name(logged_in):
    save(logged_in, "Coûts")
    assert save(logged_in, "Cou\u0302ts").status_code == 422


WRONG = [
    ("history", "region=mars", "This session holds no key of the region “mars”."),
    ("history", "group_by=evil", "Nothing can be grouped by “evil”"),
    ("history", "group_by=%00", "Null characters are not allowed."),
    ("history", "first=2999-01-01", "Only days that are over"),
    ("history", "category=" + "&category=".join(map(str, range(21))), "At most 20 at once."),
    ("drift", "estimate=nonsense", "is no estimate"),
    ("forecast", "horizon=never", "No period ahead"),
]


def test_a_question_that_the_page_refuses_is_not_saved_and_the_page_says_why(logged_in):
    for page, question, said in WRONG:
        refused = save(logged_in, question=question, page=page)
        assert refused.status_code == 422, question
        assert said in text(refused.soup.main)
    assert not SavedView.objects.exists()


def test_of_an_address_only_what_the_page_asks_is_kept(logged_in):
    save(logged_in, question="period=last-month&evil=//example.com&next=/admin/&csrfmiddlewaretoken=x&page=9")
    assert parse_qs(SavedView.objects.get().query) == {"period": ["last-month"], "group_by": ["category"]}


def test_what_is_dropped_soon_or_too_long_for_an_address_is_refused_with_the_reason(logged_in):
    keep(make_ledger(at=timezone.now()), {timezone.now().date() - dt.timedelta(days=1): [entry()]})
    long = "&".join(f"resource={number:03}{'é' * 100}" for number in range(9))
    assert errors(save(logged_in, question=long)) == ["This view has too many filters to be saved."]
    sent = logged_in.post(
        "/consumption/drift/upload/", {"file": BytesIO(osc_cost_file(("Vm", "i-1", "0.2")))}
    )
    file = save(logged_in, page="drift", question=urlsplit(sent.url).query)
    assert (file.status_code, len(errors(file))) == (422, 1)
    assert "A file is kept for a few days only." in errors(file)[0]
    unknown = "estimate=file:6f9619ff-8b86-d011-b42d-00c04fc964ff"
    assert save(logged_in, page="drift", question=unknown).status_code == 404
    assert not SavedView.objects.exists()


def test_no_other_page_can_be_saved(logged_in):
    for page in ("invoice", "nothing", "overview"):
        assert save(logged_in, page=page).status_code == 404


def test_the_address_that_saves_leads_back_to_its_page(logged_in):
    back = logged_in.get("/consumption/trends/save/?period=last-month")
    assert back.url == "/consumption/trends/?period=last-month"


def test_a_view_is_renamed_and_keeps_what_it_asks(logged_in, owner):
    view = saved(owner)
    saved(owner, "Other")
    url = f"{VIEWS}{view.pk}/rename/"
    for name, problem in (("Other", "called like this"), ("", "required"), ("x" * 81, "at most 80")):
        refused = with_soup(logged_in.post(url, {"name": name}))
        assert refused.status_code == 422
        assert problem in text(refused.soup.select_one(f"#view_{view.pk}_name_error"))
    assert names(logged_in) == ["Mine", "Other"]
    assert logged_in.post(url, {"name": "Mine"}).url == VIEWS
    assert logged_in.post(url, {"name": "Zebra"}).url == VIEWS
    assert names(logged_in) == ["Other", "Zebra"]
    assert row(logged_in, "Zebra").a["href"] == view.get_absolute_url()


def test_a_view_is_deleted_after_a_question(logged_in, owner):
    view = saved(owner)
    url = f"{VIEWS}{view.pk}/delete/"
    assert "Delete “Mine”?" in text(get(logged_in, url).soup.h1)
    assert names(logged_in) == ["Mine"]
    logged_in.post(url)
    assert "No view is saved yet" in text(get(logged_in, VIEWS).soup.main)
    assert logged_in.post(url).status_code == 404


def test_a_view_of_another_owner_does_not_exist(logged_in, owner):
    view = saved(owner)
    other = client_of(PAYING_KEY)
    for action in ("rename", "start", "delete"):
        assert other.post(f"{VIEWS}{view.pk}/{action}/", {"name": "x", "start": "1"}).status_code == 404
    assert other.get(f"{VIEWS}{view.pk}/delete/").status_code == 404
    assert names(other) == []
    assert len(get(other, "/consumption/").soup.select("#saved-views a")) == 1  # to the list
    assert save(other).status_code == 302  # its name is free for others
    view.refresh_from_db()
    assert (view.name, view.is_start) == ("Mine", False)


def test_as_many_views_are_kept_as_the_portal_says(logged_in, owner, monkeypatch):
    monkeypatch.setattr(savedviews, "MOST_VIEWS", 2)
    saved(owner, "one")
    saved(owner, "two")
    refused = save(logged_in, "three")
    assert (refused.status_code, len(errors(refused))) == (422, 1)
    assert save(logged_in, "two", replace="two").status_code == 302
    assert names(logged_in) == ["one", "two"]


def test_the_start_page_opens_after_the_login_unless_another_page_was_wanted(logged_in, owner):
    first, second = saved(owner, "first", page="trends"), saved(owner, "second")
    assert log_in(Client()).redirect_chain[-1][0] == "/"
    for view in (first, second):
        logged_in.post(f"{VIEWS}{view.pk}/start/", {"start": "1"})
        assert log_in(Client()).redirect_chain[-1][0] == view.get_absolute_url()
        assert [text(one) for one in get(logged_in, VIEWS).soup.select("tr:has(.osc-tag) th > a")] == [
            view.name
        ]
    assert log_in(Client(), next="/quotes/").redirect_chain == [("/quotes/", 302)]
    assert get(logged_in, "/").status_code == 200
    logged_in.post(f"{VIEWS}{second.pk}/start/", {"start": ""})
    assert log_in(Client()).redirect_chain[-1][0] == "/"


def test_without_its_start_page_a_login_leads_to_the_overview_again(logged_in, owner):
    view = savedviews.set_start(view=saved(owner), is_start=True)
    save(logged_in, "Mine", "period=last-7-days", replace="Mine")
    assert "last-7-days" in log_in(Client()).redirect_chain[-1][0]  # what was replaced starts still
    logged_in.post(f"{VIEWS}{view.pk}/delete/")
    assert log_in(Client()).redirect_chain[-1][0] == "/"


def test_a_start_page_that_cannot_be_asked_any_more_says_so_itself(logged_in, owner):
    savedviews.set_start(view=saved(owner, query="region=cloudgouv-eu-west-1"), is_start=True)
    page = with_soup(log_in(Client()))
    assert page.status_code == 422
    assert "holds no key of the region “cloudgouv-eu-west-1”" in text(page.soup.main)
    assert page.soup.select("#saved-views a[href='/consumption/views/']")
    assert row(logged_in).select(".osc-tag.is-warn")


def test_a_view_of_a_page_that_this_portal_does_not_have_is_left_out(logged_in, owner):
    savedviews.set_start(view=saved(owner, page="of-tomorrow"), is_start=True)
    assert log_in(Client()).redirect_chain[-1][0] == "/"
    assert names(logged_in) == []
    assert get(logged_in, "/consumption/").status_code == 200


def test_visitors_log_in_and_operators_have_no_views(client, logged_in):
    assert Client().get(VIEWS).url.startswith("/login/")
    assert Client().get("/start/").url.startswith("/login/")
    operator = Client()
    operator.force_login(User.objects.create_superuser("operator", "secret-of-operators"))
    assert operator.get(VIEWS).status_code == 403
    assert operator.get("/start/").url == "/"


def test_operators_see_views_and_change_none(owner):
    view = saved(owner)
    admin_client = Client()
    admin_client.force_login(User.objects.create_superuser("operator", "secret-of-operators"))
    assert "Mine" in admin_client.get("/admin/consumption/savedview/?q=Mine").content.decode()
    assert admin_client.post(f"/admin/consumption/savedview/{view.pk}/delete/").status_code == 403


def test_many_views_are_shown_with_as_many_queries_as_one(logged_in, owner):
    def queries(path):
        with CaptureQueriesContext(connection) as counted:
            assert logged_in.get(path).status_code == 200
        return len(counted)

    pages = (VIEWS, "/consumption/")
    saved(owner, "first", "resource_type=NatGatewayUsage")
    before = [queries(page) for page in pages]
    for number in range(30):
        saved(owner, f"view {number}", f"resource_type=Type{number}&category=compute")
    assert [queries(page) for page in pages] == before


def test_the_database_itself_refuses_a_second_name_and_a_second_start(logged_in, owner):
    savedviews.set_start(view=saved(owner), is_start=True)
    for wrong in ({"name": "Mine"}, {"name": "x", "is_start": True}, {"name": ""}, {"name": "x", "page": ""}):
        with pytest.raises(IntegrityError), transaction.atomic():
            SavedView.objects.create(**{"owner": owner, "page": "history", "saved_at": NOW} | wrong)


@pytest.mark.django_db(transaction=True)
def test_twice_at_once_one_is_saved_the_limit_holds_and_one_page_starts(monkeypatch):
    owner = User.objects.for_account("100000000001")
    errors = at_once(*[lambda: saved(owner, "same")] * 4)
    assert [type(error) for error in errors] == [savedviews.NameTaken] * 3
    monkeypatch.setattr(savedviews, "MOST_VIEWS", 3)
    errors = at_once(*[lambda name=name: saved(owner, name) for name in "abcd"])
    assert [type(error) for error in errors] == [savedviews.TooManyViews] * 2
    views = list(SavedView.objects.all())
    assert (
        at_once(*[lambda view=view: savedviews.set_start(view=view, is_start=True) for view in views]) == []
    )
    assert SavedView.objects.filter(is_start=True).count() == 1
