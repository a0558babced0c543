"""One version of a mapping: the editor of a draft with its checks and trials; the others as they were."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from starlette.responses import Response

from hub import versions
from hub.api.access import Role
from hub.api.actions import Missing
from hub.errors import HubError, Invalid, MappingInvalid
from hub.mapping.reference import Entry, functions
from hub.settling import describe
from hub.store import connections, mappings
from hub.ui import explained
from hub.ui.pages import trials
from hub.ui.pages.mappings import path_of, sheet_of, title_of
from hub.ui.visit import Visit, get, post
from hub.versions import Checked

REASON_MAX = 1_000
_PATH = "/mappings/versions/{version_id}"


def _row(visit: Visit) -> Any:
    with visit.hub.store.look() as tx:
        row = mappings.one(tx.conn, visit.params["version_id"])
    if row is None:
        raise Missing("There is no such version of a mapping.")
    return row


def _text(visit: Visit, row: Any) -> str:
    """What stands in the editor; what is stored where nothing was sent."""
    return trials.entered(visit, "text") if "text" in visit.form else str(row.text)


def _named(row: Any) -> str:
    return f"{mappings.slot(row)} v{row.version}"


@cache
def _functions() -> Sequence[Entry]:
    return tuple(functions())


def _checked(visit: Visit, row: Any, text: str, *, ask: bool = False) -> Checked:
    """The check of a text; a text that is too long is a fault like any other."""
    try:
        return versions.check(visit.hub, mappings.slot(row), text, name=_named(row), ask=ask)
    except Invalid as error:
        return Checked(None, (), (describe(error),))


def _faults(checked: Checked) -> str:
    count = len(checked.errors)
    return (
        f"{count} {'fault keeps' if count == 1 else 'faults keep'} it from being activated." if count else ""
    )


def _unready(visit: Visit, row: Any, checked: Checked) -> str:
    """Why this version cannot be activated by this person; empty: it can."""
    if not checked.sound:
        return _faults(checked) or "It cannot be read, so it cannot be activated."
    if visit.settings.four_eyes and row.author == visit.who.name:
        return "You wrote this version: another admin has to activate it (four eyes)."
    return ""


def version(visit: Visit, *, status: int = 200, told: str = "", checked: Checked | None = None,
            **shown: Any) -> Response:  # fmt: skip
    """The editor of a draft; any other version, or a reader's view, as it is."""
    row = _row(visit)
    slot, text = mappings.slot(row), _text(visit, row)
    with visit.hub.store.look() as tx:
        connection: Any = connections.one(tx.conn, slot.connection)
        sheet = sheet_of(visit, tx, slot)
        now = tx.now
    checked = checked or _checked(visit, row, text)
    editable = row.state == "draft" and visit.may("admin")
    document = checked.document
    values: dict[str, Any] = {
        "row": row, "slot": slot, "text": text, "checked": checked, "told": told, "now": now,
        "here": f"/mappings/versions/{row.id}", "mapping_path": path_of(slot), "connection": connection,
        "reason": visit.field("reason") if "text" in visit.form else row.reason,
        "title": explained.sides(document.mapping, connection.connector, title_of(connection))
        if document else str(slot),
        "in_force": sheet is not None, "unready": _unready(visit, row, checked),
        "samples": trials.offered(visit, slot) if editable else (), "chosen": visit.field("record"),
        "pasted": trials.entered(visit, "pasted"), "last": visit.field("last") or str(trials.LAST),
        "last_max": trials.LAST_MAX, "functions": _functions() if editable else (),
        "rows": explained.rows(document) if document else (),
        "preview": None, "problem": "", "names": {}, "counted": None, "changes": None, "compared": ("", ""),
    }  # fmt: skip
    return visit.show("draft.html" if editable else "version.html", status=status, **values | shown)


# -- trying, which changes nothing ------------------------------------------------
def check(visit: Visit) -> Response:
    """Every fault of the text in the editor, with the fields that the system has now."""
    row = _row(visit)
    checked = _checked(visit, row, _text(visit, row), ask=True)
    if not visit.partial:
        return version(visit, checked=checked)
    unready = _unready(visit, row, checked)
    return visit.show("_findings.html", checked=checked, unready=unready, row=row, fresh=True, beside=False)


def _trial(work: Callable[[Visit, Any], tuple[str, dict[str, Any]]]) -> Callable[[Visit], Response]:
    """A trial as a fragment, or the whole page with it for a browser without scripts."""

    def view(visit: Visit) -> Response:
        row = _row(visit)
        template, shown = work(visit, row)
        if not visit.partial:
            return version(visit, **shown)
        checked = _checked(visit, row, _text(visit, row))
        unready = _unready(visit, row, checked)
        return visit.show(
            "_trial.html", fragment=template, checked=checked, unready=unready, row=row, **shown
        )

    return view


