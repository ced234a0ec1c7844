"""How large the body of a request may be: it is refused before anything of it is read or stored."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import loader
from django.utils.translation import gettext as _

from accounts.envelope import failure
from consumption.estimatefiles import MOST_BYTES
from finops_site.middleware import API_PREFIX, View

LARGEST_OF_VIEWS = {"consumption:drift_upload": 2 * MOST_BYTES}
"""What views that take files accept, in bytes: more than their form, which says so beside its field."""


class BodySize:
    """Answers 413 to a body that is larger than its view takes.

    Django's own limit leaves out files, which it would write to the disk however large they are. Stands above
    ``CsrfViewMiddleware``, which reads the body. WSGI names the length: without one nothing is read.
    """

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Serve one request."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, _view: Callable, _args: tuple, _kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """Refuse the request, or let it pass with None."""
        most = LARGEST_OF_VIEWS.get(request.resolver_match.view_name, settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        if _length(request) <= most:
            return None
        if request.path.startswith(API_PREFIX):
            message = _("This is larger than what is taken here, %(most)s bytes.") % {"most": most}
            return JsonResponse(failure("BODY_TOO_LARGE", message), status=413)
        return HttpResponse(loader.render_to_string("413.html"), status=413)


def _length(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        raise BadRequest from None  # a server in front refuses it too
