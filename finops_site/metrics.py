"""``/metrics``: the numbers of the portal for Prometheus, for who has the token."""

import os
from pathlib import Path

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from finops_site import workermetrics
from finops_site.keptmetrics import KeptMetrics

disable_created_metrics()  # when each counter began would be as much again, and workers do not tell it


@login_not_required
@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer all metrics: 404 while the portal has no token, 401 to who does not send it."""
    if not settings.METRICS_TOKEN:
        raise Http404
    if not constant_time_compare(
        request.headers.get("Authorization", ""), f"Bearer {settings.METRICS_TOKEN}"
    ):
        return HttpResponse(
            "A token is needed.\n",
            status=401,
            content_type="text/plain",
            headers={"WWW-Authenticate": 'Bearer realm="metrics"'},
        )
    kept = CollectorRegistry()
    kept.register(KeptMetrics())
    return HttpResponse(_of_the_processes() + generate_latest(kept), content_type=CONTENT_TYPE_LATEST)


def _of_the_processes() -> bytes:
    """Return what has happened in all workers together; without gunicorn there is this process only."""
    folder = os.environ.get(workermetrics.FOLDER)
    if not folder:
        return generate_latest(REGISTRY)
    together = CollectorRegistry()
    MultiProcessCollector(together, folder)
    with workermetrics.undisturbed(Path(folder)):
        return generate_latest(together)
