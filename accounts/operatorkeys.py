"""The keys of who runs a command: those of the environment, or of profiles of ``~/.osc/config.json``.

Only commands read them. The portal itself, its gateway included, takes nothing from either place.
"""

import datetime as dt
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from accounts import proof, regions
from accounts.errors import PortalError
from accounts.gateway import Gateway

CONFIG_FILE = Path(".osc") / "config.json"

_VARIABLES = {"access_key": "OSC_ACCESS_KEY", "secret_key": "OSC_SECRET_KEY", "region": "OSC_REGION"}


class OperatorKeysRefused(PortalError):
    """There are no keys where they were looked for, or they cannot be used; the message says why."""

    code = "OPERATOR_KEYS_REFUSED"

    def __init__(self, message: str) -> None:
        super().__init__()
        self.message = message


@dataclass(frozen=True)
class OperatorKey:
    """A key to read one region with; ``profile`` is where it stands, empty for the environment."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    region: str
    profile: str = ""

    @property
    def origin(self) -> str:
        """Where the key was found, for people."""
        return f"profile {self.profile!r}" if self.profile else _VARIABLES["access_key"]


def keys_of(profiles: Iterable[str] = (), wanted_regions: Iterable[str] = ()) -> list[OperatorKey]:
    """Return a key for each of ``profiles`` in each of ``wanted_regions``; nothing is asked of the cloud.

    Without profiles the keys are those of the environment, without regions each is used in its own. Raises
    ``OperatorKeysRefused`` when one of them cannot be used.
    """
    named = [(name, _profile(name)) for name in dict.fromkeys(profiles)] or [("", _environment())]
    wanted = list(dict.fromkeys(wanted_regions))
    return [
        OperatorKey(fields["access_key"], fields["secret_key"], _known(region), profile=name)
        for name, fields in named
        for region in wanted or [fields["region"]]
    ]


def proven(key: OperatorKey, *, today: dt.date) -> Gateway:
    """Prove a key and return the way to its account; ``today`` is the UTC day. Raises a ``CloudError``."""
    gateway = Gateway(key.access_key, key.secret_key, key.region)
    owner = proof.owner_of(gateway, today=today)
    return Gateway(key.access_key, key.secret_key, key.region, owner.account_id)


def _known(region: str) -> str:
    if region not in regions.names():
        raise OperatorKeysRefused(f"the region is {region!r}, and none of {', '.join(regions.names())}")
    return region


def _environment() -> dict[str, str]:
    keys = {part: os.environ.get(name, "") for part, name in _VARIABLES.items()}
    keys["region"] = keys["region"] or regions.names()[0]
    absent = [name for part, name in _VARIABLES.items() if not keys[part]]
    if absent:
        raise OperatorKeysRefused(f"set {' and '.join(absent)}, or name a profile with --profile")
    return keys


def _profile(name: str) -> dict[str, str]:
    path = Path.home() / CONFIG_FILE
    try:
        profiles = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OperatorKeysRefused(f"{path} cannot be read: {error}") from error
    profile = profiles.get(name) if isinstance(profiles, dict) else None
    if not isinstance(profile, dict):
        raise OperatorKeysRefused(f"{path} has no profile {name!r}")
    keys = {part: profile.get(part) for part in ("access_key", "secret_key")}
    if not all(isinstance(key, str) and key for key in keys.values()):
        raise OperatorKeysRefused(f"the profile {name!r} of {path} has no access_key or no secret_key")
    return keys | {"region": str(profile.get("region") or regions.names()[0])}
