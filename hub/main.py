"""The composition root: settings become a hub, a hub becomes a web application or a worker."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub import worker
from hub.engine import Bounds, Hub
from hub.http import lanes_only, set_deadline
from hub.logs import configure
from hub.policies import load_policies
from hub.process import REACTIONS
from hub.registry import Registry
from hub.routes import load_routes
from hub.secrets import Vault, load_master_key
from hub.settings import Settings
from hub.store.database import Database
from hub.store.migrate import upgrade
from hub.store.tx import Now, Store, utc_now
from webhooks.folder import pick_up

if TYPE_CHECKING:
    from starlette.types import ASGIApp

COLLECT = (20_000, 20, 20)  # objects that come and go with one batch are not worth a collection


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
    from hub.web import web  # a worker and most commands need no web application

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
