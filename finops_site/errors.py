"""What the portal answers to a form whose CSRF token is no longer good, and when it fails itself."""

import sys

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import loader
from django.utils.translation import gettext as _
from django.views import csrf, defaults
from django_htmx.http import HttpResponseClientRefresh

from accounts.envelope import failure
from finops_site.databasefaults import fault_behind
from finops_site.middleware import API_PREFIX

FAILURE_HEADER = "Portal-Failure"
"""Names the cause of a failed request to ``portal.js``, which has a notice for it."""


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Explain the refusal; for htmx, reload the page, so that it has the new token.

    It happens to the second tab of somebody who has just logged in: the login changed the token.
    """
    if request.htmx:
        messages.warning(request, _("You logged in or out in another tab. Nothing was changed: try again."))
        return HttpResponseClientRefresh()
    return csrf.csrf_failure(request, reason)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer for an exception that nobody has caught (``handler500``).

    Those of the database come from anywhere, the session included, and are no mistake of a page.
    """
    fault = fault_behind(sys.exception())
    if fault is None:
        return defaults.server_error(request)
    if request.path.startswith(API_PREFIX):
        response = JsonResponse(failure(fault.code, fault.message), status=fault.http_status)
    else:
        page = loader.render_to_string("503.html", {"fault": fault})
        response = HttpResponse(page, status=fault.http_status)
        response[FAILURE_HEADER] = fault.code
    response["Retry-After"] = str(fault.retry_after)
    return response
