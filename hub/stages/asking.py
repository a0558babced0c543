"""Asking: what an order would become if its customer's change were taken. Pure: it decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from hub.model import ChangedLine, Order, OrderChange, OrderLine
from hub.model.order import LINES_MAX


class Asked(NamedTuple):
    """The order with the change in it, and what speaks against it.

    `change`: the same with the lines that were found for it. `problems` make it impossible to say what is
    meant; about `doubts` a person can decide. `told`: each thing that is asked, in words.
    """

    order: Order
    change: OrderChange
    problems: Sequence[str]
    doubts: Sequence[str]
    told: Sequence[str]


class _Lines:
    """Lines of an order while they are changed, in their order."""

    def __init__(self, order: Order) -> None:
        self.by_id = {line.line_id: line for line in order.lines}
        self.requested_on = order.requested_on
        self.problems: list[str] = []
        self.doubts: list[str] = []
        self.told: list[str] = []
        if len(self.by_id) < len(order.lines):
            self.problems.append("two lines of the order have the same line id")

    def found(self, one: ChangedLine) -> OrderLine | None:
        """The line that is meant; None, and a problem, where that is not certain."""
        if one.line_id:
            line = self.by_id.get(one.line_id)
            if line is None:
                self.problems.append(f"the order has no line {one.line_id}")
            elif one.sku and one.sku != line.sku and one.action != "replace":
                self.doubts.append(f"line {one.line_id} is {line.sku}, and the change says {one.sku}")
            return line
        same = [line for line in self.by_id.values() if line.sku == one.sku] if one.sku else []
        if len(same) != 1:
            named = one.sku or "what is named neither by number nor by item"
            count = f"{len(same)} lines" if same else "no line"
            self.problems.append(f"the order has {count} for {named}")
            return None
        return same[0]

    def put(self, line: OrderLine, said: str) -> None:
        """This is the line from now on."""
        self.by_id[line.line_id] = line
        self.told.append(f"line {line.line_id} ({line.sku}): {said}")


def asked_for(change: OrderChange, order: Order) -> Asked:
    """Carry out a change on a copy of its order: lines by their id, else by a sku that only one line has."""
    lines = _Lines(order)
    found: list[ChangedLine] = []
    for one in change.lines:
        line = None if one.action == "add" else lines.found(one)
        if one.action == "add":
            _add(one, lines)
        elif line is not None:
            _change(one, line, lines)
        # named for ever: what is deleted or replaced cannot be found by its sku later
        found.append(one.model_copy(update={"line_id": line.line_id}) if line is not None else one)
    if len(lines.by_id) > LINES_MAX:
        lines.problems.append(f"the order would have more than {LINES_MAX} lines")
    fields: dict[str, Any] = {}
    if tuple(lines.by_id.values()) != order.lines:
        fields |= {"lines": tuple(lines.by_id.values()), "declared_amount": None}  # it was of other lines
    if change.requested_on is not None and change.requested_on != order.requested_on:
        fields["requested_on"] = change.requested_on
        lines.told.append(f"delivery on {change.requested_on}{_instead(order.requested_on)}")
    if not fields and change.note and not any(one.action == "none" for one in change.lines):
        lines.doubts.append("it changes nothing but has a note, which may say more")
    named = change.model_copy(update={"lines": tuple(found)})
    return Asked(order.model_copy(update=fields), named, lines.problems, lines.doubts, lines.told)


def _add(one: ChangedLine, lines: _Lines) -> None:
    new = one.line
    if new is None or not new.line_id:
        lines.problems.append(f"a line is added without saying what it is: {one.sku or one.line_id or '?'}")
    elif new.line_id in lines.by_id:
        lines.problems.append(f"line {new.line_id} is added, and the order has it already")
    else:
        lines.put(new, f"added, {new.quantity} at {new.unit_price}")


def _change(one: ChangedLine, line: OrderLine, lines: _Lines) -> None:
    if one.action == "delete" or (one.action == "quantity" and one.quantity == 0):
        del lines.by_id[line.line_id]
        lines.told.append(f"line {line.line_id} ({line.sku}): deleted")
    elif one.action == "replace":
        if one.line is None:
            lines.problems.append(f"line {line.line_id} is replaced without saying by what")
            return
        new = _same_item(line, one.line) if one.line.sku == line.sku else one.line
        new = new.model_copy(update={"line_id": line.line_id})
        lines.put(new, f"replaced, {new.quantity} {new.sku} at {new.unit_price}")
    elif one.action != "none":
        _set(one, line, lines)


def _same_item(line: OrderLine, new: OrderLine) -> OrderLine:
    """What a buyer can say of an item anew. Its tax, its name and how it is delivered stay."""
    said = {
        "quantity": new.quantity, "unit_code": new.unit_code, "unit_price": new.unit_price,
        "requested_on": new.requested_on or line.requested_on,
    }  # fmt: skip
    return line.model_copy(update=said)


_FIELDS = {"quantity": "quantity", "price": "unit_price", "date": "requested_on"}


def _set(one: ChangedLine, line: OrderLine, lines: _Lines) -> None:
    """One thing of a line changes; what else is said of it must be as it is, or a person looks."""
    for action, name in _FIELDS.items():
        new, now = getattr(one, name), getattr(line, name)
        now = lines.requested_on if name == "requested_on" and now is None else now
        if action == one.action and new is None:
            lines.problems.append(f"line {line.line_id}: its {action} changes, and no {action} is said")
        elif action == one.action and new != now:
            line = line.model_copy(update={name: new})
            lines.put(line, f"{action} {new}{_instead(now)}")
        elif action != one.action and new not in (None, now):
            lines.doubts.append(
                f"line {line.line_id}: its {one.action} is to change, and {action} {new} is said "
                f"where the order has {now}"
            )


def _instead(now: Any) -> str:
    return f" instead of {now}" if now is not None else ""
