"""People who use the portal at the same time, each with a session and a pace of their own (asyncio).

What they ask for is what a browser asks for. An answer that is not what they expect is an error.
"""

import asyncio
import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from bench.consumption import REGION
from bench.quotes import EDITED_VM
from sandbox.cloud import AccessKey

HISTORY = (
    "period=last-12-months&group_by=category",
    "period=last-12-months&group_by=resource_type",
    "period=last-6-months&group_by=subregion&granularity=week",
    "period=last-30-days&group_by=resource_type&granularity=day",
)
"""The views of the history that people look at."""

_FRAGMENT = {"HX-Request": "true"}
_SECONDS_AT_MOST = 60


@dataclass
class Answers:
    """How long the right answers took in milliseconds, by what was asked, and how many were wrong and why."""

    taken: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    wrong: Counter[str] = field(default_factory=Counter)

    @property
    def count(self) -> int:
        """How many right answers there were."""
        return sum(map(len, self.taken.values()))


class Visitor:
    """One session of the owner of ``key``, who edits ``item``, the address of an item of a quote."""

    def __init__(self, http: aiohttp.ClientSession, key: AccessKey, seed: int) -> None:
        self._http = http
        self._key = key
        self._random = random.Random(seed)
        self._cookies: dict[str, str] = {}
        self.item = ""

    async def log_in(self, answers: Answers) -> None:
        """Log in, as the form does."""
        token = await self._token("/login/")
        keys = {
            "access_key": self._key.access_key,
            "secret_key": self._key.secret_key,
            "region": REGION,
            "csrfmiddlewaretoken": token,
        }
        await self._ask(answers, "login", "/login/", data=keys, status=302)

    async def come_and_go(self, answers: Answers, end: float, pause: float) -> None:
        """Ask one thing after another until ``end``, with pauses of ``pause`` seconds on average."""
        await asyncio.sleep(self._random.uniform(0, pause))
        steps = self._steps()
        while time.monotonic() < end:
            [step] = self._random.choices(list(steps), list(steps.values()))
            await step(answers)
            rest = self._random.uniform(0.5, 1.5) * pause
            await asyncio.sleep(min(rest, max(end - time.monotonic(), 0)))

    def _steps(self) -> dict[Callable[[Answers], Awaitable[None]], int]:
        """Return what people do, and of a hundred times how often."""
        return {self._overview: 20, self._history: 35, self._costs: 25, self._edit: 10, self._export: 10}

    async def _overview(self, answers: Answers) -> None:
        await self._ask(answers, "overview, page", "/")
        await self._ask(answers, "overview, figures", "/", headers=_FRAGMENT, holds="€")
        await self._ask(answers, "overview, active quote", "/quotes/active/", headers=_FRAGMENT, holds="€")

    async def _history(self, answers: Answers) -> None:
        question = self._random.choice(HISTORY)
        await self._ask(answers, "history", f"/consumption/?{question}", holds="€")

    async def _costs(self, answers: Answers) -> None:
        await self._ask(answers, "costs", "/costs/", holds="€")

    async def _edit(self, answers: Answers) -> None:
        data = EDITED_VM | {"quantity": str(self._random.randint(1, 99))}
        headers = _FRAGMENT | {"X-CSRFToken": self._cookies["csrftoken"]}
        await self._ask(answers, "quote edit", self.item, data=data, headers=headers, holds="€")

    async def _export(self, answers: Answers) -> None:
        question = self._random.choice(HISTORY)
        address = f"/consumption/export/csv/?{question}"
        await self._ask(answers, "export", address, holds="EUR")

    async def _token(self, address: str) -> str:
        async with self._http.get(address) as response:
            page = await response.text()
        self._keep_cookies(response)
        return re.search('name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]

    def _keep_cookies(self, response: aiohttp.ClientResponse) -> None:
        self._cookies |= {name: cookie.value for name, cookie in response.cookies.items()}

    async def _ask(
        self,
        answers: Answers,
        name: str,
        address: str,
        *,
        data: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        status: int = 200,
        holds: str = "",
    ) -> None:
        method = "GET" if data is None else "POST"
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        headers = (headers or {}) | {"Cookie": cookies}
        begun = time.perf_counter()
        try:
            async with self._http.request(
                method, address, data=data, headers=headers, allow_redirects=False
            ) as response:
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            answers.wrong[f"{name}: {type(error).__name__}"] += 1
            return
        if method == "POST":  # a login; whatever else sends some sends the same
            self._keep_cookies(response)
        if response.status != status:
            answers.wrong[f"{name}: {response.status}"] += 1
        elif holds.encode() not in body:
            answers.wrong[f"{name}: without {holds}"] += 1
        else:
            answers.taken[name].append((time.perf_counter() - begun) * 1000)


@asynccontextmanager
async def visitors(address: str, keys: Sequence[AccessKey]) -> AsyncIterator[list[Visitor]]:
    """Yield a visitor for each of some keys; none has logged in."""
    async with aiohttp.ClientSession(
        address,
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60),
        cookie_jar=aiohttp.DummyCookieJar(),  # each visitor has cookies of their own
        timeout=aiohttp.ClientTimeout(total=_SECONDS_AT_MOST),
    ) as http:
        yield [Visitor(http, key, seed) for seed, key in enumerate(keys)]
