"""How texts are compared: without case and accents in a search, with numbers in their order in a list."""

import re
import unicodedata
from decimal import Decimal


def folded(text: str) -> str:
    """Return ``text`` without accents, case and typographic variants, for comparing."""
    if text.isascii():
        return text.casefold()
    parts = unicodedata.normalize("NFKD", text)
    return "".join(part for part in parts if not unicodedata.combining(part)).casefold()


def natural(text: str) -> list[tuple[int, Decimal | str]]:
    """Return a key that sorts ``v7`` before ``v10``, however many digits there are."""
    parts = re.split(r"(\d+)", folded(text))
    return [(0, Decimal(part)) if part.isdecimal() else (1, part) for part in parts]
