"""The pages on which a customer keeps allocation rules: the list, a rule, its way up and down, its end."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import keyring
from accounts.gateway import Gateway
from accounts.pages import gone_is_404, with_keys
from consumption import ruleorder, rulespage
from consumption.asking import Asked
from consumption.moment import one_moment
from consumption.ruleforms import RuleForm, RulesFilter
from consumption.rules import AllocationRule

read_or_send = require_http_methods(["GET", "HEAD", "POST"])

_STEPS = {"up": -1, "down": 1}


@require_safe
@with_keys
@one_moment()
def index(request: HttpRequest, _gateway: Gateway) -> HttpResponse:
    """List the rules in their order, with what each catches in a period."""
    asked = _asked(request)
    asked.form.is_valid()
    context = rulespage.context_of(asked, _rules_of(request))
    status = 422 if context["problems"] or context["several"] else 200
    return render(request, "consumption/rules.html", context, status=status)


@read_or_send
@with_keys
def new(request: HttpRequest, _gateway: Gateway) -> HttpResponse:
    """Ask for a new rule; a POST makes it, or shows what it would catch."""
    sent = {"data": request.POST} if request.method == "POST" else {}
    return _answer(request, RuleForm(**sent, owner=request.user))


@read_or_send
@with_keys
@gone_is_404
def edit(request: HttpRequest, _gateway: Gateway, rule_id: UUID) -> HttpResponse:
    """Ask what to change of a rule; a POST changes it, or shows what it would catch."""
    sent = {"data": request.POST} if request.method == "POST" else {}
    return _answer(request, RuleForm(**sent, instance=_rule_of(request, rule_id)))


@require_POST
@with_keys
@gone_is_404
def move(request: HttpRequest, _gateway: Gateway, rule_id: UUID) -> HttpResponse:
    """Let a rule be looked at one place earlier or later."""
    rule, steps = _rule_of(request, rule_id), _STEPS.get(request.POST.get("direction", ""))
    if steps:
        ruleorder.move(rule=rule, steps=steps)
    return redirect(_list_url(request))


@read_or_send
@with_keys
@gone_is_404
def delete(request: HttpRequest, _gateway: Gateway, rule_id: UUID) -> HttpResponse:
    """Ask before a rule is deleted; a POST deletes it."""
    rule = _rule_of(request, rule_id)
    if request.method != "POST":
        context = {"rule": rule, "conditions": rulespage.conditions_of(rule), "list_url": _list_url(request)}
        return render(request, "consumption/rule_delete.html", context)
    ruleorder.delete(rule=rule)
    messages.success(request, _("The rule for “%(centre)s” is deleted.") % {"centre": rule.cost_centre})
    return redirect(_list_url(request))


def _answer(request: HttpRequest, form: RuleForm) -> HttpResponse:
    """Show the form of a rule; a valid one that was sent is kept, unless its preview is asked for."""
    if request.method != "POST":
        return _form_page(request, form)
    if not form.is_valid():
        return _form_page(request, form, status=422)
    if "preview" in request.POST:
        return _form_page(request, form, preview=_preview_of(request, form))
    try:
        kept = form.keep(at=timezone.now())
    except (ruleorder.TooManyRules, ruleorder.ChangedMeanwhile) as error:  # within the last moment
        form.add_error(None, error.message)
        return _form_page(request, form, status=error.http_status)
    messages.success(request, _("The rule for “%(centre)s” is kept.") % {"centre": kept.cost_centre})
    return redirect(_list_url(request))


def _form_page(request: HttpRequest, form: RuleForm, *, status: int = 200, **more: Any) -> HttpResponse:
    is_new = form.instance._state.adding
    context = {"form": form, "rule": None if is_new else form.instance, "list_url": _list_url(request)}
    context |= {"here": request.get_full_path(), "preview": None, "is_previewed": "preview" in more} | more
    return render(request, "consumption/rule_form.html", context, status=status)


@one_moment()
def _preview_of(request: HttpRequest, form: RuleForm) -> dict[str, Any] | None:
    """Return what the rule of a valid form would catch at its place."""
    asked, rule, place = _asked(request), form.instance, form.cleaned_data["place"]
    asked.form.is_valid()
    rules = _rules_of(request)
    own = [one for one in rules if not one.is_of_operators]
    now = own.index(rule) if rule in own else len(own)
    others = [one for one in own if one != rule]
    others.insert(now if place is None else place - 1, rule)
    return rulespage.preview_of(asked, [*others, *rules[len(own) :]], rule)


def _asked(request: HttpRequest) -> Asked:
    return Asked.of(request.GET, keyring.chosen(request), timezone.now(), RulesFilter)


def _rules_of(request: HttpRequest) -> list[AllocationRule]:
    """Return the rules that hold for whoever asks, in their order."""
    return list(AllocationRule.objects.for_owner(request.user))


def _rule_of(request: HttpRequest, rule_id: UUID) -> AllocationRule:
    """Return a rule of whoever asks; everybody else's is a 404, the operators' too."""
    return get_object_or_404(AllocationRule.objects.owned_by(request.user), pk=rule_id)


def _list_url(request: HttpRequest) -> str:
    """Return the address of the list with the days that this page was asked with."""
    asked = _asked(request).form
    query = asked.address.urlencode() if asked.is_valid() else ""
    return f"{reverse('consumption:rules')}?{query}" if query else reverse("consumption:rules")
