"""Writing mapping files: what changed is written, what did not stays as its author typed it."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hub.errors import Invalid, MappingInvalid
from hub.mapping import loads, plain, rewrite, set_table, set_version
from hub.mapping.scalars import same

ROOT = Path(__file__).parents[2]
FILES = sorted([*ROOT.glob("mappings/*/*.yaml"), *ROOT.glob("bench/mappings/*/*.yaml")])
TEXTS = [path.read_text(encoding="utf-8") for path in FILES]

TEXT = """\
# What this file is about.
# Second line.

mapping: crm.deal -> message   # one way
version: 1

fields:
  # about the topic
  topic:      { from: 'kind', optional: true }  # beside the topic
  # about the name
  body.name:  { formula: 'JOIN(" ", a, b)', via: [text, "text"] }
  body.lines:            # beside the lines
    each: items
    fields:
      # about the sku
      sku:    {from: sku}
      amount: { from: amount, via: decimal, default: 0.50 }
      # the end of the lines
  body.late: { value: NO }
tables:
  terms: { "Net 30": NET30, NO: "1" }   # ask Ann
  longer:
    # about a
    a: x
    b: 007
owns:
  - topic    # beside
  # about the body
  - body
"""


def edited(change: Any, text: str = TEXT) -> tuple[str, list[str], list[str]]:
    """The text after a change of its content, with the lines that went and those that came."""
    content = plain(text)
    change(content)
    written = rewrite(text, content)
    before, after = text.splitlines(), written.splitlines()
    return written, [x for x in before if x not in after], [x for x in after if x not in before]


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.parts[-3:]))
def test_unchanged_file_stays_as_it_is_byte_for_byte(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert rewrite(text, plain(text)) == text
    through_json = json.loads(json.dumps(plain(text), default=str), parse_float=Decimal)
    if same(through_json, plain(text)):
        assert rewrite(text, through_json) == text


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.parts[-3:]))
def test_file_written_anew_means_the_same(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    anew = rewrite("", plain(text))
    assert same(plain(anew), plain(text))
    assert loads(anew).model_dump(exclude=MARKS) == loads(text).model_dump(exclude=MARKS)
    assert max(map(len, anew.splitlines())) < 300


MARKS = {"marks", "fields", "when"}  # places; the fields' content is compared as plain


def test_plain_is_what_was_written_with_order_and_exact_numbers() -> None:
    content = plain(TEXT)
    assert list(content) == ["mapping", "version", "fields", "tables", "owns"]
    assert list(content["fields"]["body.lines"]["fields"]) == ["sku", "amount"]
    assert str(content["fields"]["body.lines"]["fields"]["amount"]["default"]) == "0.50"
    assert content["tables"] == {"terms": {"Net 30": "NET30", "NO": "1"}, "longer": {"a": "x", "b": "007"}}


def test_changed_value_changes_its_own_characters_only() -> None:
    def change(content: Any) -> None:
        content["fields"]["topic"]["from"] = "it"
        content["tables"]["longer"]["b"] = "008"

    written, gone, come = edited(change)
    assert come == [
        "  topic:      { from: 'it', optional: true }  # beside the topic",
        '    b: "008"',
    ]
    assert len(gone) == 2
    assert loads(written)


def test_new_field_goes_where_it_belongs_and_lines_up_with_the_others() -> None:
    def change(content: Any) -> None:
        fields = content["fields"]
        content["fields"] = {"topic": fields["topic"], "x": {"from": "a: b", "optional": True}} | fields

    written, gone, come = edited(change)
    assert (gone, come) == ([], ['  x:          { from: "a: b", optional: true }'])
    lines = written.splitlines()
    assert lines.index(come[0]) == lines.index("  # about the name") - 1


def test_removed_field_takes_its_comments_along_and_no_others() -> None:
    _, gone, come = edited(lambda content: content["fields"].pop("body.name"))
    assert come == []
    assert gone == [line for line in TEXT.splitlines() if "name" in line]
    _, gone, come = edited(lambda content: content["fields"].pop("topic"))
    assert (len(gone), come) == (2, [])
    _, gone, _ = edited(lambda content: content["fields"].pop("body.late"))
    assert gone == ["  body.late: { value: NO }"]


def test_removed_block_is_gone_with_everything_in_it() -> None:
    _, gone, come = edited(lambda content: content["fields"].pop("body.lines"))
    assert (len(gone), come) == (7, [])


def test_list_keeps_the_comments_of_the_items_that_stay() -> None:
    written, gone, come = edited(lambda content: content["owns"].insert(1, "x"))
    assert (gone, come) == ([], ["  - x"])
    assert written.endswith("  - topic    # beside\n  - x\n  # about the body\n  - body\n")
    written, _, _ = edited(lambda content: content["owns"].pop(0))
    assert written.endswith("owns:\n  # about the body\n  - body\n")


def test_rule_that_becomes_a_block_gets_lines_of_its_own() -> None:
    def change(content: Any) -> None:
        content["fields"]["topic"] = {"each": "a", "fields": {"b": {"from": "c"}}}

    written, gone, come = edited(change)
    assert len(gone) == 1
    assert come == ["  topic:  # beside the topic", "    each: a", "      b: { from: c }"]
    back, _, _ = edited(lambda content: content["fields"].update(topic={"from": "a"}), written)
    assert "  topic: { from: a }  # beside the topic\n  # about the name\n" in back


@pytest.mark.parametrize(
    ("owns", "written"),
    [
        (["a", "c"], "[a,  # one\n  c # three\n]"),
        (["a"], "[a,  # one\n  ]"),
        (["b", "c"], "[b, # two\n  c # three\n]"),
        (["a", "x", "b", "c"], "[a,  # one\n  x, b, # two\n  c # three\n]"),
    ],
)
def test_comments_in_brackets_stay_with_their_items(owns: list[str], written: str) -> None:
    text = "mapping: x\nowns: [a,  # one\n  b, # two\n  c # three\n]\n"
    assert rewrite(text, {"mapping": "x", "owns": owns}) == f"mapping: x\nowns: {written}\n"


def test_long_list_is_written_in_reasonable_time() -> None:
    content = plain(TEXT)
    content["owns"] = ["a"] * 4_000
    written = rewrite(TEXT, content)
    assert plain(rewrite(written, {**content, "owns": ["a", *content["owns"]]}))["owns"] == ["a"] * 4_001


def test_field_that_is_moved_moves_with_its_comments() -> None:
    def change(content: Any) -> None:
        content["fields"] = {"body.late": content["fields"]["body.late"]} | content["fields"]

    written, gone, come = edited(change)
    assert (gone, come) == ([], [])
    assert written.index("body.late") < written.index("# about the topic")


def test_version_is_set_without_touching_anything_else() -> None:
    assert set_version(TEXT, 12) == TEXT.replace("version: 1\n", "version: 12\n")
    added = set_version(TEXT.replace("version: 1\n", ""), 2)
    assert added.splitlines()[4] == "version: 2"


def test_table_is_replaced_entry_by_entry_or_added() -> None:
    written = set_table(TEXT, "terms", {"Net 30": "NET30", "Net 60": "NET60"})
    assert '  terms: { "Net 30": NET30, Net 60: NET60 }   # ask Ann\n' in written
    written = set_table(TEXT, "longer", {"a": "x", "c": "off", "b": "007"})
    assert "    # about a\n    a: x\n    c: off\n    b: 007\n" in written
    written = set_table(TEXT, "new", {"yes": True, "Zürich": "null"})
    assert '  new: { yes: true, Zürich: "null" }\n' in written
    bare = "mapping: a.b -> message\nfields:\n  topic: { from: a }\nowns: [topic]"
    assert set_table(bare, "t", {"x": 1}).splitlines()[3:] == ["tables:", "  t: { x: 1 }", "owns: [topic]"]


AWKWARD = [
    *[
        "NO",
        "no",
        "true",
        "null",
        "~",
        "",
        "007",
        "1.5",
        "2026-01-31",
        "1_000",
        "0x1F",
        "<<",
        "=",
        "---",
        "...",
    ],
    *[
        "a: b",
        "x:",
        "# x",
        "x #y",
        "- x",
        "a, b",
        "[x]",
        "{x}",
        "!x",
        "&x",
        "*a",
        "%x",
        "@x",
        "`x",
        "|",
        ">",
        "?",
    ],
    *["'", '"', "\\", "\n", "x\ty", " x ", "é", "\x85", "\xa0", "\u2028", "\ufeff", "😀", "\x00", "? x"],
    *[None, True, False, 0, -7, 10**80, Decimal("0.10"), Decimal("-0.00"), [], {}, [[1], {"a": [None]}]],
]


@pytest.mark.parametrize("value", AWKWARD, ids=repr)
def test_value_is_read_back_as_what_it_is(value: Any) -> None:
    content = plain(TEXT)
    content["fields"]["topic"]["default"] = value
    content["fields"]["body.lines"]["fields"]["amount"]["default"] = value
    content["fields"]["new"] = {"value": value}
    assert same(plain(rewrite(TEXT, content)), content)
    assert same(plain(rewrite("", content)), content)


@pytest.mark.parametrize(
    "value", [0.5, Decimal("NaN"), Decimal("1E+500"), b"x", "\ud800", {1: "x"}, 10**120], ids=repr
)
def test_what_yaml_cannot_hold_exactly_is_refused(value: Any) -> None:
    with pytest.raises((Invalid, MappingInvalid)):
        rewrite(TEXT, plain(TEXT) | {"x": value})


def test_refusal_names_the_place() -> None:
    with pytest.raises(Invalid) as caught:
        rewrite(TEXT, plain(TEXT) | {"tables": {"t": {"a": 0.5}}})
    assert caught.value.field == "the mapping.tables.t.a"


def test_text_that_cannot_be_read_is_not_written_over() -> None:
    for text in ("a: [", "a: 1\na: 2\n", "a: &x 1\nb: *x\n", "- a\n"):
        with pytest.raises(MappingInvalid):
            plain(text)
        with pytest.raises(MappingInvalid):
            rewrite(text, {"mapping": "a.b -> message"})


def test_content_deeper_than_a_mapping_may_be_is_refused() -> None:
    deep: Any = "x"
    for _ in range(30):
        deep = [deep]
    with pytest.raises(MappingInvalid, match="nested"):
        rewrite(TEXT, {**plain(TEXT), "deep": deep})


def test_text_keeps_its_line_ends() -> None:
    written = rewrite(TEXT.replace("\n", "\r\n"), plain(TEXT) | {"when": "a > 1"})
    assert written == TEXT.replace("\n", "\r\n") + "when: a > 1\r\n"


NAMES = st.one_of(
    st.sampled_from(["a", "b.c", "NO", "30", "true", "Net 30", "<<", "x: y"]), st.text(max_size=5)
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.decimals(-(10**9), 10**9, places=3),
    st.text(max_size=12),
    st.sampled_from(["NO", "007", "2026-01-31", 'say "x"', "it's", "a: b #c", "multi\nline", "- x"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda deeper: st.one_of(st.lists(deeper, max_size=4), st.dictionaries(NAMES, deeper, max_size=4)),
    max_leaves=12,
)
STYLES = [
    *TEXTS,
    TEXT,
    TEXT.rstrip("\n"),
    "---\n" + TEXT + "...\n",
    "{ mapping: x,\n  # why\n  fields: { a: { from: b },  # beside\n    c: 'd' , e}, owns: [a,\n b] }\n",
    "a:\nb:   # nothing\nc: |\n  block\n  text\n\nd: >-\n  folded\n  text\n",
    "e: plain\n  goes on\nf: 'quoted\n  too'\ng: \"and\n  too\"   # beside\n",
    "a:\n- x\n-   y # z\n-\n- k: v\n  l: w\n- - 1\n  - 2\nb: [\n  1, # one\n  2\n]\n? c\n: d\n\n# the end\n",
]


@st.composite
def edits(draw: Any) -> tuple[str, dict[str, Any]]:
    """A text and its content with parts removed, changed, moved and added, at any depth."""
    text = draw(st.sampled_from(STYLES))
    content = plain(text)
    for _ in range(draw(st.integers(1, 4))):
        _edit(draw, content)
    return text, content


def _edit(draw: Any, part: Any) -> None:
    places = list(part) if isinstance(part, dict) else list(range(len(part)))
    what = draw(st.sampled_from(["into", "into", "into", "change", "remove", "add", "move"]))
    if what == "add" or not places:
        _add(draw, part, draw(VALUES))
        return
    place = draw(st.sampled_from(places))
    if what == "into" and isinstance(part[place], dict | list):
        _edit(draw, part[place])
    elif what == "remove":
        part.pop(place)
    elif what == "move":
        _add(draw, part, part.pop(place), place)
    else:
        part[place] = draw(VALUES)


def _add(draw: Any, part: Any, value: Any, name: Any = None) -> None:
    position = draw(st.integers(0, len(part)))
    if isinstance(part, list):
        part.insert(position, value)
        return
    entries = [(k, v) for k, v in part.items() if k != name]
    name = name if name is not None else draw(NAMES.filter(lambda n: n not in part))
    entries.insert(position, (name, value))
    part.clear()
    part.update(entries)


@settings(max_examples=150, deadline=None)
@given(edits())
@example((TEXT, {"mapping": "x"}))
def test_any_edit_of_any_text_means_what_it_says(case: tuple[str, dict[str, Any]]) -> None:
    text, content = case
    if not content:
        return
    written = rewrite(text, content)
    assert same(plain(written), content)
    assert rewrite(written, content) == written


@settings(max_examples=50, deadline=None)
@given(text=st.sampled_from(TEXTS), version=st.integers(2, 999), note=st.text("ab #:'\"é", max_size=10))
def test_comments_survive_an_edit_of_another_field(text: str, version: int, note: str) -> None:
    content = plain(text)
    written = rewrite(
        text, {**content, "version": version, "fields": {**content["fields"], "z": {"value": note}}}
    )
    kept = [line for line in text.splitlines() if "#" in line]
    assert [line for line in written.splitlines() if line in kept] == kept
    changed = [line for line in text.splitlines() if line not in written.splitlines()]
    assert changed == [line for line in text.splitlines() if line.startswith("version:")]
