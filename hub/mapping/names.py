"""The function of formulas that takes people's names apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub.mapping.signature import Functions, Unfit
from hub.mapping.values import Refusal, as_text, shown

NAME_MAX = 400  # characters of a name

NAME_FUNCTIONS = Functions()

_PARTS = ("first", "last")
# Words that belong to the last name when they stand before it.
_PARTICLE_WORDS = """
al ap ben bin d' da dal das de degli dei del della den der des di do dos du el ibn in 't la las le lo los
mac san santa st. ten ter und van ver vom von y zu zum zur
"""
_PARTICLES = frozenset(_PARTICLE_WORDS.split())


def _known_part(values: tuple[Any, ...]) -> Mapping[int, Any]:
    if isinstance(values[1], str) and values[1] not in _PARTS:
        raise Unfit(1, f"{shown(values[1])} is not a part of a name", 'write "first" or "last"')
    return {}


@NAME_FUNCTIONS.define("SPLITNAME", "text", "any", "text", prepare=_known_part)
def _split_name(value: Any, part: Any) -> str:
    """SPLITNAME(text, "first" or "last"): part of a person's name. The last word is the last name, with
    van, de or von before it; `Last, First` is understood; a single word is a last name.
    Example: SPLITNAME("Ludwig van Beethoven", "last") -> van Beethoven"""
    wanted, name = as_text(part), " ".join(as_text(value).split())
    if wanted not in _PARTS:
        raise Refusal(f'{shown(wanted)} is not a part of a name; write "first" or "last"', part)
    if len(name) > NAME_MAX:
        raise Refusal(f"a name has at most {NAME_MAX} characters", value)
    first, last = _halves(name)
    return first if wanted == "first" else last


def _halves(name: str) -> tuple[str, str]:
    before, comma, after = name.partition(",")
    if comma:
        return after.strip(), before.strip()
    words = name.split()
    at = len(words) - 1
    while at > 0 and words[at - 1].lower() in _PARTICLES and (at > 1 or words[0].islower()):
        at -= 1
    return " ".join(words[:at]), " ".join(words[at:])
