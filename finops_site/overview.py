"""The first page: for visitors, what the portal is; for a logged-in customer, where to go."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@login_not_required
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Show the first page; it needs no call to the cloud."""
    return render(request, "finops_site/overview.html")
