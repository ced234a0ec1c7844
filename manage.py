#!/usr/bin/env python3
"""Django's command line for the portal."""

import os
import sys

from django.core.management import execute_from_command_line
from structlog.contextvars import bind_contextvars

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "finops_site.settings")
    bind_contextvars(command=" ".join(sys.argv[1:2]))  # on each of its log lines
    execute_from_command_line(sys.argv)
