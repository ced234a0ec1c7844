"""``manage.py refresh_catalogs``: fetch the price catalogs, or load a saved one."""

import argparse
import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from accounts import regions
from accounts.commands import PortalCommand
from costs import catalog, freshness
from costs.models import Catalog
from costs.publication import PublicationInvalid, published_region, read_publication

EXAMPLES = """examples:
  manage.py refresh_catalogs                                        all regions, from the cloud
  manage.py refresh_catalogs --region eu-west-2                     one region
  manage.py refresh_catalogs --from-file answer.json                a saved answer of ReadPublicCatalog;
                                                                    its entries name the region
  manage.py refresh_catalogs --from-file answer.json --at 2026-03-02    the same, as fetched on that day

A saved answer is made, where there is a network, by
  curl -X POST https://api.eu-west-2.outscale.com/api/v1/ReadPublicCatalog -d '{}' > answer.json

Its prices are of the day on which it was fetched: --at says which, else it is when the file was written.
A file older than the stored prices changes nothing.

The exit code is 0 when every region was refreshed and 1 when any failed; the others are stored all the same.
"""

_MINUTE = "%Y-%m-%d %H:%M UTC"


class Command(PortalCommand):
    help = "Fetch the public price catalogs of the regions, and store those that changed as new versions."
    examples = EXAMPLES

    def add_arguments(self, parser):
        parser.add_argument(
            "--region", choices=regions.names(), help="only this region (default: all of them)"
        )
        parser.add_argument(
            "--from-file", type=Path, metavar="FILE", help="load a saved answer, without network"
        )
        parser.add_argument(
            "--at",
            type=_moment,
            metavar="MOMENT",
            help="when the file was fetched: YYYY-MM-DD or an ISO moment, UTC (default: when it was written)",
        )

    def handle(self, **options):
        region, path, at = options["region"], options["from_file"], options["at"]
        if path:
            self._load(path, region, at)
            return
        if at:
            raise CommandError("--at belongs to --from-file: the cloud is asked now")
        names = [region] if region else regions.names()
        failed = [name for name in names if not self._refresh(name)]
        if failed:
            raise CommandError(f"{len(failed)} of {len(names)} regions failed: {', '.join(failed)}")

    def _refresh(self, region):
        """Refresh one region and tell how it went; a failure does not keep the others from their turn."""
        now = timezone.now()
        try:
            self._say(freshness.refresh(region, now), now)
        except freshness.RefreshFailed as error:
            self.stderr.write(self.style.ERROR(f"{region}: {error.message}"))
            return False
        return True

    def _load(self, path, region, at):
        try:
            answer = _parsed(path)
            at = at or _written_at(path)
            region = region or published_region(answer)
            if region not in regions.names():
                raise CommandError(f"{path}: {region} is none of {', '.join(regions.names())}")
            entries = read_publication(answer, region=region)
        except (OSError, ValueError) as error:
            raise CommandError(f"{path}: {error}") from error
        self._say(catalog.store(entries, region=region, at=at), at)

    def _say(self, stored: Catalog, at: dt.datetime) -> None:
        count = stored.entries.count()
        self.stdout.write(
            f"{stored.region}: version {stored.version}, {count} prices in {stored.currency}, "
            f"{_change(stored, at)}"
        )


def _change(stored: Catalog, at: dt.datetime) -> str:
    """Return what became of prices of ``at``, of which ``stored`` is now the newest catalog."""
    if at < stored.fetched_at:
        return f"unchanged: they are of {stored.fetched_at:{_MINUTE}}, newer than these of {at:{_MINUTE}}"
    return "new prices" if stored.valid_from == stored.fetched_at else "unchanged"


def _moment(text: str) -> dt.datetime:
    """Read a day or a moment; without a time zone it is UTC, as all days of the cloud are."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is neither YYYY-MM-DD nor an ISO moment") from error
    moment = moment if timezone.is_aware(moment) else moment.replace(tzinfo=dt.UTC)
    if moment > timezone.now():
        raise argparse.ArgumentTypeError(f"{text!r} is in the future")
    return moment


def _written_at(path: Path) -> dt.datetime:
    """Return when the file was written; now, where that claims to be in the future."""
    return min(dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC), timezone.now())


def _parsed(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"), parse_float=Decimal)
    except (json.JSONDecodeError, ArithmeticError, RecursionError) as error:
        raise PublicationInvalid(f"this is no JSON: {error}") from error
