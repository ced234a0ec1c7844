"""What can go wrong between the portal, its users and the cloud.

Each error has a ``code`` for programs, a ``message`` that tells people what to do, and the HTTP status with
which the portal answers. None of them carries a key, a signature or what was sent.
"""

from collections.abc import Iterable, Mapping

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

LOCK_SECONDS = 60
"""How long OUTSCALE locks a key after four failures in a row; longer after more (API documentation)."""


class PortalError(Exception):
    """Something that is answered with a message to the user, not with a stack trace."""

    code = "REFUSED"
    message: str | Promise = _("The portal cannot do this.")
    http_status = 400
    details: dict[str, list[str]] | None = None
    """What is wrong with which field, for the API."""

    def __init__(self, detail: str = "", *, retry_after: int | None = None) -> None:
        """Keep ``detail`` for the log, and after how many seconds it is worth trying again, when known."""
        super().__init__(detail or self.code)
        self.retry_after = retry_after


class InputRefused(PortalError):
    """What was sent cannot be right; ``details`` says what is wrong with which field."""

    code = "VALIDATION_FAILED"
    message = _("Something in this request cannot be right. See the details.")

    def __init__(self, errors: Mapping[str, Iterable[object]]) -> None:
        """Take the messages of each field, such as the ``errors`` of a form."""
        super().__init__()
        self.details = {field: [str(text) for text in texts] for field, texts in errors.items()}


class LoginThrottled(PortalError):
    """The portal refuses to try these keys for a while, before OUTSCALE locks them."""

    code = "LOGIN_THROTTLED"
    http_status = 429

    def __init__(self, seconds: int) -> None:
        super().__init__(retry_after=seconds)
        self.message = ngettext(
            "These keys were refused too often. Please wait %(seconds)d second and check them: "
            "OUTSCALE locks a key after four failures.",
            "These keys were refused too often. Please wait %(seconds)d seconds and check them: "
            "OUTSCALE locks a key after four failures.",
            seconds,
        ) % {"seconds": seconds}


class LoginBusy(PortalError):
    """Another login with the same access key is still going on."""

    code = "LOGIN_BUSY"
    message = _("These keys are being checked already. Please try again in a moment.")
    http_status = 429


class AccountClosed(PortalError):
    """An operator has closed the portal to this account."""

    code = "ACCOUNT_CLOSED"
    message = _("This account may not use the portal. Please ask the people who run it.")
    http_status = 403


class CloudError(PortalError):
    """A call to the cloud did not give an answer."""

    code = "CLOUD_ERROR"
    http_status = 502
    may_pass = False
    """Whether asking again at once may help. Never after a refused key, which four failures lock."""

    def __init__(
        self, call: str, *, cloud_code: str = "", request_id: str = "", retry_after: int | None = None
    ) -> None:
        """Keep which ``call`` failed, with OUTSCALE's own error code and request id where it sent them."""
        facts = [call, self.code, cloud_code and f"code {cloud_code}", request_id and f"request {request_id}"]
        super().__init__(", ".join(filter(None, facts)), retry_after=retry_after)
        self.call = call
        self.cloud_code = cloud_code
        self.request_id = request_id


class AuthenticationRefused(CloudError):
    """The access key is unknown or the secret key is not its own (code 1)."""

    code = "AUTHENTICATION_REFUSED"
    message = _(
        "OUTSCALE refused these keys. Please check the access key, the secret key and the region: "
        "keys work only in the region in which they were made."
    )
    http_status = 401


class KeyLocked(CloudError):
    """OUTSCALE has locked the key after four failures in a row (code 13)."""

    code = "KEY_LOCKED"
    message = _(
        "OUTSCALE has locked this access key after too many failures. "
        "Wait at least one minute, or use another key."
    )
    http_status = 401


class PermissionRefused(CloudError):
    """The key is good, but a policy or an access rule forbids this call (code 4; S3: AccessDenied)."""

    code = "PERMISSION_REFUSED"
    http_status = 403

    @property
    def message(self) -> str | Promise:
        """Say what refuses, with OUTSCALE's own code where it sent one: its support asks for it."""
        if not self.cloud_code:
            return _("The policy of this key, or an access rule of the account, refuses this reading.")
        refused = _(
            "The policy of this key, or an access rule of the account, refuses this reading (code {code})."
        )
        return format_lazy(refused, code=self.cloud_code)


