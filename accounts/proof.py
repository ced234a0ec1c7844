"""Proves keys: one signed call, whose answer also tells whose keys they are."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from accounts.errors import (
    AuthenticationRefused,
    CallRefused,
    CloudAnswerInvalid,
    OwnAccountUnreadable,
    PermissionRefused,
)
from accounts.gateway import Gateway

DAYS_LOOKED_BACK = ((1, 0), (34, 3))
"""Yesterday is usually enough; an account that consumed little is looked for in a month.

The month ends some days ago: OUTSCALE may refuse to speak of days that it has not consolidated yet.
"""

BAD_VALUE = "4120"
"""OUTSCALE's code for a parameter value that cannot be; some keys it does not know are answered so."""

_ACCOUNT_ID = re.compile(r"[0-9]{1,64}")
_NAME_LENGTH = 255


@dataclass(frozen=True)
class Owner:
    """The OUTSCALE account of a key. ``name`` is empty when the key may not read it."""

    account_id: str
    name: str = ""


def owner_of(gateway: Gateway, *, today: date) -> Owner:
    """Prove the keys of ``gateway`` and return whose they are; ``today`` is the UTC day.

    A refusal by policy (code 4) proves keys too: OUTSCALE judges the signature first. The account is then
    read from its consumption. Raises ``OwnAccountUnreadable`` when that tells nothing either, and every
    ``CloudError`` of the gateway.
    """
    try:
        return _from_account(gateway.read("ReadAccounts"))
    except PermissionRefused:
        return _from_consumption(gateway, today)
    except CallRefused as error:
        if error.cloud_code != BAD_VALUE:
            raise
        # The call has no parameter: the bad value is the access key, which OUTSCALE does not know.
        raise AuthenticationRefused(error.call, cloud_code=BAD_VALUE, request_id=error.request_id) from error


def _from_account(answer: dict[str, Any]) -> Owner:
    match answer.get("Accounts"):
        case [{"AccountId": str() as account_id, **details}, *_] if _ACCOUNT_ID.fullmatch(account_id):
            return Owner(account_id, _name(details))
    raise CloudAnswerInvalid("ReadAccounts")


def _name(details: dict[str, Any]) -> str:
    person = f"{details.get('FirstName') or ''} {details.get('LastName') or ''}"
    return str(details.get("CompanyName") or person).strip()[:_NAME_LENGTH]


def _from_consumption(gateway: Gateway, today: date) -> Owner:
    for first, end in DAYS_LOOKED_BACK:
        account_id = _consumer(gateway, today - timedelta(days=first), today - timedelta(days=end))
        if account_id:
            return Owner(account_id)
    raise OwnAccountUnreadable("ReadConsumptionAccount")


def _consumer(gateway: Gateway, start: date, end: date) -> str:
    """Return the id of the account that consumed in ``[start, end)``, or nothing; not every day is known."""
    call = "ReadConsumptionAccount"
    try:
        answer = gateway.read(call, FromDate=start.isoformat(), ToDate=end.isoformat())
    except PermissionRefused as error:
        raise OwnAccountUnreadable(call, cloud_code=error.cloud_code, request_id=error.request_id) from error
    except CallRefused:
        return ""
    match answer.get("ConsumptionEntries"):
        case []:
            return ""
        case [{"AccountId": str() as account_id}, *_] if _ACCOUNT_ID.fullmatch(account_id):
            return account_id
    raise CloudAnswerInvalid(call)
