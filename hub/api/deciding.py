"""Routes for cases: the questions, and their answers."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query

from hub.api import showing
from hub.api.access import Operator, TheHub, Viewer
from hub.api.shapes import After, CaseDetail, CaseOut, DecisionIn, Limit, Name, Page, page
from hub.decide import decide
from hub.stages.outcome import Choice
from hub.store import views

router = APIRouter(prefix="/cases", tags=["cases"])


@router.get("")
def cases(
    *, who: Viewer, hub: TheHub,
    state: Annotated[Literal["open", "resolved"], Query()] = "open",
    reason: Name = "",
    limit: Limit = 50,
    after: After = "",
) -> Page[CaseOut]:  # fmt: skip
    """Cases, newest first."""
    with hub.store.look() as tx:
        rows = views.cases(tx.conn, state=state, reason=reason, limit=limit, after=after)
    return page([showing.case(row) for row in rows], limit, showing.last(rows))


@router.get("/{case_id}")
def case(who: Viewer, hub: TheHub, case_id: str) -> CaseDetail:
    """A case with its evidence and the answers it takes."""
    with hub.store.look() as tx:
        row = views.case(tx.conn, case_id)
    if row is None:
        raise HTTPException(404, "there is no such case")
    return showing.case_detail(row)


@router.post("/{case_id}/decision")
def decision(who: Operator, hub: TheHub, case_id: str, answer: DecisionIn) -> CaseDetail:
    """Answer a case. 422 when it cannot be answered so; then nothing has changed."""
    case(who, hub, case_id)
    decide(hub, case_id, answer.decision, Choice(who.name, answer.note, answer.values))
    return case(who, hub, case_id)
