"""``manage.py refresh_catalogs``: fetch the price catalogs, or load a saved one."""

import argparse
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts import regions
from costs import catalog, freshness
from costs.models import Catalog
from costs.publication import PublicationInvalid, published_region, read_publication

EXAMPLES = """examples:
  manage.py refresh_catalogs                                        all regions, from the cloud
  manage.py refresh_catalogs --region eu-west-2                     one region
  manage.py refresh_catalogs --from-file answer.json                a saved answer of ReadPublicCatalog;
                                                                    its entries name the region

A saved answer is made, where there is a network, by
  curl -X POST https://api.eu-west-2.outscale.com/api/v1/ReadPublicCatalog -d '{}' > answer.json

The exit code is 0 when every region was refreshed and 1 when any failed; the others are stored all the same.
"""


class Command(BaseCommand):
    help = "Fetch the public price catalogs of the regions, and store those that changed as new versions."

    def add_arguments(self, parser):
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.epilog = EXAMPLES
        parser.add_argument(
            "--region", choices=regions.names(), help="only this region (default: all of them)"
        )
        parser.add_argument(
            "--from-file", type=Path, metavar="FILE", help="load a saved answer, without network"
        )

    def handle(self, **options):
        region, path = options["region"], options["from_file"]
        if path:
            self._say(self._load(path, region))
            return
        names = [region] if region else regions.names()
        failed = [name for name in names if not self._refresh(name)]
        if failed:
            raise CommandError(f"{len(failed)} of {len(names)} regions failed: {', '.join(failed)}")

    def _refresh(self, region):
        """Refresh one region and tell how it went; a failure does not keep the others from their turn."""
        try:
            self._say(freshness.refresh(region, timezone.now()))
        except freshness.RefreshFailed as error:
            self.stderr.write(self.style.ERROR(f"{region}: {error.message}"))
            return False
        return True

    def _load(self, path, region):
        try:
            answer = _parsed(path)
            region = region or published_region(answer)
            if region not in regions.names():
                raise CommandError(f"{path}: {region} is none of {', '.join(regions.names())}")
            entries = read_publication(answer, region=region)
        except (OSError, ValueError) as error:
            raise CommandError(f"{path}: {error}") from error
        return catalog.store(entries, region=region, at=timezone.now())

    def _say(self, stored: Catalog) -> None:
        count = stored.entries.count()
        change = "new prices" if stored.valid_from == stored.fetched_at else "unchanged"
        self.stdout.write(
            f"{stored.region}: version {stored.version}, {count} prices in {stored.currency}, {change}"
        )


def _parsed(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"), parse_float=Decimal)
    except (json.JSONDecodeError, RecursionError) as error:
        raise PublicationInvalid(f"this is no JSON: {error}") from error
