"""Who may call and how often: tokens, scopes and the account's three rate limits."""

from __future__ import annotations

import hmac
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from starlette.requests import Request

from sandbox.hubspot.catalog import TYPES
from sandbox.hubspot.oauth import OAuth
from sandbox.hubspot.refusals import out_of_scope, rate_limited, unauthenticated

WINDOW = timedelta(seconds=10)
SECOND = timedelta(seconds=1)
DAY_KEPT = 31
SCOPES = frozenset(
    {
        *(scope for one in TYPES.values() for right in ("read", "write") for scope in one.scopes(right)),
        *(
            scope
            for one in TYPES.values()
            for right in ("read", "write")
            for scope in one.scopes(right, schema=True)
        ),
        "oauth",
        "crm.objects.owners.read",
        "settings.currencies.read",
        "settings.currencies.write",
    }
)


@dataclass
class Window:
    """Calls within a span of time that ends now."""

    span: timedelta
    calls: deque[datetime] = field(default_factory=lambda: deque(maxlen=10_000))

    def enter(self, now: datetime) -> None:
        """One more call."""
        self.count(now)
        self.calls.append(now)

    def count(self, now: datetime) -> int:
        """Calls in the window."""
        while self.calls and self.calls[0] <= now - self.span:
            self.calls.popleft()
        return len(self.calls)


@dataclass
class Gate:
    """Tokens, scopes and limits. Limits are told always and kept once `enforced`."""

    token: str
    now: Callable[[], datetime]
    oauth: OAuth
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    scopes: set[str] = field(default_factory=lambda: set(SCOPES))
    expired: bool = False
    per_window: int = 190  # requests per ten seconds of a Professional account
    oauth_per_window: int = 110  # of an app with OAuth, for each account
    search_per_second: int = 5  # searches of all object types together
    daily: int = 650_000  # requests per day of the account's time zone, of a Professional account
    enforced: bool = False
    window: Window = field(default_factory=lambda: Window(WINDOW))
    searches: Window = field(default_factory=lambda: Window(SECOND))
    days: Counter[date] = field(default_factory=Counter)

    def enter(self, request: Request, scopes: Sequence[str], *, search: bool = False) -> None:
        """Raises Refused 401, 403 or 429. Any one of the scopes is enough; none: every token will do."""
        granted = self._granted(request)
        if self.enforced:
            self._limit(search=search, mine=self._limit_of(request))
        now = self.now()
        self.window.enter(now)
        if search:
            self.searches.enter(now)
        self.days[self._today()] += 1
        if scopes and not granted.intersection(scopes):
            raise out_of_scope(scopes)

    def _granted(self, request: Request) -> set[str]:
        scheme, _, sent = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not sent:
            raise unauthenticated()
        if hmac.compare_digest(sent.encode(), self.token.encode()):
            if self.expired:
                raise unauthenticated(expired=True)
            return self.scopes
        return self.oauth.granted(sent)

    def _limit(self, *, search: bool, mine: int) -> None:
        now = self.now()
        if self.days[self._today()] >= self.daily:
            raise rate_limited("DAILY")
        if search and self.searches.count(now) >= self.search_per_second:
            raise rate_limited("SECONDLY")
        if self.window.count(now) >= mine:
            raise rate_limited("TEN_SECONDLY_ROLLING")

    def _limit_of(self, request: Request) -> int:
        return self.oauth_per_window if self.by_app(request) else self.per_window

    def by_app(self, request: Request) -> bool:
        """Does the call come with a token of OAuth?"""
        return request.headers.get("authorization") != f"Bearer {self.token}"

    def _today(self) -> date:
        """The account's own day. The count of a new day starts at 0; old days are forgotten."""
        today = self.now().astimezone(self.zone).date()
        while len(self.days) > DAY_KEPT:
            del self.days[min(self.days)]
        return today

    def spent(self) -> int:
        """Calls of this day so far."""
        return self.days[self._today()]

    def resets_at(self) -> datetime:
        """The next midnight of the account's time zone."""
        tomorrow = self._today() + timedelta(days=1)
        return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=self.zone)

    def headers(self, request: Request) -> dict[str, str]:
        """The rate limit headers of an ordinary answer; searches carry none, apps are not told of the day."""
        mine = self._limit_of(request)
        told = {
            "x-hubspot-ratelimit-max": str(mine),
            "x-hubspot-ratelimit-remaining": str(max(mine - self.window.count(self.now()), 0)),
            "x-hubspot-ratelimit-interval-milliseconds": "10000",
        }
        if self.by_app(request):
            return told
        return told | {
            "x-hubspot-ratelimit-daily": str(self.daily),
            "x-hubspot-ratelimit-daily-remaining": str(max(self.daily - self.spent(), 0)),
        }
