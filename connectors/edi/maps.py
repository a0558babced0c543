"""Our guides as pyx12 wants them: one folder of XML per version, with every element and map in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from lxml import etree

from connectors.edi.guide import UNLIMITED, Child, Element, Field, Guide, Loop

UNCHECKED_ELEMENTS = 40  # places that a segment gets whose elements we do not know
_ANY = Element("9995", "AN", 1, 4096, "any")
_ENVELOPE = "ISA_LOOP", "GS_LOOP", "ST_LOOP"
_Node = etree._Element


def write(guide: Guide, folder: Path) -> str:
    """Writes the files for a guide; the answer is the name of its map."""
    name = f"{guide.set_id}.{guide.release}.xml"
    (folder / name).write_bytes(etree.tostring(_map(guide), encoding="utf-8"))
    elements = {one.number: one for one in [_ANY, *_elements(guide.root)]}
    (folder / "dataele.xml").write_bytes(etree.tostring(_dictionary(elements.values()), encoding="utf-8"))
    (folder / "codes.xml").write_bytes(b"<codesets/>")
    return name


def _elements(loop: Loop) -> Iterator[Element]:
    for child in loop.children:
        for field in child.segment.fields:
            for one in (field, *field.parts):
                if one.element:
                    yield one.element
        if child.loop:
            yield from _elements(child.loop)


def _dictionary(elements: Iterable[Element]) -> _Node:
    root = etree.Element("data_elements")
    for one in elements:
        etree.SubElement(
            root, "data_ele", ele_num=one.number, data_type=one.type,
            min_len=str(one.shortest), max_len=str(one.longest), name=one.name,
        )  # fmt: skip
    return root


def _map(guide: Guide) -> _Node:
    """The set inside the loops of an envelope that pyx12's walk expects above it."""
    root = etree.Element("transaction", xid=guide.set_id)
    parent = root
    for at, name in enumerate(_ENVELOPE):
        parent = _loop_node(parent, name, "R", (at + 1) * 10, UNLIMITED)
    for child in guide.root.children:
        _child(parent, child, guide.set_id)
    return root


def _loop_node(parent: _Node, name: str, usage: str, position: int, most: int) -> _Node:
    node = etree.SubElement(parent, "loop", xid=name)
    told = {"name": name, "usage": usage, "pos": f"{position:03d}", "repeat": _most(most)}
    for key, value in told.items():
        etree.SubElement(node, key).text = value
    return node


def _most(most: int) -> str:
    return ">1" if most == UNLIMITED else str(most)


def _child(parent: _Node, child: Child, set_id: str) -> None:
    if child.tolerated:
        return  # we read it where others send it; we do not send it
    if child.loop is None:
        _segment(parent, child, set_id)
        return
    usage = "R" if child.required else "S"
    node = _loop_node(parent, child.key, usage, (child.index + 1) * 10, child.most)
    for inner in child.loop.children:
        _child(node, inner, set_id)


def _segment(parent: _Node, child: Child, set_id: str) -> None:
    segment, usage = child.segment, "R" if child.required else "S"
    node = etree.SubElement(parent, "segment", xid=segment.id)
    position = f"{(child.index + 1) * 10:03d}"
    told = {"name": segment.name, "usage": usage, "pos": position, "max_use": _most(child.most)}
    for key, value in told.items():
        etree.SubElement(node, key).text = value
    for kind, places in segment.conditions:
        etree.SubElement(node, "syntax").text = kind + "".join(f"{place:02d}" for place in places)
    fields = segment.fields
    if not segment.checked:
        fields = (Field("any", _ANY, (), False, False),) * UNCHECKED_ELEMENTS
    for at, field in enumerate(fields, 1):
        code = set_id if (segment.id, at) == ("ST", 1) else ""
        _field(node, field, f"{segment.id}{at:02d}", at, code)


def _field(parent: _Node, field: Field, name: str, at: int, code: str) -> None:
    kind = "element" if field.element else "composite"
    node = etree.SubElement(parent, kind, xid=name)
    told = {"name": field.name, "usage": "R" if field.required else "S", "seq": f"{at:02d}"}
    if field.element:
        told["data_ele"] = field.element.number
    else:
        told["refdes"] = name
    for key, value in told.items():
        etree.SubElement(node, key).text = value
    codes = [code] if code else sorted(field.element.codes) if field.element and at > 1 else []
    if codes:
        listed = etree.SubElement(node, "valid_codes")
        for one in codes:
            etree.SubElement(listed, "code").text = one
    for inner, part in enumerate(field.parts, 1):
        _field(node, part, f"{name}-{inner:02d}", inner, "")
