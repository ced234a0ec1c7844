"""What the builder does with items: add, edit in place, price as it is typed, copy, move, remove."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import regions
from accounts.pages import page_or_fragment, wants_fragment
from costs import catalog
from costs.pricelist import PriceMissing
from costs.pricing import NotPriceable
from quotes import editing
from quotes.itemform import ItemForm
from quotes.itemforms import blank_form, bound_form, current_prices, edit_form
from quotes.models import Quote, QuoteItem
from quotes.resources import ResourceType
from quotes.sheet import sheet_of
from quotes.views import builder, changed, gone_is_404, home_region, quote_of


def _resource_type(given: QueryDict) -> ResourceType:
    try:
        return ResourceType(given.get("resource_type", ResourceType.VM))
    except ValueError:
        raise Http404 from None


def _item_of(quote: Quote, item_id: UUID) -> QuoteItem:
    item = get_object_or_404(quote.items, pk=item_id)
    item.quote = quote
    return item


@require_http_methods(["GET", "HEAD", "POST"])
@gone_is_404
def add(request: HttpRequest, quote_id: UUID) -> HttpResponse:
    """Show the form of the chosen resource; a POST adds the item."""
    quote = quote_of(request, quote_id)
    if request.method != "POST":
        return _choose(request, quote)
    form = bound_form(_resource_type(request.POST), request.POST, quote=quote)
    if form.is_valid():
        _add(form, quote)
    if form.errors:
        return changed(request, quote, status=422, add_form=form)
    keep = {"region": form.cleaned_data["region"], "group_id": form.cleaned_data["group_id"]}
    return changed(
        request, quote, add_form=blank_form(form.resource_type, keep, quote=quote, prices=form.prices)
    )


def _choose(request: HttpRequest, quote: Quote) -> HttpResponse:
    given = {name: value for name, value in request.GET.items() if value and name != "resource_type"}
    region = given["region"] = _known_region(request)
    # Only the fragment may wait for the cloud.
    prices = current_prices(region) if wants_fragment(request) else catalog.latest(region)
    form = blank_form(_resource_type(request.GET), given, quote=quote, prices=prices)
    if wants_fragment(request):
        context = {"quote": quote, "add_form": form, "resource_types": ResourceType.choices}
        return render(request, "quotes/_add.html", context)
    return render(request, "quotes/detail.html", builder(request, sheet_of(quote), add_form=form))


def _known_region(request: HttpRequest) -> str:
    region = request.GET.get("region")
    return region if region in regions.names() else home_region(request)


def _add(form: ItemForm, quote: Quote) -> None:
    try:
        editing.add_item(quote=quote, data=form.item(), prices=form.prices, at=timezone.now())
    except editing.QuoteFull:
        form.add_error(None, _("A quote holds at most %(most)s items.") % {"most": editing.MOST_ITEMS})


@require_safe
def preview(request: HttpRequest, quote_id: UUID) -> HttpResponse:
    """Price what is being typed, without keeping it."""
    form = bound_form(_resource_type(request.GET), request.GET, quote=quote_of(request, quote_id))
    form.full_clean()
    return render(request, "quotes/_preview.html", {"form": form})


@require_safe
def show(request: HttpRequest, quote_id: UUID, item_id: UUID) -> HttpResponse:
    """Show the row of an item as it is, in place of its form."""
    quote = quote_of(request, quote_id)
    item = _item_of(quote, item_id)
    if not wants_fragment(request):
        return redirect("quotes:detail", quote.pk)
    context = {"quote": quote, "row": sheet_of(quote).row_of(item.pk)}
    return render(request, "quotes/_shown_row.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@gone_is_404
def edit(request: HttpRequest, quote_id: UUID, item_id: UUID) -> HttpResponse:
    """Open an item for editing in its place; a POST changes it."""
    quote = quote_of(request, quote_id)
    item = _item_of(quote, item_id)
    if request.method != "POST":
        sheet = sheet_of(quote)
        form = edit_form(item, prices=sheet.prices.get(item.region))
        context = builder(request, sheet, edited=item.pk, edit_form=form, seen=item.updated_at.isoformat())
        return _row(request, context, item)
    form = bound_form(ResourceType(item.resource_type), request.POST, quote=quote, auto_id="edit_%s")
    if not form.is_valid():
        context = builder(
            request, sheet_of(quote), edited=item.pk, edit_form=form, seen=request.POST.get("seen", "")
        )
        return _row(request, context, item, status=422)
    return _change(request, quote, item, form)


def _row(
    request: HttpRequest, context: dict[str, Any], item: QuoteItem, *, status: int = 200
) -> HttpResponse:
    context["row"] = context["sheet"].row_of(item.pk)
    return page_or_fragment(request, "quotes/detail.html", "quotes/_item_edit.html", context, status=status)


def _change(request: HttpRequest, quote: Quote, item: QuoteItem, form: ItemForm) -> HttpResponse:
    group_id, now = item.group_id, timezone.now()
    seen = parse_datetime(request.POST.get("seen", "")) if request.POST.get("seen") else None
    try:
        editing.change_item(item=item, data=form.item(), prices=form.prices, at=now, seen=seen)
    except editing.ChangedMeanwhile:
        return _conflict(request, quote, item, form)
    quote.refresh_from_db()
    if item.group_id != group_id or not wants_fragment(request):
        return changed(request, quote)
    return _changed_row(request, quote, item)


def _conflict(request: HttpRequest, quote: Quote, item: QuoteItem, form: ItemForm) -> HttpResponse:
    """Show what was typed beside what the item is now; saving once more overwrites it."""
    now = _item_of(quote, item.pk)
    form.add_error(
        None, _("This item was changed meanwhile, in another window. It is shown above as it is now.")
    )
    context = builder(
        request, sheet_of(quote), edited=now.pk, edit_form=form, seen=now.updated_at.isoformat()
    )
    return _row(request, context, now, status=409)


def _changed_row(request: HttpRequest, quote: Quote, item: QuoteItem) -> HttpResponse:
    sheet = sheet_of(quote)
    section = sheet.section_of(item.pk)
    context = {"sheet": sheet, "quote": quote, "section": section, "row": sheet.row_of(item.pk)}
    return render(request, "quotes/_changed_row.html", context)


def _take_new_price(request: HttpRequest, item: QuoteItem) -> None:
    prices = current_prices(item.region)
    try:
        editing.take_new_price(item=item, prices=prices, at=timezone.now())
    except (PriceMissing, NotPriceable):
        messages.error(request, _("The catalog cannot price this item any more: its price stays."))


@require_POST
@gone_is_404
def act(request: HttpRequest, quote_id: UUID, item_id: UUID) -> HttpResponse:
    """Copy, move or remove an item, or take its new price, as ``action`` says."""
    quote = quote_of(request, quote_id)
    item, now = _item_of(quote, item_id), timezone.now()
    match request.POST.get("action"):
        case "up":
            editing.shift_item(item=item, by=-1, at=now)
        case "down":
            editing.shift_item(item=item, by=1, at=now)
        case "duplicate":
            editing.duplicate_item(item=item, at=now)
        case "remove":
            editing.remove_item(item=item, at=now)
        case "price":
            _take_new_price(request, item)
        case _:
            raise Http404
    quote.refresh_from_db()
    return changed(request, quote)
