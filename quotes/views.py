"""The pages of quotes: the list, the builder, terms and groups."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import keyring, regions
from accounts.changes import BUDGETS, ELSEWHERE
from accounts.pages import gone_is_404, page_or_fragment, remembered, wants_fragment
from costs import catalog
from quotes import editing, exports, lifecycle
from quotes.forms import NameForm, TermsForm, terms_of
from quotes.itemforms import blank_form
from quotes.models import Quote, QuoteGroup, QuoteStatus
from quotes.owned import quote_of
from quotes.resources import ResourceType
from quotes.sheet import Sheet, sheet_of

QUOTES_PER_PAGE = 50


def home_region(request: HttpRequest) -> str:
    """Return the region that a new item is offered in: that of the key in use."""
    return keyring.open(request).current.region if keyring.is_sealed(request) else regions.names()[0]


def builder(request: HttpRequest, quote: Quote, **more: Any) -> dict[str, Any]:
    """Return the context of the builder's page: ``more`` replaces the forms that something was wrong with.

    The page is made of what is kept; it never waits for the cloud.
    """
    sheet = sheet_of(quote, at=timezone.now())
    context = {
        "sheet": sheet,
        "quote": quote,
        "terms_form": TermsForm(initial=terms_of(quote)),
        "name_form": NameForm(initial={"name": quote.name}, auto_id="quote_%s"),
        "group_form": NameForm(auto_id="group_%s"),
        "resource_types": ResourceType.choices,
    }
    if "add_form" not in more:
        region = home_region(request)
        prices = sheet.prices.get(region) or catalog.latest(region)
        context["add_form"] = blank_form(ResourceType.VM, {"region": region}, quote=quote, prices=prices)
    return context | more


def changed(request: HttpRequest, quote: Quote, *pieces: str, status: int = 200, **more: Any) -> HttpResponse:
    """Answer a change: for htmx the rows and totals read anew, for a plain form the way back to the builder.

    ``pieces`` names the other parts of the builder that changed with it; the rest of the page stays, with
    whatever is being typed there. With a ``status`` of an error the plain form gets the whole builder, so
    that nothing typed is lost.
    """
    if not wants_fragment(request) and status == 200:
        return redirect("quotes:detail", quote.pk)
    context = builder(request, quote, pieces=[f"quotes/_{piece}.html" for piece in pieces], **more)
    return page_or_fragment(request, "quotes/detail.html", "quotes/_changed.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """List the quotes of whoever asks; a POST makes a new one."""
    form = NameForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        quote = lifecycle.create(owner=request.user, name=form.cleaned_data["name"], at=timezone.now())
        return redirect("quotes:detail", quote.pk)
    quotes = Quote.objects.owned_by(request.user).with_item_count().by_latest_change()
    page = Paginator(quotes, QUOTES_PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "form": form}
    return render(request, "quotes/list.html", context, status=422 if form.errors else 200)


@remembered(unmoved_by=[BUDGETS, ELSEWHERE])
@require_safe
def active(request: HttpRequest) -> HttpResponse:
    """Show the active quote, or the way to the first: a part of the overview."""
    if not wants_fragment(request):
        return redirect("quotes:list")
    quote = Quote.objects.owned_by(request.user).filter(status=QuoteStatus.ACTIVE).first()
    sheet = sheet_of(quote, at=timezone.now()) if quote else None
    return render(request, "quotes/_active.html", {"quote": quote, "sheet": sheet})


_MOVES: dict[str, Callable[..., Quote]] = {"save": lifecycle.save, "load": lifecycle.load}


@require_http_methods(["GET", "HEAD", "POST"])
@gone_is_404
def detail(request: HttpRequest, quote_id: UUID) -> HttpResponse:
    """Show the builder; a POST saves the quote or loads it, as its ``action`` says."""
    quote = quote_of(request, quote_id)
    if request.method != "POST":
        return render(request, "quotes/detail.html", builder(request, quote))
    move = _MOVES.get(request.POST.get("action", ""))
    if move is None:
        raise Http404
    move(quote=quote, at=timezone.now())
    texts = {"save": _("“%(name)s” is saved."), "load": _("“%(name)s” is your active quote now.")}
    messages.success(request, texts[request.POST["action"]] % {"name": quote.name})
    return redirect("quotes:detail", quote.pk)


@require_POST
@gone_is_404
def rename(request: HttpRequest, quote_id: UUID) -> HttpResponse:
    """Give a quote another name."""
    quote = quote_of(request, quote_id)
    form = NameForm(request.POST, auto_id="quote_%s")
    if not form.is_valid():
        return changed(request, quote, "head", status=422, name_form=form)
    quote = lifecycle.rename(quote=quote, name=form.cleaned_data["name"], at=timezone.now())
    return changed(request, quote, "head")


@require_POST
@gone_is_404
def terms(request: HttpRequest, quote_id: UUID) -> HttpResponse:
    """Set duration, commitment and discount."""
    quote = quote_of(request, quote_id)
    form = TermsForm(request.POST)
    if not form.is_valid():
        return changed(request, quote, "terms", status=422, terms_form=form)
    quote = editing.set_terms(quote=quote, **form.cleaned_data, at=timezone.now())
    return changed(request, quote, "terms")


@require_POST
@gone_is_404
def take_new_prices(request: HttpRequest, quote_id: UUID) -> HttpResponse:
    """Price every item by the stored catalog of now, which is the one that the page compares with."""
    quote = quote_of(request, quote_id)
    editing.take_new_prices(quote=quote, prices=sheet_of(quote, at=timezone.now()).prices, at=timezone.now())
    return changed(request, quote)


@require_http_methods(["GET", "HEAD", "POST"])
@gone_is_404
def delete(request: HttpRequest, quote_id: UUID) -> HttpResponse:
    """Ask before a quote is deleted; a POST deletes it and goes on to the one that takes its place."""
    quote = quote_of(request, quote_id)
    if request.method != "POST":
        return render(request, "quotes/delete.html", {"quote": quote})
    name = quote.name
    replacement = lifecycle.delete(quote=quote, at=timezone.now())
    messages.success(request, _("“%(name)s” is deleted.") % {"name": name})
    return redirect("quotes:detail", replacement.pk) if replacement else redirect("quotes:list")


_FILES: dict[str, tuple[str, str, Callable[[Sheet], str]]] = {
    "csv": ("text/csv; charset=utf-8", "csv", exports.csv_of),
    "csv-fr": ("text/csv; charset=utf-8", "csv", partial(exports.csv_of, french_excel=True)),
    "json": ("application/json", "json", exports.json_of),
}


@require_safe
def export(request: HttpRequest, quote_id: UUID, file_format: str) -> HttpResponse:
    """Send the quote as a file: ``csv``, ``csv-fr`` (semicolons, for French Excel) or ``json``."""
    return quote_file(quote_of(request, quote_id), file_format)


def quote_file(quote: Quote, file_format: str) -> HttpResponse:
    """Return a quote as a file to download; an unknown format is a 404."""
    if file_format not in _FILES:
        raise Http404
    content_type, ending, write = _FILES[file_format]
    response = HttpResponse(write(sheet_of(quote, at=timezone.now())), content_type=content_type)
    name = slugify(quote.name) or "quote"
    response["Content-Disposition"] = content_disposition_header(True, f"{name}.{ending}")
    return response


def _is_written(form: NameForm, write: Callable[..., QuoteGroup]) -> bool:
    """Write the name of a group; what is wrong with it, that it is taken too, stands in the form."""
    if form.is_valid():
        try:
            write(name=form.cleaned_data["name"], at=timezone.now())
        except editing.GroupNameTaken:
            form.add_error("name", _("The quote has a group of this name already."))
    return not form.errors


@require_POST
@gone_is_404
def add_group(request: HttpRequest, quote_id: UUID) -> HttpResponse:
    """Add a group."""
    quote = quote_of(request, quote_id)
    form = NameForm(request.POST, auto_id="group_%s")
    if not _is_written(form, partial(editing.add_group, quote=quote)):
        return changed(request, quote, "new_group", status=422, group_form=form)
    return changed(request, quote, "new_group", "add_group")


@require_POST
@gone_is_404
def change_group(request: HttpRequest, quote_id: UUID, group_id: UUID) -> HttpResponse:
    """Move, fold, rename or remove a group, as ``action`` says."""
    quote = quote_of(request, quote_id)
    group = get_object_or_404(quote.groups, pk=group_id)
    now = timezone.now()
    match request.POST.get("action"):
        case "up":
            editing.shift_group(group=group, by=-1, at=now)
        case "down":
            editing.shift_group(group=group, by=1, at=now)
        case "fold":
            editing.fold_group(group=group, collapsed=not group.collapsed)
        case "remove":
            editing.remove_group(group=group, at=now)
        case "rename":
            return _rename_group(request, quote, group)
        case _:
            raise Http404
    return changed(request, quote, "add_group")


def _rename_group(request: HttpRequest, quote: Quote, group: QuoteGroup) -> HttpResponse:
    form = NameForm(request.POST, auto_id=f"group_{group.pk}_%s")
    if not _is_written(form, partial(editing.rename_group, group=group)):
        return changed(request, quote, status=422, wrong_group=group.pk, wrong_group_form=form)
    return changed(request, quote, "add_group")
