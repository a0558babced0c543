"""Writing mapping files: changed values go into the author's text, everything else stays as it was typed.

The file's text, the body of an API call and an editor's form share one model: the plain content of the file.
rewrite() puts new content into an old text piece by piece and so keeps comments, order, alignment and quotes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import yaml

from hub.errors import Invalid, MappingInvalid
from hub.mapping import inline
from hub.mapping.reading import Sheet
from hub.mapping.scalars import exact, flow, key, same, scalar

WIDTH = 110  # of a line the writer makes anew
_STEP = 2
_COLON = re.compile(r"^ *:")
_BREAKS = re.compile("\r(?!\n)|[\x85\u2028\u2029]")


def plain(text: str, *, name: str = "") -> dict[str, Any]:
    """The content of a mapping file as written: text, numbers (Decimal), true, false, null, lists, objects.

    Raises MappingInvalid where the text cannot be read; the content itself need not be a valid mapping.
    """
    sheet = Sheet(text, name)
    if not isinstance(sheet.content, dict) and not sheet.findings:
        sheet.find((), "the file is not a mapping", "begin with mapping: <source> -> <target>")
    if sheet.findings:
        raise MappingInvalid(sheet.findings)
    content: dict[str, Any] = sheet.content
    return content


def rewrite(text: str, content: Mapping[str, Any]) -> str:
    """The text with this content, as typed wherever the content is as before.

    An entry that goes takes the comments above and beside it along. Raises MappingInvalid where the text
    cannot be read, and Invalid for what YAML cannot hold, such as binary floats.
    """
    wanted = exact(content)
    if not wanted:
        raise Invalid("a mapping without any content cannot be written")
    sheet = Sheet(text, "")
    old = {} if sheet.content is None and not sheet.findings else plain(text)
    written = _Text(text).rewritten(old, wanted) if not same(old, wanted) else text
    if not same(plain(written), wanted):
        raise Invalid("this content cannot be put into the text; write it without unusual line breaks")
    return written


def set_version(text: str, version: int) -> str:
    """The text with another version."""
    content = plain(text)
    if "version" in content:
        return rewrite(text, {**content, "version": version})
    head = {name: content[name] for name in ("mapping",) if name in content}
    return rewrite(text, {**head, "version": version, **content})


def set_table(text: str, name: str, entries: Mapping[str, Any]) -> str:
    """The text with these entries in a table, which is added where it is not there yet."""
    content = plain(text)
    tables = {**(content.get("tables") or {}), name: dict(entries)}
    if "tables" in content:
        return rewrite(text, {**content, "tables": tables})
    grown: dict[str, Any] = {}
    for part, value in content.items():
        grown[part] = value
        if part == "fields":
            grown["tables"] = tables
    return rewrite(text, {**grown, "tables": tables})


class _Entry(NamedTuple):
    """An entry of a block: the lines above it, its own, and where its parts are in the text."""

    name: str | None  # None: an item of a list
    key: Any
    value: Any
    lead: int  # where the comments above begin
    start: int  # of its own first line
    end: int  # after its last line


class _Text:
    """A text with its YAML tree, and the writing of new values over old ones."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.eol = "\r\n" if "\r\n" in text else "\n"
        # Python's own loader: the positions it gives count characters
        self.root: Any = yaml.compose(text, Loader=yaml.SafeLoader)
        if _BREAKS.search(text):
            raise Invalid("the text has unusual line breaks; save it with plain ones")

    def rewritten(self, old: Any, new: Any) -> str:
        if not isinstance(self.root, yaml.MappingNode):
            return _joined_lines([self.text if self.root is None else "", self.block(new, 0)], self.eol)
        if self.root.flow_style:
            start, end = self.root.start_mark.index, self.root.end_mark.index
            return self.text[:start] + inline.rewritten(self.text, self.root, old, new) + self.text[end:]
        # what stands above the first entry is about the file: no comment of the entry's own
        entries = self.entries(self.root, self.line(self.root.start_mark.index))
        start, end = entries[0].start, entries[-1].end
        body = self.blocks(self.root, entries, old, new)
        return _joined_lines([self.text[:start], body, self.text[end:]], self.eol)

    # Where things are

    def line(self, index: int) -> int:
        """Where the line of this position begins."""
        return self.text.rfind("\n", 0, index) + 1

    def after(self, index: int) -> int:
        """Where the next line begins."""
        found = self.text.find("\n", index)
        return len(self.text) if found < 0 else found + 1

    def end(self, node: Any) -> int:
        """Where the line after a value begins, in block style."""
        if isinstance(node, yaml.ScalarNode) or node.flow_style:
            end: int = node.end_mark.index
            is_block = getattr(node, "style", None) in ("|", ">") and isinstance(node, yaml.ScalarNode)
            return end if is_block and self.text[end - 1 : end] == "\n" else self.after(end)
        last = node.value[-1]
        return self.end(last[1] if isinstance(last, tuple) else last)

    def entries(self, node: Any, lead: int) -> list[_Entry]:
        """The entries of a block; comments that are indented deeper than it belong to the entry above."""
        found: list[_Entry] = []
        for part in node.value:
            name, value = part if isinstance(part, tuple) else (None, part)
            start = self.line((name or value).start_mark.index)
            if found:
                lead = self.deeper(found[-1].end, start, node.start_mark.column)
                found[-1] = found[-1]._replace(end=lead)
            end = self.end(value)
            found.append(_Entry(name.value if name else None, name, value, min(lead, start), start, end))
        return found

    def deeper(self, start: int, end: int, column: int) -> int:
        """After the last comment between two entries that is indented deeper than they are."""
        reached = position = start
        while position < end:
            following = self.after(position)
            line = self.text[position:following]
            if line.strip() and len(line) - len(line.lstrip()) <= column:
                break
            if line.strip():
                reached = following
            position = following
        return reached

    # Writing over

    def blocks(self, node: Any, entries: Sequence[_Entry], old: Any, new: Any) -> str:
        """The lines of a block with its new entries."""
        column = node.start_mark.column
        if isinstance(node, yaml.MappingNode):
            return self.members(entries, old, new, column)
        return self.listed(entries, old, new, column)

    def members(self, entries: Sequence[_Entry], old: Any, new: Any, column: int) -> str:
        known = {entry.name: entry for entry in entries}
        aligned = self.aligned(entries, column)
        lines: list[str] = []
        for name, value in new.items():
            if (entry := known.get(name)) is None:
                lines.append(self.entry(name, value, column, aligned))
                continue
            lines += [self.text[entry.lead : entry.start], self.changed(entry, old[name], value, column)]
        return _joined_lines(lines, self.eol)

    def listed(self, entries: Sequence[_Entry], old: Any, new: Any, column: int) -> str:
        lines = [
            self.text[entries[place].lead : entries[place].end] if place >= 0 else self.item(part, column)
            for place, part in inline.alike(old, new)
        ]
        return _joined_lines(lines, self.eol)

    def aligned(self, entries: Sequence[_Entry], column: int) -> int:
        """The column most values stand in, counted from the names; 0 where they do not line up."""
        beside = [entry for entry in entries if self.beside(entry.value, entry.key)]
        columns = Counter(entry.value.start_mark.column - column for entry in beside)
        [(most, times)] = columns.most_common(1) or [(0, 0)]
        is_padded = any(e.value.start_mark.column > e.key.end_mark.column + 2 for e in beside)
        return most if times > 1 and is_padded else 0

    def beside(self, value: Any, name: Any) -> bool:
        return bool(value.start_mark.line == name.start_mark.line and value.start_mark != value.end_mark)

    def changed(self, entry: _Entry, old: Any, new: Any, column: int) -> str:
        """The lines of an entry with its new value."""
        if same(old, new):
            return self.text[entry.start : entry.end]
        if "?" in self.text[entry.start : entry.key.start_mark.index]:  # a key written as `? name`
            return self.entry(entry.name or "", new, column)
        if isinstance(entry.value, yaml.CollectionNode) and not entry.value.flow_style:
            return self.unfolded(entry, old, new, column)
        return self.beside_name(entry, old, new, column)

    def beside_name(self, entry: _Entry, old: Any, new: Any, column: int) -> str:
        """An entry whose value stands in its line, or begins there."""
        value = entry.value
        start, end = value.start_mark.index, value.end_mark.index
        head, rest = self.text[entry.start : entry.key.end_mark.index] + ":", self.text[end : entry.end]
        if start == end:  # no value
            return self.line_of(head, new, column, _COLON.sub("", rest))
        if isinstance(value, yaml.ScalarNode) and value.style in ("|", ">"):
            return self.line_of(head, new, column, self.eol)
        if isinstance(value, yaml.CollectionNode) == isinstance(new, dict | list) and _is_kept(old, new):
            return self.text[entry.start : start] + inline.rewritten(self.text, value, old, new) + rest
        return self.line_of(head, new, column, rest)

    def unfolded(self, entry: _Entry, old: Any, new: Any, column: int) -> str:
        """An entry whose value is a block of its own."""
        name_end = self.after(entry.key.end_mark.index)
        head = self.text[entry.start : name_end]
        is_inline = self.line(entry.value.start_mark.index) < name_end
        if is_inline or type(old) is not type(new) or not new or _is_another(old, new):
            colon = self.text.index(":", entry.key.end_mark.index)
            return self.line_of(
                self.text[entry.start : colon + 1], new, column, self.text[colon + 1 : name_end]
            )
        entries = self.entries(entry.value, name_end)
        body = self.blocks(entry.value, entries, old, new)
        return _joined_lines([head, body, self.text[entries[-1].end : entry.end]], self.eol)

    def line_of(self, head: str, new: Any, column: int, rest: str) -> str:
        """`head` with a new value, in its line before what stands beside it, or in the lines below."""
        if not isinstance(new, dict | list):
            return _joined_lines([f"{head} {scalar(new)}{rest}"], self.eol)
        if not new or _fits(new, len(head)):
            return _joined_lines([f"{head} {flow(new)}{rest}"], self.eol)
        if isinstance(new, dict):
            below = self.block(new, column + _STEP)
        else:
            below = "".join(self.item(part, column + _STEP) for part in new)
        return _joined_lines([head + rest, below], self.eol)

    # Writing anew

    def block(self, content: Mapping[str, Any], column: int) -> str:
        """An object with an entry in every line."""
        return "".join(self.entry(name, value, column) for name, value in content.items())

    def entry(self, name: str, value: Any, column: int, aligned: int = 0) -> str:
        head = f"{' ' * column}{key(name)}:"
        if not isinstance(value, dict | list) or _fits(value, max(len(head), column + aligned - 1)):
            head = head.ljust(column + aligned - 1)
        return self.line_of(head, value, column, self.eol)

    def item(self, value: Any, column: int) -> str:
        return f"{' ' * column}- {flow(value)}{self.eol}"


def _fits(value: Any, used: int) -> bool:
    """Does a collection go into the rest of a line? Rules do, blocks of rules do not."""
    if isinstance(value, dict) and any(isinstance(part, dict) for part in value.values()):
        return False
    return used + len(flow(value)) < WIDTH


def _is_another(old: Any, new: Any) -> bool:
    """Has an object nothing in common with what it was?"""
    return isinstance(old, dict) and old.keys().isdisjoint(new)


def _is_kept(old: Any, new: Any) -> bool:
    """Does a collection in one line stay so? Not where it gets its first object inside."""
    if not isinstance(new, dict) or not isinstance(old, dict):
        return isinstance(old, list) is isinstance(new, list)
    return any(isinstance(v, dict) for v in old.values()) or not any(
        isinstance(v, dict) for v in new.values()
    )


def _joined_lines(parts: Sequence[str], eol: str) -> str:
    """Parts under each other; a line without an end gets one where something follows."""
    written = ""
    for part in filter(None, parts):
        written += eol if written and not written.endswith("\n") else ""
        written += part
    return written
