"""The calls about accounts: who they are, and what they consumed."""

from datetime import timedelta
from typing import Any

from sandbox.answers import fields_json
from sandbox.calls import Asked, Call, listing
from sandbox.cloud import Account, Cloud
from sandbox.errors import ApiError
from sandbox.meters import meters_of
from sandbox.parameters import BOOLEAN, TEXT, Item, period
from sandbox.regions import REGIONS
from sandbox.usage import Question, Statement, account_entries


def _accounts(asked: Asked) -> list[Item]:
    account = asked.account
    shown = {
        "AccountId": account.account_id,
        "CustomerId": account.customer_id,
        "CompanyName": account.company,
        "FirstName": account.first_name,
        "LastName": account.last_name,
        "Email": account.email,
        "City": account.city,
        "ZipCode": account.zip_code,
        "Country": "FRANCE",
        "AdditionalEmails": [],
        "OutscaleLoginAllowed": False,
    }
    return [shown]


def _check_authentication(asked: Asked) -> dict[str, Any]:
    """Accept the e-mail address and the password of the calling account."""
    given = asked.parameters["Login"], asked.parameters["Password"]
    if given != (asked.account.email, asked.account.password):
        raise ApiError("1")
    return {}


def _consumption(asked: Asked) -> bytes:
    """Answer for the calling account, or with Overall for a paying account and those linked to it."""
    parameters = asked.parameters
    first, end = period(parameters)
    question = Question(
        first=first,
        end=end,
        show_price=parameters.get("ShowPrice", False),
        show_resources=parameters.get("ShowResourceDetails", False),
    )
    _check_consolidated(asked.cloud, question)
    accounts = _billed_together(asked) if parameters.get("Overall") else [asked.account]
    told = [_consumed(asked, account, question) for account in accounts]
    currency = {"Currency": REGIONS[asked.region].currency} if question.show_price else {}
    fields = fields_json({"ConsumptionEntries": [], **currency})
    return fields.replace(b"[]", b"[" + b",".join(filter(None, told)) + b"]", 1)


def _check_consolidated(cloud: Cloud, question: Question) -> None:
    """Raise ApiError for a day whose consumption is not there yet.

    The older ICU API answered InvalidParameter and a text for such dates; that the present one has the code
    below for them is an assumption.
    """
    days = cloud.consolidated_after_days
    if days and question.end > cloud.clock.now().date() - timedelta(days=days):
        raise ApiError("3001", "The consumption of the requested dates is not available yet.")


def _consumed(asked: Asked, account: Account, question: Question) -> bytes:
    """Return the entries of one account in JSON; only days that are over have any."""
    cloud = asked.cloud
    today = cloud.clock.now().date()
    end = min(question.end, today)
    if question.first >= end:
        return b""
    owner = (asked.region, account.account_id)
    uses = cloud.past(*owner).uses(question.first, end, today)
    statement = _statement(cloud, owner, question)
    entries = statement.entries(question.first, end, uses, cloud.corrections(*owner))
    return account_entries(account, question, entries)


def _statement(cloud: Cloud, owner: tuple[str, str], question: Question) -> Statement:
    """Return what a region and an account in it are billed for, as it is now."""
    detail = {"show_price": question.show_price, "show_resources": question.show_resources}

    def make() -> Statement:
        meters = meters_of(cloud.inventory(*owner), cloud.buckets(*owner), cloud.clusters(*owner))
        return Statement(meters, cloud.prices(owner[0]), **detail)

    return cloud.remembered((*owner, "statement", *detail.values()), make)


def _billed_together(asked: Asked) -> list[Account]:
    """Return the accounts a paying account is billed for; none for a linked account, which is no error."""
    payer = asked.account.account_id
    return [other for other in asked.cloud.accounts.values() if other.paying_account_id == payer]


ACCOUNT_CALLS = (
    listing("ReadAccounts", "Accounts", _accounts, is_paginated=False),
    Call(
        "CheckAuthentication",
        _check_authentication,
        {"Login": TEXT, "Password": TEXT},
        required=("Login", "Password"),
    ),
    Call(
        "ReadConsumptionAccount",
        _consumption,
        {
            "FromDate": TEXT,
            "ToDate": TEXT,
            "Overall": BOOLEAN,
            "ShowPrice": BOOLEAN,
            "ShowResourceDetails": BOOLEAN,
        },
        required=("FromDate", "ToDate"),
    ),
)
