"""What the builder does with items: add, edit in place, price as it is typed, copy, move, remove."""

import datetime as dt
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import regions
from accounts.pages import gone_is_404, page_or_fragment, wants_fragment
from costs import catalog
from costs.pricelist import PriceList, PriceMissing
from costs.pricing import NotPriceable
from quotes import editing
from quotes.itemform import ItemForm
from quotes.itemforms import blank_form, bound_form, current_prices, edit_form, edit_id
from quotes.models import Quote, QuoteItem
from quotes.owned import item_of, quote_of
from quotes.resources import ResourceType
from quotes.sheet import sheet_of
from quotes.views import builder, changed, home_region


def _resource_type(given: QueryDict) -> ResourceType:
    try:
        return ResourceType(given.get("resource_type", ResourceType.VM))
    except ValueError:
        raise Http404 from None


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
        return changed(request, quote, "add", status=422, add_form=form)
    keep = {"region": form.cleaned_data["region"], "group_id": form.cleaned_data["group_id"]}
    blank = blank_form(form.resource_type, keep, quote=quote, prices=form.prices)
    return changed(request, quote, "add", add_form=blank)


def _choose(request: HttpRequest, quote: Quote) -> HttpResponse:
    given = {name: value for name, value in request.GET.items() if value and name != "resource_type"}
    region = given["region"] = _known_region(request)
    # Only the fragment may wait for the cloud.
    prices = current_prices(region) if wants_fragment(request) else catalog.latest(region)
    form = blank_form(_resource_type(request.GET), given, quote=quote, prices=prices)
    if wants_fragment(request):
        context = {"quote": quote, "add_form": form, "resource_types": ResourceType.choices}
        return render(request, "quotes/_add.html", context)
    return render(request, "quotes/detail.html", builder(request, quote, add_form=form))


def _known_region(request: HttpRequest) -> str:
    region = request.GET.get("region")
    return region if region in regions.names() else home_region(request)


def _add(form: ItemForm, quote: Quote) -> None:
    try:
        editing.add_item(quote=quote, data=form.item(), prices=form.prices, at=timezone.now())
    except editing.QuoteFull:
        form.add_error(None, _full())


def _full() -> str:
    return _("A quote holds at most %(most)s items.") % {"most": editing.MOST_ITEMS}


@require_safe
def preview(request: HttpRequest, quote_id: UUID) -> HttpResponse:
    """Price what is being typed, without keeping it."""
    form = bound_form(_resource_type(request.GET), request.GET, quote=quote_of(request, quote_id))
    form.full_clean()
    return render(request, "quotes/_preview.html", {"form": form})


