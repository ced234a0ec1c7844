"""The shape of every answer of the JSON API, good or bad."""

from typing import Any, Generic, TypeVar

from django.core.paginator import Page
from ninja import Schema
from pydantic import Field

Data = TypeVar("Data")


class Envelope(Schema, Generic[Data]):
    """``{"data": …, "metadata": {…}}``, the answer to everything that worked."""

    data: Data
    metadata: dict[str, Any] = Field(default_factory=dict)


def answer(data: Any, **metadata: Any) -> dict[str, Any]:
    """Return the answer with ``data``, and ``metadata`` such as ``pagination``, ``cache`` or ``partial``."""
    return {"data": data, "metadata": metadata}


def pagination_of(page: Page) -> dict[str, int]:
    """Return the ``metadata.pagination`` of an answer that holds one ``page`` of a list."""
    paginator = page.paginator
    return {
        "page": page.number,
        "pages": paginator.num_pages,
        "per_page": paginator.per_page,
        "total": paginator.count,
    }


def failure(code: str, message: str, details: dict[str, list[str]] | None = None) -> dict[str, Any]:
    """Return the answer of something that failed."""
    return {"error": {"code": code, "message": str(message), "details": details or {}}}
