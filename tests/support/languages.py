"""The sentences of tests/data/languages, and those of languages near to ours."""

from __future__ import annotations

from pathlib import Path

SAMPLES = Path(__file__).parents[1] / "data" / "languages"
FILES = ["ru", "en", "kk", "ky", "uz-latn", "uz-cyrl", "tg", "tk", "tr", "zh"]
NEIGHBOURS = [tuple(line.split(" ", 1)) for line in (SAMPLES / "others.txt").read_text(encoding="utf-8").splitlines()]


def sentences(name: str) -> list[str]:
    return (SAMPLES / f"{name}.txt").read_text(encoding="utf-8").splitlines()
