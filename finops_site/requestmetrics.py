"""Requests as metrics: django-prometheus, without what nobody looks at, which would cost each request more.

Requests are told apart by the name of their view and by a method that there is, never by what a visitor has
written: each value of a label is kept for as long as the process lives.
"""

from typing import Any

from django.http import HttpRequest
from django_prometheus.middleware import Metrics, PrometheusAfterMiddleware, PrometheusBeforeMiddleware
from django_prometheus.utils import Time

_KEPT = {
    "django_http_requests_before_middlewares_total",
    "django_http_requests_latency_including_middlewares_seconds",
    "django_http_requests_latency_seconds_by_view_method",
    "django_http_responses_total_by_status_view_method",
}


class _Nothing:
    """A metric that is not kept."""

    def labels(self, **_labels: str) -> "_Nothing":
        return self

    def inc(self) -> None:
        pass

    def observe(self, _amount: float) -> None:
        pass


class _Kept(Metrics):
    def register_metric(self, metric_cls: type, name: str, *described: Any, **more: Any) -> Any:
        """Return the metric of a name, or what takes its place when it is not kept."""
        return super().register_metric(metric_cls, name, *described, **more) if name in _KEPT else _Nothing()


class BeforeAll(PrometheusBeforeMiddleware):
    """Counts and times every request; stands above all other middleware."""

    metrics_cls = _Kept


class AfterAll(PrometheusAfterMiddleware):
    """Counts and times what reaches a view; stands below all other middleware."""

    metrics_cls = _Kept

    def process_request(self, request: HttpRequest) -> None:
        """Begin to time it. The original also takes any Content-Length for a number, and breaks on others."""
        request.prometheus_after_middleware_event = Time()

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """Leave it to the answer: the original times it here too, and so counts the request twice."""

    def label_metric(self, metric: Any, request: HttpRequest, response: Any = None, **labels: str) -> Any:
        """Return the metric with its labels; a method that nobody knows is none of its own."""
        if "method" in labels:
            labels["method"] = self._method(request)
        return super().label_metric(metric, request, response, **labels)
