"""The JSON API of sessions: log in, log out, whose keys are in use."""

from datetime import datetime
from typing import Literal

from django.core.exceptions import NON_FIELD_ERRORS
from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import Field

from accounts import keyring, sessions, standing
from accounts.envelope import Envelope, answer
from accounts.errors import InputRefused, PortalError
from accounts.forms import AccountNameForm, KeyForm, LoginForm
from accounts.keyring import Key, SessionExpired, place_of

auth_router = Router(tags=["Session"])
accounts_router = Router(tags=["Session"])


class LoginRefused(PortalError):
    """The keys of a form were not let in; ``details`` says beside which field."""

    def __init__(self, form: LoginForm, cause: PortalError) -> None:
        super().__init__(retry_after=cause.retry_after)
        self.code, self.message, self.http_status = cause.code, cause.message, cause.http_status
        self.details = {
            field: [str(text) for text in texts]
            for field, texts in form.errors.items()
            if field != NON_FIELD_ERRORS  # that is the message
        }


class Keys(Schema):
    """What a login sends."""

    access_key: str = ""
    secret_key: str = ""
    region: str = ""


class NewKey(Keys):
    """What adds an account or a region; ``name`` is what the account is to be called, if not as it is."""

    name: str = ""


class ChangedKey(Schema):
    """What to change of the keys; what is left out stays."""

    account_id: str
    region: str
    name: str | None = Field(None, description="What the account is to be called; empty as OUTSCALE knows it")
    in_use: Literal[True] | None = Field(None, description="Ask with this key alone from now on")
    together: bool | None = Field(
        None, description="Ask with the keys of all accounts together, or no longer"
    )


class AccountOut(Schema):
    """An OUTSCALE account; ``name`` is empty when no key may read it."""

    account_id: str
    name: str


class SessionOut(Schema):
    """A session in use; times are UTC."""

    account: AccountOut
    region: str
    expires_at: datetime


class NewSessionOut(SessionOut):
    """A new session. ``session_id`` opens it: send it as ``X-Session-ID``, and keep it like a key."""

    session_id: str


class AnySessionOut(SessionOut):
    """A session in use; ``session_id`` is there for scripts only."""

    session_id: str | None


class KeyOut(Schema):
    """A key held by the session: never the secret, and of the access key only its end."""

    account_id: str
    name: str
    region: str
    access_key_ending: str
    in_use: bool
    refusal: str | None = Field(description="Why OUTSCALE refused it lately, as a code")


@auth_router.post("/login", auth=None, response=Envelope[NewSessionOut])
def log_in(request: HttpRequest, given: Keys) -> dict:
    """Prove keys and begin a session for a script; the browser's own session is left as it is."""
    sessions.forget_browser(request)
    form = LoginForm(given.dict())
    if not form.is_valid():
        raise InputRefused(form.errors)
    try:
        sessions.log_in(request, **form.cleaned_data)
    except PortalError as error:
        form.refuse(error)
        raise LoginRefused(form, error) from error
    return answer({**_session(request), "session_id": sessions.session_id(request)})


@auth_router.post("/logout", response={204: None})
def log_out(request: HttpRequest) -> Status:
    """End the session and destroy its keys."""
    sessions.log_out(request)
    return Status(204, None)


@auth_router.get("/session", response=Envelope[AnySessionOut])
def show_session(request: HttpRequest) -> dict:
    """Tell whose session this is, and when it ends without further activity.

    A browser is not told its ``session_id``: its half of the sealing key stays out of reach of scripts.
    """
    session_id = sessions.session_id(request) if request.is_script else None
    return answer({**_session(request), "session_id": session_id})


@accounts_router.get("", response=Envelope[list[KeyOut]])
def list_accounts(request: HttpRequest) -> dict:
    """List the keys that the session holds, the one in use first; ``metadata.together``: all are in use."""
    return _listed(request)


@accounts_router.post("", response={201: Envelope[KeyOut]})
def add_account(request: HttpRequest, given: NewKey) -> Status:
    """Prove the keys of one more account, or region, and add them to the session."""
    form = KeyForm(given.dict())
    if not form.is_valid():
        raise InputRefused(form.errors)
    try:
        key = sessions.add_key(request, **form.cleaned_data)
    except SessionExpired:
        raise
    except PortalError as error:
        form.refuse(error)
        raise LoginRefused(form, error) from error
    keys = keyring.open(request)
    return Status(201, answer(_shown(key, in_use=keys.together or key.place == keys.current.place)))


@accounts_router.patch("", response=Envelope[list[KeyOut]])
def change_account(request: HttpRequest, given: ChangedKey) -> dict:
    """Name an account, or choose with which keys to ask from now on."""
    keyring.open(request).at(place_of(given.account_id, given.region))
    if given.name is not None:
        form = AccountNameForm({"name": given.name})
        if not form.is_valid():
            raise InputRefused(form.errors)
        sessions.rename(request, given.account_id, form.cleaned_data["name"])
    if given.in_use:
        sessions.use_key(request, place_of(given.account_id, given.region))
    if given.together is not None:
        sessions.use_together(request, together=given.together)
    return _listed(request)


@accounts_router.delete("", response={204: None})
def remove_account(request: HttpRequest, account_id: str, region: str) -> Status:
    """Destroy the key of an account in a region; the last one of the account that logged in stays."""
    sessions.remove_key(request, place_of(account_id, region))
    return Status(204, None)


def _listed(request: HttpRequest) -> dict:
    keys = keyring.open(request)
    shown = [_shown(key, in_use=keys.together or key is keys.current) for key in keys.keys]
    return answer(shown, together=keys.together)


def _session(request: HttpRequest) -> dict:
    key = keyring.open(request).current
    return {
        "account": {"account_id": key.account_id, "name": key.name},
        "region": key.region,
        "expires_at": sessions.expires_at(request),
    }


def _shown(key: Key, *, in_use: bool) -> dict:
    return {
        "account_id": key.account_id,
        "name": key.name,
        "region": key.region,
        "access_key_ending": key.ending,
        "in_use": in_use,
        "refusal": refusal.code if (refusal := standing.refusal_of(key.access_key)) else None,
    }
