"""Screenshots of the digest in Chromium, to be looked at: mail and page, both frames, three widths, light and dark.

python -m tests.support.digest_shots FOLDER
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from flows.clean import clean
from flows.digest.records import Content, Event, Section
from flows.digest.render import render
from storage.index.database import open_database
from tests.support.browser import SCHEMES, chromium
from tests.support.digest_samples import fill, sample

if TYPE_CHECKING:
    pass

WIDTHS = (320, 600, 1200)

# What must arrive as harmless text.
HOSTILE = [
    "<script>document.title='taken'</script><img src=https://evil.example/x.png onerror=alert(1)>",
    "\u202egnp.exe \u2066 left open", "Ж" * 10_000, "👩‍👩‍👧‍👦 🇰🇿 emoji", "javascript:alert(1)",
    "https://example.org/" + "a/" * 300, "עברית ועוד (1) ABC", "z" + "\u0336" * 60 + "algo",
]  # fmt: skip


async def samples() -> dict[str, Content]:
    """The digests to look at: both frames, nothing new, far too much, and hostile texts."""
    with tempfile.TemporaryDirectory() as folder:
        database = await open_database(Path(folder) / "index.sqlite")
        try:
            await fill(database)
            ru, en = await sample(database, "ru"), await sample(database, "en")
            quiet = await sample(database, "ru", [])
        finally:
            await database.close()
    event = ru.main[0]
    many = tuple(
        replace(event, stories=(replace(event.lead, number=1000 + place), *event.stories[1:])) for place in range(400)
    )
    full = replace(ru, articles=400, sections=(Section("KZ", many), *ru.sections[1:]))
    bad = tuple(
        replace(story, number=9000 + place, title=clean(text, 300), outlet=clean(text, 80), sentences=clean(text, 600))
        for place, text in enumerate(HOSTILE)
        for story in event.stories[:1]
    )
    hostile = replace(ru, title=clean(HOSTILE[0], 80), sections=(Section("KZ", tuple(Event((one,)) for one in bad)),))
    return {"ru": ru, "en": en, "quiet": quiet, "full": full, "hostile": hostile}


def main() -> None:
    """Write the screenshots into the folder that the command line names."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    contents = asyncio.run(samples())
    with chromium() as browser:
        for name, content in contents.items():
            rendered = render(content, archive_link="https://news.example/digests/2025-11-09T07-00.html")
            (folder / f"{name}.txt").write_text(rendered.text, encoding="utf-8")
            (folder / f"{name}-mail.html").write_text(rendered.html, encoding="utf-8")
            (folder / f"{name}-page.html").write_text(rendered.page, encoding="utf-8")
            for form, html in (("mail", rendered.html), ("page", rendered.page)):
                page = browser.new_page()
                page.set_content(html)
                for width, scheme in product(WIDTHS, SCHEMES):
                    page.set_viewport_size({"width": width, "height": 900})
                    page.emulate_media(color_scheme=scheme)
                    page.screenshot(path=folder / f"{name}-{form}-{width}-{scheme}.png", full_page=name != "full")
                page.close()


if __name__ == "__main__":
    main()
