"""Who sits at the browser: signed cookies, form tokens, and a brake on guessing.

A session is a cookie that names a token's digest, so revoking the token ends it everywhere. It cannot be
forged without the master key; it lives twelve hours and is made anew at login.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import NamedTuple

from hub.secrets import Vault, same

COOKIE = "o2c_session"
NOTICE = "o2c_notice"
LIFE_SECONDS = 12 * 3600
NOTICE_MAX = 600
ENDED_MAX = 10_000
FAILURES_MAX = 10
FAILURES_SECONDS = 300
ADDRESSES_MAX = 10_000

Now = Callable[[], float]


class Session(NamedTuple):
    """`digest` of the token it was begun with; empty before login. `nonce` makes it unique."""

    digest: str
    nonce: str
    issued: int


class Sessions:
    """Makes and reads session cookies. Sessions that were logged out are remembered by this process."""

    def __init__(self, vault: Vault, now: Now) -> None:
        self._key = vault.derived("console session")
        self._now = now
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, digest: str = "") -> Session:
        """A new session; at login always a new one, so that a planted cookie gains nothing."""
        return Session(digest, secrets.token_urlsafe(18), int(self._now()))

    def cookie(self, session: Session) -> str:
        """The signed value of the cookie."""
        text = f"{session.digest}.{session.nonce}.{session.issued}"
        return f"{text}.{self._mac('cookie', text)}"

    def read(self, cookie: str) -> Session | None:
        """The session of a cookie, or None where it is forged, too old or ended."""
        text, _, mac = cookie.rpartition(".")
        if not text or not same(mac, self._mac("cookie", text)):
            return None
        digest, nonce, issued = text.split(".")
        session = Session(digest, nonce, int(issued))
        with self._lock:
            ended = nonce in self._ended
        alive = 0 <= self._now() - session.issued < LIFE_SECONDS
        return session if alive and not ended else None

    def end(self, session: Session) -> None:
        """Never accept it again."""
        with self._lock:
            self._ended[session.nonce] = None
            while len(self._ended) > ENDED_MAX:
                self._ended.popitem(last=False)

    def form_token(self, session: Session) -> str:
        """What every form must carry: only pages of this session know it."""
        return self._mac("form", session.nonce)

    def seal_notice(self, text: str) -> str:
        """A one-time message for the next page, as a cookie value that only we can write."""
        body = base64.urlsafe_b64encode(text[:NOTICE_MAX].encode()).decode()
        return f"{body}.{self._mac('notice', body)}"

    def open_notice(self, cookie: str) -> str:
        """The message, or an empty text where it is not ours."""
        body, _, mac = cookie.rpartition(".")
        if not body or not same(mac, self._mac("notice", body)):
            return ""
        return base64.urlsafe_b64decode(body).decode()

    def _mac(self, purpose: str, text: str) -> str:
        return hmac.new(self._key, f"{purpose}:{text}".encode(), hashlib.sha256).hexdigest()


class Throttle:
    """Counts failed logins per address within a window."""

    def __init__(self, now: Now) -> None:
        self._now = now
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def is_blocked(self, address: str) -> bool:
        """Too many failures from there lately?"""
        with self._lock:
            times = self._failures.get(address, deque())
            while times and times[0] < self._now() - FAILURES_SECONDS:
                times.popleft()
            return len(times) >= FAILURES_MAX

    def failed(self, address: str) -> None:
        """One more failure from there."""
        with self._lock:
            self._failures.setdefault(address, deque(maxlen=FAILURES_MAX)).append(self._now())
            self._failures.move_to_end(address)
            while len(self._failures) > ADDRESSES_MAX:
                self._failures.popitem(last=False)
