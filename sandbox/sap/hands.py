"""How people change the system: whole or not at all, without effects of the interfaces being counted."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from sandbox.kit import Kit
    from sandbox.sap.idocs import IDocs
    from sandbox.sap.rules import Application
    from sandbox.sap.session import Sessions
    from sandbox.sap.store import Store
    from sandbox.sap.system import System

Number = Decimal | int | str


def day_of(text: str, today: date) -> date:
    """A day that was told, or today."""
    return date.fromisoformat(text) if text else today


class Hands:
    """What the actions of people work on."""

    kit: Kit
    store: Store
    system: System
    application: Application
    sessions: Sessions
    idocs: IDocs
    failing: list[str]
    pending: list[dict[str, Any]]

    if TYPE_CHECKING:

        def changing(self) -> AbstractContextManager[None]:
            """A change that happens whole or not at all."""

        def run_clearings(self) -> int:
            """Work off waiting clearing requests."""

        def send_due(self) -> None:
            """Send waiting IDocs."""

    def _by_hand(self) -> AbstractContextManager[None]:
        return _Quiet(self)


class _Quiet:
    """A change by hands: whole or not at all, without effects, and its IDocs go out afterwards."""

    def __init__(self, hands: Hands) -> None:
        self.hands = hands

    def __enter__(self) -> None:
        self.hands.kit.lock.acquire()
        self.change = self.hands.store.change()
        self.effects = self.change.__enter__()

    def __exit__(self, *raised: Any) -> None:
        try:
            self.change.__exit__(*raised)
            self.effects.clear()
        finally:
            self.hands.kit.lock.release()
        if raised[0] is None:
            self.hands.send_due()
