"""Two ERPs on one stage: each keeps the books of one of our companies, and hears only of its documents."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from hub.demo.erp import Erp
from hub.settings import Settings

_FILES = ("policies.yaml", "routes.yaml")


def split(settings: Settings, erps: Sequence[Erp], folder: Path) -> Path:
    """A configuration folder in which every ERP is told of its own seller's documents only.

    Customers are left out: an ERP gets one with the first document of theirs that it gets.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in _FILES:
        shutil.copyfile(settings.config_file(name), folder / name)
    policies = yaml.safe_load((folder / "policies.yaml").read_text("utf-8"))
    policies["sellers"] = [erp.seller for erp in erps]
    _write(folder / "policies.yaml", policies)
    sellers = {erp.connection: erp.seller for erp in erps}
    routes = yaml.safe_load((folder / "routes.yaml").read_text("utf-8"))
    _write(folder / "routes.yaml", {event: _told(event, names, sellers) for event, names in routes.items()})
    return folder


def _told(event: str, names: Sequence[Any], sellers: dict[str, str]) -> list[Any]:
    if event == "customer.received":
        return [name for name in names if name not in sellers]
    if event.startswith("customer."):
        return list(names)
    return [{"to": name, "seller": [sellers[name]]} if name in sellers else name for name in names]


def _write(path: Path, content: Any) -> None:
    path.write_text(yaml.safe_dump(content, sort_keys=False), "utf-8")
