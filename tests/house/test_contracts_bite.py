"""The import rules hold, and each of them notices when it is broken."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.house import tree

CONTRACTS: list[dict[str, Any]] = tomllib.loads(tree.text("pyproject.toml"))["tool"]["importlinter"][
    "contracts"
]

# Contract id to the files that break it.
BREACHES = {
    "layers": {"hub/model/breach.py": "import hub.sdk\n"},
    "sdk": {"connectors/breach/__init__.py": "import hub.http\n"},
    "strangers": {
        "connectors/breach/__init__.py": "import connectors.second_breach\n",
        "connectors/second_breach/__init__.py": "",
    },
    "vendors": {
        "connectors/breach/__init__.py": "",
        "webhooks/breach.py": "import connectors.breach\n",
    },
    "sql": {"hub/model/breach.py": "import sqlalchemy\n"},
    "simulators": {"sandbox/breach.py": "import hub.errors\n"},
    "stage": {"webhooks/breach.py": "import sandbox.kit\n"},
    "tests": {"hub/model/breach.py": "import pytest\n"},
}


def lint(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the import rules as `make check` does."""
    command = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [command, "--no-cache", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The product's Python, without its vendors: they are not what is tested here."""
    for name in tree.python(*tree.PRODUCT):
        if name.startswith("connectors/") and name != "connectors/__init__.py":
            continue
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(tree.ROOT / name, target)
    shutil.copyfile(tree.ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    return tmp_path


def test_the_tree_keeps_every_rule() -> None:
    checked = lint(tree.ROOT)
    assert checked.returncode == 0, checked.stdout[-3000:]
    assert f"{len(CONTRACTS)} kept, 0 broken" in checked.stdout


def test_there_is_a_breach_for_every_rule() -> None:
    assert set(BREACHES) == {contract["id"] for contract in CONTRACTS}


@pytest.mark.parametrize("contract", BREACHES)
def test_a_breach_is_noticed(contract: str, copy: Path) -> None:
    for name, source in BREACHES[contract].items():
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(f'"""Breaks a rule on purpose."""\n{source}')
    checked = lint(copy, "--contract", contract)
    assert checked.returncode != 0, checked.stdout[-3000:]
    assert "BROKEN" in checked.stdout
    assert "breach" in checked.stdout


def test_every_module_of_the_hub_has_its_layer() -> None:
    placed: set[str] = set()
    layers = next(contract for contract in CONTRACTS if contract["id"] == "layers")["layers"]
    for layer in layers:
        placed |= {part.strip(" ()") for part in layer.replace("|", ":").split(":")}
    there = {
        "hub." + name.split("/")[1].removesuffix(".py")
        for name in tree.python("hub")
        if name != "hub/__init__.py"
    }
    assert there <= placed, f"give these a layer in pyproject.toml: {sorted(there - placed)}"
