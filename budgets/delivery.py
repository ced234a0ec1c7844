"""Telling alerts: each delivery is sent once, by whoever has claimed it, and tried again when that fails."""

import datetime as dt
import logging
import time
from collections.abc import Iterator

from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber
from django.utils import translation
from django.utils.translation import gettext as _

from budgets import mails, webhooks
from budgets.models import AlertDelivery, BudgetAlert, Channel, DeliveryState
from budgets.sight import visible_to_readers
from budgets.webhookdocuments import document_of

logger = logging.getLogger(__name__)

CLAIM = dt.timedelta(minutes=10)
"""How long nobody else takes a claimed delivery: longer than the time limits of a mail or a webhook."""

PAUSES = (
    dt.timedelta(minutes=1),
    dt.timedelta(minutes=5),
    dt.timedelta(minutes=30),
    dt.timedelta(hours=2),
    dt.timedelta(hours=6),
    dt.timedelta(hours=24),
)
"""How long to wait after each failure; one more is the last."""

LONGEST_RUN = dt.timedelta(minutes=10)
"""After how long nothing more is begun, and the next run goes on: runs that never end would pile up."""

_LONGEST_PROBLEM = AlertDelivery._meta.get_field("problem").max_length


class NothingToSend(Exception):
    """The budget, or its owner, was changed since the alert was raised: trying again is of no use."""


class NotToBeTold(Exception):
    """The keys of the budget may not read now what the alert tells."""


def due_deliveries(*, at: dt.datetime) -> list[int]:
    """Return what is to be sent at a moment and claimed by nobody.

    The owners take turns, so that nobody waits for all the dead webhooks of somebody else. Of an owner what
    was never tried comes first, then what waits longest.
    """
    order = ("attempts", "next_attempt_at", "pk")
    turn = Window(RowNumber(), partition_by="alert__budget__owner", order_by=order)
    due = AlertDelivery.objects.filter(_is_due(at)).annotate(turn=turn).order_by("turn", *order)
    return list(due.values_list("pk", flat=True))


def deliver_due(*, at: dt.datetime) -> Iterator[AlertDelivery]:
    """Send what is due at a moment; yield each delivery as it stands after the attempt.

    What is not begun within ``LONGEST_RUN`` stays due.
    Two that run at once send each delivery once. No transaction may be open: others have to see a claim. What
    a process had claimed when it died is taken again when the claim has run out: nobody knows whether it was
    sent.
    """
    begun = time.monotonic()
    _give_up_the_unfinished(at)
    for pk in due_deliveries(at=at):
        passed = dt.timedelta(seconds=time.monotonic() - begun)
        if passed > LONGEST_RUN:
            break
        delivery = _claimed(pk, at + passed)
        if delivery is None:
            continue
        problem, is_final = _attempt(delivery)
        _note(delivery, problem, at + dt.timedelta(seconds=time.monotonic() - begun), is_final=is_final)
        yield delivery


def _is_due(at: dt.datetime) -> Q:
    return Q(state=DeliveryState.PENDING, next_attempt_at__lte=at, claimed_until__lte=at)


def _give_up_the_unfinished(at: dt.datetime) -> None:
    """Fail what has ended every process that tried to send it, or it would do so for ever."""
    AlertDelivery.objects.filter(_is_due(at), attempts__gt=len(PAUSES)).update(
        state=DeliveryState.FAILED, problem=_("Each attempt was interrupted.")
    )


def _claimed(pk: int, at: dt.datetime) -> AlertDelivery | None:
    """Claim a delivery and return it with its alert and budget; None when somebody else was first."""
    claim = AlertDelivery.objects.filter(_is_due(at), pk=pk)
    if not claim.update(claimed_until=at + CLAIM, attempts=F("attempts") + 1):
        return None
    return AlertDelivery.objects.select_related("alert__budget__owner").filter(pk=pk).first()


def _attempt(delivery: AlertDelivery) -> tuple[str, bool]:
    """Send; return why it failed, empty when it did not, and whether trying again is of no use."""
    with translation.override(delivery.alert.budget.language):
        try:
            _send(delivery.alert, delivery.channel)
        except NothingToSend as error:
            return str(error), True
        except NotToBeTold:
            return _("The keys that the budget was last saved with may not read these figures."), False
        except (mails.MailFailed, webhooks.WebhookFailed) as error:
            return str(error), False
        except Exception as error:  # whatever it is, the other deliveries are sent
            # Neither its text nor its traceback is logged: both may hold the address.
            logger.error("delivery %d failed: %s", delivery.pk, type(error).__name__)
            return _("The message could not be written or sent: an error of the portal."), False
    return "", False


def _send(alert: BudgetAlert, channel: str) -> None:
    budget = alert.budget
    if not budget.owner.is_active:
        raise NothingToSend(_("The account of the budget may not log in any more."))
    if alert.is_superseded:
        raise NothingToSend(_("The budget was changed before this was sent."))
    if not alert.may_be_told(visible_to_readers([budget])[budget.pk]):
        raise NotToBeTold
    if channel == Channel.EMAIL and budget.emails:
        mails.send(alert)
    elif channel == Channel.WEBHOOK and budget.webhook_url:
        webhooks.post(budget.webhook_url, document_of(alert))
    else:
        raise NothingToSend(_("The budget has no such address any more."))


def _note(delivery: AlertDelivery, problem: str, at: dt.datetime, *, is_final: bool) -> None:
    """Keep how an attempt ended; a failure only while the claim is still this one."""
    mine = AlertDelivery.objects.filter(pk=delivery.pk, state=DeliveryState.PENDING)
    if problem:
        mine = mine.filter(claimed_until=delivery.claimed_until)
        delivery.problem = problem[:_LONGEST_PROBLEM]
        if is_final or delivery.attempts > len(PAUSES):
            delivery.state = DeliveryState.FAILED
        else:
            delivery.next_attempt_at = at + PAUSES[delivery.attempts - 1]
    else:
        delivery.state, delivery.sent_at, delivery.problem = DeliveryState.SENT, at, ""
    delivery.claimed_until = at
    kept = ("state", "sent_at", "problem", "next_attempt_at", "claimed_until")
    mine.update(**{name: getattr(delivery, name) for name in kept})
