"""What is sent of an alert: once, in the owner's language, again when it failed, no secret in a report."""

import datetime as dt
import email
import email.policy
import json
import logging
import time
from decimal import Decimal

import pytest
from django.db import connection

from budgets import delivery, webhooks
from budgets.delivery import CLAIM, PAUSES, deliver_due
from budgets.models import AlertDelivery, Budget, BudgetAlert, DeliveryState
from costs.snapshots import reader_of
from sandbox.cloud import DEMO_KEY, LINKED_KEY, SECOND_DEMO_KEY
from tests.budgets.alerting import AT, at_once, make_alert
from tests.budgets.budgets import owner
from tests.consumption.days import make_ledger

pytestmark = pytest.mark.django_db
SECRET = "/services/T00/B00/XXXXSECRETXXXX"
MANY = ["one@example.com", "two@example.com"]


@pytest.fixture(autouse=True)
def _portal(settings):
    settings.PORTAL_URL = "https://portal.example/"
    settings.DEFAULT_FROM_EMAIL = "osc-finops@portal.example"


def deliver(at=AT):
    """Deliver what is due, and return how each stands: as the run says, which is as it is kept."""
    found = []
    for one in deliver_due(at=at):
        kept = AlertDelivery.objects.get(pk=one.pk)
        facts = [(row.state, row.attempts, row.problem, row.sent_at) for row in (one, kept)]
        assert facts[0] == facts[1]
        found.append((kept.channel, kept.state, kept.problem))
    return found


def parts_of(envelope):
    """Return the message, its text and its HTML."""
    message = email.message_from_bytes(envelope.content, policy=email.policy.default)
    text, html = message.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    return message, text.get_content(), html.get_content()


def test_a_mail_and_a_webhook_get_one_message_each_with_the_figures_and_a_link(mails, receiver):
    alert = make_alert(
        90,
        ["email", "webhook"],
        amount="1000",
        emails=MANY,
        webhook_url=receiver.url(SECRET),
    )
    assert deliver() == [("email", "sent", ""), ("webhook", "sent", "")]
    assert deliver(AT + dt.timedelta(days=9)) == []

    [envelope] = mails.envelopes
    assert envelope.rcpt_tos == MANY
    message, text, html = parts_of(envelope)
    assert message["Subject"].strip() == "Budget “Production”: 90% is spent"
    assert (message["From"], message["To"]) == ("osc-finops@portal.example", ", ".join(MANY))
    assert text.strip().replace("\r\n", "\n") == (
        "Budget “Production”: 90% is spent\n\n"
        "Budget: Production\n"
        "Period: 1 to 31 Mar 2026\n"
        "Threshold: 90% of the budget, spent\n"
        "Spent: €912.35\n"
        "Amount of the period: €1,000.00\n"
        "Remaining: €87.66\n"
        "Utilisation: 91.23%\n\n"
        "As known on 20 Mar 2026 (UTC): the bill of the last days can still grow.\n"
        "Amounts exclude tax.\n\n"
        f"https://portal.example/budgets/{alert.budget_id}/"
    )
    assert f'<a href="https://portal.example/budgets/{alert.budget_id}/">' in html
    assert "€912.35" in html

    [document] = receiver.posted
    assert receiver.paths == [SECRET]
    words = document.pop("text")
    assert words.startswith("Budget “Production”: 90% is spent\nBudget: Production\n")
    assert document == {
        "event": "budget.threshold_reached",
        "id": alert.pk,
        "budget": {
            "id": str(alert.budget_id),
            "name": "Production",
            "currency": "EUR",
            "period_type": "monthly",
        },
        "period": {"from_date": "2026-03-01", "to_date": "2026-04-01"},
        "measure": "actual",
        "percent": 90,
        "amount": "1000",
        "figure": "912.345",
        "low": None,
        "high": None,
        "remaining": "87.655",
        "utilisation_percent": "91.2345",
        "is_lower_bound": False,
        "raised_at": "2026-03-20T08:00:00+00:00",
        "url": f"https://portal.example/budgets/{alert.budget_id}/",
    }


