"""The first commitment rates: 30, 40 and 50 % on compute, to be confirmed by an operator."""

import datetime as dt

from django.db import migrations

RATES = [
    ("1month", 30, "Two public price tools agree on 30 %."),
    ("1year", 40, "Two public price tools agree on 40 %."),
    ("3years", 50, "Public price tools disagree: 50 % or 60 %; the lower discount is used."),
]
SEEDED_ON = dt.date(2025, 12, 1)


def seed(apps, schema_editor):
    rate = apps.get_model("costs", "CommitmentRate")
    for period, percent, note in RATES:
        rate.objects.create(
            category="compute", period=period, percent=percent, valid_from=SEEDED_ON, note=note
        )


def unseed(apps, schema_editor):
    rate = apps.get_model("costs", "CommitmentRate")
    rate.objects.filter(category="compute", period__in=[period for period, *_ in RATES]).delete()


class Migration(migrations.Migration):
    dependencies = [("costs", "0001_prices")]

    operations = [migrations.RunPython(seed, unseed)]
