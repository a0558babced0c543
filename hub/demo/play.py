"""`o2c demo`: play the story, show that it ties out, and keep the stage open for a look around."""

from __future__ import annotations

import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from hub.demo.crm import CHOICES
from hub.demo.erp import ERPS
from hub.demo.money import Desk
from hub.demo.retailer import NAME
from hub.demo.stage import BOOKS, CRMS, Stage, Stuck, on_stage
from hub.demo.story import Story
from hub.demo.tieout import show


def play(*, once: bool, port: int, keep: Path | None, crm: str, erp: str, pay: str, edi: bool) -> int:
    """The exit code: 0 when everything ties out. One of CHOICES, one of ERPS, one of PAY."""
    console = Console(highlight=False)
    began = time.monotonic()
    titles = [*(CRMS[name].title for name in CHOICES[crm]), *(BOOKS[name] for name in ERPS[erp])]
    titles += [Desk.title] if pay == "all" else []
    titles += [f"retailer ({NAME})"] if edi else []
    systems = f"the hub and simulated {', '.join(titles)} and bank"
    console.print(f"[bold]O2C Hub demo[/]: starting {systems} ...", soft_wrap=True)
    with _folder(keep) as folder, on_stage(folder, port, crm, erp, pay, edi=edi) as stage:
        for name, url in stage.places.items():
            console.print(f"  {name:10} {url}")
        step = iter(range(1, 1000))
        try:
            story = Story(stage, lambda text: console.print(f" {next(step):2}. {text}", soft_wrap=True))
            told = story.play()
        except Stuck as reason:
            console.print(f"[red]The story is stuck:[/] {reason}")
            return 1
        tied = show(stage, told, console)
        calls = ", ".join(f"{one.calls()} calls to {one.title}" for one in stage.erps)
        console.print(f"played in {time.monotonic() - began:.1f} s, {calls}")
        if not once:
            story.encore()
            console.print("Left for you in the console: an order over its limit, and a payment to match.")
            _stay(stage, console)
    return 0 if tied else 1


def _stay(stage: Stage, console: Console) -> None:
    console.print(f"\nConsole:      [bold]{stage.url}[/]")
    console.print(f"Sign in with: [bold]{stage.token}[/]", soft_wrap=True)
    console.print("Everything keeps running, also the simulators. Ctrl-C ends it.")
    stop = threading.Event()
    for crm in stage.crms:
        threading.Thread(target=crm.keep_sending, args=(stop, 0.5), daemon=True).start()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # `kill` ends it as Ctrl-C does
    try:
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        console.print("stopping ...")
    finally:
        stop.set()


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="o2c-demo-") as name:
        yield Path(name)
