"""The articles of a batch without what their sites print on every page, and judged on what is left.

All pages of a batch are learnt before any is cleaned, so that the first pages of a new site, which come together,
profit from each other.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from extractors.pages.memory import SiteMemory, cleaned, site_of_page
from extractors.records import ItemError, Result
from flows.passes.context import Context
from storage.state.site_pages import load_site_pages


async def finish(context: Context, results: Sequence[Result]) -> list[Result]:
    """The results with clean articles and verdicts; in place of an article of which too little is left, an error."""
    sites = {result.key: site_of_page(result.url) for result in results if result.article and result.url}
    memories: dict[str, SiteMemory] = defaultdict(SiteMemory)
    if sites:
        async with context.corpus.database.read() as connection:
            for page in await load_site_pages(connection, set(sites.values())):
                memories[page.site].learn(page.key, page.lines)
    for result in results:
        if result.article and result.key in sites:
            memories[sites[result.key]].learn(result.key, result.article.lines)
    finished = []
    for result in results:
        memory = memories[sites[result.key]] if result.key in sites else None
        finished.append(_finish(context, result, memory))
        await asyncio.sleep(0)  # fetching goes on meanwhile
    return finished


def _finish(context: Context, result: Result, memory: SiteMemory | None) -> Result:
    article = result.article
    if article is None or result.error is not None or memory is None:
        return result
    min_words = context.config.settings.extraction.min_words
    try:
        article = cleaned(article, memory.of_the_site(result.key), min_words=min_words, url=result.entry.url)
    except ItemError as error:
        return replace(result, error=error)
    return replace(result, article=article, verdict=context.topics.judge(article))
