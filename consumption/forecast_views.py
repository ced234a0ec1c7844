"""The page of the forecast, and its files."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from accounts.changes import BUDGETS, QUOTES
from accounts.gateway import Gateway
from accounts.pages import remembered, with_keys
from consumption.export_views import exported
from consumption.forecastpage import FORECAST
from consumption.moment import one_moment
from consumption.views import shown


@remembered(unmoved_by=[QUOTES, BUDGETS])
@require_safe
@with_keys
@one_moment()
def forecast(request: HttpRequest, _gateway: Gateway) -> HttpResponse:
    """Show what a period is expected to cost."""
    return shown(request, FORECAST)


@require_safe
@with_keys
@one_moment()
def export(request: HttpRequest, _gateway: Gateway, file_format: str) -> HttpResponseBase:
    """Send the forecast as a file."""
    return exported(request, FORECAST, file_format)
