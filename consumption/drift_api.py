"""The JSON API of the drift: what was expected against what was consumed."""

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router
from ninja import Schema as NinjaSchema
from pydantic import Field

from accounts.envelope import Envelope, answer
from consumption.apiquestions import Days, asked_for, metadata_of
from consumption.driftdocuments import document_of
from consumption.driftkinds import KINDS
from consumption.driftpage import DRIFT

router = Router(tags=["Consumption"])


class DriftQuestion(Days):
    """Which days to compare with which estimate; all filters must hold."""

    period: str = Field("", description="A named period instead of dates, such as last-month")
    estimate: str = Field("", description="readings (the stored ones), latest, file:ID, or plan:ID")
    category: list[str] = []
    resource_type: list[str] = Field([], description=", ".join(KINDS))
    resource: list[str] = []
    tag: list[str] = Field([], description="key=value, of the resources in the last reading")
    read: bool = Field(True, description="Read missing days from the cloud first, for some seconds")


class DriftSumsOut(NinjaSchema):
    """Two amounts, and how much more was consumed; ``percent`` of the estimate, null where there is none."""

    estimated: str
    consumed: str
    difference: str
    percent: str | None


class DriftTypeOut(DriftSumsOut):
    """The sums of a kind of resource."""

    resource_type: str
    count: int


class DriftCategoryOut(DriftSumsOut):
    """The sums of a category of the catalog."""

    category: str


class LineOut(DriftSumsOut):
    """A resource; an empty ``reason`` says that none is known. Without an id it is all of its kind."""

    account_id: str
    region: str
    resource_type: str
    resource_id: str
    name: str
    specification: str
    reason: str
    reason_codes: list[str]


class ApartOut(NinjaSchema):
    """What was consumed, or expected, and is not compared; it is in no sum."""

    account_id: str
    region: str
    resource_type: str
    resource_id: str
    name: str
    service: str | None
    type: str | None
    operation: str | None
    estimated: str | None
    consumed: str | None
    reason: str
    reason_code: str


class EstimateOut(NinjaSchema):
    """What was compared with the consumption; ``left_out`` is what of it could not be."""

    kind: str
    name: str | None
    made_at: str | None
    left_out: list[str]


class UnknownOut(NinjaSchema):
    """A kind of resource that the estimate does not know on some of the days compared."""

    account_id: str
    region: str
    resource_type: str
    days: int


class DriftOut(NinjaSchema):
    """The drift; ``total`` is null when no day can be compared."""

    from_date: str
    to_date: str
    currency: str | None
    estimate: EstimateOut
    days_compared: int
    days_carried: int
    total: DriftSumsOut | None
    by_type: list[DriftTypeOut]
    by_category: list[DriftCategoryOut]
    lines: list[LineOut]
    consumed_apart: str
    consumed_whole: str
    apart: list[ApartOut]
    types_not_known: list[UnknownOut]


@router.get("", response=Envelope[DriftOut])
def drift(request: HttpRequest, question: Query[DriftQuestion]) -> Any:
    """Tell what was expected against what was consumed in the same hours, largest difference first."""
    with asked_for(request, question, DRIFT) as asked:
        return answer(document_of(DRIFT.answer(asked)), **metadata_of(asked))
