"""``manage.py draft_invoice``: what accounts consumed in a period, as a draft of their invoice."""

from django.core.management.base import CommandError
from django.db import DatabaseError
from django.utils import timezone

from accounts import operatorkeys
from accounts.commands import PortalCommand
from accounts.errors import PortalError
from consumption import commandline
from consumption.invoice import invoice_of
from consumption.invoicedocuments import unpriced_line_text
from consumption.invoicefiles import FORMATS
from consumption.periods import ONE_DAY, Preset, preset_period
from costs.commandoutput import write_document
from costs.exports import one_line

EXAMPLES = """examples:
  manage.py draft_invoice > invoice.csv                          the last month, CSV with semicolons
  manage.py draft_invoice 2026-01-01 2026-03-31                  these days, both included
  manage.py draft_invoice 2026-11-01                             from there to yesterday
  manage.py draft_invoice --profile one --profile two --output invoice.csv      several accounts in one file
  manage.py draft_invoice --format xlsx --output invoice.xlsx
  manage.py draft_invoice --linked                               with the accounts billed to this one
  manage.py draft_invoice --no-read                              from what is kept, without the cloud

The keys come from OSC_ACCESS_KEY, OSC_SECRET_KEY and OSC_REGION, or from profiles of ~/.osc/config.json. They
need no right but api:ReadConsumptionAccount.

Amounts exclude tax; those of different currencies are never added. The draft is informative: only the
invoices of OUTSCALE bind.

The exit code is 0 when every day is known. It is 1 when days are missing: the draft is written all the same
when anything is known, and the error output says what is missing and why.
"""


class Command(PortalCommand):
    help = "Write a draft of the invoice: each product with quantity, unit price and cost, and the totals."
    examples = EXAMPLES

    def add_arguments(self, parser):
        parser.add_argument(
            "first",
            nargs="?",
            type=commandline.day,
            metavar="FROM",
            help="the first day, YYYY-MM-DD (default: the last month)",
        )
        parser.add_argument(
            "last",
            nargs="?",
            type=commandline.day,
            metavar="TO",
            help="the last day, included (default: yesterday)",
        )
        commandline.add_key_arguments(parser)
        commandline.add_linked_argument(parser)
        commandline.add_output_arguments(parser, FORMATS, default="csv-fr")

    def handle(self, **options):
        chosen = FORMATS[options["format"]]
        commandline.check_output(options, is_binary=chosen.is_binary)
        today = timezone.now().date()
        period = _period(options, today)
        try:
            keys = operatorkeys.keys_of(options["profile"], options["region"])
            read = commandline.sources_of(keys, period, options, today=today, write=self.stderr.write)
            found = list(read)
            invoice = invoice_of(found, period, issued_on=today, with_linked=options["linked"])
        except PortalError as error:
            raise CommandError(str(error.message)) from error
        except DatabaseError as error:
            raise CommandError(f"{commandline.DATABASE_PROBLEM} ({error})") from error
        if invoice.is_known:
            write_document(chosen.write(invoice), output=options["output"], stdout=self.stdout)
        missing = list(map(one_line, invoice.missing))
        if missing:
            what = "the draft is incomplete" if invoice.is_known else "there is nothing to write"
            raise CommandError("\n".join([what, *missing, *map(unpriced_line_text, invoice.unpriced)]))
        for sentence in [*map(unpriced_line_text, invoice.unpriced), *invoice.provisional]:
            self.stderr.write(self.style.WARNING(sentence))


def _period(options, today):
    if options["first"] is None:
        return preset_period(Preset.LAST_MONTH, today)
    return commandline.period_of(options["first"], options["last"] or today - ONE_DAY, today=today)
