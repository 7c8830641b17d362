"""The articles of a batch without what their sites print on every page, and judged on what is left.

All pages of a batch are learnt before any is cleaned, so that the first pages of a new site, which come together,
profit from each other.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from extractors.blocks.continued import is_continued
from extractors.blocks.memory import SiteMemory, cleaned, site_of_page
from extractors.records import Extracted, Failed, Found, ItemError, Result
from flows.passes.context import Context
from storage.placing.ready import Readable, Ready, ready_from
from storage.state.site_pages import load_site_pages


async def finish(context: Context, results: Sequence[Extracted | Failed]) -> list[Result]:
    """Return the results with clean articles and verdicts; an error replaces an article with too little text left."""
    sites = {result.key: site_of_page(result.url) for result in results if result.article and result.url}
    memories: dict[str, SiteMemory] = defaultdict(SiteMemory)
    if sites:
        async with context.corpus.database.read() as connection:
            for page in await load_site_pages(connection, set(sites.values())):
                memories[page.site].learn(page.key, page.lines)
    for result in results:
        if result.article and result.key in sites:
            memories[sites[result.key]].learn(result.key, result.article.lines)
    finished: list[Result] = []
    for result in results:
        if isinstance(result, Extracted):
            finished.append(_finish(context, result, memories[sites[result.key]]))
        else:
            finished.append(result)
        await asyncio.sleep(0)  # fetching goes on meanwhile
    return finished


def _finish(context: Context, result: Extracted, memory: SiteMemory) -> Result:
    min_words = context.config.settings.extraction.min_words
    read = result.article
    continued = is_continued(read.title, read.paragraphs)  # before the cleaning, which may take the line out
    try:
        article = cleaned(read, memory.of_the_site(result.key), min_words=min_words, url=result.entry.url)
    except ItemError as error:
        return result.failed(error)
    return result.judged(replace(article, continued=continued), context.topics.judge(article))


async def make_ready(context: Context, results: Sequence[Result]) -> dict[str, Ready]:
    """Return the text work of placing these results, done in a child process, by their keys.

    Empty if a text is too much for the child's limits: placing then does the work itself.
    """
    found = [result for result in results if isinstance(result, Found) and result.verdict.relevant]
    if not found:
        return {}
    articles = [Readable.of(result.article) for result in found]
    try:
        made = await context.workers.run(ready_from, articles, url=found[0].url)
    except ItemError:
        return {}
    return {result.key: ready for result, ready in zip(found, made, strict=True)}
