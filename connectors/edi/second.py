"""A second reader for what we send: pyx12's walk along maps made of our guides, before anything leaves.

It shares no code with our writer and our walk, so one slip of ours does not pass both.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Collection, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from connectors.edi import maps
from connectors.edi.guide import load
from connectors.edi.header import Marks

OBJECTIONS_MAX = 50
_ITS_FAULTS = (
    IndexError,
    AttributeError,
    ValueError,
    KeyError,
)  # on segments it does not expect
_SHORT = "4"  # AK403
_SET = "/ISA_LOOP/GS_LOOP/ST_LOOP"

# pyx12 tells no types and writes values of documents into its log: the one is asked for by name, the other
# kept silent.
logging.getLogger("pyx12").setLevel(logging.CRITICAL)
logging.getLogger("pyx12.error_handler").setLevel(logging.CRITICAL)


@cache
def _map(set_id: str, release: int) -> Any:
    """The compiled map of a set, made once per process."""
    with tempfile.TemporaryDirectory() as folder:
        name = maps.write(load(set_id, release), Path(folder))
        params = import_module("pyx12.params").ParamsBase()
        return import_module("pyx12.map_if").load_map_file(name, params, folder)


def objections(
    set_id: str, release: int, segments: Sequence[str], marks: Marks, echoed: Collection[str] = ()
) -> list[str]:
    """What pyx12 has against a set, ST first, as sentences with the X12 code; empty where nothing.

    Takes a set of one of OWN_RELEASES without repeated elements, such as we write. Values of `echoed` may be
    too short. Raises KeyError for a set that has no guide.
    """
    root = _map(set_id, release)
    segment_of = import_module("pyx12.segment").Segment
    walker = import_module("pyx12.map_walker").walk_tree()
    walker.forceWalkCounterToLoopStart(_SET, f"{_SET}/ST")
    node = root.getnodebypath(f"{_SET}/ST")
    found: list[str] = []
    reached: Any = None
    for position, text in enumerate(segments, 1):
        segment = segment_of(text, marks.terminator, marks.element, marks.component or "\x1e")
        try:
            if position > 1:
                reached, _, _, errors = walker.walk_errors(node, segment, position, position, None)
                found += [f"segment {position}, AK3 {one.err_cde}: {one.err_str}" for one in errors]
                node = reached or node
            _, errors = node.is_valid_errors(segment) if position == 1 or reached else (True, [])
            found += [
                f"segment {position}, AK4 {one.err_cde}: {one.err_str}"
                for one in errors
                if one.err_cde != _SHORT or one.err_val not in echoed
            ]
        except _ITS_FAULTS as error:
            found.append(f"segment {position}: pyx12 cannot check it ({type(error).__name__})")
        if len(found) >= OBJECTIONS_MAX:
            break
    return found[:OBJECTIONS_MAX]
