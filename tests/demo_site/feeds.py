"""Feeds of the demonstration outlets: RSS 2.0, Atom, RSS 1.0 (RDF), a news sitemap and JSON Feed.

They are written by hand and not by an XML library, because real feeds are too, and because two entries have
to be wrong in ways that a library would prevent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.utils import format_datetime
from html import escape

from tests.demo_site.model import DemoArticle, Outlet, slug_number

Writer = Callable[[Outlet, str, Sequence[DemoArticle]], str]


@dataclass(frozen=True, slots=True)
class FeedKind:
    """Where a kind of feed lives, how the header names it and who writes it."""

    path: str
    content_type: str
    write: Writer


def teaser(article: DemoArticle, words: int = 22) -> str:
    """The beginning of the article, cut as a CMS cuts it."""
    first = article.paragraphs[0].split()
    return " ".join(first[:words]) + (" […]" if len(first) > words else "")


def _cdata(markup: str) -> str:
    return f"<![CDATA[{markup}]]>"


def rss_wordpress(outlet: Outlet, home: str, articles: Sequence[DemoArticle]) -> str:
    """RSS 2.0 as WordPress writes it in summary mode, with tracking parameters on the links."""
    items = []
    for article in articles:
        link = escape(f"{article.url}?utm_source=rss&utm_medium=feed&utm_campaign=main")
        summary = f"<p>{escape(teaser(article), quote=False)}</p>"
        origin = (
            f'<p>Запись <a rel="nofollow" href="{link}">{escape(article.title)}</a> впервые появилась '
            f'<a rel="nofollow" href="{home}">{escape(outlet.name)}</a>.</p>'
        )
        items.append(
            f"<item>\n<title>{escape(article.title)}</title>\n<link>{link}</link>\n"
            f"<dc:creator>{_cdata(article.author or 'Редакция')}</dc:creator>\n"
            f"<pubDate>{format_datetime(article.published)}</pubDate>\n"
            f'<guid isPermaLink="false">{home}?p={slug_number(article.slug)}</guid>\n'
            f"<description>{_cdata(summary + origin)}</description>\n"
            f"<content:encoded>{_cdata(summary + origin)}</content:encoded>\n</item>"
        )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"\n'
        ' xmlns:content="http://purl.org/rss/1.0/modules/content/"\n'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:atom="http://www.w3.org/2005/Atom">\n'
        f"<channel>\n<title>{escape(outlet.name)}</title>\n<link>{home}</link>\n"
        f'<atom:link href="{home}feed/" rel="self" type="application/rss+xml" />\n'
        f"<description>{escape(outlet.tagline)}</description>\n<language>ru-RU</language>\n"
        + "\n".join(items)
        + "\n</channel>\n</rss>\n"
    )


def rss_cp1251(outlet: Outlet, home: str, articles: Sequence[DemoArticle]) -> str:
    """RSS 2.0 of an old home-made CMS.

    Its last entry has no link at all, and the oldest article lacks its date: a collector has to survive both.
    """
    items = []
    for article in articles:
        date = "" if article is articles[-1] else f"<pubDate>{format_datetime(article.published)}</pubDate>"
        items.append(
            f"<item><title>{escape(article.title)}</title><link>{escape(article.url)}</link>"
            f"<description>{escape(teaser(article))}</description>{date}</item>"
        )
    items.append("<item><title>Подписка на газету</title><description>Оформите подписку</description></item>")
    return (
        '<?xml version="1.0" encoding="windows-1251"?>\n<rss version="2.0"><channel>\n'
        f"<title>{escape(outlet.name)}</title><link>{home}</link><description>{escape(outlet.tagline)}</description>\n"
        + "\n".join(items)
        + "\n</channel></rss>\n"
    )


def atom(outlet: Outlet, home: str, articles: Sequence[DemoArticle]) -> str:
    """Atom 1.0 with summaries, its dates in UTC."""
    entries = []
    for article in articles:
        stamp = article.published.strftime("%Y-%m-%dT%H:%M:%SZ")
        author = f"<author><name>{escape(article.author)}</name></author>" if article.author else ""
        entries.append(
            f'<entry><title type="html">{escape(escape(article.title, quote=False))}</title>'
            f'<link rel="alternate" type="text/html" href="{escape(article.url)}"/><id>{escape(article.url)}</id>'
            f"<published>{stamp}</published><updated>{stamp}</updated>{author}"
            f'<summary type="text">{escape(teaser(article))}</summary></entry>'
        )
    updated = articles[0].published.strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{outlet.language}">\n'
        f"<title>{escape(outlet.name)}</title><subtitle>{escape(outlet.tagline)}</subtitle>\n"
        f'<link href="{home}"/><link rel="self" href="{home}atom.xml"/><id>{home}</id>\n'
        f"<updated>{updated}</updated><author><name>{escape(outlet.name)}</name></author>\n"
        + "\n".join(entries)
        + "\n</feed>\n"
    )


def rdf(outlet: Outlet, home: str, articles: Sequence[DemoArticle]) -> str:
    """RSS 1.0, which keeps the list of entries apart from the entries and dates them in dc:date."""
    listing = "".join(f'<rdf:li rdf:resource="{escape(article.url)}"/>' for article in articles)
    items = "\n".join(
        f'<item rdf:about="{escape(article.url)}"><title>{escape(article.title)}</title>'
        f"<link>{escape(article.url)}</link><description>{escape(teaser(article))}</description>"
        f"<dc:date>{article.published.isoformat()}</dc:date><dc:language>{article.language}</dc:language></item>"
        for article in articles
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<rdf:RDF xmlns="http://purl.org/rss/1.0/"\n'
        ' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/">\n'
        f'<channel rdf:about="{home}"><title>{escape(outlet.name)}</title><link>{home}</link>'
        f"<description>{escape(outlet.tagline)}</description>\n"
        f"<items><rdf:Seq>{listing}</rdf:Seq></items></channel>\n{items}\n</rdf:RDF>\n"
    )


def news_sitemap(outlet: Outlet, home: str, articles: Sequence[DemoArticle]) -> str:
    """A Google News sitemap: the only list of new articles on an outlet that has no feed."""
    urls = "\n".join(
        f"<url><loc>{escape(article.url)}</loc><news:news><news:publication><news:name>{escape(outlet.name)}"
        f"</news:name><news:language>{article.language}</news:language></news:publication>"
        f"<news:publication_date>{article.published.isoformat()}</news:publication_date>"
        f"<news:title>{escape(article.title)}</news:title></news:news></url>"
        for article in articles
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"\n'
        ' xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">\n'
        f"{urls}\n</urlset>\n"
    )


def json_feed(outlet: Outlet, home: str, articles: Sequence[DemoArticle]) -> str:
    """JSON Feed 1.1 whose content_html holds a teaser only, as outlets that want visitors do it."""
    items = [
        {
            "id": article.url,
            "url": article.url,
            "title": article.title,
            "content_html": f'<p>{escape(teaser(article))}</p><p><a href="{article.url}">Read more</a></p>',
            "date_published": article.published.isoformat(),
            "language": article.language,
            **({"authors": [{"name": article.author}]} if article.author else {}),
        }
        for article in articles
    ]
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": outlet.name,
        "home_page_url": home,
        "feed_url": f"{home}feed.json",
        "description": outlet.tagline,
        "language": outlet.language,
        "items": items,
    }
    return json.dumps(feed, ensure_ascii=False, indent=1) + "\n"


FEEDS: dict[str, FeedKind] = {
    "rss": FeedKind("/feed/", "application/rss+xml; charset=UTF-8", rss_wordpress),
    # No charset in the header on purpose: only the XML declaration tells it.
    "rss-cp1251": FeedKind("/export/rss.xml", "text/xml", rss_cp1251),
    "atom": FeedKind("/atom.xml", "application/atom+xml; charset=utf-8", atom),
    "rdf": FeedKind("/rss/index.rdf", "application/rdf+xml; charset=utf-8", rdf),
    "sitemap": FeedKind("/sitemap-news.xml", "application/xml; charset=utf-8", news_sitemap),
    "json": FeedKind("/feed.json", "application/feed+json; charset=utf-8", json_feed),
}
