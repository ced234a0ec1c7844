"""The licences of the price catalog of eu-west-2: `ProductUsage` per product code, and subscriptions."""

from collections.abc import Iterator

_LICENCE = "Cout additionnel pour une licence {} - par heure"
_USAGE = "Cout additionnel pour utilisation {}"

# Product code -> price per hour, and the product as the title names it.
_OPERATING_SYSTEMS = {
    "0001": ("0.0", "linux"),
    "0002": ("0.121", "windows"),
    "0005": ("0.06", "windows 10"),
    "0006": ("0.019", "rhel"),
    "0008": ("0.566", "sql server standard"),
    "0009": ("2.168", "sql server entreprise"),
}
_CHARGED = {
    "pty-7b4a4b18": ("13.5", "ALLONIA - ALLONIA CHAT IA + SUPPORT (2 jours/mois)"),
    "pty-8e0f3937": ("6.038", "UBIKA - UBIKA WAAP Gateway Cloud - LTS - UBIKA WAAP Cloud - LTS 6.11 - PAYG"),
    "pty-c5e95e86": ("0.403", "DynFi - DynFi Firewall - DynFi Firewall pour Outscale"),
}
# The vendor bills these directly, so the cloud lists them at zero; grouped by the start of their titles.
_FREE = {
    "OUTSCALE - Dassault Systemes - ": {
        "pty-9e378c04": "Microsoft Windows Server 2019",
        "pty-124cf62b": "Ubuntu 22.04.3 LTS",
        "pty-2f45cf6d": "Ubuntu 24.04 LTS - Noble",
        "pty-0d7534e1": "AlmaLinux 9.3 (Shamrock Pampas Cat)",
        "pty-471b3ec9": "Microsoft Windows SQL Server 2019 Enterprise Edition",
        "pty-f43b8224": "Microsoft Windows SQL Server 2019 Standard Edition",
        "pty-50a710f9": "Debian GNU/Linux",
        "pty-e9c36375": "CentOS Linux 7 (Core)",
        "pty-26595c10": "Rocky Linux 9.2 (Blue Onyx)",
    },
    "OUTSCALE OKS - ": {
        "pty-14f19884": "Worker Node (fGPU ready) OMI",
        "pty-91a45e77": "Worker Node (standard) OMI",
        "pty-a6293365": "Control Plane OMI",
        "pty-7d477c9a": "Admin Proj OMI",
    },
    "Atempo - Atempo ": {
        "pty-a84b0a21": "Miria Data Mover (Server Add-on)",
        "pty-fa6f00da": "Miria Migration",
        "pty-febd6032": "Tina - Microsoft 365 Backup",
    },
    "": {
        "pty-aea22feb": "Wallix - WALLIX PAM4ALL",
        "pty-d653b074": "WALLIX PAM PORTAIL ACCESS MANAGER - WALLIX ACCES MANAGER",
        "pty-30dd74c0": "Stormshield - Stormshield Management Center",
        "pty-5c925c96": "Stormshield - Stormshield Elastic Virtual Appliance",
        "pty-ae285f41": "AntemetA Protect Veritas - AntemetA EverProtect (Support et MCO)",
        "pty-978b7919": "Ubika - UBIKA WAAP Gateway Cloud - LTS",
        "pty-102d9f67": "DynFi - DynFi Manager - A",
        "pty-fadf841d": "IP-label - Ekara",
        "pty-9d9a4c03": "Logpoint - Logpoint Director MSSP Console - Plateforme MSSP Logpoint Director",
        "pty-0c968e6a": "Logpoint - Logpoint Converged SIEM + SOAR",
    },
}
_CHAT_FOR_100 = (
    "ALLONIA - ALLONIA CHAT IA + SUPPORT (2 jours/mois) pour 100 utilisateurs"
    ' - LICENCE CHAT "NEO" 100 utilisateurs + 2j/mois'
)
# Titles which do not follow the pattern: another noun, a capital letter, no unit, a missing space.
_WORDED_OTHERWISE = {
    "pty-bdbc245b": (
        "14.1",
        (
            "Cout additionnel pour une licence UBIKA - UBIKA WAAP Gateway - LTS - PAYG"
            " - UBIKA WAAP Cloud - LTS 6.11 - PAYG- par heure"
        ),
    ),
    "pty-710d00a3": (
        "0.0",
        (
            "Cout additionnel pour une Licence ATEMPO - Atempo"
            " - La sauvegarde souveraine de vos données sensibles ! - par heure"
        ),
    ),
    "pty-59cf321b": ("0.0", f"Cout additionnel pour une Licence {_CHAT_FOR_100}"),
    "pty-eb1c5c4b": ("0.0", _USAGE.format("LatenceTech - LatenceTech-Analyzer - LatenceTech-Analyzer-OMI")),
    "pty-d21d4fb4": (
        "0.0",
        _USAGE.format("LatenceTech - LatenceTech-Analyzer-Trial - LatenceTech-Analyzer-Trial"),
    ),
    "pty-6c6c048d": (
        "0.0",
        _USAGE.format(
            "OMI Cleyrop - Starter Pack Ogma | Gen AI Use Case - Starter Pack 1 - Cas d usage IA Gen"
        ),
    ),
}

# Subscriptions of the marketplace: offer -> price for 100 users. The catalog does not say for how long.
_SUBSCRIPTIONS = {"pof-o1qb2k30": "43420.7", "pof-2atqiyfu": "49933.8", "pof-k5f0ytd6": "51350.0"}


def licences() -> Iterator[tuple[str, str, str]]:
    """Yield the product code, the price per hour in EUR and the title of each licence of one VM."""
    for code, (price, product) in {**_OPERATING_SYSTEMS, **_CHARGED}.items():
        yield code, price, _LICENCE.format(product)
    for vendor, products in _FREE.items():
        for code, product in products.items():
            yield code, "0.0", _LICENCE.format(vendor + product)
    for code, (price, title) in _WORDED_OTHERWISE.items():
        yield code, price, title


def subscriptions() -> Iterator[tuple[str, str, str]]:
    """Yield the offer, the price in EUR and the title of each marketplace subscription."""
    for offer, price in _SUBSCRIPTIONS.items():
        yield offer, price, _CHAT_FOR_100
