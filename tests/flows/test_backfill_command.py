"""`o2c hubspot install` and `o2c backfill`, typed as a person would, against a hub that runs."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from sandbox.hubspot import HubSpotSandbox
from sandbox.kit import serve
from tests.world import ROOT

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def account() -> Iterator[tuple[HubSpotSandbox, str]]:
    box = HubSpotSandbox(with_added_properties=False)
    box.seed(deals=60, companies=10, lines_per_deal=2, won=0.5)
    with serve(box.app) as url:
        yield box, url


@pytest.fixture
def o2c(account: tuple[HubSpotSandbox, str], tmp_path: Path) -> Run:
    env = {
        **os.environ, "O2C_DATA_DIR": str(tmp_path), "O2C_LOG_LEVEL": "ERROR", "O2C_SWEEP_SECONDS": "0.2",
        "O2C_DATABASE_URL": "", "NO_COLOR": "1", "COLUMNS": "120",
    }  # fmt: skip
    command = [sys.executable, "-c", "from hub.cli import app; app()"]

    def run(*words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *words], env=env, cwd=ROOT, input=given, capture_output=True, text=True, timeout=60,
            check=False,
        )  # fmt: skip

    box, url = account
    settings = {"base_url": url, "access_token": box.token, "client_secret": box.client_secret}
    assert run("connection", "add", "hubspot", "hubspot", "-", given=json.dumps(settings)).returncode == 0
    return run


@pytest.fixture
def serving(o2c: Run, tmp_path: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {**os.environ, "O2C_DATA_DIR": str(tmp_path), "O2C_LOG_LEVEL": "ERROR", "O2C_DATABASE_URL": ""}
    command = [sys.executable, "-c", "from hub.cli import app; app()", "serve", "--port", str(port)]
    process = subprocess.Popen(
        command, env=env, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    yield url
    process.send_signal(signal.SIGTERM)
    process.wait(20)


def test_install_looks_first_then_makes_then_finds_everything_there(o2c: Run) -> None:
    looked = o2c("hubspot", "install", "--dry")
    assert looked.returncode == 0
    assert "to make; run it again without --dry" in looked.stdout
    assert "missing  property o2c_order_number of deals" in looked.stdout
    made = o2c("hubspot", "install")
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout.rstrip().endswith("everything is there")
    assert "missing" not in o2c("connection", "install", "hubspot").stdout


@pytest.mark.prove
def test_install_says_what_is_refused_and_where_there_is_nothing_to_install(
    o2c: Run, account: tuple[HubSpotSandbox, str]
) -> None:
    box, _ = account
    box.gate.scopes.clear()
    told = o2c("hubspot", "install")
    assert told.returncode == 1
    assert "refused" in told.stdout
    assert "mend what is said beside them, then run it again" in told.stdout
    nowhere = o2c("netsuite", "install")
    assert (nowhere.returncode, "there is no connection called 'netsuite'" in nowhere.stderr) == (1, True)


def test_a_history_is_walked_by_the_running_hub_while_a_person_watches(o2c: Run, serving: str) -> None:
    assert httpx.get(f"{serving}/readyz", timeout=10).status_code == 200
    before = o2c("backfill", "hubspot")
    assert before.returncode == 1
    assert "was never walked; begin with --since 2024-01-01" in before.stderr
    walked = o2c("backfill", "hubspot", "--since", "2020-01-01")
    assert (walked.returncode, walked.stderr) == (0, "")
    assert "done: " in walked.stdout
    assert " since 2020-01-01, " in walked.stdout
    again = o2c("backfill", "hubspot", "--no-watch")
    assert again.stdout.startswith("done: ")
    assert "no backfill of hubspot is running" in o2c("backfill", "hubspot", "--stop").stderr
    assert "begins in the past" in o2c("backfill", "hubspot", "--since", "2999-01-01").stderr
    assert "last summer" in o2c("backfill", "hubspot", "--since", "last summer").stderr
