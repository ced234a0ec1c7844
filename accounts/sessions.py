"""Begins, keeps and ends a customer's session."""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import import_module

from django.conf import settings
from django.contrib import auth
from django.core.cache import cache
from django.db import OperationalError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import attempts, keyring, standing
from accounts.errors import AuthenticationRefused, LoginThrottled, PortalError
from accounts.keyring import MOST_KEYS, Key, Keyring, PlaceUnknown, SessionExpired
from accounts.models import AccountName, User
from accounts.sessionstore import SEEN_FIELD
from accounts.signals import keys_proven

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_WRITES = 60
"""A session in use is written at most this often; it may therefore end that much earlier, never later."""

_SEPARATOR = "."


class KeyringFull(PortalError):
    """The session holds as many keys as it can."""

    code = "TOO_MANY_KEYS"
    http_status = 409

    def __init__(self) -> None:
        super().__init__()
        text = _("A session holds at most %(count)s keys. Remove one first.")
        self.message = text % {"count": MOST_KEYS}


class KeyNeeded(PortalError):
    """The last key of the account that has logged in stays as long as the session."""

    code = "KEY_NEEDED"
    message = _("You have logged in with this account. To destroy its key, log out.")
    http_status = 409


def log_in(request: HttpRequest, *, access_key: str, secret_key: str, region: str) -> User:
    """Prove the keys and begin a session with them; return its user.

    Nothing of another account's session is left. The other keys of the same account stay, that of the same
    region is replaced. Raises ``LoginThrottled``, ``LoginBusy``, ``AccountClosed``, ``KeyringFull`` and
    ``CloudError``; ``retry_after`` of ``AuthenticationRefused`` is for how long these keys are now not to be
    tried, if so.
    """
    user = _prove_in_turn(request, access_key, secret_key, region)
    name = AccountName.objects.given_by(user, user.account_id) or user.name
    key = Key(access_key, secret_key, region, user.account_id, name)
    _begin(request, user, _not_too_many(_keys_kept(request, user).using(key)))
    keys_proven.send_robust(sender=User, gateway=key.gateway, user=user)
    return user


def add_key(request: HttpRequest, *, access_key: str, secret_key: str, region: str, name: str = "") -> Key:
    """Prove the keys of one more account, or region, and add them to the session; return what was added.

    The session stays that of its user, who owns what is made in it, and the key in use stays in use. A key
    of the same account and region is replaced. ``name`` is what the user calls the account, as ``rename``
    keeps it. Raises as ``log_in`` does, ``KeyringFull`` and ``SessionExpired``.
    """
    proven = _prove_in_turn(request, access_key, secret_key, region)
    known_as = name or AccountName.objects.given_by(request.user, proven.account_id) or proven.name
    key = Key(access_key, secret_key, region, proven.account_id, known_as)
    keyring.change(request, lambda keys: _not_too_many(keys.with_key(key).named(key.account_id, key.name)))
    if name:
        AccountName.objects.give(request.user, key.account_id, name)
    keys_proven.send_robust(sender=User, gateway=key.gateway, user=proven)
    return key


def use_key(request: HttpRequest, place: str) -> Key:
    """Let the pages work on the account and region of ``place`` alone; raise ``PlaceUnknown``."""
    return keyring.change(request, lambda keys: keys.using(keys.at(place))).current


def use_together(request: HttpRequest, *, together: bool = True) -> None:
    """Let the pages work on all accounts of the session together, or no longer."""
    keyring.change(request, lambda keys: replace(keys, together=together))


def rename(request: HttpRequest, account_id: str, name: str) -> None:
    """Call an account by a name, in this session and the later ones of this user; raise ``PlaceUnknown``.

    An empty name is that under which OUTSCALE knows the account.
    """
    if not keyring.open(request).of_account(account_id):
        raise PlaceUnknown
    AccountName.objects.give(request.user, account_id, name)
    known_as = name or User.objects.filter(account_id=account_id).values_list("name", flat=True).first() or ""
    keyring.change(request, lambda keys: keys.named(account_id, known_as))


def remove_key(request: HttpRequest, place: str) -> None:
    """Destroy the key of ``place``; raise ``PlaceUnknown``, and ``KeyNeeded`` for the user's own last one."""

    def left(keys: Keyring) -> Keyring:
        key = keys.at(place)
        if not keys.can_spare(key, request.user.account_id):
            raise KeyNeeded
        return keys.without(key)

    keyring.change(request, left)


def _not_too_many(keys: Keyring) -> Keyring:
    if len(keys.keys) > MOST_KEYS:
        raise KeyringFull
    return keys


def _prove_in_turn(request: HttpRequest, access_key: str, secret_key: str, region: str) -> User:
    _refuse_throttled(request, access_key)  # before a wait that holds a worker
    with attempts.one_at_a_time(access_key):
        return _prove(request, access_key, secret_key, region)


