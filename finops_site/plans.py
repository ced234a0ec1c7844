"""The quotes as plans that consumption is compared with: the two floors do not know each other."""

from collections import defaultdict
from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from consumption.driftkinds import OtherKind, kind_of
from consumption.plans import Plan, PlanLine, PlanName
from costs.inventory import ResourceType
from costs.models import CommitmentRate
from costs.pricing import Part, Period
from quotes.calculation import PERCENT, Rates, calculate
from quotes.models import Quote, QuoteItem
from quotes.resources import ResourceType as QuoteType

_KINDS = {
    QuoteType.VM: ResourceType.VM,
    QuoteType.VOLUME: ResourceType.VOLUME,
    QuoteType.SNAPSHOT: ResourceType.SNAPSHOT,
    QuoteType.PUBLIC_IP: ResourceType.PUBLIC_IP,
    QuoteType.FLEXIBLE_GPU: ResourceType.FLEXIBLE_GPU,
    QuoteType.NAT_SERVICE: ResourceType.NAT_SERVICE,
    QuoteType.LOAD_BALANCER: ResourceType.LOAD_BALANCER,
    QuoteType.VPN_CONNECTION: ResourceType.VPN_CONNECTION,
    QuoteType.DIRECT_LINK: ResourceType.DIRECT_LINK,
    QuoteType.OBJECT_STORAGE: ResourceType.OBJECT_STORAGE,
    QuoteType.OKS_CONTROL_PLANE: OtherKind.KUBERNETES,
}

_Place = tuple[str, str, str, str]


class QuotePlans:
    """The quotes of the portal user that an account is."""

    def names(self, account_id: str) -> list[PlanName]:
        """Return the quotes of an account that have items, the last changed first."""
        quotes = Quote.objects.filter(owner__account_id=account_id, items__isnull=False).distinct()
        return [
            PlanName(str(pk), name) for pk, name in quotes.order_by("-updated_at").values_list("pk", "name")
        ]

    def plan(self, account_id: str, plan_id: str) -> Plan | None:
        """Return a quote of an account as a plan."""
        try:
            quote_id = UUID(plan_id)
        except ValueError:
            return None
        quote = Quote.objects.filter(owner__account_id=account_id, pk=quote_id).first()
        if quote is None:
            return None
        found = CommitmentRate.objects.valid_on(timezone.now().date(), quote.commitment_period)
        rates = {category: rate.percent for category, rate in found.items()}
        return Plan(plan_id, quote.name, quote.updated_at, _lines(quote, list(quote.items.all()), rates))


def _lines(quote: Quote, items: list[QuoteItem], rates: Rates) -> list[PlanLine]:
    """Return what a quote plans; its fees count once for their region, as the quote itself counts them."""
    sums: dict[_Place, dict[Period, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    kept = 1 - quote.global_discount_percent / PERCENT
    for item in items:
        price = item.unit_price
        for part in price.parts:
            place = (_kind(item, part), part.category, item.region, price.currency)
            sums[place][price.period] += _discounted(part, rates) * item.quantity * kept
    for fee in calculate(quote, items, rates, currency="").fees:
        place = (ResourceType.DEDICATED_INSTANCE.value, fee.part.category, fee.region, fee.currency)
        sums[place][fee.period] += _discounted(fee.part, rates) * kept
    return [
        PlanLine(*place, hourly=by[Period.HOUR], monthly=by[Period.MONTH], once=by[Period.ONCE])
        for place, by in sums.items()
    ]


def _kind(item: QuoteItem, part: Part) -> str:
    kind = _KINDS.get(QuoteType(item.resource_type))
    return kind.value if kind else kind_of(part.key)


def _discounted(part: Part, rates: Rates) -> Decimal:
    return part.amount * (1 - rates.get(part.category, Decimal(0)) / PERCENT)
