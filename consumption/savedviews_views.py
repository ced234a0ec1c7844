"""Saved views: save the page one is on, list them, rename and delete them, make one the start page."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import keyring
from accounts.gateway import Gateway
from accounts.pages import gone_is_404, with_keys
from consumption import savedviews
from consumption.asking import Asked
from consumption.driftasking import EstimateUnknown
from consumption.models import SavedView
from consumption.moment import one_moment
from consumption.savedviewforms import RenameForm, SaveForm
from consumption.savedviewmodel import LONGEST_QUERY
from consumption.savedviewspage import form_of, rows_of
from consumption.views import PAGE, PAGES, page_context


@require_safe
@with_keys
@one_moment()
def saved_views(request: HttpRequest, _gateway: Gateway) -> HttpResponse:
    """List the views of whoever asks."""
    return _listed(request)


def _listed(request: HttpRequest, refused: dict[object, RenameForm] | None = None) -> HttpResponse:
    views = SavedView.objects.owned_by(request.user).on(PAGES).by_name()
    today = timezone.now().date()
    planner = request.user.account_id
    rows = rows_of(list(views), PAGES, keyring.chosen(request), today, refused or {}, planner=planner)
    context = {"rows": rows, "most": savedviews.MOST_VIEWS}
    return render(request, "consumption/saved_views.html", context, status=422 if refused else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@with_keys
def save(request: HttpRequest, _gateway: Gateway, page: str) -> HttpResponse:
    """Save a question to a page under a name; what is wrong is said on that page."""
    if page not in PAGES:
        raise Http404
    here = PAGES[page]
    asked = Asked.of(request.GET, keyring.chosen(request), timezone.now(), here.form, owner=request.user)
    if request.method != "POST":
        return redirect(f"{here.url}?{request.GET.urlencode()}" if request.GET else here.url)
    form = SaveForm(request.POST)
    view = _saved(request, page, asked, form) if asked.form.is_valid() and form.is_valid() else None
    if view is None:
        return _refused(request, page, form)
    messages.success(request, _("The view “%(name)s” is saved.") % {"name": view.name})
    return redirect(view)


def _saved(request: HttpRequest, page: str, asked: Asked, form: SaveForm) -> SavedView | None:
    """Save what was asked; what is wrong becomes an error of the form, and None."""
    query = asked.form.address.urlencode()
    if asked.form.cannot_last:
        form.add_error("name", asked.form.cannot_last)
    elif len(query) > LONGEST_QUERY:
        form.add_error("name", _("This view has too many filters to be saved."))
    if form.errors:
        return None
    name, replace = form.cleaned_data["name"], form.replaces
    try:
        return savedviews.save(
            owner=request.user, name=name, page=page, query=query, at=timezone.now(), replace=replace
        )
    except savedviews.NameTaken:
        form.refuse_taken()
    except savedviews.TooManyViews:
        form.refuse_more()
    return None


def _refused(request: HttpRequest, page: str, form: SaveForm) -> HttpResponse:
    """Show the page as it was, with what is wrong beside the name; or what is wrong with its address."""
    try:
        with one_moment():
            asked = Asked.of(
                request.GET, keyring.chosen(request), timezone.now(), PAGES[page].form, owner=request.user
            )
            context = page_context(request, PAGES[page], asked)
    except EstimateUnknown as error:
        raise Http404 from error
    return render(request, PAGE, context | {"view_form": form}, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
@with_keys
@gone_is_404
def rename(request: HttpRequest, _gateway: Gateway, view_id: UUID) -> HttpResponse:
    """Give a view another name."""
    view = _view_of(request, view_id)
    if request.method != "POST":
        return redirect("consumption:saved_views")
    form = form_of(view, request.POST)
    if form.is_valid():
        try:
            savedviews.rename(view=view, name=form.cleaned_data["name"])
        except savedviews.NameTaken:
            form.refuse_taken()
    return _listed(request, {view.pk: form}) if form.errors else redirect("consumption:saved_views")


@require_POST
@with_keys
@gone_is_404
def set_start(request: HttpRequest, _gateway: Gateway, view_id: UUID) -> HttpResponse:
    """Make a view the page after the login, or with an empty ``start`` no longer."""
    is_start = bool(request.POST.get("start"))
    view = savedviews.set_start(view=_view_of(request, view_id), is_start=is_start)
    said = (
        _("“%(name)s” opens after the login now.") if is_start else _("The overview opens after the login.")
    )
    messages.success(request, said % {"name": view.name})
    return redirect("consumption:saved_views")


@require_http_methods(["GET", "HEAD", "POST"])
@with_keys
def delete(request: HttpRequest, _gateway: Gateway, view_id: UUID) -> HttpResponse:
    """Ask, then delete a view."""
    view = _view_of(request, view_id)
    if request.method != "POST":
        return render(request, "consumption/saved_view_delete.html", {"view": view})
    savedviews.delete(view=view)
    messages.success(request, _("The view “%(name)s” is deleted.") % {"name": view.name})
    return redirect("consumption:saved_views")


def _view_of(request: HttpRequest, view_id: UUID) -> SavedView:
    """Return a view of whoever asks; everybody else's is a 404."""
    return get_object_or_404(SavedView.objects.owned_by(request.user), pk=view_id)
