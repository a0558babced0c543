"""docs/mappings.md, followed word by word on the simulators."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(sh|yaml edit)([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
START_SECONDS = 90.0


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Mapping[str, str]]:
    """The guide's first terminal: the demo, keeping its database in a folder of its own."""
    for name in ("mappings", "config"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    output = tmp_path / "demo.txt"
    env = {**os.environ, "O2C_PORT": "0", "COLUMNS": "160"}
    with output.open("wb") as told:
        running = subprocess.Popen(
            [".venv/bin/o2c", "demo", "--keep", "var/demo"], cwd=tmp_path, env=env, stdout=told, stderr=told
        )
    try:
        until = time.monotonic() + START_SECONDS
        while "Everything keeps running" not in output.read_text("utf-8"):
            assert running.poll() is None, output.read_text("utf-8")
            assert time.monotonic() < until, output.read_text("utf-8")
            time.sleep(0.1)
        found = re.search(r"HubSpot +(http\S+)", output.read_text("utf-8"))
        assert found is not None
        yield {**env, "CRM": found[1], "FOLDER": str(tmp_path)}
    finally:
        running.terminate()
        running.wait(20)


@pytest.mark.prove
def test_the_guide_works_as_it_is_written(demo: Mapping[str, str]) -> None:
    folder, told = Path(demo["FOLDER"]), []
    for kind, note, text in BLOCK.findall((ROOT / "docs" / "mappings.md").read_text("utf-8")):
        if kind == "yaml edit":
            edit(folder / note.strip(), text)
        elif "first terminal" not in note:
            told.append(run(text, demo))
    whole = "\n".join(told)
    assert "HubSpot answers and every scope is there" in whole
    assert "5 mappings, 0 problems" in whole
    assert "Ring twice, gate B" in whole
    assert re.search(r"5 records, 4 the same, 1 different", whole)
    assert "hubspot/order.in v2 is in force" in whole
    assert "the file of mappings/ is in force again" in whole
    assert "nothing differs" in whole


def run(text: str, env: Mapping[str, str]) -> str:
    """One block of the second terminal; what `export` sets there stays for the next."""
    settings = 'export PATH="$PWD/.venv/bin:$PATH" O2C_DATA_DIR=var/demo\n'
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", settings + text], cwd=env["FOLDER"], env=env, capture_output=True,
        text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def edit(path: Path, line: str) -> None:
    """What the reader does in an editor: the line that begins like this one is replaced."""
    start = line.split(":")[0] + ":"
    lines = path.read_text("utf-8").splitlines()
    [at] = [n for n, old in enumerate(lines) if old.startswith(start)]
    lines[at] = line.rstrip("\n")
    path.write_text("\n".join(lines) + "\n", "utf-8")