@require_safe
@gone_is_404
def show(request: HttpRequest, quote_id: UUID, item_id: UUID) -> HttpResponse:
    """Show the row of an item as it is, in place of its form."""
    quote = quote_of(request, quote_id)
    item = item_of(quote, item_id)
    if not wants_fragment(request):
        return redirect("quotes:detail", quote.pk)
    context = {"quote": quote, "row": sheet_of(quote, at=timezone.now()).row_of(item.pk)}
    return render(request, "quotes/_shown_row.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@gone_is_404
def edit(request: HttpRequest, quote_id: UUID, item_id: UUID) -> HttpResponse:
    """Open an item for editing in its place; a POST changes it."""
    quote = quote_of(request, quote_id)
    item = item_of(quote, item_id)
    if request.method != "POST":
        seen = request.GET.get("seen", item.updated_at.isoformat())
        form = edit_form(item, given=_typed(request), prices=_prices(request, item))
        return _row(request, item, form, seen)
    resource_type = ResourceType(item.resource_type)
    form = bound_form(resource_type, request.POST, quote=quote, kept=item, auto_id=edit_id(item))
    if not form.is_valid():
        return _row(request, item, form, request.POST.get("seen", ""), status=422)
    return _change(request, quote, item, form)


def _typed(request: HttpRequest) -> dict[str, str]:
    """Return what stands in the form so far, when it is read anew because its region changed."""
    return {name: value for name, value in request.GET.items() if name not in ("seen", "resource_type")}


def _prices(request: HttpRequest, item: QuoteItem) -> PriceList | None:
    """Return the prices to choose from; only for a region that was just chosen may the cloud be asked."""
    chosen = request.GET.get("region")
    return current_prices(chosen) if chosen and wants_fragment(request) else catalog.latest(item.region)


def _row(
    request: HttpRequest, item: QuoteItem, form: ItemForm, seen: str, *, status: int = 200
) -> HttpResponse:
    context = builder(request, item.quote, edited=item.pk, edit_form=form, seen=seen)
    context["row"] = context["sheet"].row_of(item.pk)
    return page_or_fragment(request, "quotes/detail.html", "quotes/_item_edit.html", context, status=status)


def _change(request: HttpRequest, quote: Quote, item: QuoteItem, form: ItemForm) -> HttpResponse:
    group_id = item.group_id
    try:
        seen = _seen(request.POST.get("seen", ""))
        editing.change_item(item=item, data=form.item(), prices=form.prices, at=timezone.now(), seen=seen)
    except editing.ChangedMeanwhile:
        return _conflict(request, quote, item, form)
    quote = item.quote  # as it is now
    if item.group_id != group_id or not wants_fragment(request):
        return changed(request, quote)
    return _changed_row(request, quote, item)


def _seen(text: str) -> dt.datetime | None:
    """Return when the item was changed as the form saw it; None when the form does not say."""
    try:
        return dt.datetime.fromisoformat(text) if text else None
    except ValueError:
        raise editing.ChangedMeanwhile from None


def _conflict(request: HttpRequest, quote: Quote, item: QuoteItem, form: ItemForm) -> HttpResponse:
    """Show what was typed beside what the item is now; saving once more overwrites it."""
    now = item_of(quote, item.pk)
    form.add_error(
        None, _("This item was changed meanwhile, in another window. It is shown above as it is now.")
    )
    return _row(request, now, form, now.updated_at.isoformat(), status=409)


def _changed_row(request: HttpRequest, quote: Quote, item: QuoteItem) -> HttpResponse:
    sheet = sheet_of(quote, at=timezone.now())
    section, row = sheet.section_of(item.pk), sheet.row_of(item.pk)
    context = {"sheet": sheet, "quote": quote, "section": section, "row": row}
    return render(request, "quotes/_changed_row.html", context)


def _duplicate(request: HttpRequest, item: QuoteItem) -> None:
    try:
        editing.duplicate_item(item=item, at=timezone.now())
    except editing.QuoteFull:
        messages.error(request, _full())


def _take_new_price(request: HttpRequest, item: QuoteItem) -> None:
    prices = catalog.latest(item.region)  # the one that the page compares with
    try:
        editing.take_new_price(item=item, prices=prices, at=timezone.now())
    except (PriceMissing, NotPriceable):
        messages.error(request, _("The catalog cannot price this item any more: its price stays."))


@require_POST
@gone_is_404
def act(request: HttpRequest, quote_id: UUID, item_id: UUID) -> HttpResponse:
    """Copy, move or remove an item, or take its new price, as ``action`` says."""
    quote = quote_of(request, quote_id)
    item, now = item_of(quote, item_id), timezone.now()
    match request.POST.get("action"):
        case "up":
            editing.shift_item(item=item, by=-1, at=now)
        case "down":
            editing.shift_item(item=item, by=1, at=now)
        case "duplicate":
            _duplicate(request, item)
        case "remove":
            editing.remove_item(item=item, at=now)
            messages.success(request, _("“%(name)s” is removed.") % {"name": item})
        case "price":
            _take_new_price(request, item)
        case _:
            raise Http404
    quote.refresh_from_db()
    return changed(request, quote)
