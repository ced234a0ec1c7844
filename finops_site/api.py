"""The root of the JSON API: the routers of all floors, and one shape for every error."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import (
    BadRequest,
    ObjectDoesNotExist,
    PermissionDenied,
    SuspiciousOperation,
)
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.urls import URLPattern, path, re_path
from django.utils.log import log_response
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from accounts.api import accounts_router, auth_router
from accounts.api_auth import SessionAuth
from accounts.envelope import failure
from accounts.errors import InputRefused, PortalError
from budgets.api import router as budgets_router
from budgets.status_api import router as budget_status_router
from consumption.allocation_api import router as allocation_router
from consumption.anomalies_api import router as anomalies_router
from consumption.api import router as consumption_router
from consumption.drift_api import router as drift_router
from consumption.forecast_api import router as forecast_router
from consumption.trends_api import router as trends_router
from costs.api import router as catalog_router
from costs.cost_api import router as cost_router
from finops_site.bodies import StorableParser
from finops_site.databasefaults import fault_behind
from quotes.api import router as quotes_router

api = NinjaAPI(
    title="OSC-FinOps",
    description="Prices, quotes and costs of OUTSCALE. Amounts are texts and exclude tax; times are UTC.",
    version="1",
    urls_namespace="api",
    auth=SessionAuth(),  # what is public says so
    parser=StorableParser(),
)
api.add_router("/auth", auth_router)
api.add_router("/accounts", accounts_router)
api.add_router("/catalog", catalog_router)
api.add_router("/cost", cost_router)
api.add_router("/consumption", consumption_router)
api.add_router("/trends", trends_router)
api.add_router("/anomalies", anomalies_router)
api.add_router("/forecast", forecast_router)
api.add_router("/drift", drift_router)
api.add_router("/allocation", allocation_router)
api.add_router("/quotes", quotes_router)
api.add_router("/budgets", budgets_router)
api.add_router("/budgets", budget_status_router)


@api.exception_handler(PortalError)
def _refused(_request: HttpRequest, error: PortalError) -> HttpResponse:
    response = _failed(error.http_status, error.code, error.message, error.details)
    if error.retry_after:
        response["Retry-After"] = str(error.retry_after)
    elif error.http_status == 429:
        response["Retry-After"] = "60"
    return response


@api.exception_handler(ValidationError)
def _invalid(_request: HttpRequest, error: ValidationError) -> HttpResponse:
    details: dict[str, list[str]] = {}
    for one in error.errors:
        details.setdefault(_field(one["loc"]), []).append(one["msg"])
    return _failed(400, "VALIDATION_FAILED", _("Something in this request cannot be right."), details)


@api.exception_handler(HttpError)
def _http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    if isinstance(error.__cause__, InputRefused):  # by our parser, whose error ninja takes for broken JSON
        return _refused(request, error.__cause__)
    if error.status_code == 401:
        return _failed(401, "SESSION_EXPIRED", _("Your session has ended. Please log in again."))
    return _failed(error.status_code, HTTPStatus(error.status_code).name, str(error))


@api.exception_handler(PermissionDenied)
def _forbidden(_request: HttpRequest, _error: PermissionDenied) -> HttpResponse:
    return _failed(403, "FORBIDDEN", _("This is not allowed."))


@api.exception_handler(Http404)
@api.exception_handler(ObjectDoesNotExist)  # what was there a moment ago, and is deleted
def _not_found(_request: HttpRequest, _error: Exception) -> HttpResponse:
    return _failed(404, "NOT_FOUND", _("This does not exist."))


@api.exception_handler(BadRequest)
@api.exception_handler(MultiPartParserError)  # by who looks for a CSRF token in a form that is none
@api.exception_handler(SuspiciousOperation)
def _not_understood(_request: HttpRequest, _error: Exception) -> HttpResponse:
    return _failed(400, "BAD_REQUEST", _("The portal does not understand this request."))


@api.exception_handler(Exception)
def _unexpected(request: HttpRequest, error: Exception) -> HttpResponse:
    fault = fault_behind(error)
    if fault is not None:
        response = _refused(request, fault)
    else:
        message = _("The portal failed. The people who run it have been told.")
        response = _failed(500, "INTERNAL_ERROR", message)
    log_response("API failed: %s", request.path, response=response, request=request, exception=error)
    return response


@csrf_exempt
@login_not_required
def unknown_path(_request: HttpRequest) -> HttpResponse:
    """Answer for every path that no router knows."""
    return _failed(404, "NOT_FOUND", _("This does not exist."))


def _failed(
    status: int, code: str, message: Any, details: dict[str, list[str]] | None = None
) -> JsonResponse:
    return JsonResponse(failure(code, message, details), status=status)


def _field(location: tuple[str | int, ...]) -> str:
    """Return the path of a field inside what was sent: without its source and the name of the parameter."""
    source, *inside = location
    names = inside[1:] if source == "body" and len(inside) > 1 else inside
    return ".".join(map(str, names))


def _as_json(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Let the API itself decide who may call ``view``, and give what ninja refuses alone the common shape."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
        except Http404:
            return unknown_path(request)  # the root, which is no address of its own
        if response.status_code != 405:
            return response
        refusal = _failed(405, "METHOD_NOT_ALLOWED", _("This address does not know this method."))
        refusal["Allow"] = response["Allow"]
        return refusal

    return login_not_required(wrapped)


def _open(pattern: URLPattern) -> URLPattern:
    pattern.callback = _as_json(pattern.callback)
    return pattern


_patterns, _app_name, _namespace = api.urls
urlpatterns = [
    path("", (list(map(_open, _patterns)), _app_name, _namespace)),
    re_path("", unknown_path),
]
