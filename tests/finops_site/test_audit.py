"""The audit of what is installed never takes a service that is not there for a clean bill."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

AUDIT = Path(__file__).parent.parent.parent / ".ci" / "audit"
CLEAN = {"name": "django", "version": "5.2.19", "vulns": []}
UNKNOWN = {"name": "django", "skip_reason": "Dependency not found on PyPI"}
VULNERABLE = {"name": "redis", "version": "8.1.0", "vulns": [{"id": "CVE-1", "fix_versions": ["8.1.1"]}]}


def audit(tmp_path, *answers):
    """Run the audit with a pip-audit that gives one answer after the other."""
    for number, answer in enumerate(answers):
        text = answer if isinstance(answer, str) else json.dumps({"dependencies": answer, "fixes": []})
        (tmp_path / f"answer{number}").write_text(text)
    command = tmp_path / "pip-audit"
    command.write_text(
        f"#!/bin/sh\ncd {tmp_path}\n"
        "asked=$(cat asked 2>/dev/null || echo 0)\n"
        "echo $((asked + 1)) >asked\ncat answer$asked\nexit 1\n"
    )
    command.chmod(0o755)
    environment = os.environ | {"PIP_AUDIT": str(command)}
    return subprocess.run(
        [sys.executable, AUDIT], env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "answers",
    [([UNKNOWN],), ("no JSON",), ([CLEAN], "stopped")],
)
def test_a_service_that_does_not_answer_fails_nothing_and_is_told(tmp_path, answers):
    run = audit(tmp_path, *answers)
    assert (run.returncode, run.stdout.partition(":")[0]) == (0, "NOT AUDITED"), run.stderr


def test_a_vulnerability_fails_and_says_what_mends_it(tmp_path):
    run = audit(tmp_path, [CLEAN], [CLEAN, VULNERABLE, UNKNOWN | {"name": "ours"}])
    assert run.returncode == 1, run.stderr
    assert run.stdout.splitlines() == [
        "redis 8.1.0: CVE-1, mended in 8.1.1",
        "ours: not audited: Dependency not found on PyPI",
        "2 of 3 packages audited.",
    ]


def test_nothing_known_is_clean(tmp_path):
    run = audit(tmp_path, [CLEAN], [CLEAN])
    assert (run.returncode, run.stdout) == (0, "1 of 1 packages audited.\n"), run.stderr