def test_a_chat_gets_a_text_in_which_no_name_is_a_link_or_a_mention(receiver):
    alert = make_alert(
        75,
        ["webhook"],
        name="<!channel> R&D <https://evil.example|here>",
        webhook_url=receiver.url(),
        webhook_format="text",
    )
    deliver()
    [document] = receiver.posted
    assert list(document) == ["text"]
    assert "<" not in document["text"]
    assert ">" not in document["text"]
    assert (
        "Budget “&lt;!channel&gt; R&amp;D &lt;https://evil.example|here&gt;”: 75% is spent"
        in document["text"]
    )
    assert document["text"].endswith(f"https://portal.example/budgets/{alert.budget_id}/")


def test_a_forecast_is_told_with_its_interval_and_a_lower_bound_as_at_least(mails, receiver):
    make_alert(
        100,
        ["email"],
        measure="forecast",
        low=Decimal(880),
        high=Decimal("1040.5"),
        amount="900",
        emails=MANY,
    )
    deliver()
    message, text, _html = parts_of(mails.envelopes[0])
    assert message["Subject"].strip() == "Budget “Production”: the forecast reaches 100%"
    for line in (
        "Expected at the end of the period: €912.35",
        "In 80 of 100 cases: €880.00 to €1,040.50",
        "Remaining at the end of the period: −€12.35",
        "a day that is not wholly known counts as it is expected.",
    ):
        assert line in text

    make_alert(50, ["email"], is_lower_bound=True, amount="0", emails=MANY)
    deliver()
    message, text, _html = parts_of(mails.envelopes[1])
    assert message["Subject"].strip() == "Budget “Production” allows nothing: at least €912.35 spent"
    assert "Remaining: at most −€912.35" in text
    assert "some days, or prices, are missing, so it may be more." in text
    assert "Utilisation" not in text


def test_a_message_is_written_in_the_language_of_the_budget(mails):
    make_alert(90, ["email"], amount="1000", emails=MANY, language="fr", name="Été")
    deliver()
    _message, text, html = parts_of(mails.envelopes[0])
    assert "912,35\xa0€" in text
    assert "1\u202f000,00\xa0€" in text
    assert '<html lang="fr">' in html


def test_a_name_cannot_add_a_header_a_recipient_or_markup(mails):
    make_alert(
        90,
        ["email"],
        name="x\r\nBcc: victim@example.com\n\n<script>alert(1)</script>",
        emails=["a@example.com"],
    )
    deliver()
    [envelope] = mails.envelopes
    message, text, html = parts_of(envelope)
    assert envelope.rcpt_tos == ["a@example.com"]
    assert message["Bcc"] is None
    assert message["Subject"].strip() == (
        "Budget “x Bcc: victim@example.com <script>alert(1)</script>”: 90% is spent"
    )
    assert "Budget: x Bcc: victim@example.com <script>" in text
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_a_failure_is_tried_again_later_and_later_and_then_given_up(receiver, caplog):
    caplog.set_level(logging.DEBUG)
    receiver.status, receiver.body = 404, SECRET.encode()
    alert = make_alert(90, ["webhook"], webhook_url=receiver.url(SECRET))
    said = "The webhook answered with the status 404."
    at = AT
    for number, pause in enumerate(PAUSES, 1):
        assert deliver(at) == [("webhook", "pending", said)]
        kept = alert.deliveries.get()
        assert (kept.attempts, kept.sent_at) == (number, None)
        assert dt.timedelta(0) <= kept.next_attempt_at - (at + pause) < dt.timedelta(seconds=20)
        assert deliver(kept.next_attempt_at - dt.timedelta(seconds=1)) == []
        at = kept.next_attempt_at
    assert deliver(at) == [("webhook", "failed", said)]
    assert deliver(at + dt.timedelta(days=30)) == []
    assert len(receiver.posted) == len(PAUSES) + 1
    assert "SECRET" not in caplog.text


