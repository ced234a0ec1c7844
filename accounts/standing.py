"""What the cloud said of a key lately: accepted, or refused.

OUTSCALE locks a key after four failures in a row, for longer each time. So a key that nobody has proven
lately is tried by one call alone, and one that was just refused is not tried at all for a while.
"""

from collections.abc import Iterable

from django.core.cache import cache
from django.utils.crypto import salted_hmac

from accounts.errors import LOCK_SECONDS, AuthenticationRefused, CloudError, KeyLocked, kind_of

ACCEPTED_SECONDS = 300
"""For how long a key that was accepted is trusted to be asked with many calls at once."""


def note_accepted(access_key: str) -> None:
    """Remember that the cloud has accepted a key."""
    cache.set(_name(access_key), "", ACCEPTED_SECONDS)


def note_refused(access_key: str, error: AuthenticationRefused | KeyLocked) -> None:
    """Remember that the cloud has refused a key, until a lock would be over."""
    cache.set(_name(access_key), error.code, error.retry_after or LOCK_SECONDS)


def is_accepted(access_key: str) -> bool:
    """Tell whether the cloud has accepted a key lately."""
    return cache.get(_name(access_key)) == ""


def check(access_key: str, *, call: str) -> None:
    """Raise the error with which the cloud refused a key a moment ago, instead of asking ``call`` with it."""
    code = cache.get(_name(access_key))
    if code:
        raise _refusal(code, call)


def refusals_of(access_keys: Iterable[str]) -> dict[str, CloudError]:
    """Return the errors with which the cloud refused some of these keys a moment ago (one query)."""
    names = {_name(access_key): access_key for access_key in access_keys}
    return {names[name]: _refusal(code, "") for name, code in cache.get_many(names).items() if code}


def refusal_of(access_key: str) -> CloudError | None:
    """Return the error with which the cloud refused a key a moment ago, None when it did not."""
    return refusals_of([access_key]).get(access_key)


def _refusal(code: str, call: str) -> CloudError:
    return kind_of(code)(call, retry_after=LOCK_SECONDS)


def _name(access_key: str) -> str:
    """Return the name in the cache, which tells nothing of the key."""
    return "key-standing:" + salted_hmac("accounts.standing", access_key, algorithm="sha256").hexdigest()
