"""What every command of the portal has: a ``--help`` that ends with examples."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandParser, DjangoHelpFormatter


class _Formatter(argparse.RawDescriptionHelpFormatter, DjangoHelpFormatter):
    """Leaves the lines of the examples as they are, and puts the command's own options before Django's."""


class PortalCommand(BaseCommand):
    """A command whose help ends with its ``examples``: one a line, then what else there is to know.

    Each example is a line ``  manage.py NAME …`` that works as it stands; two spaces part it from what it
    does.
    """

    examples: str

    def create_parser(self, prog_name: str, subcommand: str, **options: Any) -> CommandParser:
        """Return Django's parser of the command with the examples below its options."""
        shown = {"formatter_class": _Formatter, "epilog": self.examples}
        return super().create_parser(prog_name, subcommand, **shown | options)
