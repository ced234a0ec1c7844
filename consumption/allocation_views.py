"""The page of the allocation, and its files: from what is kept alone."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from accounts.changes import BUDGETS, QUOTES
from accounts.gateway import Gateway
from accounts.pages import remembered, with_keys
from consumption.allocationpage import ALLOCATION
from consumption.export_views import exported
from consumption.moment import one_moment
from consumption.views import shown


@remembered(unmoved_by=[QUOTES, BUDGETS])
@require_safe
@with_keys
@one_moment()
def allocation(request: HttpRequest, _gateway: Gateway) -> HttpResponse:
    """Show whose money it is."""
    return shown(request, ALLOCATION)


@require_safe
@with_keys
@one_moment()
def export(request: HttpRequest, _gateway: Gateway, file_format: str) -> HttpResponseBase:
    """Send the allocation as a file."""
    return exported(request, ALLOCATION, file_format)
