"""Sitemaps and feeds, written for tests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from html import escape

XML = '<?xml version="1.0" encoding="UTF-8"?>'


def days_of(first: str, last: str) -> list[date]:
    """All days from one to the other."""
    day, end = date.fromisoformat(first), date.fromisoformat(last)
    return [day + timedelta(days=n) for n in range((end - day).days + 1)]


def urlset(*entries: str | tuple[str, str]) -> str:
    """A sitemap of addresses, each perhaps with its <lastmod>."""
    rows = ((entry, None) if isinstance(entry, str) else entry for entry in entries)
    body = "".join(
        f"<url><loc>{escape(url)}</loc>{f'<lastmod>{stamp}</lastmod>' if stamp else ''}</url>" for url, stamp in rows
    )
    return f'{XML}<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{body}</urlset>'


def news_sitemap(entries: Mapping[str, str]) -> str:
    """A sitemap with Google's news extension: address → date of publication."""
    body = "".join(
        f"<url><loc>{escape(url)}</loc><news:news><news:publication><news:name>Site</news:name>"
        f"<news:language>ru</news:language></news:publication><news:publication_date>{stamp}</news:publication_date>"
        f"<news:title>Headline of {escape(url)}</news:title></news:news></url>"
        for url, stamp in entries.items()
    )
    return (
        f'{XML}<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
        f'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">{body}</urlset>'
    )


def sitemap_index(*parts: str | tuple[str, str]) -> str:
    """An index of sitemaps."""
    return (
        urlset(*parts).replace("urlset", "sitemapindex").replace("<url>", "<sitemap>").replace("</url>", "</sitemap>")
    )


def rss(items: Mapping[str, datetime | None], *, head: str = "") -> str:
    """A feed: address → moment of publication."""
    body = "".join(
        f"<item><title>Headline</title><link>{escape(url)}</link>"
        f"{moment.strftime('<pubDate>%a, %d %b %Y %H:%M:%S %z</pubDate>') if moment else ''}</item>"
        for url, moment in items.items()
    )
    return f'{XML}<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>S</title>{head}{body}</channel></rss>'
