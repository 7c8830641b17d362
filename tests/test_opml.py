"""The catalogue as OPML and back; lists as feed readers write them; documents that are no list at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from config.load import CHECKOUT, load_config
from config.sources import Source
from flows.tools.opml import MAX_BYTES, MAX_FEEDS, choose_feeds, read_opml, write_opml
from flows.tools.outlines import OpmlError
from tests.support.running import c5watch, one_json, source_toml, write_config

pytestmark = pytest.mark.slow

SHIPPED = load_config(CHECKOUT).sources


def opml(body: str, *, head: str = '<?xml version="1.0" encoding="UTF-8"?>') -> bytes:
    """A document with these outlines."""
    return f'{head}<opml version="2.0"><head><title>x</title></head><body>{body}</body></opml>'.encode()


def imported(content: bytes, known: tuple[Source, ...] = ()) -> list[Source]:
    """The sources that are new."""
    return [new.source for new in choose_feeds(read_opml(content), known)[0]]


# --- There and back ----------------------------------------------------------------------------------------------


def test_all_feeds_of_the_shipped_catalogue_come_back() -> None:
    added, skipped = choose_feeds(read_opml(write_opml(SHIPPED)), ())
    feeds = [feed for source in SHIPPED for feed in source.feeds]
    back = {(feed, *facts(new.source)) for new in added for feed in new.source.feeds}
    assert back == {(feed, *facts(source)) for source in SHIPPED for feed in source.feeds}
    assert (len(added), skipped) == (len(feeds), [])


def facts(source: Source) -> tuple[str, str, str, str]:
    """What OPML tells of a source."""
    return source.name, source.homepage, source.language, source.category


def test_what_the_catalogue_has_is_not_added_again() -> None:
    added, skipped = choose_feeds(read_opml(write_opml(SHIPPED)), SHIPPED)
    assert added == []
    assert len(skipped) == sum(len(source.feeds) for source in SHIPPED)
    assert all(one.why.startswith("in the catalogue already: source ") for one in skipped)


def test_an_export_is_what_feed_readers_expect() -> None:
    feedless = SHIPPED[0].model_copy(update={"id": "feedless", "feeds": ()})
    root = etree.fromstring(write_opml([*SHIPPED, feedless]))
    assert (root.tag, root.get("version"), root.nsmap) == ("opml", "2.0", {})
    assert [child.tag for child in root] == ["head", "body"]
    folders = root.findall("body/outline")
    assert [folder.get("text") for folder in folders] == list(
        dict.fromkeys(source.category.replace("_", " ") for source in SHIPPED)
    )
    feeds = root.findall("body/outline/outline")
    assert {feed.get("xmlUrl") for feed in feeds} == {url for source in SHIPPED for url in source.feeds}
    assert all(feed.get("type") == "rss" and feed.get("text") and feed.get("htmlUrl") for feed in feeds)


def test_characters_that_xml_cannot_hold_are_left_out() -> None:
    source = replace_name(SHIPPED[0], "A\x01B\ufffe")
    assert {s.name for s in imported(write_opml([source]))} == {"AB"}


def replace_name(source: Source, name: str) -> Source:
    """The same source under another name."""
    return source.model_copy(update={"name": name})


# --- Lists of feed readers ---------------------------------------------------------------------------------------


def test_feeds_in_folders_within_folders_are_found() -> None:
    nested = (
        '<outline text="Asia"><outline text="Central"><outline type="rss" text="One" '
        'xmlUrl="https://one.kz/rss" htmlUrl="https://one.kz"/></outline></outline>'
        '<outline type="rss" text="Two" xmlUrl="https://two.uz/feed/"/>'
    )
    one, two = imported(opml(nested))
    assert (one.id, one.name, one.homepage, one.country) == ("one", "One", "https://one.kz", "KZ")
    assert (two.id, two.homepage, two.country, two.enabled) == ("two", "https://two.uz/", "UZ", True)


@pytest.mark.parametrize(
    ("outline", "expected"),
    [
        ('text="" title="T" xmlUrl="https://a.kz/rss"', {"name": "T"}),
        ('xmlUrl="https://a.kz/rss"', {"name": "a.kz"}),
        ('text="A" XMLURL="https://a.kz/rss" htmlURL="https://b.kz"', {"homepage": "https://b.kz"}),
        ('text="A" xmlUrl=" https://a.kz/rss " htmlUrl="a.kz"', {"homepage": "https://a.kz"}),
        ('text="A" xmlUrl="https://a.kz/rss" htmlUrl="javascript:1"', {"homepage": "https://a.kz/"}),
        ('text="A" xmlUrl="a.kz/rss"', {"feeds": ("https://a.kz/rss",)}),
        ('text="A" xmlUrl="//www.a.kz/rss"', {"feeds": ("https://www.a.kz/rss",)}),
        ('text="A" xmlUrl="https://a.kz/my feed.xml"', {"feeds": ("https://a.kz/my%20feed.xml",)}),
        ('text="A" xmlUrl="https:// a.kz/rss"', {"feeds": ("https://a.kz/rss",)}),
        ('text="A" feedUrl="https://a.kz/rss" webUrl="https://b.kz"', {"homepage": "https://b.kz"}),
        ('text="A" type="atom" url="https://a.kz/rss"', {"feeds": ("https://a.kz/rss",)}),
        ('text="A" xmlUrl="feed://a.kz/rss"', {"feeds": ("http://a.kz/rss",)}),
        ('text="A" xmlUrl="feed:https://a.kz/rss"', {"feeds": ("https://a.kz/rss",)}),
        ('text="A" xmlUrl="https://a.kz/rss" language="kk-KZ"', {"language": "kk"}),
        ('text="A" xmlUrl="https://a.kz/rss" language="kazakh"', {"language": "ru"}),
        ('text="A" xmlUrl="https://a.com/rss" category="/think_tank"', {"category": "think_tank"}),
        ('text="A" xmlUrl="https://a.com/rss" category="/Boss,/x"', {"category": "world"}),
        ('text="A &#x2014; B&nbsp;C" xmlUrl="https://a.com/rss?a=1&b=2"', {"name": "A — B C"}),
        ('text="  A\n\tB  " xmlUrl="https://a.com/rss"', {"name": "A B"}),
    ],
)
def test_an_outline_as_readers_write_them(outline: str, expected: dict[str, Any]) -> None:
    (source,) = imported(opml(f"<outline {outline}/>"))
    assert {key: getattr(source, key) for key in expected} == expected


def test_a_folder_named_after_a_category_tells_it() -> None:
    inside = '<outline text="think tank"><outline text="A" xmlUrl="https://a.com/rss"/></outline>'
    assert [source.category for source in imported(opml(inside))] == ["think_tank"]


def test_a_feed_is_known_by_its_address_whatever_scheme_and_final_slash() -> None:
    (known,) = imported(opml('<outline text="A" xmlUrl="https://www.a.kz/rss/"/>'))
    variants = "".join(f'<outline text="B" xmlUrl="{url}"/>' for url in ("http://a.kz/rss", "https://A.kz/rss/"))
    added, skipped = choose_feeds(read_opml(opml(variants)), [known])
    assert added == []
    assert [one.why for one in skipped] == ['in the catalogue already: source "a"'] * 2


def test_a_feed_named_twice_is_added_once_and_two_feeds_of_a_host_get_two_ids() -> None:
    outlines = "".join(
        f'<outline text="{name}" xmlUrl="https://a.kz/{path}"/>'
        for name, path in (("World", "1"), ("World", "1"), ("Sport", "2"), ("Art", "3"))
    )
    assert [source.id for source in imported(opml(outlines))] == ["a", "a-ru", "a-art"]


def test_what_cannot_be_a_feed_is_skipped_with_the_reason_and_the_rest_is_taken() -> None:
    outlines = "".join(
        f'<outline text="x" xmlUrl="{url}"/>'
        for url in ("javascript:alert(1)", "file:///etc/passwd", "https://[broken/rss", "https://good.kz/rss")
    )
    added, skipped = choose_feeds(read_opml(opml(outlines)), ())
    assert [new.source.id for new in added] == ["good"]
    assert {one.why for one in skipped} == {"not an http or https address"}


def test_pages_that_a_reader_scrapes_are_skipped_and_feeds_of_all_kinds_taken() -> None:
    kinds = ("rss", "atom", "JSONFeed", "", "HTML+XPath", "XML+XPath", "JSON+DotPath", "HTML+XPath+JSON+DotNotation")
    outlines = (f'<outline text="x" type="{kind}" xmlUrl="https://h{n}.kz/x"/>' for n, kind in enumerate(kinds))
    added, skipped = choose_feeds(read_opml(opml("".join(outlines))), ())
    assert [new.source.id for new in added] == ["h0", "h1", "h2", "h3"]
    assert [one.feed for one in skipped] == [f"https://h{n}.kz/x" for n in range(4, 8)]
    assert skipped[0].why == "a page that a reader scrapes (HTML+XPath), and no feed"


@pytest.mark.parametrize(
    ("line", "shown", "why"),
    [
        ('<outline text="a < b" xmlUrl="https://bad.kz/rss"/>', "<outline", "malformed"),
        ('<outline text="5" tall" xmlUrl="https://bad.kz/rss"/>', "<outline", "malformed"),
        ('<outline text="x" xmlUrl="https://bad.kz/rss', "<outline", "malformed"),
        ('<outline text="\xff" xmlUrl="https://bad.kz/rss"/>', "https://bad.kz/rss", "bytes that are not utf-8"),
        (
            '<outline text="x" xmlUrl="https://bad.kz/rss?token=7"/>',
            "https://bad.kz/rss?token=…",
            "an address with a secret",
        ),
    ],
)
def test_a_line_that_is_wrong_costs_that_line(line: str, shown: str, why: str) -> None:
    before = '<outline text="новости и мнения за неделю"><outline text="One" xmlUrl="https://one.kz/rss"/></outline>'
    after = '<outline text="think tank"><outline text="Two &amp; more" xmlUrl="https://two.kz/rss?a=1&b=2"/></outline>'
    content = opml(before).replace(b"</body>", line.encode("latin-1") + after.encode() + b"</body>")
    added, skipped = choose_feeds(read_opml(content), ())
    assert [(new.source.id, new.source.name) for new in added] == [("one", "One"), ("two", "Two & more")]
    assert added[1].source.feeds == ("https://two.kz/rss?a=1&b=2",)
    assert added[1].source.category == "think_tank"
    (one,) = skipped
    assert one.feed.startswith(shown)
    assert one.why.startswith(why)


def test_a_list_in_another_encoding_is_read_as_it_declares() -> None:
    text = opml('<outline text="Новости" xmlUrl="https://a.kz/rss"/>').decode()
    for encoding in ("windows-1251", "utf-16"):
        content = text.replace("UTF-8", encoding).encode(encoding)
        assert [source.name for source in imported(content)] == ["Новости"]


# --- No list at all ----------------------------------------------------------------------------------------------

BOMB = (
    '<?xml version="1.0"?><!DOCTYPE opml [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghi", "bcdefghij", strict=True))
    + ']><opml><body><outline text="&j;" xmlUrl="https://a.kz/rss"/></body></opml>'
)
FILE_ENTITY = (
    '<?xml version="1.0"?><!DOCTYPE opml [<!ENTITY f SYSTEM "file:///etc/hostname">]>'
    '<opml><body><outline text="&f;" xmlUrl="https://a.kz/rss"/></body></opml>'
)
HOSTILE = {
    "empty": (b"", "found nothing, expected OPML"),
    "a page": (b"<!doctype html><html><body>Log in</body></html>", "found HTML, expected OPML"),
    "a feed": (b"<rss><channel/></rss>", "found '<rss><channel/></rss>', expected OPML"),
    "zeros": (b"\0" * 1000, "found nothing, expected OPML"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4, "expected OPML"),
    "no feeds": (opml('<outline text="x"/>'), "found no feed in it, expected outlines with an xmlUrl"),
    "a bomb of entities": (BOMB.encode(), "found a document type (<!DOCTYPE …>), which OPML has no use for"),
    "a file as entity": (FILE_ENTITY.encode(), "found a document type"),
    "a bomb in utf-16": (BOMB.encode("utf-16"), "found a document type"),
    "cut": (opml('<outline text="x" xmlUrl="https://a.kz/rss"/>')[:-20], "found malformed XML, expected OPML: "),
    "too deep": (opml("<outline text='x'>" * 5000), "found malformed XML, expected OPML: "),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_list_of_feeds_is_one_sentence(name: str) -> None:
    content, sentence = HOSTILE[name]
    with pytest.raises(OpmlError) as caught:
        read_opml(content)
    assert sentence in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


BYTES = st.binary(max_size=300)


@given(BYTES | BYTES.map(lambda some: opml("").replace(b"<body>", b"<body>" + some)))
def test_whatever_the_bytes_nothing_but_a_sentence_comes_out(content: bytes) -> None:
    try:
        choose_feeds(read_opml(content), ())
    except OpmlError as error:
        assert str(error)


def test_thousands_of_feeds_of_one_host_all_get_an_id_and_more_are_refused() -> None:
    outlines = [f'<outline text="a" xmlUrl="https://a.kz/{n}"/>' for n in range(MAX_FEEDS + 1)]
    sources = imported(opml("".join(outlines[:-1])))
    assert len({source.id for source in sources}) == MAX_FEEDS
    with pytest.raises(OpmlError, match="found more than 10000 feeds"):
        read_opml(opml("".join(outlines)))


# --- As commands -------------------------------------------------------------------------------------------------


def test_import_appends_marks_what_is_guessed_and_keeps_the_comments(tmp_path: Path) -> None:
    ours = "# our own\n" + source_toml("one", "https://one.kz/rss")
    config = write_config(tmp_path / "config", sources=ours)
    outlines = '<outline text="One" xmlUrl="http://one.kz/rss"/><outline text="Two" xmlUrl="https://two.tj/rss"/>'
    (tmp_path / "list.opml").write_bytes(opml(outlines))
    arguments = ("sources", "import", tmp_path / "list.opml", "--config", config)
    dry = one_json(c5watch(*arguments, "--dry-run", "--json"))
    assert ([s["id"] for s in dry["added"]], dry["file"]) == (["two"], None)
    assert (config / "sources.toml").read_text() == ours
    done = c5watch(*arguments)
    assert done.returncode == 0, done.stderr
    assert "1 source added, 1 skipped" in done.stderr
    text = (config / "sources.toml").read_text()
    assert text.startswith(ours)
    assert "# Please review language, country and category: guessed.\n[[sources]]\n" in text
    assert [source.id for source in load_config(config).sources] == ["one", "two"]
    again = one_json(c5watch(*arguments, "--json"))
    assert (again["added"], len(again["skipped"]), again["file"]) == ([], 2, None)
    assert (config / "sources.toml").read_text() == text


def test_an_export_holds_the_feeds_of_enabled_sources_and_can_be_imported(tmp_path: Path) -> None:
    assert c5watch("sources", "export", tmp_path / "all.opml").returncode == 0
    assert c5watch("sources", "export").stdout.encode() == (tmp_path / "all.opml").read_bytes()
    config = write_config(tmp_path / "config", sources=source_toml("one", "https://one.kz/rss"))
    done = c5watch("sources", "import", tmp_path / "all.opml", "--config", config)
    assert done.returncode == 0, done.stderr
    enabled = [feed for source in SHIPPED if source.enabled for feed in source.feeds]
    assert sorted(feed for source in load_config(config).sources[1:] for feed in source.feeds) == sorted(enabled)


def test_a_wrong_file_ends_with_status_2_one_line_and_nothing_written(tmp_path: Path) -> None:
    config = write_config(tmp_path / "config", sources=source_toml("one", "https://one.kz/rss"))
    before = (config / "sources.toml").read_bytes()
    (tmp_path / "bomb.opml").write_text(BOMB)
    (tmp_path / "huge.opml").write_bytes(b" " * (MAX_BYTES + 1))
    for name, sentence in {
        "bomb.opml": "found a document type",
        "huge.opml": "larger than 5 MB",
        "missing.opml": "cannot be read: No such file or directory",
        "config": "cannot be read: Is a directory",
    }.items():
        done = c5watch("sources", "import", tmp_path / name, "--config", config)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert f"{name}: {sentence}" in done.stderr
    assert (config / "sources.toml").read_bytes() == before


def test_an_export_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    done = c5watch("sources", "export", tmp_path / "no" / "such" / "folder.opml")
    assert done.returncode == 2
    assert f"there is no folder {tmp_path / 'no' / 'such'}: make it, or name another file" in done.stderr