def test_what_has_failed_once_and_succeeds_then_is_sent_and_has_no_problem_any_more(mails):
    mails.refusal = "451 try later"
    alert = make_alert(90, ["email"], emails=MANY)
    assert deliver() == [("email", "pending", "The mail server refused the message (code 451).")]
    mails.refusal = ""
    assert deliver(AT + dt.timedelta(seconds=90)) == [("email", "sent", "")]
    assert alert.deliveries.get().sent_at >= AT + dt.timedelta(seconds=90)
    assert len(mails.envelopes) == 1


def test_a_mail_server_that_is_not_there_is_a_failure_in_words(settings, mails):
    settings.EMAIL_PORT = 1
    make_alert(90, ["email"], emails=MANY)
    assert deliver() == [("email", "pending", "The mail server cannot be reached.")]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (
            "http://127.0.0.1:9/SECRET",
            "This address leads into a network that is not public, so nothing is sent",
        ),
        ("http://user:SECRET@8.8.8.8/", "The address of a webhook holds no user name and no password."),
    ],
)
def test_an_address_that_is_refused_is_a_failure_that_does_not_repeat_it(url, reason, caplog):
    make_alert(90, ["webhook"], webhook_url=url)
    [(_channel, state, problem)] = deliver()
    assert state == "pending"
    assert problem.startswith(reason)
    assert "SECRET" not in problem + caplog.text


def test_one_that_breaks_the_portal_does_not_keep_the_others_from_being_sent(mails, monkeypatch, caplog):
    def broken(url, _document):
        raise RuntimeError(f"cannot post to {url}")

    monkeypatch.setattr(webhooks, "post", broken)
    make_alert(90, ["webhook", "email"], emails=MANY, webhook_url=f"https://chat.example{SECRET}")
    assert deliver() == [
        ("webhook", "pending", "The message could not be written or sent: an error of the portal."),
        ("email", "sent", ""),
    ]
    assert "RuntimeError" in caplog.text
    assert "SECRET" not in caplog.text


def test_a_channel_that_the_budget_has_lost_is_given_up_and_a_new_address_is_used(mails):
    alert = make_alert(90, ["webhook", "email"], emails=MANY)
    Budget.objects.filter(pk=alert.budget_id).update(emails=["new@example.com"])
    assert deliver() == [
        ("webhook", "failed", "The budget has no such address any more."),
        ("email", "sent", ""),
    ]
    assert mails.envelopes[0].rcpt_tos == ["new@example.com"]


def test_what_a_killed_process_had_claimed_is_sent_when_the_claim_has_run_out(receiver, monkeypatch):
    def killed(_url, _document):
        raise KeyboardInterrupt

    alert = make_alert(90, ["webhook"], webhook_url=receiver.url())
    with monkeypatch.context() as patched:
        patched.setattr(webhooks, "post", killed)
        with pytest.raises(KeyboardInterrupt):
            deliver()
    assert deliver(AT + CLAIM - dt.timedelta(seconds=1)) == []
    assert deliver(AT + CLAIM + dt.timedelta(seconds=20)) == [("webhook", "sent", "")]
    assert (alert.deliveries.get().attempts, len(receiver.posted)) == (2, 1)


def test_what_kills_every_process_that_sends_it_is_given_up(receiver):
    alert = make_alert(90, ["webhook"], webhook_url=receiver.url())
    alert.deliveries.update(attempts=len(PAUSES) + 1)
    assert deliver() == []
    kept = alert.deliveries.get()
    assert (kept.state, kept.problem) == (DeliveryState.FAILED, "Each attempt was interrupted.")
    assert receiver.posted == []


