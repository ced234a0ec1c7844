"""Running the commands of the consumption as an operator does: with keys of the sandbox, and nothing else."""

import json
from io import StringIO

from django.core.management import CommandError, call_command

from sandbox.cloud import DEMO_KEY, KEYS

WRONG_SECRET = "WRONGSECRETTHATMUSTNOTBESEENANYWHERE0000"
POISON = {
    "OSC_LOGIN": "nobody@example.com",
    "OSC_PASSWORD": "POISONEDPASSWORD",
    "OSC_ENDPOINT_API": "http://127.0.0.1:1/",
    "OSC_PROFILE": "poisoned",
    "OSC_X509_CLIENT_CERT": "/nowhere.pem",
}


class Shell:
    """A home of one's own, an environment with one key, and the files of profiles."""

    def __init__(self, home, monkeypatch):
        self.home, self._monkeypatch = home, monkeypatch
        monkeypatch.setenv("HOME", str(home))
        for name, value in POISON.items():
            monkeypatch.setenv(name, value)
        for name in ("OSC_ACCESS_KEY", "OSC_SECRET_KEY", "OSC_REGION"):
            monkeypatch.delenv(name, raising=False)

    def use(self, key=DEMO_KEY, region="eu-west-2", secret=None):
        """Put a key into the environment."""
        self._monkeypatch.setenv("OSC_ACCESS_KEY", key.access_key)
        self._monkeypatch.setenv("OSC_SECRET_KEY", secret or key.secret_key)
        self._monkeypatch.setenv("OSC_REGION", region)

    def profiles(self, **keys):
        """Write profiles: each a key, or a pair of a key and what is different of it."""
        (self.home / ".osc").mkdir(exist_ok=True)
        named = {name: key if isinstance(key, tuple) else (key, {}) for name, key in keys.items()}
        content = {
            name: {"access_key": key.access_key, "secret_key": key.secret_key, "region": "eu-west-2"}
            | changed
            for name, (key, changed) in named.items()
        }
        (self.home / ".osc" / "config.json").write_text(json.dumps(content))


def run(command, *arguments):
    """Run a command; return what it wrote to its two outputs and why it failed, if it did."""
    out, err, failure = StringIO(), StringIO(), ""
    try:
        call_command(command, *map(str, arguments), stdout=out, stderr=err)
    except CommandError as error:
        failure = str(error)
    everything = out.getvalue() + err.getvalue() + failure
    for secret in (WRONG_SECRET, "POISONEDPASSWORD", *(key.secret_key for key in KEYS.values())):
        assert secret not in everything
    return out.getvalue(), err.getvalue(), failure
