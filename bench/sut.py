"""The systems under test, as a process of their own: `python -m bench.sut FORM --port P --core C`.

trivial: an ASGI app that reads the body and answers. verify: the hub's webhook door, signature and event id
checked, nothing stored. intake: the same, durable, and no worker. whole: the hub as `o2c serve` runs it.
"""

from __future__ import annotations

import argparse
import os
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

FORMS = ("trivial", "verify", "intake", "whole")


async def trivial(scope: Scope, receive: Receive, send: Send) -> None:
    """Read the body, answer."""
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"application/json"), (b"content-length", b"21")]
    await send({"type": "http.response.start", "status": 202, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"status":"accepted"}'})


def door(form: str) -> ASGIApp:
    """The webhook door alone, with an intake that stores, or with one that only says so."""
    from hub.main import build
    from hub.settings import Settings
    from hub.store.intake import Intake, Item, Verdict
    from webhooks.receiver import Receiver

    class Forgetful:
        """Answers like the intake, at once, and stores nothing."""

        async def put(self, it: Item) -> Verdict:
            """Accepted, it says."""
            return Verdict.NEW

    settings = Settings()
    hub = build(settings).hub
    intake: Any = Forgetful() if form == "verify" else Intake(hub.store.database, lambda: None)
    return Receiver(hub, intake, public_url=settings.public_url, bytes_max=settings.webhook_bytes_max)


def whole() -> ASGIApp:
    """The hub with its workers."""
    from hub.main import serve_app

    return serve_app()


def main() -> None:
    """Pin, build, serve until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("form", choices=FORMS)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--core", type=int, default=-1)
    asked = parser.parse_args()
    if asked.core >= 0:
        os.sched_setaffinity(0, {asked.core})
    app: ASGIApp = trivial
    if asked.form != "trivial":
        app = whole() if asked.form == "whole" else door(asked.form)
    lifespan: Any = "on" if asked.form == "whole" else "off"
    uvicorn.run(
        app, host="127.0.0.1", port=asked.port, log_level="error", access_log=False, lifespan=lifespan,
        limit_concurrency=2000,
    )  # fmt: skip


if __name__ == "__main__":
    main()
