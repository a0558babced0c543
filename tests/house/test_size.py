"""Files and functions stay small enough to be read in one go."""

from __future__ import annotations

from tests.house import tree

FILE_LINES = 500
FUNCTION_LINES = 70
LISTS = "hub/store/migrations/versions/"  # a migration is a list of tables, not logic


@tree.each(tree.python(*tree.PRODUCT))
def test_file_is_at_most_500_lines(name: str) -> None:
    lines = len(tree.text(name).splitlines())
    assert lines <= FILE_LINES, f"{name} has {lines} lines: split it"


@tree.each([n for n in tree.python(*tree.PRODUCT) if not n.startswith(LISTS)])
def test_functions_are_at_most_70_lines(name: str) -> None:
    long = [
        f"{name}:{node.lineno} {node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in tree.functions(name)
        if node.end_lineno is not None and node.end_lineno - node.lineno >= FUNCTION_LINES
    ]
    assert not long, long
