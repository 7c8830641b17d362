"""The demonstration outlets must be what the end-to-end tests take them for."""

from __future__ import annotations

import errno
import html
import json
import re
import socket
import tomllib
from calendar import timegm
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import feedparser
import httpx
import pytest
import trafilatura
from lxml import etree
from lxml import html as lxml_html

from tests.demo_site.server import DemoArticle, DemoSite

NOW = datetime(2025, 5, 14, 9, 30, 12, tzinfo=UTC)
PARSED_BY_FEEDPARSER = ("stepnoy-vestnik", "corridor-ledger", "dala-habary", "chu-gazeta")
SITEMAP = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9", "n": "http://www.google.com/schemas/sitemap-news/0.9"}


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    with DemoSite(now=NOW) as running:
        yield running


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=30.0) as session:
        yield session


def feed_url(site: DemoSite, source_id: str) -> str:
    sources = tomllib.loads(site.sources_toml())["sources"]
    return str(next(source["feeds"][0] for source in sources if source["id"] == source_id))


def own_articles(site: DemoSite, source_id: str) -> list[DemoArticle]:
    return [article for article in site.articles if article.source_id == source_id]


def normal(text: str) -> str:
    """Undo the typography of the pages, which is no part of the text."""
    return re.sub(r"\s+", " ", text.replace("\xad", "")).strip()


def lines(article: DemoArticle) -> list[str]:
    """The pieces of text that must be on the page in one run: paragraphs, list items, table cells."""
    rows = [line.removeprefix("- ") for paragraph in article.paragraphs for line in paragraph.split("\n")]
    return [normal(cell) for row in rows for cell in row.split(" | ")]


def without_query(url: str) -> str:
    return url.partition("?utm_")[0]


@pytest.mark.parametrize("source_id", PARSED_BY_FEEDPARSER)
def test_feed_lists_every_article_of_its_host_newest_first(
    site: DemoSite, client: httpx.Client, source_id: str
) -> None:
    response = client.get(feed_url(site, source_id))
    parsed = feedparser.parse(response.content, response_headers={"content-type": response.headers["content-type"]})
    entries = [entry for entry in parsed.entries if "link" in entry]
    articles = own_articles(site, source_id)
    assert [without_query(entry.link) for entry in entries] == [article.url for article in articles]
    assert [html.unescape(entry.title) for entry in entries] == [article.title for article in articles]
    for entry, article in zip(entries, articles, strict=True):
        stamp = entry.get("published_parsed") or entry.get("updated_parsed")
        assert stamp is None or datetime.fromtimestamp(timegm(stamp), UTC) == article.published


def test_news_sitemap_lists_every_article_with_its_title_and_date(site: DemoSite, client: httpx.Client) -> None:
    tree = etree.fromstring(client.get(feed_url(site, "arys-inform")).content)
    found = [
        (
            url.findtext("s:loc", namespaces=SITEMAP),
            url.findtext("n:news/n:title", namespaces=SITEMAP),
            datetime.fromisoformat(url.findtext("n:news/n:publication_date", namespaces=SITEMAP)),
        )
        for url in tree.findall("s:url", SITEMAP)
    ]
    assert found == [(a.url, a.title, a.published) for a in own_articles(site, "arys-inform")]


def test_json_feed_lists_every_article_and_holds_teasers_only(site: DemoSite, client: httpx.Client) -> None:
    feed = json.loads(client.get(feed_url(site, "orient-brief")).content)
    articles = own_articles(site, "orient-brief")
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert [item["url"] for item in feed["items"]] == [article.url for article in articles]
    assert all(len(item["content_html"]) < 600 for item in feed["items"])


def test_wordpress_feed_adds_tracking_parameters_that_the_host_ignores(site: DemoSite, client: httpx.Client) -> None:
    parsed = feedparser.parse(client.get(feed_url(site, "stepnoy-vestnik")).content)
    link = parsed.entries[0].link
    assert "utm_source=rss" in link
    assert client.get(link).content == client.get(without_query(link)).content


def test_one_feed_has_an_entry_without_link_and_an_entry_without_date(site: DemoSite, client: httpx.Client) -> None:
    entries = feedparser.parse(client.get(feed_url(site, "chu-gazeta")).content).entries
    assert len([entry for entry in entries if "link" not in entry]) == 1
    assert len([entry for entry in entries if "link" in entry and "published" not in entry]) == 1


def test_unchanged_feed_is_answered_with_304(site: DemoSite, client: httpx.Client) -> None:
    for source in tomllib.loads(site.sources_toml())["sources"][:-1]:
        first = client.get(source["feeds"][0])
        for name, value in (("If-None-Match", "etag"), ("If-Modified-Since", "last-modified")):
            again = client.get(source["feeds"][0], headers={name: first.headers[value]})
            assert (again.status_code, again.content) == (304, b"")
        assert client.get(source["feeds"][0], headers={"If-None-Match": '"other"'}).status_code == 200


