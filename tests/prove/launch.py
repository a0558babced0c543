"""What runs inside a process of the hub under proof: the product as it is, with shorter waits.

`serve` and `work` are what `o2c serve` and `o2c work` run. A mutation, if one is asked for, breaks the
product on purpose, to show that the checker would notice.
"""

from __future__ import annotations

import importlib
import os
import sys
import types
from dataclasses import replace

from dramatiq import cli

from connectors.netsuite.connector import NetSuite
from hub import failpoints
from tests.prove import mutations


def _console() -> None:
    """The console is no part of the proof: where it cannot be imported, an empty page stands for it."""
    try:
        importlib.import_module("hub.ui")
    except ImportError:
        from starlette.applications import Starlette

        for name in [name for name in sys.modules if name.split(".")[:2] == ["hub", "ui"]]:
            del sys.modules[name]
        empty = types.ModuleType("hub.ui")
        empty.build_ui = lambda hub, settings: Starlette()  # type: ignore[attr-defined] # a stand-in
        sys.modules["hub.ui"] = empty


_console()

from hub import clock, secrets  # noqa: E402 - after the stand-in for the console
from hub.cli import serve as serve_command  # noqa: E402 - the same
from hub.main import build  # noqa: E402 - the same
from hub.main import work as hub_work  # noqa: E402 - the same
from hub.settings import Settings  # noqa: E402 - the same
from hub.store import access, connections  # noqa: E402 - the same


def prepare() -> None:
    """Take over what the environment asks for; modules were imported before it was known."""
    wanted, _, nth = os.environ.get("O2C_FAILPOINT", "").partition(":")
    failpoints._wanted, failpoints._nth = wanted, nth
    clock.LEAD_SECONDS = float(os.environ["O2C_PROVE_LEAD"])
    quiesce = float(os.environ["O2C_PROVE_QUIESCE"])
    kinds = {
        name: replace(kind, quiesce=quiesce) if kind.quiesce else kind
        for name, kind in NetSuite.manifest.kinds.items()
    }
    NetSuite.manifest = replace(NetSuite.manifest, kinds=kinds)
    mutations.break_it(os.environ.get("O2C_PROVE_MUTATION", ""))


def serve() -> None:
    """`o2c serve`."""
    serve_command(host="", port=0)


def work() -> None:
    """`o2c work`, without replacing this process by a new interpreter."""
    settings = Settings()
    options = ["--processes", str(settings.processes), "--threads", str(settings.threads)]
    arguments = cli.make_argument_parser().parse_args(["tests.prove.launch:actors", *options])
    sys.exit(cli.main(arguments))


def actors() -> None:
    """What each worker process runs: `hub.main:work`."""
    hub_work()


def connect() -> None:
    """An admin's first day: migrate, three connections, a token. All of it is in the environment, as JSON."""
    import json

    given = json.loads(os.environ["O2C_PROVE_CONNECTIONS"])
    parts = build(Settings())
    registry, store = parts.hub.registry, parts.hub.store
    with store.begin() as tx:
        for name, (settings, every) in given.items():
            sealed = registry.seal(name, name, settings)
            connections.save(store.database, tx.conn, name, name, sealed, poll_seconds=every, now=tx.now)
        digest = secrets.token_digest(os.environ["O2C_PROVE_TOKEN"])
        access.add_token(tx.conn, digest=digest, name="prove", role="admin", now=tx.now)
    parts.close()


ROLES = {"web": serve, "work": work, "connect": connect}
