"""The o2c command as a new user types it."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

O2C = Path(sys.executable).parent / "o2c"
ROOT = Path(__file__).parent.parent.parent


def o2c(*arguments: str, cwd: Path = ROOT, text: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("O2C_")}
    return subprocess.run(
        [str(O2C), *arguments], cwd=cwd, input=text, capture_output=True, text=True, timeout=120,
        env=clean | env, check=False,
    )  # fmt: skip


def test_the_demo_ties_out_to_the_cent() -> None:
    played = o2c("demo", "--once")
    assert played.returncode == 0, played.stdout + played.stderr
    assert "Does it tie out?" in played.stdout
    assert "NO " not in played.stdout
    assert played.stderr == ""


@pytest.mark.parametrize(
    "command", ["", "serve", "work", "demo", "migrate", "token create", "connection add", "mapping check"]
)
def test_every_command_explains_itself(command: str) -> None:
    told = o2c(*command.split(), "--help")
    assert told.returncode == 0
    assert "Usage" in told.stdout


def test_a_taken_port_gets_a_clear_message() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for command in ("serve", "demo"):
            told = o2c(command, "--port", port)
            assert told.returncode == 1
            assert f"cannot listen on 127.0.0.1:{port}" in told.stderr
            assert "Traceback" not in told.stderr


def test_workers_without_redis_say_what_to_do() -> None:
    told = o2c("work")
    assert (told.returncode, "O2C_REDIS_URL" in told.stderr) == (1, True)


def test_an_admin_can_set_up_a_hub_from_the_command_line(tmp_path: Path) -> None:
    here = {"O2C_DATA_DIR": str(tmp_path)}
    token = o2c("token", "create", "ada", "--role", "admin", **here).stdout.strip()
    assert re.fullmatch(r"o2c_[\w-]{43}", token)
    bank = json.dumps({"upload_key": "a-long-upload-key"})
    assert o2c("connection", "add", "bank", "bank", "-", text=bank, **here).returncode == 0
    assert "bank" in o2c("connection", "list", **here).stdout
    wrong = o2c("connection", "add", "bank", "bank", "-", text='{"upload_kez": "x"}', **here)
    assert (wrong.returncode, "upload_kez" in wrong.stderr, "Traceback" in wrong.stderr) == (1, True, False)
    broken = o2c("connection", "add", "bank", "bank", "-", text="{not json", **here)
    assert (broken.returncode, "Traceback" in broken.stderr) == (1, False)


def test_mappings_are_checked_with_places(tmp_path: Path) -> None:
    assert o2c("mapping", "check").returncode == 0
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "order.in.yaml").write_text(
        "mapping: x.deal -> order\nversion: 1\nfields:\n  nonsense: { from: a }\n"
    )
    told = o2c("mapping", "check", str(tmp_path))
    assert told.returncode == 1
    assert re.search(r"order\.in\.yaml:4:3.*nonsense", told.stdout)


def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    told = o2c("migrate", O2C_PORT="many", O2C_DATA_DIR=str(tmp_path))
    assert told.returncode != 0
    assert "Traceback" not in told.stderr
    assert "port" in told.stderr.lower()