def _preview(visit: Visit, row: Any) -> tuple[str, dict[str, Any]]:
    written = (_text(visit, row), _named(row))
    found = trials.preview(
        visit, mappings.slot(row), written, visit.field("record"), trials.entered(visit, "pasted")
    )
    return "_preview.html", found._asdict()


def _backtest(visit: Visit, row: Any) -> tuple[str, dict[str, Any]]:
    written = (_text(visit, row), _named(row))
    return "_backtest.html", {
        "counted": trials.backtest(visit, mappings.slot(row), written, visit.field("last"))
    }


def _changes(visit: Visit, row: Any) -> tuple[str, dict[str, Any]]:
    return "_changes.html", _difference(visit, row, _text(visit, row), "")


def _difference(visit: Visit, row: Any, text: str, against: str) -> dict[str, Any]:
    with visit.hub.store.look() as tx:
        sheet = sheet_of(visit, tx, mappings.slot(row))
        other: Any = mappings.one(tx.conn, against) if against else None
    if other is not None:
        before, name = other.text, f"v{other.version}"
    else:
        before, name = (sheet.text, "in force") if sheet is not None else ("", "nothing")
    names = (name, f"v{row.version}")
    return {"changes": list(versions.difference(before, text, names))[2:], "compared": names}


def difference(visit: Visit) -> Response:
    """Line by line against another version; what is in force is compared with the one before it."""
    row = _row(visit)
    with visit.hub.store.look() as tx:
        others = [one for one in mappings.versions(tx.conn, mappings.slot(row)) if one.id != row.id]
    before = [one.id for one in others if one.version < row.version and one.state == "retired"]
    usual = before[0] if before and row.state == "active" else ""
    against = visit.asked("against") or usual
    shown = _difference(visit, row, row.text, against)
    return visit.show(
        "version_changes.html", row=row, slot=mappings.slot(row), others=others, against=against,
        here=f"/mappings/versions/{row.id}", mapping_path=path_of(mappings.slot(row)), **shown,
    )  # fmt: skip


# -- changing -----------------------------------------------------------------------
def _kept(visit: Visit, row: Any) -> None:
    """Store what stands in the editor, if it is another text or reason. Raises Invalid."""
    text, reason = _text(visit, row), visit.field("reason")
    if len(reason) > REASON_MAX:
        raise Invalid(f"the reason is over {REASON_MAX} characters", field="reason")
    if "text" not in visit.form or (text == row.text.replace("\r\n", "\n") and reason == row.reason):
        return
    versions.save_draft(
        visit.hub, mappings.slot(row), text, by=visit.who.name, reason=reason, draft_id=row.id
    )  # fmt: skip


def save(visit: Visit) -> Response:
    """Keep the draft, faults and all."""
    row = _row(visit)
    try:
        _kept(visit, row)
    except HubError as error:
        return version(visit, status=422, told=describe(error))
    faults = _faults(_checked(visit, row, _text(visit, row)))
    return visit.go(f"/mappings/versions/{row.id}", f"The draft is saved. {faults}".strip())


def activate(visit: Visit) -> Response:
    """Put in force what stands in the editor."""
    row = _row(visit)
    try:
        _kept(visit, row)
        versions.activate(visit.hub, row.id, by=visit.who.name, four_eyes=visit.settings.four_eyes)
    except MappingInvalid as error:
        checked = Checked(None, error.findings, ())
        return version(visit, status=422, told="it has faults and was not activated", checked=checked)
    except HubError as error:
        return version(visit, status=422, told=describe(error))
    return visit.go(path_of(mappings.slot(row)), f"v{row.version} is in force from now on.")


def discard(visit: Visit) -> Response:
    """Throw a draft away."""
    row = _row(visit)
    try:
        versions.discard(visit.hub, row.id, by=visit.who.name)
    except HubError as error:
        return version(visit, status=422, told=describe(error))
    return visit.go(path_of(mappings.slot(row)), f"The draft v{row.version} is gone.")


PLACES = (
    get(_PATH, version),
    get(_PATH + "/diff", difference),
    post(_PATH, save, Role.ADMIN),
    post(_PATH + "/check", check, Role.ADMIN),
    post(_PATH + "/preview", _trial(_preview), Role.ADMIN),
    post(_PATH + "/backtest", _trial(_backtest), Role.ADMIN),
    post(_PATH + "/changes", _trial(_changes), Role.ADMIN),
    post(_PATH + "/activate", activate, Role.ADMIN),
    post(_PATH + "/discard", discard, Role.ADMIN),
)
