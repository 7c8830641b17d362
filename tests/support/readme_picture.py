"""The picture of a digest in README.md: composed articles, the English frame, in Chromium.

python -m tests.support.readme_picture
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from flows.digest.render import render
from tests.support.browser import chromium
from tests.support.digest_shots import samples

PICTURE = Path(__file__).parents[2] / "docs" / "digest.png"
WIDTH, HEIGHT = 720, 760  # pixels


def main() -> None:
    """Write the picture anew."""
    page_html = render(asyncio.run(samples())["en"], archive_link=None).page
    with chromium() as browser:
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.set_content(page_html)
        page.screenshot(path=PICTURE)


if __name__ == "__main__":
    main()
