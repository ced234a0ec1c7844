"""The JSON API of quotes: the same forms, the same changes and the same sheet as the builder's pages."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.db import transaction
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from ninja import Router, Status

from accounts.envelope import Envelope, answer
from accounts.errors import InputRefused, PortalError
from quotes import editing, exports, lifecycle
from quotes.forms import NameForm, TermsForm, terms_of
from quotes.itemform import ItemForm
from quotes.itemforms import FORMS, bound_form
from quotes.models import Quote, QuoteGroup, QuoteItem, QuoteStatus
from quotes.owned import item_of, quote_of
from quotes.resources import ResourceType
from quotes.schemas import (
    CalculationOut,
    DeletedQuoteOut,
    GroupIn,
    ItemChange,
    ItemIn,
    NameIn,
    QuoteIn,
    QuoteOut,
    SummaryOut,
)
from quotes.sheet import sheet_of
from quotes.views import quote_file

QUOTES_PER_PAGE = 100
ATTEMPTS = 3
router = Router(tags=["Quotes"])


class NameTaken(InputRefused):
    """The quote has a group of this name."""

    code = "CONFLICT"
    http_status = 409


class Busy(PortalError):
    """Others changed the same thing at every attempt."""

    code = "CONFLICT"
    message = gettext_lazy("Others are changing this at the moment. Please try again.")
    http_status = 409


class PriceUnknown(InputRefused):
    """The catalog cannot price an item whole."""

    code = "PRICE_MISSING"
    message = gettext_lazy("The catalog cannot price this item whole.")


def _whole(quote: Quote) -> dict[str, Any]:
    quote.refresh_from_db()
    sheet = sheet_of(quote, at=timezone.now())
    return answer(exports.document_of(sheet))


def _cleaned(form: Form) -> dict[str, Any]:
    if not form.is_valid():
        raise InputRefused(form.errors)
    return form.cleaned_data


@router.post("", summary="Make a quote", response={201: Envelope[QuoteOut]})
def create(request: HttpRequest, given: NameIn) -> Status:
    """Make a quote, which becomes the active one."""
    name = _cleaned(NameForm(given.dict()))["name"]
    return Status(201, _whole(lifecycle.create(owner=request.user, name=name, at=timezone.now())))


@router.get("", summary="List the quotes", response=Envelope[list[SummaryOut]])
def index(request: HttpRequest, page: int = 1) -> dict[str, Any]:
    """List the quotes, the active one first, a page at a time."""
    quotes = Quote.objects.owned_by(request.user).with_item_count().by_latest_change()
    shown = Paginator(quotes, QUOTES_PER_PAGE).get_page(page)
    pagination = {"page": shown.number, "pages": shown.paginator.num_pages, "total": shown.paginator.count}
    summaries = [exports.summary_of(quote, quote.item_count) for quote in shown]
    return answer(summaries, pagination=pagination)


@router.get("/{uuid:quote_id}", summary="Read a quote and make it active", response=Envelope[QuoteOut])
def read(request: HttpRequest, quote_id: UUID) -> dict[str, Any]:
    """Return a quote with its calculation; a saved one becomes active."""
    return _whole(lifecycle.load(quote=quote_of(request, quote_id), at=timezone.now()))


@router.put("/{uuid:quote_id}", summary="Change a quote", response=Envelope[QuoteOut])
def change(request: HttpRequest, quote_id: UUID, given: QuoteIn) -> dict[str, Any]:
    """Change name, terms and status of a quote."""
    quote, sent, now = quote_of(request, quote_id), given.dict(exclude_unset=True), timezone.now()
    status = sent.pop("status", None)
    if status is not None and status not in QuoteStatus.values:
        raise InputRefused({"status": [_("The status is active or saved.")]})
    with transaction.atomic():
        if status is not None:  # first: it locks the owner, and who locks a quote never waits for its owner
            move = lifecycle.load if status == QuoteStatus.ACTIVE else lifecycle.save
            move(quote=quote, at=now)
        _change_terms(editing.locked(quote.pk), sent, now)
    return _whole(quote)


def _change_terms(quote: Quote, sent: dict[str, Any], at: dt.datetime) -> None:
    """Write what was sent over what the locked quote says now, so that what was left out really stays."""
    if "name" in sent:
        lifecycle.rename(quote=quote, name=_cleaned(NameForm(sent))["name"], at=at)
    if sent.keys() - {"name"}:
        editing.set_terms(quote=quote, **_cleaned(TermsForm(terms_of(quote) | sent)), at=at)


@router.post("/{uuid:quote_id}/prices", summary="Take all new prices", response=Envelope[QuoteOut])
def take_new_prices(request: HttpRequest, quote_id: UUID) -> dict[str, Any]:
    """Price every item by the catalog of now; one that it cannot price any more keeps its price."""
    quote, now = quote_of(request, quote_id), timezone.now()
    editing.take_new_prices(quote=quote, prices=sheet_of(quote, at=now).prices, at=now)
    return _whole(quote)


@router.delete("/{uuid:quote_id}", summary="Delete a quote", response=Envelope[DeletedQuoteOut])
def delete(request: HttpRequest, quote_id: UUID) -> dict[str, Any]:
    """Delete a quote; when it was active, the answer holds the one that took its place."""
    quote = quote_of(request, quote_id)
    name = quote.name
    replacement = lifecycle.delete(quote=quote, at=timezone.now())
    message = {"message": _("“%(name)s” is deleted.") % {"name": name}}
    if replacement is None:
        return answer(message)
    return answer(
        {**message, "replacement_quote": exports.document_of(sheet_of(replacement, at=timezone.now()))}
    )


@router.get("/{uuid:quote_id}/calculate", summary="Calculate a quote", response=Envelope[CalculationOut])
def calculate(request: HttpRequest, quote_id: UUID) -> dict[str, Any]:
    """Return the calculation of a quote; its status stays as it is."""
    return answer(exports.calculation_of(sheet_of(quote_of(request, quote_id), at=timezone.now())))


@router.get("/{uuid:quote_id}/export/{file_format}", summary="Export a quote")
def export(request: HttpRequest, quote_id: UUID, file_format: str) -> HttpResponse:
    """Return the quote as a file: csv, csv-fr or json."""
    return quote_file(quote_of(request, quote_id), file_format)


def _resource_type(value: str) -> ResourceType:
    if value not in ResourceType.values:
        text = _("Unknown resource type. Known are: %(types)s.") % {"types": ", ".join(ResourceType.values)}
        raise InputRefused({"resource_type": [text]})
    return ResourceType(value)


def _checked(
    quote: Quote,
    resource_type: str,
    parameters: dict[str, Any],
    common: dict[str, Any],
    kept: QuoteItem | None = None,
) -> ItemForm:
    kind = _resource_type(resource_type)
    _refuse_unknown(FORMS[kind], parameters)
    form = bound_form(kind, FORMS[kind].fields_of(parameters) | common, quote=quote, kept=kept)
    if form.is_valid():
        return form
    raise (PriceUnknown if form.why_unpriced else InputRefused)(form.errors)


def _refuse_unknown(form: type[ItemForm], parameters: dict[str, Any]) -> None:
    unknown = set(parameters) - set(form.parameter_names)
    if unknown:
        known = ", ".join(form.parameter_names) or _("none")
        text = _("Unknown parameter. Known for this resource: %(known)s.") % {"known": known}
        raise InputRefused({f"parameters.{name}": [text] for name in sorted(unknown)})


@router.post("/{uuid:quote_id}/items", summary="Add an item", response={201: Envelope[QuoteOut]})
def add_item(request: HttpRequest, quote_id: UUID, given: ItemIn) -> Status:
    """Add an item, priced from the catalog of its region; what cannot be priced whole is refused."""
    quote = quote_of(request, quote_id)
    common = given.dict(include={"region", "quantity", "resource_name", "group_id"})
    form = _checked(quote, given.resource_type, given.parameters, common)
    try:
        with transaction.atomic():  # after the form, which may wait for the cloud
            item = editing.add_item(quote=quote, data=form.item(), prices=form.prices, at=timezone.now())
            _place(item, given.display_order)
    except editing.QuoteFull:
        text = _("A quote holds at most %(most)s items.") % {"most": editing.MOST_ITEMS}
        raise InputRefused({"__all__": [text]}) from None
    return Status(201, _whole(quote))


def _place(item: QuoteItem, position: int | None) -> None:
    if position is not None:
        editing.move_item(item=item, position=position, at=timezone.now())


@router.put("/{uuid:quote_id}/items/{uuid:item_id}", summary="Change an item", response=Envelope[QuoteOut])
def change_item(request: HttpRequest, quote_id: UUID, item_id: UUID, given: ItemChange) -> dict[str, Any]:
    """Change an item; it keeps its price while it stays the same resource in the same region."""
    quote, sent = quote_of(request, quote_id), given.dict(exclude_unset=True)
    position = sent.pop("display_order", None)
    for _attempt in range(ATTEMPTS):
        with suppress(editing.ChangedMeanwhile):
            _change_item(item_of(quote, item_id), sent, position)
            return _whole(quote)
    raise Busy


def _change_item(item: QuoteItem, sent: dict[str, Any], position: int | None) -> None:
    """Change an item as it is now; raise ``ChangedMeanwhile`` when it is no longer so at the writing."""
    form = _changed_form(item.quote, item, dict(sent)) if sent else None
    now = timezone.now()
    with transaction.atomic():  # after the form, which may wait for the cloud
        if form:
            seen = item.updated_at
            editing.change_item(item=item, data=form.item(), prices=form.prices, at=now, seen=seen)
        _place(item, position)


def _changed_form(quote: Quote, item: QuoteItem, sent: dict[str, Any]) -> ItemForm:
    now = {name: getattr(item, name) for name in ("region", "quantity", "resource_name", "group_id")}
    resource_type = sent.pop("resource_type", item.resource_type)
    parameters = sent.pop("parameters", None)
    parameters = item.parameters if parameters is None else parameters
    return _checked(quote, resource_type, parameters, now | sent, kept=item)


@router.delete("/{uuid:quote_id}/items/{uuid:item_id}", summary="Remove an item", response=Envelope[QuoteOut])
def remove_item(request: HttpRequest, quote_id: UUID, item_id: UUID) -> dict[str, Any]:
    """Remove an item."""
    quote = quote_of(request, quote_id)
    editing.remove_item(item=item_of(quote, item_id), at=timezone.now())
    return _whole(quote)


@contextmanager
def _name_taken_is_a_conflict() -> Iterator[None]:
    try:
        yield
    except editing.GroupNameTaken:
        raise NameTaken({"name": [_("The quote has a group of this name already.")]}) from None


@router.post("/{uuid:quote_id}/groups", summary="Add a group", response={201: Envelope[QuoteOut]})
def add_group(request: HttpRequest, quote_id: UUID, given: GroupIn) -> Status:
    """Add a group at the end."""
    quote = quote_of(request, quote_id)
    name = _cleaned(NameForm(given.dict()))["name"]
    with _name_taken_is_a_conflict(), transaction.atomic():
        _arrange(editing.add_group(quote=quote, name=name, at=timezone.now()), given)
    return Status(201, _whole(quote))


@router.put("/{uuid:quote_id}/groups/{uuid:group_id}", summary="Change a group", response=Envelope[QuoteOut])
def change_group(request: HttpRequest, quote_id: UUID, group_id: UUID, given: GroupIn) -> dict[str, Any]:
    """Rename, move or fold a group."""
    quote = quote_of(request, quote_id)
    group = get_object_or_404(quote.groups, pk=group_id)
    name = _cleaned(NameForm(given.dict()))["name"] if "name" in given.dict(exclude_unset=True) else None
    with _name_taken_is_a_conflict(), transaction.atomic():
        if name is not None:
            editing.rename_group(group=group, name=name, at=timezone.now())
        _arrange(group, given)
    return _whole(quote)


@router.delete(
    "/{uuid:quote_id}/groups/{uuid:group_id}", summary="Remove a group", response=Envelope[QuoteOut]
)
def remove_group(request: HttpRequest, quote_id: UUID, group_id: UUID) -> dict[str, Any]:
    """Remove a group; its items stay."""
    quote = quote_of(request, quote_id)
    editing.remove_group(group=get_object_or_404(quote.groups, pk=group_id), at=timezone.now())
    return _whole(quote)


def _arrange(group: QuoteGroup, given: GroupIn) -> None:
    if given.collapsed is not None:
        editing.fold_group(group=group, collapsed=given.collapsed)
    if given.display_order is not None:
        editing.move_group(group=group, position=given.display_order, at=timezone.now())
