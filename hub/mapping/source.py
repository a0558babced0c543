"""The text of formulas and paths: from what an author wrote to what can be read, and back for messages."""

from __future__ import annotations

import ast
import keyword
import re
import warnings
from typing import Any

from hub.mapping.finding import GrammarError
from hub.mapping.nodes import Path, Step

LENGTH_MAX = 2_000
DEPTH_MAX = 50
POSITION_MAX = 10_000

_EACH = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|\[\s*\]""")
_RESERVED = re.compile(r"\.\s*(" + "|".join(keyword.kwlist) + r")\b")
_STRING = re.compile(r"""\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'""")
# What people write who know spreadsheets or other languages, and how it is written here.
_SLIPS = (
    (
        re.compile("[\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb]"),
        "curly quotes do not mark text",
        'write straight quotes: "',
    ),
    (re.compile(";"), "; does not separate values", "write a comma"),
    (re.compile("<>"), "<> is not a comparison of formulas", "write != for: is not"),
    (re.compile("(?<![=!<>])=(?!=)"), "= does not compare", "write =="),
    (re.compile(r"&&|\|\|"), "conditions are joined with words", "write and, or"),
    (re.compile(r"!(?!=)"), "! is not a word of formulas", "write not"),
    (re.compile(r"[0-9]\s*%"), "a percentage is a number here", "write for example 0.19"),
    (re.compile(r"\?"), "? is not a word of formulas", "write IF(condition, then, else)"),
    (re.compile(r"[$@#]"), "a name in a formula has letters, digits and _", "read such a field with from"),
)


def _blanked(found: re.Match[str]) -> str:
    return "_" * len(found[0])


def parse_path(written: object) -> Path:
    """Read the path of `from` or `each`: names, `[0]` or `.0` for a position, `[]` for every item."""
    if not isinstance(written, str) or not written.strip():
        raise GrammarError("a path is text", remedy="write for example properties.amount")
    if len(written) > LENGTH_MAX:
        raise GrammarError(f"the path is longer than {LENGTH_MAX} characters")
    parts = re.sub(r"\[\s*(\d*)\s*\]", r".[\1]", written.strip()).split(".")
    if len(parts) > DEPTH_MAX:
        raise GrammarError(f"the path has more than {DEPTH_MAX} steps")
    return Path(text=written.strip(), offset=0, steps=tuple(_step(part, written) for part in parts))


def _step(part: str, written: str) -> Step:
    if part == "[]":
        return None
    digits = part.strip("[]") if part.startswith("[") else part
    if digits.isascii() and digits.isdigit() and len(digits) <= 6:
        return list_position(int(digits), 0)
    if not part or part != part.strip() or set(part) & set("[](){}'\"") or part.startswith("__"):
        raise GrammarError(f"'{written}' is not a path", remedy="write names, [0] and [] joined by dots")
    return part


def list_position(position: int, offset: int) -> int:
    """A position in a list, within bounds. Raises GrammarError."""
    if position > POSITION_MAX:
        raise GrammarError(f"position {position} is over {POSITION_MAX}", offset=offset)
    return position


class Source:
    """A formula's text in the form `ast` accepts, and the way back to what the author wrote."""

    def __init__(self, written: str) -> None:
        self.indent = len(written) - len(written.lstrip())
        # `[]` is no Python; a full slice is, and has no other meaning here
        line = re.sub(r"[\r\n]", " ", written.strip())
        self.prepared = _EACH.sub(lambda found: found[1] or "[:]", line)
        self.encoded = self.prepared.encode()

    def parse(self) -> ast.expr:
        """Python's tree of it, at most DEPTH_MAX deep. Raises GrammarError."""
        try:
            with warnings.catch_warnings():  # Python's opinion on style is not for our log
                warnings.simplefilter("ignore")
                tree = ast.parse(self.prepared, mode="eval").body
        except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
            raise self._refused(error) from None
        _check_depth(tree)
        return tree

    def _refused(self, error: Exception) -> GrammarError:
        if reserved := _RESERVED.search(self.prepared):
            remedy = f"'{reserved[1]}' is a reserved word in formulas: read it with from"
            return GrammarError("the formula cannot be read", offset=reserved.start(1), remedy=remedy)
        for slip, message, remedy in _SLIPS:
            if found := slip.search(_STRING.sub(_blanked, self.prepared)):
                offset = self.offset(len(self.prepared[: found.start()].encode()))
                return GrammarError(message, offset=offset, remedy=remedy)
        if isinstance(error, SyntaxError):
            reached = error.offset - 1 if error.offset else len(self.prepared)  # none: at the end
            offset = self.offset(len(self.prepared[:reached].encode()))
            told = "it stops making sense here" if error.msg == "invalid syntax" else error.msg
            return GrammarError(f"the formula cannot be read: {told}", offset=offset)
        return GrammarError("the formula is too deeply nested", remedy="split it over fields")

    def offset(self, position: int) -> int:
        """Characters into the author's text, from bytes into the prepared text."""
        before = self.encoded[:position].decode(errors="ignore")
        return self.indent + len(before.replace("[:]", "[]"))

    def at(self, node: ast.expr) -> dict[str, Any]:
        """`text` and `offset` of the tree node made from this one."""
        segment = self.encoded[node.col_offset : node.end_col_offset].decode(errors="ignore")
        return {"text": segment.replace("[:]", "[]"), "offset": self.offset(node.col_offset)}


def _check_depth(tree: ast.expr) -> None:
    level: list[ast.AST] = [tree]
    for _ in range(DEPTH_MAX):
        level = [
            child for node in level for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)
        ]
        if not level:
            return
    raise GrammarError(f"the formula nests more than {DEPTH_MAX} deep", remedy="split it over fields")
