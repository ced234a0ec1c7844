"""What operators read of the commands: ``manage.py NAME --help``."""

import re
import shlex
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import get_commands, load_command_class

from accounts.commands import PortalCommand

OURS = {
    config.name for config in apps.get_app_configs() if Path(config.path).parent == Path(settings.BASE_DIR)
}
OWN = {name: app for name, app in get_commands().items() if app in OURS}


def help_of(name, capsys):
    with pytest.raises(SystemExit) as ended:
        load_command_class(OWN[name], name).create_parser("manage.py", name).parse_args(["--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_the_commands_are_the_documented_ones():
    assert {"sync_consumption", "check_budgets", "current_cost", "export_focus", "refresh_catalogs"} <= set(
        OWN
    )


@pytest.mark.parametrize("name", OWN)
def test_the_help_of_a_command_ends_with_examples_that_the_command_takes(name, capsys):
    command = load_command_class(OWN[name], name)
    assert isinstance(command, PortalCommand)
    shown = help_of(name, capsys)
    examples = re.findall(rf"^  manage\.py {name}\b(.*)$", shown, re.MULTILINE)
    assert "\nexamples:\n" in shown
    assert command.help in " ".join(shown.split())
    assert examples, "an example on a line of its own, which no formatter has wrapped"
    for example in examples:
        # Two spaces part it from what it does; what the shell does with the output is not the command's.
        words = re.split(r" {2,}| > ", example)[0]
        command.create_parser("manage.py", name).parse_args(shlex.split(words))


def test_the_options_of_a_command_come_before_those_of_every_command(capsys):
    shown = help_of("check_budgets", capsys)
    assert shown.index("--dry-run  ") < shown.index("--settings SETTINGS  ") < shown.index("\nexamples:\n")
