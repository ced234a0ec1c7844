"""The pages of the draft invoice: what is kept of a period, to look at, to print and as files."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import keyring
from accounts.changes import BUDGETS, QUOTES
from accounts.keyring import Keyring
from accounts.pages import remembered
from consumption.access import Access, access_of
from consumption.asking import keys_of
from consumption.daytext import day_text, period_text
from consumption.history import CurrencyUnknown
from consumption.invoice import Invoice, Subtotal, invoice_of
from consumption.invoicedocuments import unpriced_name
from consumption.invoicefiles import FORMATS, file_name
from consumption.invoiceforms import OFFERED, InvoiceFilter
from consumption.sources import sources_of

_PAGE = "consumption/invoice.html"
_KEPT = ("region", "place", "currency", "linked")
"""What another period is asked with, too."""

_FIRST_FORMAT = "csv-fr"
"""The format that has a button of its own: what accountants' programs read."""


def with_keyring(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Hand the keys of the session to a view; an operator, who has none, is told so."""

    @never_cache
    @wraps(view)
    def guarded(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if not keyring.is_sealed(request):
            return render(request, _PAGE, {"has_keys": False}, status=403)
        return view(request, keyring.chosen(request), **kwargs)

    return guarded


@remembered(unmoved_by=[QUOTES, BUDGETS])
@require_safe
@with_keyring
def invoice(request: HttpRequest, keys: Keyring) -> HttpResponse:
    """Show the draft invoice of what is kept; what is missing is named, with a link to where it is read."""
    form = _form(request, keys)
    context = _context(form, keys)
    return render(request, _PAGE, context, status=422 if form.errors else 200)


@require_safe
@with_keyring
def export(request: HttpRequest, keys: Keyring, file_format: str) -> HttpResponse:
    """Send the draft invoice that the page shows as a file."""
    if file_format not in FORMATS:
        raise Http404
    form = _form(request, keys)
    context = _context(form, keys)
    if form.errors:
        return render(request, _PAGE, context, status=422)
    found, chosen = context["invoice"], FORMATS[file_format]
    if not found.is_known:
        return redirect(f"{reverse('consumption:invoice')}?{form.address.urlencode()}")
    response = HttpResponse(chosen.write(found), content_type=chosen.content_type)
    response["Content-Disposition"] = content_disposition_header(True, file_name(found, chosen))
    return response


def _form(request: HttpRequest, keys: Keyring) -> InvoiceFilter:
    today = timezone.now().date()
    return InvoiceFilter(request.GET, today=today, regions=keys.regions, places=keys.places)


def _access(form: InvoiceFilter, keys: Keyring, now: datetime) -> Access | None:
    """Return what a valid form asks of: everything when it names neither region, place nor currency.

    A currency in which nothing is billed becomes an error of its field, and None.
    """
    asked = form.cleaned_data
    found = access_of(keys_of(form, keys) if asked["region"] or asked["place"] else keys.keys, now)
    currency = asked["currency"]
    if currency and currency not in found.by_currency:
        form.add_error("currency", CurrencyUnknown(currency, found.by_currency).message)
        return None
    return found.by_currency[currency] if currency else found


def _context(form: InvoiceFilter, keys: Keyring) -> dict[str, Any]:
    """Return what the page shows; what is wrong with the question ends up in the form."""
    context = {
        "has_keys": True,
        "form": form,
        "regions": sorted(keys.regions),
        "shown": {name: form[name].value() or "" for name in ("first", "last")},
        "invoice": None,
        "presets": [],
        "may_ask_linked": False,
    }
    if not form.is_valid():
        return context
    now = timezone.now()
    access = _access(form, keys, now)
    if access is None:
        return context
    found = invoice_of(
        sources_of(access), form.days, issued_on=now.date(), with_linked=form.cleaned_data["linked"]
    )
    names = keys.names
    return context | {
        "shown": {"first": found.period.first.isoformat(), "last": found.period.last.isoformat()},
        "invoice": found,
        "period_text": period_text(found.period),
        "issued_text": day_text(found.issued_on),
        "accounts": [f"{name} {account_id}".strip() for account_id, name in names.items()],
        "sections": [(names.get(one.total.account_id, ""), one) for one in found.sections],
        "sums": (sums := [_sums(found, total) for total in found.totals]),
        "is_split": len(sums) > 1 or any(len(one["sections"]) > 1 for one in sums),
        "presets": _presets(form),
        "files": _files(form.address),
        "first_file": f"{_export_url(_FIRST_FORMAT)}?{form.address.urlencode()}",
        "may_ask_linked": found.with_linked or _pays_for_others(access),
        "read_url": _read_url(found) if found.missing else "",
        "unpriced_names": [unpriced_name(line) for line in found.unpriced],
    }


def _sums(found: Invoice, total: Subtotal) -> dict[str, Any]:
    """Return what the page shows of one currency: its total, and what it is made of."""
    currency = total.currency
    return {
        "total": total,
        "by_category": [(one, total.share_of(one)) for one in found.by_category if one.currency == currency],
        "sections": [one for one in found.sections if one.total.currency in (currency, "")],
    }


def _pays_for_others(access: Access) -> bool:
    """Tell whether other accounts may be billed to one of these, as far as their entries say."""
    return any(ledger.is_paying for ledger in access.ledgers)


def _presets(form: InvoiceFilter) -> list[dict[str, Any]]:
    """Return the periods that are offered, with the addresses that ask for them."""
    kept = {name: values for name, values in form.address.lists() if name in _KEPT}
    return [
        {
            "label": preset.label,
            "url": f"?{urlencode({'period': preset.value, **kept}, doseq=True)}",
            "current": preset == form.preset,
        }
        for preset in OFFERED
    ]


def _files(address: QueryDict) -> list[dict[str, Any]]:
    return [
        {"url": f"{_export_url(name)}?{address.urlencode()}", "label": one.label, "download": True}
        for name, one in FORMATS.items()
        if name != _FIRST_FORMAT
    ]


def _export_url(file_format: str) -> str:
    return reverse("consumption:export_invoice", args=[file_format])


def _read_url(found: Invoice) -> str:
    """Return the address of the history page with the days of the invoice, which reads them."""
    lacking = dict.fromkeys(part.source.region for part in found.parts if not part.is_whole)
    asked = {
        "first": found.period.first.isoformat(),
        "last": found.period.last.isoformat(),
        "region": list(lacking),
    } | ({"linked": "1"} if found.with_linked else {})
    try:
        return f"{reverse('consumption:history')}?{urlencode(asked, doseq=True)}"
    except NoReverseMatch:
        return ""