@pytest.mark.django_db(transaction=True)
def test_two_that_deliver_at_once_send_each_message_once(mails, receiver):
    for number in range(4):
        make_alert(90, ["email", "webhook"], name=str(number), emails=MANY, webhook_url=receiver.url())
    at_once(lambda: list(deliver_due(at=AT)), times=3)
    assert AlertDelivery.objects.filter(state=DeliveryState.SENT, attempts=1).count() == 8
    assert sorted(one["budget"]["name"] for one in receiver.posted) == ["0", "1", "2", "3"]
    assert len(mails.envelopes) == 4


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_the_network_is_waited_for(receiver, monkeypatch):
    open_ones, post = [], webhooks.post

    def watched(url, document):
        open_ones.append(connection.in_atomic_block)
        AlertDelivery.objects.get()
        if connection.vendor == "postgresql":
            open_ones.append(connection.connection.info.transaction_status.name != "IDLE")
        post(url, document)

    monkeypatch.setattr(webhooks, "post", watched)
    make_alert(90, ["webhook"], webhook_url=receiver.url())
    list(deliver_due(at=AT))
    assert open_ones
    assert not any(open_ones)
    assert json.dumps(receiver.posted)


def test_what_was_superseded_while_somebody_tried_to_send_it_is_not_sent_any_more(receiver):
    receiver.status = 500
    alert = make_alert(90, ["webhook"], webhook_url=receiver.url())
    assert [state for _channel, state, _problem in deliver()] == ["pending"]
    BudgetAlert.objects.filter(pk=alert.pk).update(is_superseded=True)
    receiver.status = 200
    assert deliver(AT + dt.timedelta(minutes=2)) == [
        ("webhook", "failed", "The budget was changed before this was sent.")
    ]
    assert len(receiver.posted) == 1


def test_what_waits_is_not_told_to_who_saves_the_budget_with_a_key_that_may_not_read_it(mails):
    mine, other = reader_of(DEMO_KEY.access_key), reader_of(SECOND_DEMO_KEY.access_key)
    alert = make_alert(90, ["email"], emails=["spy@example.com"], readers=[other])
    BudgetAlert.objects.filter(pk=alert.pk).update(ledgers=[make_ledger().pk])
    said = "The keys that the budget was last saved with may not read these figures."
    assert deliver() == [("email", "pending", said)]
    assert mails.envelopes == []
    Budget.objects.filter(pk=alert.budget_id).update(readers=[mine], emails=["me@example.com"])
    assert deliver(AT + dt.timedelta(minutes=2)) == [("email", "sent", "")]


def test_owners_take_turns_and_what_was_never_tried_goes_before_what_has_failed(receiver):
    dead = {"webhook_url": "http://127.0.0.1:9/"}
    for number in range(3):
        make_alert(90, ["webhook"], name=f"dead {number}", **dead)
    AlertDelivery.objects.update(attempts=1)
    for name, of in [("new", None), ("other owner's", owner(LINKED_KEY.account_id))]:
        make_alert(90, ["webhook"], name=name, of=of, webhook_url=receiver.url(), at=AT + PAUSES[0])
    told = [one.alert.budget.name for one in deliver_due(at=AT + PAUSES[0])]
    assert told == ["new", "other owner's", "dead 0", "dead 1", "dead 2"]


def test_a_run_that_takes_long_leaves_the_rest_to_the_next_one(receiver, monkeypatch):
    for number in range(3):
        make_alert(90, ["webhook"], name=str(number), webhook_url=receiver.url())
    monkeypatch.setattr(delivery, "LONGEST_RUN", dt.timedelta(milliseconds=200))
    receiver.before_answer = lambda: time.sleep(0.25)
    assert deliver() == [("webhook", "sent", "")]
    assert deliver(AT + PAUSES[0]) == [("webhook", "sent", "")]
    assert [one["budget"]["name"] for one in receiver.posted] == ["0", "1"]


def test_a_chat_that_reads_markdown_finds_no_mention_and_no_link_in_a_name(receiver):
    make_alert(
        75,
        ["webhook"],
        name="@channel @all [click](https://evil.example)",
        webhook_url=receiver.url(),
        webhook_format="text",
    )
    deliver()
    [document] = receiver.posted
    assert "@channel" not in document["text"]
    assert "@all" not in document["text"]
    assert "](" not in document["text"]
