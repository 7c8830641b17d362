"""Stories made of syllables, their edited copies, and lines of them for `corpus import`."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

SYLLABLES = ("ба", "во", "гри", "до", "жен", "зу", "ка", "ло", "мир", "ну", "па", "ро", "сте", "ту", "фи", "ше")


def story(number: int, *, paragraphs: int = 5, words: int = 40) -> list[str]:
    """The paragraphs of a story that shares no three words in a row with any other number's."""
    luck = random.Random(number)
    return [
        " ".join("".join(luck.choices(SYLLABLES, k=luck.randint(2, 4))) for _ in range(words)).capitalize() + "."
        for _ in range(paragraphs)
    ]


def edited(paragraphs: list[str], *, every: int = 12) -> list[str]:
    """The same story after an editor: every so many words is another one."""
    count = 0
    changed = []
    for paragraph in paragraphs:
        words = paragraph.split()
        for place in range(len(words)):
            count += 1
            if count % every == 0:
                words[place] = "правка"
        changed.append(" ".join(words))
    return changed


RATES = "Национальный банк установил официальные курсы валют на {}. Доллар США стоит {} тенге, евро {} тенге, \
российский рубль {} тенге, китайский юань {} тенге. Курсы действуют один день и служат для расчёта налогов и \
таможенных платежей на всей территории страны, сообщили в пресс-службе ведомства."


def line(url: str, paragraphs: list[str], **values: Any) -> str:
    value = {"url": url, "title": f"О событии {url[-1]}", "date": "2025-11-06", "text": "\n\n".join(paragraphs)}
    return json.dumps(value | values, ensure_ascii=False)


def write_lines(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
