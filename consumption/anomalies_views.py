"""The page of the anomalies, and their marks."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import keyring
from accounts.changes import BUDGETS, QUOTES
from accounts.gateway import Gateway
from accounts.pages import page_or_fragment, remembered, wants_fragment, with_keys
from consumption import views
from consumption.anomaliespage import ANOMALIES
from consumption.anomalyforms import NoteForm
from consumption.asking import Asked
from consumption.export_views import exported
from consumption.history import SeveralCurrencies
from consumption.moment import one_moment

FRAGMENT = "consumption/_anomalies_changed.html"


@remembered(unmoved_by=[QUOTES, BUDGETS])
@require_safe
@with_keys
@one_moment()
def anomalies(request: HttpRequest, _gateway: Gateway) -> HttpResponse:
    """Show which days cost more or less than expected."""
    return views.shown(request, ANOMALIES)


@require_safe
@with_keys
@one_moment()
def export(request: HttpRequest, _gateway: Gateway, file_format: str) -> HttpResponseBase:
    """Send the anomalies, with what explains them and every day, as a file."""
    return exported(request, ANOMALIES, file_format)


@require_http_methods(["GET", "HEAD", "POST"])
@with_keys
def mark(request: HttpRequest, _gateway: Gateway, anomaly: str) -> HttpResponse:
    """Mark an anomaly as expected, with a note."""
    return _changed(request, anomaly, NoteForm(request.POST), _("The anomaly is marked as expected."))


@require_http_methods(["GET", "HEAD", "POST"])
@with_keys
def unmark(request: HttpRequest, _gateway: Gateway, anomaly: str) -> HttpResponse:
    """Take the mark of an anomaly back."""
    return _changed(request, anomaly, None, _("The anomaly is open again."))


def _changed(request: HttpRequest, key: str, note_form: NoteForm | None, said: str) -> HttpResponse:
    """Mark an anomaly with the note of a form, or, without one, take its mark back; then show it."""
    query = request.GET.copy()
    query["anomaly"] = key
    here = f"{ANOMALIES.url}?{query.urlencode()}#anomalies"
    asked = Asked.of(request.GET, keyring.chosen(request), timezone.now(), ANOMALIES.form)
    if request.method != "POST" or not asked.form.is_valid():
        return redirect(here)
    try:
        with one_moment():
            findings = ANOMALIES.answer(asked)
            found = findings.of(key)
    except SeveralCurrencies:  # the page says which
        return redirect(here)
    if found is None:
        raise Http404
    if note_form is None:
        findings.scope.unmark(found.anomaly)
    elif note_form.is_valid():
        findings.scope.mark(found.anomaly, note_form.cleaned_data["note"])
    else:
        return _shown(request, query, note_form)
    messages.success(request, said)
    return _shown(request, query) if wants_fragment(request) else redirect(here)


def _shown(request: HttpRequest, query: QueryDict, refused: NoteForm | None = None) -> HttpResponse:
    """Show the page, with a note that was refused."""
    with one_moment():
        asked = Asked.of(query, keyring.chosen(request), timezone.now(), ANOMALIES.form)
        context = views.page_context(request, ANOMALIES, asked)
    if refused and context["explanation"]:
        context["explanation"]["note_form"] = refused
    return page_or_fragment(request, views.PAGE, FRAGMENT, context, status=422 if refused else 200)
