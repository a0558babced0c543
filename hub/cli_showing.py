"""Previews and back-tests as tables in a terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hub.origins import Lineage
from hub.trying import BackTest, Preview

_WIDE = 60  # characters of a value shown in a table


def _short(value: Any) -> str:
    text = "" if value is None else str(value)
    return escape(text if len(text) <= _WIDE else text[: _WIDE - 1] + "…")


def show(screen: Console, one: Preview) -> None:
    """One record: failing fields first, then each value with what it was made from."""
    screen.rule(f"record {escape(one.sample.external_id)}")
    if not one.trace.applies and not one.trace.failed:
        screen.print("not for us: the mapping's when is not met")
        return
    table = Table("field", "value", "from", "by", "line")
    for failed in one.trace.failed:
        read = ", ".join(f"{part.path} = {_short(part.value)}" for part in failed.inputs)
        table.add_row(
            f"[red]{escape(failed.field)}", f"[red]{escape(failed.reason)}", read, "", str(failed.line)
        )
    for origin in one.trace.origins:
        read = ", ".join(f"{part.path} = {_short(part.value)}" for part in origin.inputs)
        rule = origin.formula or ", ".join(origin.via) or origin.rule
        table.add_row(origin.target, _short(origin.value), read, _short(rule), str(origin.line))
    screen.print(table)
    for skipped in one.trace.skipped:
        screen.print(f"[dim]left out: {escape(skipped.target)} ({skipped.reason})")
    if one.problem:
        screen.print(f"[red]{escape(one.problem)}")


def tell(screen: Console, found: BackTest) -> None:
    """A back-test: how many differ, in which fields, for example how, and who would be told."""
    screen.print(
        f"{found.slot}: {found.candidate} against {found.current or 'nothing'}: {found.compared} records, "
        f"{found.same} the same, {found.different} different"
    )
    for (before, after), count in found.outcomes.most_common():
        if before != after:
            screen.print(f"  {count} were {before} and would be {after}")
    for reason, count in found.reasons.most_common(10):
        screen.print(f"  [red]{count}: {escape(reason)}")
    if found.fields:
        table = Table("field", "records", "for example", "now", "then")
        for name, count in found.fields.most_common(40):
            first = found.examples[name][0]
            table.add_row(
                name, str(count), escape(first.external_id), _short(first.before), _short(first.after)
            )
        screen.print(table)
    for name, count in found.too_late.most_common():
        screen.print(f"  {name} is agreed already in {count} documents: the change would become a case")
    for name, count in found.systems.most_common():
        screen.print(f"  {name} would be told of {count} documents")


def explain(screen: Console, found: Lineage) -> None:
    """A document's fields and where each comes from; then what each system was told."""
    table = Table("field", "value", "comes from", "by")
    for one in found.fields:
        if one.origin is not None and one.source is not None:
            read = ", ".join(f"{part.path} = {_short(part.value)}" for part in one.origin.inputs)
            by = f"{one.source.mapping}, line {one.origin.line}"
            table.add_row(one.path, _short(one.value), f"{one.source.connection}: {read}", by)
        else:
            by = f"{one.event} by {one.actor}" if one.event else "the model"
            table.add_row(one.path, _short(one.value), "the hub" if one.how == "hub" else "default", by)
    screen.print(table)
    for sent in found.sent:
        screen.rule(f"{escape(sent.connection)} {escape(sent.external_id)}: {escape(sent.mapping)}")
        told = Table("field", "value", "from")
        for origin in sent.origins:
            read = ", ".join(f"{part.path} = {_short(part.value)}" for part in origin.inputs)
            told.add_row(origin.target, _short(origin.value), read)
        screen.print(told)
