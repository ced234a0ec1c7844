"""SECURITY.md claims nothing that no test shows."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "SECURITY.md").read_text()
THREATS = [part for part in TEXT.split("\n## ") if "\n- Protects: " in part]


def test_every_threat_says_what_remains_and_has_a_test():
    assert len(THREATS) == 13
    for threat in THREATS:
        assert "\n- Remains: " in threat, threat
        assert "\n- `tests/" in threat, threat


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`(tests/\S+\.py)::", TEXT))))
def test_every_test_that_is_named_exists(path):
    named = set(re.findall(rf"`{re.escape(path)}::(\w+)`", TEXT))
    tree = ast.parse((ROOT / path).read_text())
    assert named <= {found.name for found in tree.body if isinstance(found, ast.FunctionDef)}
