"""What several fields of one record, or of one item of a list, work out alike: it is done once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import fields
from typing import TypeAlias

from hub.mapping.document import Rule
from hub.mapping.nodes import Arithmetic, Call, Choice, Literal, Logic, Node, Path, TableEntry, children
from hub.mapping.signature import Function

Key: TypeAlias = tuple[Hashable, ...]
_NOT_COMPARED = frozenset({"text", "offset"})  # where and how it was written


def number_key(path: Path) -> Key:
    """The key of the number that stands at a path as text; no value where there is none."""
    return ("number", path.steps)


def key_of(node: Node) -> Key | None:
    """What makes a node the same as another; None for what is not worth keeping."""
    match node:
        case Arithmetic():
            return _likeness(node)
        case Call(function=Function(name="DECIMAL"), arguments=(Path() as path, *default)):
            return number_key(path) if all(isinstance(part, Literal) for part in default) else None
    return None


def _likeness(part: object) -> Key:
    if isinstance(part, Node):
        told = [getattr(part, one.name) for one in fields(part) if one.name not in _NOT_COMPARED]
        return (type(part).__name__, *map(_likeness, told))
    if isinstance(part, Function):
        return ("function", part.name)
    if isinstance(part, tuple):
        return ("tuple", *map(_likeness, part))
    return (type(part).__name__, repr(part))


def number_of(rule: Rule) -> Path | None:
    """The path of a rule that begins with reading a number from it."""
    return rule.source if rule.via and rule.via[0].name == "decimal" else None


def shared_values(rules: Iterable[Rule]) -> list[tuple[Key, Node]]:
    """What is needed more than once and, of those times, at least once for certain.

    In the order to work it out in: parts before the whole. A path stands for the number at it.
    """
    tally = _Tally()
    for rule in rules:
        tally.rule(rule, True)
    return [(key, node) for key, node in tally.nodes.items() if tally.uses[key] > 1 and key in tally.certain]


class _Tally:
    """How often each value is needed; what is needed within one already counted is not needed again."""

    def __init__(self) -> None:
        self.uses: Counter[Key] = Counter()
        self.certain: set[Key] = set()
        self.nodes: dict[Key, Node] = {}

    def rule(self, rule: Rule, certain: bool) -> None:
        if rule.each is not None:
            return  # its items are counted by themselves
        if rule.when is not None:
            self.walk(rule.when, certain)
            certain = False
        for part in rule.fields.values():
            self.rule(part, certain)
        if path := number_of(rule):
            self.count(number_key(path), path, certain)
        elif rule.formula is not None:
            self.walk(rule.formula, certain)

    def walk(self, node: Node, certain: bool) -> None:
        key = key_of(node)
        if key is None or key not in self.uses or (certain and key not in self.certain):
            for part, always in _parts(node):
                self.walk(part, certain and always)
        if key is not None:
            self.count(key, node.arguments[0] if isinstance(node, Call) else node, certain)

    def count(self, key: Key, node: Node, certain: bool) -> None:
        self.uses[key] += 1
        self.nodes.setdefault(key, node)
        if certain:
            self.certain.add(key)


def _parts(node: Node) -> Iterator[tuple[Node, bool]]:
    """The parts of a node, and whether they are worked out whenever the node is."""
    parts = children(node)
    first = isinstance(node, Choice | Logic | TableEntry)  # the condition, the first operand, the key
    yield from ((part, not first or position == 0) for position, part in enumerate(parts))
