"""Two probes: ``/healthz`` says that the process lives, ``/readyz`` that it can serve."""

import logging
from collections.abc import Callable

from django.contrib.auth.decorators import login_not_required
from django.core.cache import DEFAULT_CACHE_ALIAS, cache, caches
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from finops_site import probing
from finops_site.sharedcache import SharedCache

logger = logging.getLogger(__name__)


@login_not_required
@require_safe
@never_cache
def alive(request: HttpRequest) -> HttpResponse:
    """Answer that the process lives; touch nothing else."""
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 when database, migrations and cache are as they should be, else 503 and which one is not.

    That the shared cache is away is said, but no reason to send visitors elsewhere: every host is without it.
    """
    answers: dict[str, str] = {}
    for name, check in CHECKS.items():
        # Who waited for the database in vain does not wait once more for what is in it.
        is_in_vain = name == "migrations" and answers["database"] != "ok"
        answers[name] = "failing" if is_in_vain else _answer(name, check)
    if answers["cache"] == "ok" and _shared_cache_is_away():
        answers["cache"] = "away"
    return JsonResponse(answers, status=503 if "failing" in answers.values() else 200)


def _answer(name: str, check: Callable[[], bool]) -> str:
    try:
        return "ok" if check() else "failing"
    except Exception:  # whatever it is, the portal cannot serve; the log says why
        logger.exception("Not ready: %s", name)
        return "failing"


_found_applied: set[str] = set()
"""The databases whose migrations were found applied: this process has no more of them than then."""


def _database_answers() -> bool:
    with probing.short_queries(connection), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return cursor.fetchone() == (1,)


def _migrations_are_applied() -> bool:
    """Tell whether all migrations of this version are applied; those of a later one do it no harm."""
    name = str(connection.settings_dict["NAME"])
    if name not in _found_applied:
        with probing.short_queries(connection):
            executor = MigrationExecutor(connection)
            if executor.migration_plan(executor.loader.graph.leaf_nodes()):
                return False
        _found_applied.add(name)
    return True


def _cache_keeps_what_it_is_given() -> bool:
    cache.set("readyz", "kept", timeout=10)
    return cache.get("readyz") == "kept"


def _shared_cache_is_away() -> bool:
    backend = caches[DEFAULT_CACHE_ALIAS]
    return isinstance(backend, SharedCache) and backend.absence.is_on


CHECKS = {
    "database": _database_answers,
    "migrations": _migrations_are_applied,
    "cache": _cache_keeps_what_it_is_given,
}
