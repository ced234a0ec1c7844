"""What the portal answers to a form whose CSRF token is no longer good."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views import csrf
from django_htmx.http import HttpResponseClientRefresh


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Explain the refusal; for htmx, reload the page, so that it has the new token.

    It happens to the second tab of somebody who has just logged in: the login changed the token.
    """
    if request.htmx:
        messages.warning(request, _("You logged in or out in another tab. Nothing was changed: try again."))
        return HttpResponseClientRefresh()
    return csrf.csrf_failure(request, reason)
