"""The composition root: settings become a hub, a hub becomes a web application or a worker."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from hub import worker
from hub.api import build_api
from hub.clock import Clock, poll
from hub.duedates import DueDates
from hub.engine import Bounds, Hub
from hub.http import lanes_only, set_deadline
from hub.logs import configure
from hub.nightly import Nightly
from hub.policies import load_policies
from hub.process import REACTIONS
from hub.registry import Registry
from hub.routes import load_routes
from hub.secrets import Vault, load_master_key
from hub.settings import Settings
from hub.store.database import Database
from hub.store.intake import Intake
from hub.store.migrate import upgrade
from hub.store.tx import Now, Store, utc_now
from hub.ui import build_ui
from hub.vital import vital_signs
from webhooks.deadline import Deadline
from webhooks.files import FileDoor
from webhooks.folder import pick_up
from webhooks.receiver import Receiver

BODY_SECONDS = 10.0  # a webhook's body must have arrived by then
FILE_SECONDS = 120.0
COLLECT = (20_000, 20, 20)  # objects that come and go with one batch are not worth a collection
log = structlog.get_logger("o2c.main")


@dataclass
class Parts:
    """Everything a running hub consists of."""

    settings: Settings
    hub: Hub

    def close(self) -> None:
        """Give the database back."""
        self.hub.registry.close()
        self.hub.store.database.close()


def build(settings: Settings, *, now: Now = utc_now) -> Parts:
    """A hub on an up-to-date database. Raises Invalid when configuration is wrong."""
    configure(settings.log_level)
    set_deadline(settings.call_seconds)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    master = settings.master_key.get_secret_value() if settings.master_key else None
    vault = Vault(load_master_key(master, settings.data_dir))
    policies = load_policies(settings.config_file("policies.yaml"))
    routes = load_routes(settings.config_file("routes.yaml"), list(REACTIONS), policies.sellers)
    upgrade(settings.database)
    store = Store(Database(settings.database), now=now, policies=policies)
    registry = Registry(store, vault, settings.mappings_dir)
    bounds = Bounds(settings.lease_seconds, settings.call_seconds, settings.attempts_max)
    return Parts(settings, Hub(store, registry, routes, bounds))


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
    rounds = [lambda: collect(parts), DueDates(hub).look, nightly.look]
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


def collect(parts: Parts) -> int:
    """Take in the files that were dropped under data_dir/files/<connection>/; returns how many."""
    folder = parts.settings.data_dir / "files"
    return sum(1 for _ in pick_up(parts.hub, folder, bytes_max=parts.settings.file_bytes_max))


def settle() -> None:
    """The process is complete and goes to work: every call to a vendor is counted from now on.

    What was loaded so far stays: the collector need not look through it again with every few requests.
    """
    lanes_only()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT)


def serve_app() -> ASGIApp:
    """Factory for `uvicorn hub.main:serve_app --factory`."""
    application = web(build(Settings()))
    settle()
    return application


def work() -> None:
    """What each process of `dramatiq hub.main:work` runs: the actors of a hub behind Redis."""
    settings = Settings()
    parts = build(settings)
    if settings.redis_url is None:
        raise SystemExit("o2c work needs O2C_REDIS_URL; without Redis, `o2c serve` does the work itself")
    broker = worker.broker_for(settings.redis_url.get_secret_value())
    worker.declare(parts.hub, broker, settings.threads)
    settle()
