"""Whether a customer we are about to create at a system is known there already: keys before names.

A second customer for the same company splits what they owe and what they may owe; a wrong link sends one
company's invoices to another. So only an unequivocal key links by itself, and anything else is a question.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from hub.connector import Candidate

KEYS = ("external_id", "tax_id", "duns")  # in this order of trust; a domain or a name proves nothing
_SAID = {"external_id": "reference", "tax_id": "tax id", "duns": "D-U-N-S number"}


class Judged(NamedTuple):
    """The one it is; or why a person must look; or neither: it is new there."""

    link: Candidate | None = None
    doubt: str = ""


def judge(
    candidates: Sequence[Candidate], taken: Mapping[str, str], declined: Collection[str] = ()
) -> Judged:
    """What to do about candidates.

    `taken`: external ids that belong to another document of ours, with its name. `declined`: those of which
    a person said that they are somebody else.
    """
    left = [one for one in candidates if one.external_id not in declined]
    for key in KEYS:
        found = {one.external_id: one for one in left if one.by == key}
        if len(found) > 1:
            return Judged(doubt=f"{len(found)} there have its {_SAID[key]}")
        for one in found.values():
            if one.external_id in taken:
                told = f"{one.name} has its {_SAID[key]}, and is {taken[one.external_id]} here already"
                return Judged(doubt=told)
            return Judged(link=one)
    if not left:
        return Judged()
    names = ", ".join(dict.fromkeys(one.name for one in left[:3]))
    return Judged(doubt=f"only name or domain speak for {names}")


def evidence(
    candidates: Sequence[Candidate], taken: Mapping[str, str], wanted: Mapping[str, Any]
) -> Mapping[str, Any]:
    """What a person compares: ours, and what was found there."""
    rows = [
        {
            "external_id": one.external_id, "name": one.name, "by": one.by, "detail": one.detail,
            "linked_to": taken.get(one.external_id, ""),
        }
        for one in candidates
    ]  # fmt: skip
    return {"ours": {name: str(value) for name, value in wanted.items() if value}, "candidates": rows}
