"""A guide as people read it: the segments of a set in their order, then what each of them holds."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.edi.guide import UNLIMITED, Child, Field, Guide, Loop, Segment


def text(guide: Guide) -> str:
    """The whole guide: structure first, then the elements of every segment that stands in it."""
    head = f"{guide.set_id} {guide.title}, version 00{guide.release}, group {guide.group}"
    lines = [head, "", *_structure(guide.root, 0), ""]
    for segment in dict.fromkeys(_segments(guide.root)):
        lines += [*_segment(segment), ""]
    return "\n".join(lines).rstrip("\n")


def _structure(loop: Loop, depth: int) -> Iterator[str]:
    for child in loop.children[1 if depth else 0 :]:
        yield _place(child, depth)
        if child.loop:
            yield from _structure(child.loop, depth + 1)


def _place(child: Child, depth: int) -> str:
    name = child.segment.name.replace("_", " ")
    most = "any number" if child.most == UNLIMITED else f"at most {child.most}" if child.most > 1 else "once"
    must = "must" if child.required else ""
    what = f"loop {child.key}" if child.loop else "tolerated" if child.tolerated else ""
    return f"{'  ' * depth + child.segment.id:<12} {name:<28} {must:<5} {most:<14} {what}".rstrip()


def _segments(loop: Loop) -> Iterator[Segment]:
    for child in loop.children:
        yield child.segment
        if child.loop:
            yield from _segments(child.loop)


def _segment(segment: Segment) -> Iterator[str]:
    yield f"{segment.id} {segment.name.replace('_', ' ')}"
    if not segment.checked:
        yield "  elements are not checked"
    for at, field in enumerate(segment.fields, 1):
        yield from _field(f"{segment.id}{at:02d}", field)
    for kind, places in segment.conditions:
        names = ", ".join(f"{segment.id}{place:02d}" for place in places)
        yield f"  {_words(kind, names)}"


def _words(kind: str, names: str) -> str:
    first, _, others = names.partition(", ")
    return {
        "P": f"all or none of {names}",
        "R": f"at least one of {names}",
        "E": f"at most one of {names}",
        "C": f"{first} wants {others}",
        "L": f"{first} wants one of {others}",
    }[kind]


def _field(name: str, field: Field) -> Iterator[str]:
    must = "must" if field.required else ""
    told = f"{field.group} {field.turn}: {field.name}" if field.group else field.name
    if field.element is None:
        yield f"  {name:<8} {told.replace('_', ' '):<32} composite{'':<12} {must}".rstrip()
        for at, part in enumerate(field.parts, 1):
            yield from _field(f"{name}-{at}", part)
        return
    element = field.element
    kind = f"{element.number} {element.type} {element.shortest}/{element.longest}"
    codes = f" of {' '.join(sorted(element.codes))}" if element.codes else ""
    yield f"  {name:<8} {told.replace('_', ' '):<32} {kind:<20}  {must}{codes}".rstrip()
