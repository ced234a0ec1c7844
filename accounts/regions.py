"""The regions of the cloud: which there are, where they answer, their currency until it is known."""

from django.conf import settings


def names() -> list[str]:
    """Return the names of the regions in use, in the order of the settings; the first one is the default."""
    return settings.OUTSCALE_REGIONS


def api_url(region: str) -> str:
    """Return the address of the OUTSCALE API of ``region``, without a slash at the end."""
    return settings.OUTSCALE_API_URL.format(region=region).rstrip("/")


def oos_url(region: str) -> str:
    """Return the address of the object storage (OOS) of ``region``, without a slash at the end."""
    return settings.OUTSCALE_OOS_URL.format(region=region).rstrip("/")


def assumed_currency(region: str) -> str:
    """Return the ISO 4217 code to use for ``region`` until the API has named one.

    No catalog entry carries a currency; only ReadUnitPrice and ReadConsumptionAccount name it (OUTSCALE API).
    """
    return settings.OUTSCALE_CURRENCIES.get(region, "EUR")
