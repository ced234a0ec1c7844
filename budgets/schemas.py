"""The shapes of the JSON API of budgets. Amounts are texts without tax; days are ISO 8601, moments UTC."""

import datetime as dt
from typing import Any
from uuid import UUID

from ninja import Schema
from pydantic import ConfigDict, Field

MOST_AMOUNTS = 1000
"""How many amounts of single periods can be sent at once."""


class ScopeIn(Schema):
    """What a budget counts; an empty list leaves nothing out, one that is not sent stays."""

    model_config = ConfigDict(extra="forbid")

    accounts: list[str] = Field(
        default_factory=list,
        description="Of the session, and billed to them; empty for the own account and what is billed to it",
    )
    regions: list[str] = Field(default_factory=list)
    categories: list[str] = Field(default_factory=list)
    services: list[str] = Field(default_factory=list)
    tags: list[str] = Field(
        default_factory=list,
        description="key=value; values of the same key are alternatives, of different keys all must be there",
    )


class PeriodAmountIn(Schema):
    """The amount of the period that begins on a day."""

    model_config = ConfigDict(extra="forbid")

    first_day: str
    amount: Any


class BudgetIn(Schema):
    """A budget, or what is to change of one; what is left out stays, or is as a new budget has it."""

    model_config = ConfigDict(extra="forbid")

    name: str = ""
    amount: Any = Field(None, description="Of the first period, whole cents")
    currency: str = Field("", description="That of a region; by itself that of the home region of the owner")
    period_type: str = Field("", description="weekly, monthly, quarterly or yearly; by itself monthly")
    start_date: str | None = Field(None, description="By itself the first day of this month")
    end_date: str | None = Field(None, description="The last day, included; null for none")
    growth_percent: Any = Field(None, description="From each period to the next")
    scope: ScopeIn = Field(default_factory=ScopeIn)
    thresholds: Any = Field(
        None,
        description='Whole percentages: {"actual": [50, 100], "forecast": [100]}, or one list for both',
    )
    amounts: list[PeriodAmountIn] = Field(
        default_factory=list, max_length=MOST_AMOUNTS, description="Of single periods, all of them"
    )
    emails: list[str] = Field(default_factory=list)
    webhook_url: str | None = Field(None, description="Never answered; null or empty for none")
    webhook_format: str = Field("", description="json or text, for Slack and Mattermost")


class ScopeOut(Schema):
    """What a budget counts; an empty list leaves nothing out."""

    accounts: list[str]
    regions: list[str]
    categories: list[str]
    services: list[str]
    tags: list[str]


class ThresholdsOut(Schema):
    """The percentages of the amount that are told of."""

    actual: list[int]
    forecast: list[int]


class PeriodAmountOut(Schema):
    """The amount of the period that begins on a day."""

    first_day: dt.date
    amount: str


class BudgetOut(Schema):
    """A budget. ``end_date`` is the last day, included; null for one that goes on."""

    budget_id: UUID
    name: str
    amount: str = Field(description="Of the first period")
    currency: str
    period_type: str
    start_date: dt.date
    end_date: dt.date | None
    growth_percent: str
    amounts: list[PeriodAmountOut] = Field(description="Of single periods, in the place of the growth")
    scope: ScopeOut
    thresholds: ThresholdsOut
    emails: list[str]
    has_webhook: bool
    webhook_format: str
    created_at: dt.datetime
    updated_at: dt.datetime


class DeletedBudgetOut(Schema):
    """What became of a deleted budget."""

    message: str
