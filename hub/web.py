"""The web process: doors, API and console as one application; with the workers in it when embedded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from hub import worker
from hub.api.app import build_api
from hub.clock import Clock, poll
from hub.duedates import DueDates
from hub.main import Parts, collect
from hub.nightly import Nightly
from hub.store.intake import Intake
from hub.ui.app import build_ui
from hub.vital import vital_signs
from webhooks.deadline import Deadline
from webhooks.files import FileDoor
from webhooks.receiver import Receiver

BODY_SECONDS = 10.0  # a webhook's body must have arrived by then
FILE_SECONDS = 120.0
log = structlog.get_logger("o2c.main")


class Front:
    """Webhooks and files go straight to their doors; everything else is the admin application."""

    def __init__(self, receiver: ASGIApp, files: ASGIApp, admin: ASGIApp) -> None:
        self.receiver, self.files, self.admin = receiver, files, admin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Choose by path."""
        path = scope.get("path", "")
        if path.startswith("/webhooks/"):
            await self.receiver(scope, receive, send)
        elif path.startswith("/files/"):
            await self.files(scope, receive, send)
        else:
            await self.admin(scope, receive, send)


def web(parts: Parts) -> ASGIApp:
    """The web process: doors, API, console; with the workers in it when embedded."""
    settings, hub = parts.settings, parts.hub
    broker = worker.broker_for(settings.redis_url.get_secret_value() if settings.redis_url else None)
    bell = worker.declare(hub, broker, settings.threads)
    intake = Intake(hub.store.database, lambda: bell.ring("inbox"))
    nightly = Nightly(
        hub, settings.reconcile_time, settle_seconds=settings.reconcile_settle_minutes * 60,
        catch_up=lambda name: poll(hub, name),
    )  # fmt: skip
    due = DueDates(hub)
    rounds = [lambda: collect(parts), due.look, due.look_for_answers, nightly.look]
    clock = Clock(hub, sweep_seconds=settings.sweep_seconds, rounds=rounds)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        running = worker.start(broker, settings.threads) if settings.embedded else None
        clock.start()
        log.info("started", form="embedded" if settings.embedded else "scaled")
        yield
        clock.stop()
        intake.stop()
        if running is not None:
            running.stop(timeout=10_000)
        broker.close()

    admin = FastAPI(title="O2C Hub", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    admin.router.routes.extend(vital_signs(hub))
    admin.mount("/api/v1", build_api(hub, settings))
    admin.mount("/", build_ui(hub, settings))
    door = Receiver(hub, intake, public_url=settings.public_url, bytes_max=settings.webhook_bytes_max)
    files = FileDoor(hub, bytes_max=settings.file_bytes_max)
    return Front(Deadline(door, BODY_SECONDS), Deadline(files, FILE_SECONDS), admin)
