"""The mail that tells of an alert."""

import smtplib

from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from budgets.alerttext import text_of
from budgets.models import BudgetAlert


class MailFailed(Exception):
    """A mail was not taken by the mail server. The message says why."""


def send(alert: BudgetAlert) -> None:
    """Send one message to all addresses of the alert's budget, in the language of the moment.

    Raises ``MailFailed`` when the mail server takes it for none of them.
    """
    message = message_of(alert)
    try:
        message.send()
    except (smtplib.SMTPException, OSError) as error:
        raise MailFailed(_problem(error)) from error


def message_of(alert: BudgetAlert) -> EmailMultiAlternatives:
    """Return the mail of an alert, as text and as HTML."""
    text = text_of(alert)
    context = {"text": text}
    message = EmailMultiAlternatives(
        subject=text.headline,
        body=render_to_string("budgets/mail/alert.txt", context),
        to=alert.budget.emails,
        headers={"Auto-Submitted": "auto-generated"},  # no absence notice comes back (RFC 3834)
    )
    message.attach_alternative(render_to_string("budgets/mail/alert.html", context), "text/html")
    return message


def _problem(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return _("The mail server did not answer in time.")
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return _("The mail server refused every address.")
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return _("The mail server refused the portal's own login.")
    if isinstance(error, smtplib.SMTPResponseException):
        return _("The mail server refused the message (code %(code)s).") % {"code": error.smtp_code}
    if isinstance(error, smtplib.SMTPException):
        return _("The mail server ended the conversation.")
    return _("The mail server cannot be reached.")
