"""``manage.py current_cost``: what an account runs now and what it costs, in every format."""

import sys
from pathlib import Path

from django.core.management.base import CommandError
from django.db import DatabaseError
from django.utils import timezone

from accounts import operatorkeys
from accounts.commands import PortalCommand
from accounts.errors import PortalError
from accounts.gateway import Gateway
from costs import currency, reading, refreshing, snapshots
from costs.commandoutput import write_document
from costs.costdocuments import said_of
from costs.costfiles import FORMATS
from costs.currentcost import Question, current_cost
from costs.inventory import OBJECTS, ResourceType, calls_for
from costs.reading import Reading
from costs.unlisted import unlisted_of

EXAMPLES = """examples:
  manage.py current_cost                                    totals, kinds and resources as text
  manage.py current_cost --format json --output cost.json   as the JSON API answers it
  manage.py current_cost --format csv --tag env=production  only what carries this tag
  manage.py current_cost --format hour                      one figure
  manage.py current_cost --include-oos --format ods --output cost.ods
  manage.py current_cost --profile default --format prometheus --output /var/lib/node_exporter/cost.prom

The keys come from OSC_ACCESS_KEY, OSC_SECRET_KEY and OSC_REGION, or from a profile of ~/.osc/config.json.
Every reading of all kinds of resource is kept, so that the portal can show what changed since.

The exit code is 0 when every list was read. It is 1 when one failed: what was read is written all the same,
and the error output names what is missing and why.
"""

SLICE_SECONDS = 2


class Command(PortalCommand):
    help = "Read everything that an account runs in a region, and price it."
    examples = EXAMPLES

    def add_arguments(self, parser):
        parser.add_argument("--format", choices=list(FORMATS), default="human", help="default: human")
        parser.add_argument("--output", type=Path, metavar="FILE", help="write to a file")
        parser.add_argument("--profile", metavar="NAME", help="a profile of ~/.osc/config.json")
        parser.add_argument("--region", help="another region than OSC_REGION or the profile's")
        for name, what in (("tag", "K=V"), ("tag-key", "K"), ("tag-value", "V")):
            parser.add_argument(
                f"--{name}", action="append", default=[], metavar=what, help="may be given several times"
            )
        parser.add_argument(
            "--skip-resource",
            action="append",
            default=[],
            choices=[type_.value for type_ in ResourceType],
            metavar="TYPE",
            help=f"leave out a kind: {', '.join(type_.value for type_ in ResourceType)}",
        )
        parser.add_argument(
            "--include-oos", action="store_true", help="list the object storage too, which can take minutes"
        )
        parser.add_argument(
            "--aggregate", action="store_true", help="only the totals of each kind of resource"
        )

    def handle(self, **options):
        chosen = FORMATS[options["format"]]
        if chosen.is_binary and not options["output"] and sys.stdout.isatty():
            raise CommandError(f"{options['format']} is no text for a terminal: name a file with --output")
        if options["output"] and not options["output"].parent.is_dir():
            raise CommandError(f"{options['output']}: there is no such directory")
        try:
            gateway = _gateway(options)
            snapshot = self._snapshot(gateway, options)
            whose = (gateway.account_id, gateway.region, gateway.access_key)
            unlisted = unlisted_of(*whose, timezone.now())
        except PortalError as error:
            raise CommandError(str(error.message)) from error
        except DatabaseError as error:
            problem = "the database is not ready: run manage.py migrate and manage.py createcachetable"
            raise CommandError(f"{problem} ({error})") from error
        question = Question(
            tags=tuple(options["tag"]),
            tag_keys=tuple(options["tag_key"]),
            tag_values=tuple(options["tag_value"]),
            skipped=frozenset(options["skip_resource"]),
        )
        cost = current_cost(snapshot, question, unlisted=unlisted)
        content = chosen.write(cost, options["aggregate"])
        write_document(content, output=options["output"], stdout=self.stdout)
        if cost.missing:
            raise CommandError("\n".join(["the reading is partial", *said_of(cost)]))
        for sentence in said_of(cost):
            self.stderr.write(self.style.WARNING(sentence))

    def _snapshot(self, gateway, options):
        """Read and price everything asked for; a whole reading is kept."""
        region, begun_at = gateway.region, timezone.now()
        currency.learn_at_login(gateway=gateway)
        calls = [
            call for call in calls_for(options["skip_resource"]) if call != OBJECTS or options["include_oos"]
        ]
        if not calls:
            raise CommandError("every kind of resource is skipped")
        under_way = Reading.begin(account_id=gateway.account_id, region=region, at=begun_at, calls=calls)
        while not under_way.is_finished:
            reading.advance(under_way, gateway, seconds=SLICE_SECONDS)
            self._tell(under_way)
        snapshot = refreshing.priced(under_way)
        if not options["skip_resource"]:
            snapshots.store(snapshot, snapshots.reader_of(gateway.access_key))
        return snapshot

    def _tell(self, under_way):
        """Say how far a long reading is, to a person who waits."""
        if not under_way.is_finished and sys.stderr.isatty():
            done = len(under_way.calls) - len(under_way.open)
            count = len(under_way.inventory)
            self.stderr.write(f"{done} of {len(under_way.calls)} lists, {count} resources so far")


def _gateway(options) -> Gateway:
    """Return the way to the cloud with the keys of the profile or of the environment, proven."""
    profile, region = options["profile"], options["region"]
    [key] = operatorkeys.keys_of([profile] if profile else [], [region] if region else [])
    return operatorkeys.proven(key, today=timezone.now().date())
