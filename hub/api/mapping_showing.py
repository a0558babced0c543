"""Versions, previews, back-tests and lineage as the API shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from hub.api import mapping_shapes as shapes
from hub.catalog import Sheet
from hub.errors import MappingInvalid
from hub.mapping import Finding, Origin, plain
from hub.mapping.lineage import Input
from hub.origins import FieldOrigin, Lineage, SentOrigin
from hub.trying import BackTest, Preview
from hub.versions import Checked

_VERSION = (
    "id", "connection", "kind", "direction", "version", "state", "author", "reason", "created_at",
    "activated_by", "activated_at", "retired_at",
)  # fmt: skip
RECORDS_SHOWN = 1_000


def wire(value: Any) -> Any:
    """Any value of a record for JSON: decimals as text, so that no reader makes floats of them."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): wire(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [wire(part) for part in value]
    return value


def finding(one: Finding) -> shapes.FindingOut:
    """A fault."""
    return shapes.FindingOut(
        line=one.line, column=one.column, message=one.message, remedy=one.remedy, severity=one.severity
    )


def findings(checked: Checked) -> Sequence[shapes.FindingOut]:
    """All of them."""
    return [finding(one) for one in checked.findings]


def content(text: str) -> Mapping[str, Any] | None:
    """A text as JSON; None where it cannot be read."""
    try:
        found: Mapping[str, Any] = wire(plain(text))
    except MappingInvalid:
        return None
    return found


def mapping(sheet: Sheet, checked: Checked) -> dict[str, Any]:
    """A mapping in force."""
    label = checked.document.label if checked.document else "cannot be read"
    return {
        **sheet.slot._asdict(), "mapping": label, "origin": "version" if sheet.version_id else "file",
        "place": sheet.place, "version_id": sheet.version_id, "faults": len(checked.errors),
    }  # fmt: skip


def version(row: Any) -> dict[str, Any]:
    """A version without its text."""
    return {name: getattr(row, name) for name in _VERSION}


def _inputs(inputs: Sequence[Input]) -> Sequence[shapes.InputOut]:
    return [shapes.InputOut(path=one.path, value=wire(one.value)) for one in inputs]


def origin(one: Origin) -> shapes.OriginOut:
    """Where a field comes from."""
    return shapes.OriginOut(
        target=one.target, value=wire(one.value), rule=one.rule, inputs=_inputs(one.inputs),
        formula=one.formula, via=one.via, condition=one.condition, mapping=one.mapping, file=one.file,
        line=one.line,
    )  # fmt: skip


def preview(one: Preview) -> shapes.PreviewOut:
    """What a mapping makes of a record."""
    seen = one.trace
    return shapes.PreviewOut(
        external_id=one.sample.external_id, document_id=one.sample.document_id, applies=seen.applies,
        record=wire(one.sample.record), document=wire(one.document), problem=one.problem,
        origins=[origin(part) for part in seen.origins],
        skipped=[shapes.SkippedOut(target=part.target, reason=part.reason) for part in seen.skipped],
        failed=[
            shapes.FailedOut(
                field=part.field, reason=part.reason, inputs=_inputs(part.inputs), line=part.line,
                waits=part.waits,
            )
            for part in seen.failed
        ],
    )  # fmt: skip


def backtest(found: BackTest) -> shapes.BackTestOut:
    """What would change."""
    return shapes.BackTestOut(
        candidate=found.candidate, current=found.current, compared=found.compared, same=found.same,
        different=found.different,
        outcomes=[
            shapes.OutcomeOut(before=before, after=after, records=count)
            for (before, after), count in found.outcomes.most_common()
        ],
        fields=[
            shapes.FieldChange(
                field=name, records=count,
                examples=[
                    shapes.ExampleOut(
                        external_id=one.external_id, before=wire(one.before), after=wire(one.after)
                    )
                    for one in found.examples[name]
                ],
            )
            for name, count in found.fields.most_common()
        ],
        reasons=dict(found.reasons), systems=dict(found.systems), too_late=dict(found.too_late),
        records=found.records[:RECORDS_SHOWN],
    )  # fmt: skip


def lineage(found: Lineage) -> shapes.LineageOut:
    """Where everything comes from."""
    return shapes.LineageOut(
        document_id=found.document_id, kind=found.kind, version=found.version,
        fields=[_field(one) for one in found.fields], sent=[_sent(one) for one in found.sent],
    )  # fmt: skip


def _field(one: FieldOrigin) -> shapes.FieldLineage:
    return shapes.FieldLineage(
        field=one.path, value=wire(one.value), how=one.how,
        source=shapes.SourceOut(**one.source._asdict()) if one.source else None,
        origin=origin(one.origin) if one.origin else None, event=one.event, actor=one.actor, at=one.at,
    )  # fmt: skip


def _sent(one: SentOrigin) -> shapes.SentLineage:
    facts = one._asdict()
    facts["fields"] = [origin(part) for part in facts.pop("origins")]
    return shapes.SentLineage(**facts)