class OwnAccountUnreadable(PermissionRefused):
    """The key is good, but nothing that it may read tells whose it is."""

    code = "OWN_ACCOUNT_UNREADABLE"
    message = _(
        "These keys are good, but they may not read their own account. Allow api:ReadAccounts in the policy "
        "of the EIM user; api:ReadConsumptionAccount is enough once the account has consumed something."
    )


class ClockOff(CloudError):
    """The clock of the portal's server is too far from the cloud's (code 15)."""

    code = "CLOCK_OFF"
    message = _(
        "The clock of the portal's server is off, so OUTSCALE refuses its signatures. Your keys were not "
        "judged. The people who run the portal must set its clock (NTP)."
    )
    http_status = 503


class Throttled(CloudError):
    """The cloud receives too many requests: of this account (codes 24 and 25), or altogether (code 6)."""

    code = "CLOUD_THROTTLED"
    message = _("OUTSCALE is receiving too many requests at the moment. Please try again in a minute.")
    http_status = 429
    may_pass = True


class CloudUnavailable(CloudError):
    """The cloud cannot be reached, or failed itself (5xx, code 2000)."""

    code = "CLOUD_UNAVAILABLE"
    message = _("OUTSCALE cannot be reached in this region at the moment. Please try again later.")
    http_status = 503
    may_pass = True


class CloudTimeout(CloudUnavailable):
    """The cloud did not answer in time."""

    code = "CLOUD_TIMEOUT"
    message = _("OUTSCALE did not answer in time in this region. Please try again later.")
    http_status = 504
    may_pass = False  # the person has waited long enough


class CloudAnswerInvalid(CloudError):
    """The cloud answered something that is not an answer of its API."""

    code = "CLOUD_ANSWER_INVALID"
    message = _("OUTSCALE answered something that the portal does not understand. Please try again later.")


class CallRefused(CloudError):
    """The cloud refused the form of the call (codes 3001 to 12000): the portal's own mistake."""

    code = "CALL_REFUSED"
    message = _("OUTSCALE refused what the portal asked. Please tell the people who run the portal.")


_BY_CLOUD_CODE: dict[str, type[CloudError]] = {
    "1": AuthenticationRefused,
    "4": PermissionRefused,
    "5": PermissionRefused,  # a resource of another account
    "6": Throttled,
    "13": KeyLocked,
    "15": ClockOff,
    "24": Throttled,
    "25": Throttled,
    "2000": CloudUnavailable,
    # The object storage speaks S3 (AWS documentation, "Error responses"); its other codes go by their status.
    "AccessDenied": PermissionRefused,
    "InvalidAccessKeyId": AuthenticationRefused,
    "SignatureDoesNotMatch": AuthenticationRefused,
    "RequestTimeTooSkewed": ClockOff,
    "SlowDown": Throttled,
    "ServiceUnavailable": Throttled,
}


def cloud_error(
    call: str, *, status: int, cloud_code: str = "", request_id: str = "", retry_after: int | None = None
) -> CloudError:
    """Return the error that OUTSCALE means by its ``cloud_code``, whatever the HTTP ``status``.

    The status decides only where there is no code, or one that is not known here (OUTSCALE API documentation,
    "API Error Codes").
    """
    kind = _BY_CLOUD_CODE.get(cloud_code) or _by_status(status, has_code=bool(cloud_code))
    if kind is KeyLocked and retry_after is None:
        retry_after = LOCK_SECONDS
    error = kind(call, cloud_code=cloud_code, request_id=request_id, retry_after=retry_after)
    error.may_pass = kind.may_pass and status != 401
    return error


def _by_status(status: int, *, has_code: bool) -> type[CloudError]:
    if status == 429:
        return Throttled
    if status >= 500:
        return CloudUnavailable
    if not has_code:
        return CloudAnswerInvalid
    return {401: AuthenticationRefused, 403: PermissionRefused}.get(status, CallRefused)


def kind_of(code: str) -> type[CloudError]:
    """Return the kind of cloud error that has our ``code``, such as one that was kept."""
    kinds = [CloudError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    return next((kind for kind in kinds if kind.code == code), CloudError)
