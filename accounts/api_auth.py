"""Who calls the JSON API: the browser's session with CSRF, or a script's ``X-Session-ID``."""

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja.errors import AuthorizationError
from ninja.security import APIKeyHeader
from ninja.utils import check_csrf

from accounts.models import User


class SessionAuth(APIKeyHeader):
    """Lets in whoever has a session; the middleware has found it, in the cookies or in the header."""

    param_name = "X-Session-ID"
    csrf = True
    """Tells the documentation page to send the token of the browser's session."""

    def authenticate(self, request: HttpRequest, _key: str | None) -> User | None:
        """Return the user, None without a session; raise ``AuthorizationError`` without a CSRF token."""
        if not request.user.is_authenticated:
            return None
        if not request.is_script and check_csrf(request):
            raise AuthorizationError(message=_("The CSRF token is missing or wrong. Send it as X-CSRFToken."))
        return request.user
