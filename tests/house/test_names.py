"""Names say what a thing is: words that fit everything are not used."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.house import tree

_LABELS = ("manager", "helper", "util", "handler", "processor", "service")
BANNED = {*_LABELS, *(f"{label}s" for label in _LABELS), "data", "info"}
FRAMEWORK_BASES = frozenset({"BaseModel", "BaseSettings"})

# Words of the field or of a convention, not labels for what has no name: (file or "" for any, name).
ALLOWED = {
    ("", "data_dir"),  # where a program keeps its files, as everywhere on Unix
    ("hub/stages/fulfilment.py", "services"),  # goods and services
    ("hub/wire.py", "get_extra_info"),  # a name of httpcore's
    ("hub/demo/story.py", "_bluefinch_buys_a_service"),
}


def names(tree_: ast.Module) -> Iterator[tuple[int, str]]:
    """Every name this module gives to something."""
    for node in ast.walk(tree_):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id if isinstance(node, ast.Name) else node.attr
        elif isinstance(node, ast.alias) and node.asname:
            yield getattr(node, "lineno", 0), node.asname
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs) and node.name:
            yield node.lineno, node.name


def offences(name: str, module: ast.Module) -> list[str]:
    """What in this file is named with a banned word."""
    found = []
    for part in name.removesuffix(".py").split("/"):
        if BANNED & set(tree.words(part)):
            found.append(f"{name}: file or folder {part}")
    for line, given in names(module):
        banned = BANNED & set(tree.words(given))
        if banned and not ALLOWED & {("", given), (name, given)}:
            found.append(f"{name}:{line} {given}: banned word {', '.join(sorted(banned))}")
    for node in ast.walk(module):
        is_base = isinstance(node, ast.ClassDef) and tree.words(node.name)[:1] == ["base"]
        if is_base and node.name not in FRAMEWORK_BASES:
            found.append(f"{name}:{node.lineno} {node.name}: a class is not named Base...")
    return found


@tree.each(tree.python(*tree.PRODUCT))
def test_no_banned_word_in_a_name(name: str) -> None:
    found = offences(name, tree.parsed(name))
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("hub/x.py", "class OrderManager: ..."),
        ("hub/x.py", "def get_info(): ..."),
        ("hub/x.py", "def get(user_data): ..."),
        ("hub/x.py", "self.helper = 1"),
        ("hub/x.py", "import json as utils"),
        ("hub/x.py", "class BaseSink: ..."),
        ("hub/utils.py", ""),
        ("hub/services/x.py", ""),
    ],
)
def test_the_rule_sees_each_way_to_name_something(name: str, source: str) -> None:
    assert offences(name, ast.parse(source))


def test_the_rule_lets_honest_names_pass() -> None:
    source = "class Order(BaseModel):\n    metadata: int\ndef database(baseline): ...\nx.info('said')\n"
    assert offences("hub/order.py", ast.parse(source)) == []
