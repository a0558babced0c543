"""What settings of connectors take for an address and for a time zone."""

from __future__ import annotations

import pytest

from hub.forms import web_address, zone_name

LIKE = "https://acme.example"


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("", ""),
        ("https://a.example/", "https://a.example"),
        ("http://a.example:8080/x", "http://a.example:8080/x"),
    ],
)
def test_an_address_is_kept_without_its_last_slash(url: str, kept: str) -> None:
    assert web_address(url, LIKE) == kept


@pytest.mark.parametrize(
    "url",
    ["ftp://a.example", "a.example", "https://", "https://me@a.example", "https://:pw@a.example", "//a"],
)
def test_anything_else_is_refused_with_what_it_should_look_like(url: str) -> None:
    with pytest.raises(ValueError, match=f"must look like {LIKE}"):
        web_address(url, LIKE)


@pytest.mark.parametrize("url", ["https://a.example/x", "https://a.example?x=1", "https://a.example#x"])
def test_where_only_a_host_is_wanted_nothing_may_follow_it(url: str) -> None:
    with pytest.raises(ValueError, match="must look like"):
        web_address(url, LIKE, root=True)


def test_time_zones_are_known_by_their_names() -> None:
    assert zone_name("Europe/Berlin") == "Europe/Berlin"
    for wrong in ("Berlin", "", "../etc/passwd", "Mars/Base"):
        with pytest.raises(ValueError, match="such as UTC"):
            zone_name(wrong, "UTC")
