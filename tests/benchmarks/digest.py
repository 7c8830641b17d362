"""How long a large digest takes, and how large its mail is.

    python -m tests.benchmarks.digest [--articles 2000] [--days 30]

The articles are new, a fifth of them in events of several; the corpus holds as many for each of the days before.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from sqlalchemy import insert

from flows.digest.contents import load_content
from flows.digest.records import Edition
from flows.digest.render import render, transferred
from storage.index.database import open_database
from storage.index.schema import articles, events, variants
from tests.support.digest_samples import LINES, NOW, SINCE, SOURCES, ZONE, reprint, row


async def main() -> None:
    """Fill an index, then load and render."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=2000)
    parser.add_argument("--days", type=int, default=30)
    options = parser.parse_args()
    chance = random.Random(1)
    lines = [{key: value for key, value in line.items() if key != "published"} for line in LINES]
    with tempfile.TemporaryDirectory() as folder:
        database = await open_database(Path(folder) / "index.sqlite")
        count = options.articles
        for back in range(options.days):
            day = (NOW - timedelta(days=back)).date()
            rows = []
            for number in range(back * count, (back + 1) * count):
                line = {**chance.choice(lines), "source": chance.choice(list(SOURCES)), "published": day}
                made = row(number, line)
                # A title of its own, and a text of the usual length.
                rows.append(
                    {**made, "title": f"{made['title']} – {number}", "body": made["body"] + "\n\n" + "Слово " * 600}
                )
            async with database.write() as connection:
                await connection.execute(insert(articles), rows)
        async with database.write() as connection:
            event_of = [{"number": n, "event": n // 4 * 4 if n % 20 < 4 else n} for n in range(count)]
            await connection.execute(insert(events), event_of)
            copies = [reprint(n, "thames", place) for n in range(0, count, 3) for place in range(2)]
            await connection.execute(insert(variants), copies)
        began = time.perf_counter()
        async with database.read() as connection:
            content = await load_content(
                connection, range(count), Edition("digest", "Центральная Азия и США", "ru", ZONE), now=NOW, since=SINCE,
                sources=SOURCES,
            )  # fmt: skip
        loaded = time.perf_counter()
        rendered = render(content, archive_link="https://news.example/digest.html")
        done = time.perf_counter()
        await database.close()
    print(
        f"{count} articles, {content.stories} stories: loaded in {loaded - began:.2f} s, "
        f"rendered in {done - loaded:.2f} s"
    )
    print(
        f"mail {transferred(rendered.html) / 1000:.1f} kB as transferred, "
        f"page {len(rendered.page.encode()) / 1000:.0f} kB"
    )


if __name__ == "__main__":
    asyncio.run(main())