def test_unchanged_article_is_answered_with_304_by_its_tag(site: DemoSite, client: httpx.Client) -> None:
    first = client.get(site.articles[0].url)
    assert client.get(site.articles[0].url, headers={"If-None-Match": first.headers["etag"]}).status_code == 304


def test_body_is_compressed_only_on_request_and_its_length_is_given(site: DemoSite, client: httpx.Client) -> None:
    url = site.articles[0].url
    plain = client.get(url, headers={"Accept-Encoding": "identity"})
    packed = client.get(url, headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(plain.headers["content-length"]) == len(plain.content) > int(packed.headers["content-length"])
    assert packed.content == plain.content
    assert packed.headers["etag"] != plain.headers["etag"]


def test_windows_1251_host_names_its_charset_in_the_documents_only(site: DemoSite, client: httpx.Client) -> None:
    feed = client.get(feed_url(site, "chu-gazeta"))
    page = client.get(own_articles(site, "chu-gazeta")[0].url)
    for response in (feed, page):
        assert "charset" not in response.headers["content-type"]
        assert "Чуйская газета" in response.content.decode("windows-1251")
        with pytest.raises(UnicodeDecodeError):
            response.content.decode("utf-8")
    assert feed.content.startswith(b'<?xml version="1.0" encoding="windows-1251"?>')
    assert b"charset=windows-1251" in page.content
    assert b"+0500</pubDate>" in feed.content


def test_every_article_page_holds_all_its_paragraphs(site: DemoSite, client: httpx.Client) -> None:
    for article in site.articles:
        encoding = "windows-1251" if article.source_id == "chu-gazeta" else "utf-8"
        page = lxml_html.fromstring(client.get(article.url).content.decode(encoding))
        text = normal(page.text_content())
        assert article.title in text
        assert [line for line in lines(article) if line not in text] == []


def test_trafilatura_finds_nearly_all_paragraphs_of_every_page_but_the_stub(
    site: DemoSite, client: httpx.Client
) -> None:
    for article in site.articles:
        if article.kind == "stub":
            continue
        text = normal(trafilatura.extract(client.get(article.url).content, include_comments=False) or "")
        wanted = lines(article)
        found = [line for line in wanted if line in text]
        assert len(found) >= 0.9 * len(wanted), article.url


def test_page_carries_its_date_where_its_cms_puts_it(site: DemoSite, client: httpx.Client) -> None:
    places = {
        "stepnoy-vestnik": '<meta property="article:published_time" content="{}">',
        "corridor-ledger": '"datePublished": "{}"',
        "dala-habary": '<time datetime="{}">',
        "chu-gazeta": '<meta itemprop="datePublished" content="{}" />',
        "orient-brief": '"datePublished": "{}"',
    }
    for article in site.articles:
        page = client.get(article.url).content.decode("utf-8", "replace")
        stamp = article.published.isoformat().replace("+00:00", "Z")
        assert stamp.endswith("Z" if article.source_id == "corridor-ledger" else "+05:00")
        if article.source_id in places:
            assert places[article.source_id].format(stamp) in page
        else:
            assert stamp[:10] not in page
            assert f"{article.published:%H:%M}</span>" in page


def test_typography_of_the_pages_needs_cleaning(site: DemoSite, client: httpx.Client) -> None:
    by_source = {article.source_id: client.get(article.url).content for article in site.articles}
    assert b"&nbsp;" in by_source["stepnoy-vestnik"]
    assert b"&shy;" in b"".join(client.get(article.url).content for article in own_articles(site, "chu-gazeta"))
    assert any("ʼ" in paragraph for article in site.articles for paragraph in article.paragraphs)
    assert not any("\xa0" in p or "\xad" in p for article in site.articles for p in article.paragraphs)


def test_amp_variant_is_linked_and_points_back_to_the_article(site: DemoSite, client: httpx.Client) -> None:
    for article in own_articles(site, "orient-brief"):
        link = re.search(r'<link rel="amphtml" href="([^"]+)">', client.get(article.url).text)
        assert link is not None
        assert f'<link rel="canonical" href="{article.url}">' in client.get(link.group(1)).text


def test_articles_are_counted_as_promised(site: DemoSite) -> None:
    assert Counter(article.kind for article in site.articles) == {
        "on_topic": 28,
        "off_topic": 12,
        "reprint": 5,
        "stub": 1,
    }
    assert Counter(article.language for article in site.articles) == {"ru": 23, "en": 12, "kk": 11}
    assert len({article.url for article in site.articles}) == len(site.articles)


def test_articles_have_the_length_of_news_and_the_stub_has_not(site: DemoSite) -> None:
    for article in site.articles:
        words = sum(len(paragraph.split()) for paragraph in article.paragraphs)
        if article.kind == "stub":
            assert words < 15
        else:
            assert 4 <= len(article.paragraphs) <= 9, article.key
            assert 125 <= words <= 350, article.key


def test_reprints_have_the_paragraphs_of_another_host_under_another_address(
    site: DemoSite, client: httpx.Client
) -> None:
    by_key = {article.key: article for article in site.articles}
    reprints = [article for article in site.articles if article.kind == "reprint"]
    for reprint in reprints:
        assert reprint.same_as is not None
        original = by_key[reprint.same_as]
        assert reprint.paragraphs == original.paragraphs
        assert (reprint.language, original.kind) == (original.language, "on_topic")
        assert reprint.host != original.host
        assert reprint.published > original.published
        assert client.get(reprint.url).content != client.get(original.url).content
    assert all(article.same_as is None for article in site.articles if article.kind != "reprint")


def test_ages_count_from_the_given_moment(site: DemoSite) -> None:
    start = NOW.replace(second=0)
    assert all(timedelta(0) < start - article.published < timedelta(days=3) for article in site.articles)
    assert all(article.published.utcoffset() is not None for article in site.articles)


def test_dead_source_refuses_connections(site: DemoSite) -> None:
    dead = tomllib.loads(site.sources_toml())["sources"][-1]
    parts = urlsplit(dead["feeds"][0])
    assert parts.hostname is not None
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((parts.hostname, parts.port or 0), timeout=2)


def test_sources_and_settings_are_valid_toml_with_all_fields(site: DemoSite) -> None:
    sources = tomllib.loads(site.sources_toml())["sources"]
    fields = {"id", "name", "homepage", "feeds", "language", "country", "category", "enabled"}
    assert all(set(source) == fields for source in sources)
    assert all(re.fullmatch(r"[a-z0-9-]+", source["id"]) for source in sources)
    assert {article.source_id for article in site.articles} == {source["id"] for source in sources[:-1]}
    network = tomllib.loads(site.settings_toml())["network"]
    assert network == {"allow_networks": ["127.0.0.0/8"], "per_host_interval": 0.05, "timeout": 5.0}


def test_front_page_robots_and_missing_page_are_served_by_every_host(site: DemoSite, client: httpx.Client) -> None:
    for host in site.hosts.values():
        assert client.get(f"http://{host}/").status_code == 200
        assert "Disallow: /search" in client.get(f"http://{host}/robots.txt").text
        assert client.get(f"http://{host}/no/such/page").status_code == 404


def test_requests_are_noted_in_order_of_arrival(site: DemoSite, client: httpx.Client) -> None:
    before = len(site.hits)
    article = site.articles[0]
    client.get(article.url, headers={"User-Agent": "probe/1"})
    client.head(f"http://{article.host}/nowhere")
    first, second = site.hits[before:]
    assert (first.host, first.method, first.status) == (article.host, "GET", 200)
    assert first.path == article.target
    assert first.headers["user-agent"] == "probe/1"
    assert (second.method, second.path, second.status) == ("HEAD", "/nowhere", 404)
    assert first.at <= second.at


def test_connections_are_kept_alive(site: DemoSite) -> None:
    host, _, port = site.articles[0].host.partition(":")
    request = f"GET /robots.txt HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    with socket.create_connection((host, int(port)), timeout=2) as connection:
        for _ in range(2):
            connection.sendall(request)
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")


def test_stopped_site_answers_nobody_not_even_on_open_connections() -> None:
    with httpx.Client(trust_env=False) as session:
        with DemoSite(now=NOW) as short:
            url = short.articles[0].url
            assert session.get(url).status_code == 200
        with pytest.raises(httpx.TransportError):
            session.get(url)


def test_hosts_fall_back_to_ports_of_one_address(monkeypatch: pytest.MonkeyPatch) -> None:
    listen = DemoSite._listen

    def only_plain_loopback(self: DemoSite, address: str, port: int) -> int:
        if address != "127.0.0.1":
            raise OSError(errno.EADDRNOTAVAIL, "no such address")
        return listen(self, address, port)

    monkeypatch.setattr(DemoSite, "_listen", only_plain_loopback)
    with DemoSite(now=NOW) as site:
        assert len(set(site.hosts.values())) == len(site.hosts)
        assert all(host.startswith("127.0.0.1:") for host in site.hosts.values())
        assert httpx.get(site.articles[-1].url, trust_env=False).status_code == 200


def test_answers_take_at_least_the_given_delay() -> None:
    with DemoSite(now=NOW, delay=0.2) as slow:
        assert httpx.get(slow.articles[0].url, trust_env=False).elapsed >= timedelta(seconds=0.2)
