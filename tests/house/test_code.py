"""Habits of the product code that linters do not know."""

from __future__ import annotations

import ast
import re

from tests.house import tree

EXACT = ("hub/model", "hub/ledger.py", "hub/ledger", "hub/stages", "hub/mapping", "connectors")

# Durations in connectors may be floats: those with such a word in their name.
TIMING_ALLOWED = ("connectors",)
TIMING_WORDS = {
    *("seconds", "deadline", "timeout", "quiesce", "lag", "retry", "wait", "interval", "leeway", "early"),
    *("until", "kept"),
}
MAY_PRINT = ("hub/demo", "hub/demo.py", "hub/cli.py", "hub/cli")
SANDBOX_MAY_IMPORT = {
    "starlette", "pydantic", "cryptography", "lxml", "uvicorn", "sandbox",
    "grpc", "google", "fastavro",  # the wire of the Pub/Sub API
}  # fmt: skip


@tree.each(tree.python(*tree.PRODUCT))
def test_module_says_in_one_sentence_what_it_is_for(name: str) -> None:
    said = ast.get_docstring(tree.parsed(name))
    assert said, f"{name} has no docstring"
    first = said.strip().splitlines()[0]
    assert first.rstrip().endswith((".", ":", "?")) or len(first) >= 60, f"{name}: not a sentence: {first}"


@tree.each(tree.python("hub", "connectors", "webhooks"))
def test_public_functions_and_classes_have_docstrings(name: str) -> None:
    silent = [
        f"{name}:{node.lineno} {node.name}"
        for node in tree.parsed(name).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert not silent, silent


def float_uses(module: ast.Module, name: str) -> list[int]:
    """Lines with a float literal or a float() call; where durations are allowed, they are let pass."""
    passed: set[int] = set()
    for node in ast.walk(module):
        if name.startswith(TIMING_ALLOWED) and any(_is_duration(one) for one in _targets(node)):
            passed |= {id(inner) for inner in ast.walk(node)}
        if name.startswith(TIMING_ALLOWED) and isinstance(node, ast.arguments):
            passed |= {id(value) for arg, value in _defaults(node) if _is_duration(arg)}
    return [
        node.lineno
        for node in ast.walk(module)
        if id(node) not in passed
        and (
            (isinstance(node, ast.Constant) and isinstance(node.value, float))
            or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float")
        )
    ]


def _targets(node: ast.AST) -> list[str]:
    """What the value under this node is called: keyword argument, variable or attribute."""
    if isinstance(node, ast.keyword) and node.arg:
        return [node.arg]
    targets = node.targets if isinstance(node, ast.Assign) else []
    targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
    parts = [part for one in targets for part in (one.elts if isinstance(one, ast.Tuple) else [one])]
    return [part.id for part in parts if isinstance(part, ast.Name)] + [
        part.attr for part in parts if isinstance(part, ast.Attribute)
    ]


def _defaults(node: ast.arguments) -> list[tuple[str, ast.expr]]:
    """Arguments that have a default, with it."""
    placed = [*node.posonlyargs, *node.args]
    pairs = [*zip(placed[len(placed) - len(node.defaults) :], node.defaults, strict=True)]
    named = [(arg, value) for arg, value in zip(node.kwonlyargs, node.kw_defaults, strict=True) if value]
    return [(arg.arg, value) for arg, value in [*pairs, *named]]


def _is_duration(target: str) -> bool:
    return bool(TIMING_WORDS & set(tree.words(target)))


@tree.each(tree.python(*EXACT))
def test_money_never_meets_a_float(name: str) -> None:
    lines = float_uses(tree.parsed(name), name)
    assert not lines, f"{name}: float at line {lines}; use Decimal (durations: a name that says so)"


def test_the_float_rule_sees_literals_and_calls_and_knows_durations() -> None:
    assert float_uses(ast.parse("x = 1.5\ny = float('2')"), "connectors/x.py") == [1, 2]
    assert float_uses(ast.parse("QUIESCE_SECONDS = 1.5\nKind(quiesce=2.0)"), "connectors/x.py") == []
    assert float_uses(ast.parse("def f(price=1.0, *, wait=1.0): ..."), "connectors/x.py") == [1]
    assert float_uses(ast.parse("QUIESCE_SECONDS = 1.5"), "hub/ledger.py") == [1]


@tree.each([n for n in tree.python(*tree.PRODUCT) if not n.startswith(MAY_PRINT)])
def test_only_the_command_line_prints(name: str) -> None:
    lines = [
        node.lineno
        for node in ast.walk(tree.parsed(name))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not lines, f"{name}: print at {lines}"


@tree.each(tree.python(*tree.PRODUCT))
def test_nothing_is_left_to_do(name: str) -> None:
    left = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|NotImplemented" + r"Error)\b")
    lines = [n for n, line in enumerate(tree.text(name).splitlines(), 1) if left.search(line)]
    assert not lines, f"{name}: unfinished at {lines}"


@tree.each(tree.python(*tree.PRODUCT))
def test_every_silenced_finding_has_a_reason(name: str) -> None:
    silenced = re.compile(r"#\s*(type:\s*ignore(\[[\w, -]+\])?|noqa(:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*)?)\s*(.*)$")
    bare = [
        n
        for n, line in enumerate(tree.text(name).splitlines(), 1)
        if (found := silenced.search(line)) and len(found.group(5).strip(" #:-")) < 8
    ]
    assert not bare, f"{name}: silenced without a reason at {bare}"


@tree.each(tree.python("sandbox"))
def test_simulators_stand_on_their_own(name: str) -> None:
    foreign = sorted(root for root in _roots(tree.parsed(name)) if not _may_import(root))
    assert not foreign, f"{name} imports {foreign}"


def _may_import(root: str) -> bool:
    import sys

    return root in SANDBOX_MAY_IMPORT or root in sys.stdlib_module_names


def _roots(module: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found
