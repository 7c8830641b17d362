"""Rules for single sites: what a file may say, what it does to a page, and how it shows that it has grown old."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from lxml.html import document_fromstring, tostring
from pytest_httpserver import HTTPServer
from sqlalchemy import insert

from config.load import ConfigError, load_config
from config.settings import Storage
from config.sites import Site, site_of
from extractors.pages.article import extract
from extractors.pages.job import ArticleJob, SiteRule
from extractors.pages.other_texts import content_blocks, fuller
from extractors.pages.rules import narrowed, stated_text
from extractors.pages.steps import FEED, METHOD
from extractors.records import Article, Entry, ItemError, Page
from storage.health.sources import OLD_RULE, load_health
from storage.index.database import Database, index_location, open_database
from storage.index.schema import urls
from tests.support.running import EVERYTHING, c5watch, one_json, source_toml, write_config

NOW = datetime(2025, 11, 22, 6, 0, tzinfo=UTC)
ALMATY = ZoneInfo("Asia/Almaty")
GOOD = """
test = "https://example.kz/news/1"
body = "//div[@class='news-text']"
strip = ["//div[@class='see-also']", "//p[starts-with(., 'Подпишитесь')]"]
date = "//span[@class='day']"
"""
FIRST = (
    "Мост через реку Сырдарья открыли сегодня в Кызылорде, сообщает пресс-служба акимата области. "
    "Строительство заняло три года и обошлось бюджету в двенадцать миллиардов тенге."
)
SECOND = (
    "По словам акима, движение по новому мосту откроют в декабре, после того как дорожники закончат подъезды "
    "с обоих берегов и установят освещение."
)
ASIDE = "Врачи областной больницы впервые провели сложную операцию без помощи зарубежных коллег и довольны её исходом."
TEXTS = (
    "Парламент рассмотрит поправки в закон о печати на следующей неделе, сообщил депутат. Их готовили весь год, и "
    "споров было много, потому что журналисты просили сократить штрафы и отменить обязательную регистрацию.",
    "Суд приговорил бывшего чиновника к семи годам лишения свободы за взятку. Защита намерена обжаловать приговор и "
    "настаивает, что деньги были возвращены ещё до начала следствия, а свидетели путаются в показаниях.",
    "Рыбаки вернулись на озеро: вода поднялась, и лов снова разрешён до начала декабря. Инспекторы напоминают, что "
    "сети по-прежнему под запретом, а за каждую пойманную рыбу сверх нормы придётся заплатить.",
)
PAGE = f"""<html lang="ru"><head><meta property="article:published_time" content="2025-11-22T10:00:00+05:00"></head>
<body><h1>Мост открыт</h1><span class="day">6 ноября, 12:30</span>
<div class="news-text"><p>{FIRST}</p><div class="see-also"><p>{ASIDE}</p></div><p>{SECOND}</p>
<p>Подпишитесь на наш канал, чтобы не пропустить главного</p></div>
<div class="other"><p>{ASIDE} {ASIDE}</p></div></body></html>"""
RULE = SiteRule(
    "//div[@class='news-text']",
    ("//div[@class='see-also']", "//p[starts-with(., 'Подпишитесь')]"),
    "//span[@class='day']",
)


# --- The files ------------------------------------------------------------------------------------------------------


def folder_with(tmp_path: Path, **files: str) -> Path:
    (tmp_path / "sites").mkdir()
    for name, content in files.items():
        (tmp_path / "sites" / f"{name.replace('_', '.')}.toml").write_text(content, encoding="utf-8")
    return tmp_path


def mistakes(folder: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_config(folder)
    return [line.replace(f"{folder}/sites/", "") for line in caught.value.lines]


def test_rules_are_read_with_the_rest_of_the_configuration(tmp_path: Path) -> None:
    config = load_config(folder_with(tmp_path, example_kz=GOOD))
    site = config.sites["example.kz"]
    assert (site.body, site.strip, site.date) == (RULE.body, RULE.strip, RULE.date)
    assert SiteRule.of(site) == RULE


def test_a_folder_without_rules_takes_those_of_the_checkout(tmp_path: Path) -> None:
    assert load_config(tmp_path).sites == load_config(Path(__file__).parents[1] / "config").sites
    (tmp_path / "sites").mkdir()
    assert load_config(tmp_path).sites == {}


T = 'test = "https://example.kz/news/1"\n'
MISTAKES = [
    # name, content, what the line begins with
    ("no rule", T, "example.kz.toml: found no rule, expected at least one of body, strip and date"),
    ("no test page", 'body = "//div"', "example.kz.toml: test: missing, expected a value"),
    ("unknown key", T + 'bodi = "//div"',
     "example.kz.toml: bodi: unknown key, expected one of body, date, strip, test "
     '(did you mean "body"?)'),
    ("no XPath", T + 'body = "//div["', 'example.kz.toml: body: found "//div[", expected an XPath 1.0 expression'),
    ("empty", T + 'body = ""', 'example.kz.toml: body: found "", expected at least 1 character(s)'),
    ("unknown function", T + 'body = "//div[matches(., \'a\')]"',
     "example.kz.toml: body: found \"//div[matches(., 'a')]\", "
     "expected only functions of XPath 1.0, which has no matches()"),
    ("unknown prefix", T + 'date = "//og:date"', 'example.kz.toml: date: found "//og:date", expected an XPath'),
    ("variable", T + 'date = "//p[$a]"',
     'example.kz.toml: date: found "//p[$a]", expected an XPath expression without'),
    ("text for a body", T + 'body = "string(//div)"',
     'example.kz.toml: body: found "string(//div)", expected an XPath '
     "expression that gives elements, not a text, number or truth value"),
    ("in a list", T + 'strip = ["//div", "//p["]', 'example.kz.toml: strip[2]: found "//p[", expected an XPath'),
    ("text for a list", T + 'strip = "//div"', 'example.kz.toml: strip: found "//div", expected a list'),
    ("number", T + "body = 3", "example.kz.toml: body: found 3, expected a valid string"),
    ("test elsewhere", 'test = "https://other.kz/1"\nbody = "//div"',
     "example.kz.toml: test: found https://other.kz/1, expected an address on example.kz"),
    ("test no address", 'test = "example.kz/1"\nbody = "//div"',
     'example.kz.toml: test: found "example.kz/1", expected a'),
    ("no TOML", "body = ", "example.kz.toml: not valid TOML"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "expected"), [row[1:] for row in MISTAKES], ids=[row[0] for row in MISTAKES])
def test_a_mistake_names_file_key_and_mend(tmp_path: Path, content: str, expected: str) -> None:
    [line] = mistakes(folder_with(tmp_path, example_kz=content))
    assert line.startswith(expected)


@pytest.mark.parametrize("name", ["Example_kz", "example", "-example_kz", "https:example_kz", "example__kz"])
def test_a_file_is_named_after_its_domain(tmp_path: Path, name: str) -> None:
    lines = mistakes(folder_with(tmp_path, **{name: GOOD}))
    assert lines[0].endswith('expected a domain in small letters as its name, such as "kun.uz.toml"')


def test_a_wrong_rule_ends_every_command_with_status_two(tmp_path: Path) -> None:
    config = write_config(tmp_path, sources="")
    (config / "sources.toml").unlink()
    folder_with(config, example_kz=T + 'body = "//div["')
    done = c5watch("sources", "list", "--config", config)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f'c5watch: {config}/sites/example.kz.toml: body: found "//div["')
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://example.kz/news/1", "example.kz"),
        ("https://www.example.kz/news/1", "example.kz"),
        ("https://ru.example.kz:8080/news/1", "ru.example.kz"),
        ("https://EXAMPLE.kz./news/1", "example.kz"),
        ("https://notexample.kz/news/1", None),
        ("https://example.kz.evil.com/", None),
        ("https://[/", None),
        ("nonsense", None),
    ],
)
def test_the_closest_domain_has_the_rule(url: str, domain: str | None) -> None:
    sites = {name: Site(test=f"https://{name}/", body=f"//{name[:2]}") for name in ("example.kz", "ru.example.kz")}
    assert site_of(sites, url) == (sites[domain] if domain else None)


# --- On a page ------------------------------------------------------------------------------------------------------


def extracted(body: str, rule: SiteRule | None = RULE, *, published: datetime | None = None, content: str | None = None,
              min_words: int = 20) -> Article:  # fmt: skip
    url = "https://example.kz/news/1"
    entry = Entry(url, "https://example.kz/rss", published=published, content=content)
    return extract(ArticleJob(Page(url, body.encode(), None, NOW), entry, ALMATY, min_words, NOW, rule))


def test_a_rule_says_where_text_and_date_are_and_what_is_not_the_articles() -> None:
    article = extracted(PAGE)
    assert article.paragraphs == (FIRST, SECOND)
    assert (article.published, article.date_origin, article.unmatched) == (date(2025, 11, 6), "rule", ())
    assert article.title == "Мост открыт"


def test_without_a_rule_nothing_is_said_of_one() -> None:
    assert extracted(PAGE, None).unmatched is None


def test_a_rule_that_finds_nothing_leaves_the_page_to_the_general_way() -> None:
    changed = PAGE.replace("news-text", "text").replace('class="day"', 'class="date"')
    article, general = extracted(changed), extracted(changed, None)
    assert article.unmatched == ("body", "date")
    assert FIRST in article.paragraphs
    assert (article.published, article.date_origin) == (general.published, general.date_origin)


def test_a_date_that_cannot_be_is_as_good_as_none() -> None:
    article = extracted(PAGE.replace("6 ноября, 12:30", "6 ноября 2035"))
    assert (article.date_origin, article.unmatched) == ("meta", ("date",))


def test_a_missing_year_is_that_of_the_feed() -> None:
    old = extracted(PAGE, published=datetime(2023, 11, 7, tzinfo=UTC))
    assert old.published == date(2023, 11, 6)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("//time/@datetime", "2025-11-06"),
        ("//time", "2025-11-06"),
        ("//p[@class='empty'] | //p[@class='day']", "6 ноября"),
        ("string(//p[@class='day'])", "6 ноября"),
        ("//p[@class='day']/text()", "6 ноября"),
        ("//meta/@content", "2025-11-07"),
        ("count(//p)", None),
        ("//b", None),
    ],
)
def test_a_date_is_stated_by_an_element_an_attribute_or_a_text(expression: str, text: str | None) -> None:
    page = """<html><head><meta content="2025-11-07"></head><body><time datetime="2025-11-06">вчера</time>
    <p class="empty"> </p><p class="day"> 6 ноября </p></body></html>"""
    assert stated_text(document_fromstring(page), SiteRule(date=expression)) == text


def test_nested_finds_come_once_and_the_page_stays_as_it_is() -> None:
    tree = document_fromstring(
        "<div class='a'><p>1</p><div class='a'><p>2</p></div><i>x</i></div><p class='a'>3</p>tail"
    )
    before = tostring(tree)
    content = narrowed(tree, SiteRule("//*[@class='a']", ("//i",)))
    assert content.text_content() == "123"
    assert narrowed(tree, SiteRule(strip=("//div",))).text_content() == "3tail"
    assert narrowed(tree, SiteRule("//b")) is tree
    assert tostring(tree) == before


# --- Health ---------------------------------------------------------------------------------------------------------


@pytest.fixture
async def database(tmp_path: Path, storage: Storage) -> AsyncIterator[Database]:
    opened = await open_database(index_location(tmp_path, storage))
    yield opened
    await opened.close()


@pytest.mark.parametrize(
    ("latest_first", "why"),
    [
        ([["body"]] * 3 + [[]] * 5, "body of the site's rule found nothing on 3 of its latest pages"),
        ([["body", "date"], ["date"], ["date"]],
         "body and date of the site's rule found nothing on 3 of its latest pages"),
        ([["body"], ["body"], [], ["body"]], None),
        ([[], *[["body"]] * 9], None),
        ([["date"], None, ["date"], None, ["date"]], "date of the site's rule found nothing on 3 of its latest pages"),
        ([["body"]] * 2, None),
        ([None] * 5, None),
        ([], None),
    ],
)  # fmt: skip
async def test_a_rule_that_stops_matching_is_flagged(
    database: Database, latest_first: list[list[str] | None], why: str | None
) -> None:
    async with database.write() as connection:
        for number, unmatched in enumerate(latest_first):
            at = NOW - timedelta(hours=number)
            row: dict[str, Any] = {"decided_at": at, "first_seen": at, "words": 300, "dated": True}
            row["details"] = None if unmatched is None else {"unmatched": unmatched, "score": 1.0}
            address = f"https://example.kz/{number}"
            row |= {"key": address, "url": address, "source_id": "example", "feed_url": "f", "attempts": 1}
            await connection.execute(insert(urls).values(**row))
    async with database.read() as connection:
        [ruled] = await load_health(connection, ["example"], now=NOW, ruled={"example"})
        [other] = await load_health(connection, ["example"], now=NOW)
    assert [flag.why for flag in ruled.flags if flag.name == OLD_RULE] == ([why] if why else [])
    assert other.flags == ()


# --- The feed's full text -------------------------------------------------------------------------------------------


WHOLE = f"<p>{FIRST}</p><p>{SECOND}</p><p>{ASIDE}</p>"
SHORT = f"<html><body><article><h1>Мост</h1><p>{FIRST}</p></article></body></html>"


def test_the_feeds_text_is_taken_when_the_page_says_less() -> None:
    article = extracted(SHORT, None, content=WHOLE)
    assert article.paragraphs == (FIRST, SECOND, ASIDE)
    assert article.method == FEED


def test_the_page_is_kept_when_it_says_as_much() -> None:
    page = f"<html><body><article><h1>Мост</h1>{WHOLE}</article></body></html>"
    for content in (
        WHOLE,
        f"<p>{FIRST}</p>",
        f"<p>{FIRST} […]</p><p>The post Мост appeared first on Сайт.</p>",
        "",
        None,
    ):
        article = extracted(page, None, content=content)
        assert (article.paragraphs, article.method) == ((FIRST, SECOND, ASIDE), METHOD)


def test_a_page_without_text_is_no_article_unless_the_feed_has_it() -> None:
    shell = "<html><body><div id='app'></div></body></html>"
    assert extracted(shell, None, content=WHOLE).paragraphs == (FIRST, SECOND, ASIDE)
    with pytest.raises(ItemError):
        extracted(shell, None)
    with pytest.raises(ItemError):
        extracted(shell, None, content="<p>Мост открыт.</p>")


def test_the_feeds_text_is_cleaned_like_a_pages() -> None:
    content = f"<h2>Мост</h2>{WHOLE}<p>Читайте также: <a href='/2'>Дорогу закрыли</a></p>"
    assert extracted(SHORT, None, content=content).paragraphs == (FIRST, SECOND, ASIDE)


def test_lists_and_tables_of_a_feed_are_blocks() -> None:
    content = (
        f"<p>{FIRST}</p><ul><li>один</li><li>два</li></ul><p>{SECOND}</p><p>The post Мост appeared first on X.</p>"
    )
    assert content_blocks(content) == [FIRST, "- один\n- два", SECOND]


def test_a_little_more_is_not_more() -> None:
    assert fuller(f"<p>{FIRST}</p><p>Фото: пресс-служба</p>", [FIRST]) is None
    assert fuller(WHOLE, [FIRST, SECOND]) == [FIRST, SECOND, ASIDE]
    assert fuller(WHOLE, []) == [FIRST, SECOND, ASIDE]
    assert fuller("<<<", []) is None
    assert fuller(None, [FIRST]) is None


# --- In a pass ------------------------------------------------------------------------------------------------------


def test_a_pass_applies_rules_and_feeds_texts_and_flags_what_stopped_matching(
    httpserver: HTTPServer, tmp_path: Path
) -> None:
    def url(path: str) -> str:
        return httpserver.url_for(path).replace("localhost", "127.0.0.1")

    stories = {f"/{number}": f"<p>{text}</p>" for number, text in enumerate(TEXTS)}
    for path, text in stories.items():
        httpserver.expect_request(path).respond_with_data(
            f"<html><body><h1>Новость {path}</h1><div class='text'>{text}</div></body></html>", content_type="text/html"
        )
    items = "".join(
        f"<item><title>Новость {path}</title><link>{url(path)}</link><content:encoded><![CDATA[{text}<p>{ASIDE}</p>]]>"
        "</content:encoded></item>"
        for path, text in stories.items()
    )
    xmlns = 'xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    feed = f'<rss version="2.0" {xmlns}><channel><title>t</title>{items}</channel></rss>'
    httpserver.expect_request("/rss").respond_with_data(feed, content_type="application/rss+xml")
    config = write_config(tmp_path / "config", sources=source_toml("one", url("/rss")), topics=EVERYTHING)
    (config / "sites").mkdir()
    rule = f'test = "{url("/0")}"\nbody = "//div[@class=\'text\']"\ndate = "//time"\n'
    (config / "sites" / "127.0.0.1.toml").write_text(rule, encoding="utf-8")
    data = tmp_path / "data"
    done = c5watch("monitor", "--engine", "direct", "--json", "--config", config, "--data", data)
    summary = one_json(done)
    assert summary["appended"] == len(TEXTS), done.stderr
    why = f"date of the site's rule found nothing on {len(TEXTS)} of its latest pages"
    assert (summary["sources"]["one"]["health"]["state"], summary["sources"]["one"]["health"]["why"]) == (OLD_RULE, why)
    files = [path.read_text(encoding="utf-8") for path in sorted((data / "corpus").glob("*.txt"))]
    assert all(text.endswith(ASIDE) for text in files)  # the feeds' texts say a sentence more