def _prove(request: HttpRequest, access_key: str, secret_key: str, region: str) -> User:
    _refuse_throttled(request, access_key)
    user = auth.authenticate(request, username=access_key, secret_key=secret_key, region=region)
    if user is None:
        wait = attempts.seconds_to_wait(request, access_key)
        raise AuthenticationRefused("ReadAccounts", cloud_code="1", retry_after=wait or None)
    attempts.forget(request, access_key)
    standing.note_accepted(access_key)
    return user


def _refuse_throttled(request: HttpRequest, access_key: str) -> None:
    wait = attempts.seconds_to_wait(request, access_key)
    if wait:
        raise LoginThrottled(wait)


def log_out(request: HttpRequest) -> None:
    """End the session and destroy its keys; the session of an operator too."""
    auth.logout(request)
    request.COOKIES.pop(keyring.COOKIE, None)


def keep(request: HttpRequest) -> None:
    """Extend a session that is in use, an operator's too; end one that may not go on.

    That is one whose keys cannot be opened any more, or whose user is gone or was deactivated since: its keys
    are destroyed, so that nothing is left for the day on which the user may log in again.
    """
    if not (keyring.is_sealed(request) or auth.SESSION_KEY in request.session):
        return
    if not (request.user.is_authenticated and _opens(request)):
        log_out(request)
        return
    now = int(timezone.now().timestamp())
    if now - request.session.get(SEEN_FIELD, 0) >= SECONDS_BETWEEN_WRITES:
        request.session[SEEN_FIELD] = now
        try:
            _drop_closed_accounts(request)
        except SessionExpired:  # it was ended while this request began
            log_out(request)
        _clear_expired_now_and_then(request)


def _drop_closed_accounts(request: HttpRequest) -> None:
    """Destroy the keys of accounts, other than that of the user, that an operator has closed."""
    if not keyring.is_sealed(request):
        return
    held = keyring.open(request).names
    closed = User.objects.filter(account_id__in=held, is_active=False).exclude(
        pk=request.session[auth.SESSION_KEY]
    )
    gone = set(closed.values_list("account_id", flat=True)) if len(held) > 1 else ()
    if gone:
        keyring.change(
            request,
            lambda keys: keys.holding(key for key in keys.keys if key.account_id not in gone),
        )


def _opens(request: HttpRequest) -> bool:
    """Tell whether the keys of the session, if it has some, can be opened."""
    if keyring.is_sealed(request):
        try:
            keyring.open(request)
        except SessionExpired:
            return False
    return True


def _clear_expired_now_and_then(request: HttpRequest) -> None:
    """Destroy sealed keys whose time is over while others work; once a minute for all sessions together."""
    try:
        if cache.add("expired-sessions-cleared", True, SECONDS_BETWEEN_WRITES):
            request.session.clear_expired()
    except OperationalError:  # the disk is full, say: whoever came to read may read
        logger.exception("Expired sessions could not be destroyed.")


def expires_at(request: HttpRequest) -> datetime:
    """Return when the session ends without further activity."""
    seen = request.session.get(SEEN_FIELD)
    start = datetime.fromtimestamp(seen, UTC) if seen else timezone.now()
    return start + timedelta(seconds=settings.SESSION_COOKIE_AGE)


def session_id(request: HttpRequest) -> str:
    """Return the session as one opaque text for scripts: both halves, to be kept as secret as the keys."""
    return f"{request.session.session_key}{_SEPARATOR}{request.COOKIES[keyring.COOKIE]}"


def cookies_of(session_id: str) -> dict[str, str]:
    """Return the cookies that a browser with the session ``session_id`` would send."""
    session_key, _, half = session_id.partition(_SEPARATOR)
    return {settings.SESSION_COOKIE_NAME: session_key, keyring.COOKIE: half}


def forget_browser(request: HttpRequest) -> None:
    """Go on as a script that is not logged in, without touching the session that a browser has."""
    request.is_script = True
    request.session = import_module(settings.SESSION_ENGINE).SessionStore()
    request.COOKIES.pop(keyring.COOKIE, None)


def _keys_kept(request: HttpRequest, user: User) -> Keyring:
    """Return the keys of the session when it is of the same user already, else none."""
    if request.session.get(auth.SESSION_KEY) != str(user.pk) or not keyring.is_sealed(request):
        return Keyring(())
    try:
        return keyring.open(request)
    except SessionExpired:
        return Keyring(())


def _begin(request: HttpRequest, user: User, keys: Keyring) -> None:
    request.session.flush()
    request.session.clear_expired()  # sealed keys whose time is over are destroyed here, without a cron job
    auth.login(request, user)
    keyring.seal(request, keys)
    request.session[SEEN_FIELD] = int(timezone.now().timestamp())
