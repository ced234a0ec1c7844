"""Where a customer begins after the login: at the saved view of their choice, or at the overview."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from consumption import savedviews
from consumption.views import PAGES


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """Lead to the start page, which itself says why its question cannot be asked any more, if so."""
    return redirect(savedviews.start_of(request.user, PAGES) or "overview")
