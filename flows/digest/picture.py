"""The pictures of a digest as PNG: mail clients drop SVG, and load nothing from elsewhere.

They stand on the dark band at the top of the mail, in its colour, so they look the same in light and dark surroundings.
Drawn at twice the size they are shown in. Letters are Latin and digits only: the font that comes with Pillow has no
others, and one that every machine has does not exist.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

WIDTH, HEIGHT = 262, 112  # as shown, in CSS pixels
SCALE = 2
GROUND, BAR, NEWEST, LABEL, AXIS = "#17293b", "#6ea8dc", "#f0b94a", "#c3d0dd", "#4a6076"
ROWS = 6  # of countries
LETTERS = 11  # pixels
OTHERS = "…"


def days_png(days: Sequence[tuple[date, int]], *, ends: tuple[str, str]) -> bytes:
    """A bar a day, oldest first, the newest in another colour; the highest has its number.

    `ends` is what stands below the first and the last.
    """
    image, draw, font = _canvas()
    most = max((count for _, count in days), default=0)
    top, bottom = 18 * SCALE, (HEIGHT - 18) * SCALE
    step = WIDTH * SCALE / max(1, len(days))
    numbered = False
    for place, (_, count) in enumerate(days):
        left, right = round(place * step), round((place + 1) * step) - SCALE
        height = max(SCALE, round((bottom - top) * count / most)) if count else 0
        colour = NEWEST if place == len(days) - 1 else BAR
        if height:
            draw.rectangle((left, bottom - height, right, bottom - 1), fill=colour)
        if count == most and most and not numbered:
            numbered = True
            middle = min(max((left + right) / 2, 6 * SCALE), (WIDTH - 6) * SCALE)
            draw.text((middle, bottom - height - 2 * SCALE), str(count), font=font, fill=LABEL, anchor="mb")
    draw.line((0, bottom, WIDTH * SCALE, bottom), fill=AXIS, width=SCALE)
    if days:
        draw.text((0, HEIGHT * SCALE), ends[0], font=font, fill=LABEL, anchor="lb")
        draw.text((WIDTH * SCALE, HEIGHT * SCALE), ends[1], font=font, fill=LABEL, anchor="rb")
    return _png(image)


def countries_png(countries: Sequence[tuple[str | None, int]]) -> bytes:
    """A bar a country by its code, most first; what goes beyond ROWS is one bar, as are countries not known."""
    image, draw, font = _canvas()
    known = [(code, count) for code, count in countries if code]
    shown = known if len(known) == len(countries) <= ROWS else known[: ROWS - 1]
    rest = sum(count for _, count in countries) - sum(count for _, count in shown)
    rows = [*shown, (OTHERS, rest)] if rest else shown
    most = max((count for _, count in rows), default=0)
    left, right, height = 26 * SCALE, (WIDTH - 44) * SCALE, HEIGHT * SCALE / ROWS
    for place, (code, count) in enumerate(rows):
        middle = (place + 0.5) * height
        end = left + max(SCALE, round((right - left) * count / most))
        draw.text((0, middle), code or OTHERS, font=font, fill=LABEL, anchor="lm")
        draw.rectangle((left, middle - 5 * SCALE, end, middle + 5 * SCALE), fill=BAR)
        draw.text((end + 5 * SCALE, middle), str(count), font=font, fill=LABEL, anchor="lm")
    return _png(image)


def _canvas() -> tuple[Image, ImageDraw, FreeTypeFont | ImageFont]:
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE), GROUND)
    return image, ImageDraw.Draw(image), ImageFont.load_default(LETTERS * SCALE)


def _png(image: Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()
