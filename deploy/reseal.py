"""Seal the addresses of webhooks anew, under ``SECRET_KEY``: ``osc-finops shell < deploy/reseal.py``."""

from django.db import transaction

from budgets.models import Budget

with transaction.atomic():
    for budget in Budget.objects.select_for_update().exclude(webhook_url=""):
        budget.save(update_fields=["webhook_url"])
