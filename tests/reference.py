"""The real answers of the cloud, kept beside the repository; tests read them, the product never does."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


def real_answer(name):
    """Return a real answer with its numbers exact; the test is skipped where the answers are not."""
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"the real answer {name} is not beside this repository")
    return json.loads(path.read_text(), parse_float=Decimal, parse_int=Decimal)
