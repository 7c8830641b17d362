"""What becomes of a text on its way through other newsrooms, and reports that only share their form with it.

`COPIES` are texts of one story: misread, dated anew, corrected, tagged, cut, wrapped, edited. `OTHERS` are stories of
their own: protocol with other names, forms with other figures. As in `tests.support.variants`, each works on any
article (paragraphs, the headline first), composed or real. `wire` lays them out as they would come in.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from tests.support.protocol_forms import FIGURES, PROTOCOL
from tests.support.variant_texts import LEXICONS
from tests.support.variants import LOOK_ALIKES, Document, Maker, Paragraphs, count_words

MONTHS = {
    language: tuple(names.split())
    for language, names in {
        "ru": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
        "en": "January February March April May June July August September October November December",
        "kk": "қаңтар ақпан наурыз сәуір мамыр маусым шілде тамыз қыркүйек қазан қараша желтоқсан",
        "uz": "yanvar fevral mart aprel may iyun iyul avgust sentabr oktabr noyabr dekabr",
    }.items()
}
AGENCIES = ("Хабар 24", "Региона-7", "Wire24", "Kanal 5", "КазБюро-1", "N1 Press", "Ферма-24", "UzBureau 7", "ИА-100")
_LIKE = {
    "а": "ао", "о": "оаеc", "е": "есc", "и": "ипн", "н": "нип", "п": "пн", "с": "со", "т": "тг", "л": "лп", "м": "мт",
    "l": "1it", "i": "l1j", "o": "0ca", "a": "oe", "e": "co", "n": "ru", "r": "n", "t": "lf", "h": "b", "s": "5z",
    "0": "o8", "1": "l7", "2": "z7", "3": "8", "4": "9", "5": "6", "6": "8", "7": "1", "8": "3", "9": "4",
}  # fmt: skip
_FIGURE = re.compile(r"(?<![\d.,])\d+(?:[.,]\d+)?(?![\d])")


def dateline(make: Maker) -> str:
    """A line such as agencies put before the first sentence: a town, a day, an agency."""
    town = make.rng.choice(LEXICONS[make.language].slots["city"]).upper()
    day, month, agency = make.rng.randint(1, 28), make.rng.choice(MONTHS[make.language]), make.rng.choice(AGENCIES)
    date = {"en": f"{month} {day}", "kk": f"{day} {month}", "ru": f"{day} {month}", "uz": f"{day}-{month}"}
    forms = (
        "{t}, {d} – {a}.",
        "{t}. {d}. {a} –",
        "{t}, {d}. /{a}/.",
        "{t}, {d} ({a}) –",
        "({t}, {d}) {a}:",
        "{d}, {t}.",
    )
    return make.rng.choice(forms).format(t=town, d=date[make.language], a=agency)


def dated(make: Maker, article: Paragraphs) -> Paragraphs:
    """The article as an agency sends it: with a dateline before its first paragraph."""
    return [article[0], f"{dateline(make)} {article[1]}", *article[2:]]


def _misread(share: float) -> Callable[[Maker, Paragraphs], Paragraphs]:
    def misread(make: Maker, article: Paragraphs) -> Paragraphs:
        def letter(match: re.Match[str]) -> str:
            if make.rng.random() >= share:
                return match[0]
            return make.rng.choice(_LIKE.get(match[0].lower(), "aoeси"))

        return [re.sub(r"\w", letter, paragraph) for paragraph in article]

    return misread


def another_figure(rng: random.Random, figure: str) -> str:
    """Another number, near this one or not, of the same form."""
    while True:
        made = "".join(rng.choice("0123456789") if c.isdecimal() and rng.random() < 0.6 else c for c in figure)
        if made != figure and (made[0] != "0" or figure[0] == "0"):
            return made


def _figures(article: Paragraphs) -> list[tuple[int, int, str]]:
    return [(n, m.start(), m[0]) for n, paragraph in enumerate(article) for m in _FIGURE.finditer(paragraph)]


def change_figures(make: Maker, article: Paragraphs, chosen: Sequence[tuple[int, int, str]]) -> Paragraphs:
    """The article with other numbers in these places."""
    made = list(article)
    for index, start, figure in sorted(chosen, reverse=True):
        made[index] = made[index][:start] + another_figure(make.rng, figure) + made[index][start + len(figure) :]
    return made


def _corrected(make: Maker, article: Paragraphs) -> Paragraphs | None:
    figures = _figures(article[1:])
    if len(figures) < 3 or count_words(article) < 100:
        return None
    few = max(1, min(len(figures) // 10, 3))
    return [article[0], *change_figures(make, article[1:], make.rng.sample(figures, few))]


def _tagged(make: Maker, article: Paragraphs) -> Paragraphs:
    article = article if len(article) > 1 else [article[0], make.story().sentence()]
    one, two = make.rng.sample(AGENCIES, 2)
    return [
        article[0],
        f"{one}. {article[1]}",
        *article[2:],
        f"{make.phrase('credit')}, {two}, №{make.rng.randint(1, 400)}",
    ]


def _redated(make: Maker, article: Paragraphs) -> Paragraphs | None:
    if len(article) < 2:
        return None
    begun = re.match(r".{0,70}?(?: – |/\. | – |\): |: |\. (?=[«“\"(]?[^\W\d_]))", article[1])
    rest = article[1][begun.end() :] if begun else article[1]
    return [article[0], f"{dateline(make)} {rest}", *article[2:]]


def _teaser(make: Maker, article: Paragraphs) -> Paragraphs | None:
    words = " ".join(article[1:]).split()
    least = make.rng.randint(45, 70)
    if len(words) < 2 * least:
        return None
    more = {"ru": "Читать далее", "en": "Read more", "kk": "Толығырақ", "uz": "Batafsil"}[make.language]
    return [article[0], " ".join(words[:least]) + "… " + more]


def _wrapped(make: Maker, article: Paragraphs) -> Paragraphs:
    first = f"{make.phrase('wrap')} {make.story().sentence()}"
    return [make.story().headline(), first, *article[1:], make.phrase("background"), make.story().sentence()]


def _cut(make: Maker, article: Paragraphs) -> Paragraphs | None:
    left = round(count_words(article) * make.rng.uniform(0.3, 0.7))
    if left < 50:
        return None
    kept: Paragraphs = []
    for paragraph in article:
        kept.append(" ".join(paragraph.split()[:left]))
        left -= len(paragraph.split())
        if left <= 0:
            return kept
    return kept


def _inserted(make: Maker, article: Paragraphs) -> Paragraphs:
    """A paragraph from elsewhere, and sentences of background between the others."""
    own = make.story()
    made = []
    for number, paragraph in enumerate(article):
        made.append(paragraph)
        if number and make.rng.random() < 0.35:
            made.append(own.sentence())
    if make.others:
        made.insert(make.rng.randint(1, len(made)), make.rng.choice(make.rng.choice(make.others)[1:]))
    return made if count_words(made) < 1.8 * count_words(article) else [*article, own.sentence()]


def _edited(make: Maker, article: Paragraphs) -> Paragraphs:
    """Every fifth word is another one, stands elsewhere or is gone."""

    def word(text: str) -> str:
        kind = make.rng.random()
        return "" if kind < 0.25 else f"{make.word()} {text}" if kind < 0.4 else make.word()

    changed = make.each_word(article, 0.2, word)
    return [re.sub(r"  +", " ", paragraph) for paragraph in changed]


def _respelt(make: Maker, article: Paragraphs) -> Paragraphs | None:
    """Names spelt otherwise: letters that the other language writes, other vowels at the end."""
    tables = {
        "ru": {"Ка": "Қа", "Га": "Ға", "А": "Ә", "У": "Ұ", "нг": "ң"},
        "kk": {"Қ": "К", "Ә": "А", "Ұ": "У", "Ө": "О", "қ": "к", "ә": "а"},
        "uz": {"Oʻ": "O'", "Sh": "Ş", "X": "Kh", "q": "k", "yev": "ev", "J": "Dj"},
        "en": {"Kh": "H", "ye": "e", "Zh": "J", "ov": "off", "ck": "k", "iy": "y"},
    }[make.language]

    def name(match: re.Match[str]) -> str:
        text = match[0]
        for old, new in tables.items():
            text = text.replace(old, new, 1)
        return text

    changed = [article[0], *(re.sub(r"(?<=[^\W\d_,] )[^\W\d_a-zа-яәғқңөұүһі]\w{3,}", name, p) for p in article[1:])]
    return changed if changed != article else None


def _several(make: Maker, article: Paragraphs) -> Paragraphs:
    changes = (_misread(0.01), _redated, _corrected, _tagged, _wrapped, _inserted, _light, _cut)
    for change in make.rng.sample(changes, 3):
        article = change(make, article) or article
    return article


def _light(make: Maker, article: Paragraphs) -> Paragraphs:
    return make.each_word(article, 0.06, lambda word: make.rng.choice((make.word(), "", f"{word} {make.word()}")))


COPIES: dict[str, Callable[[Maker, Paragraphs], Paragraphs | None]] = {
    "misread 1 %": _misread(0.01),
    "misread 5 %": _misread(0.05),
    "dateline of another day": _redated,
    "corrected figure": _corrected,
    "agency tag": _tagged,
    "teaser": _teaser,
    "wrapped anew": _wrapped,
    "cut": _cut,
    "inserted": _inserted,
    "edited 20 %": _edited,
    "names respelt": _respelt,
    "several": _several,
}


def _all_figures(make: Maker, article: Paragraphs) -> list[Paragraphs]:
    figures = _figures(article)
    return [change_figures(make, article, figures)] if len(figures) >= 4 else []


def _most_figures(make: Maker, article: Paragraphs) -> list[Paragraphs]:
    """A statistics office's report of another month: most figures are others, the months as well."""
    figures = _figures(article)
    if len(figures) < 6 or count_words(article) > 60 * len(figures):
        return []
    return [change_figures(make, article, make.rng.sample(figures, round(0.8 * len(figures))))]


OTHERS: dict[str, Callable[[Maker, Paragraphs], list[Paragraphs]]] = {
    "all figures": _all_figures,
    "most figures": _most_figures,
    "live blog": LOOK_ALIKES["live blog"],
    "digest": LOOK_ALIKES["digest"],
    "quotes": LOOK_ALIKES["own write-up"],
    "follow-up": LOOK_ALIKES["follow-up with a quote"],
    "background": LOOK_ALIKES["background tail"],
    "site's boilerplate": LOOK_ALIKES["site boilerplate"],
    **{name: LOOK_ALIKES[name] for name in ("exchange rates", "fuel prices", "weather", "match results", "one number")},
}
NUMBER_FORMS = frozenset(
    {
        "all figures",
        "most figures",
        "exchange rates",
        "fuel prices",
        "weather",
        "match results",
        "one number",
        "figures",
    }
)


def forms(seed: int, language: str, first_story: int) -> list[Document]:
    """Reports of protocol and of figures: of each form four of their own, some of them printed again elsewhere."""
    rng = random.Random(seed)
    documents = []
    story = first_story
    make = Maker(rng, language, ())
    for kind, known in (("names", PROTOCOL[language]), ("figures", FIGURES[language])):
        for form in known:
            for text in form.filled(rng, 4):
                paragraphs = text.split("\n")
                documents.append(Document("\n\n".join(paragraphs), language, story, kind, False))
                for _ in range(rng.randint(0, 2)):
                    again = list(paragraphs)
                    if rng.random() < 0.5:
                        again[0] = f"{dateline(make)} {again[0]}"
                    if rng.random() < 0.5:
                        again = _misread(0.01)(make, again) if kind == "names" else [*again, make.phrase("footer")]
                    documents.append(Document("\n\n".join(again), language, story, f"{kind} again", True))
                story += 1
    return documents


def wire(seed: int, originals: Sequence[tuple[str, Paragraphs]]) -> list[Document]:
    """(language, article) with copies and look-alikes: originals first, the rest mixed. Every second has a dateline."""
    rng = random.Random(seed)
    first: list[Document] = []
    later: list[Document] = []
    story = len(originals)
    for number, (language, plain) in enumerate(originals):
        others = [text for n, (other, text) in enumerate(originals) if other == language and n != number]
        make = Maker(rng, language, others)
        article = dated(make, plain) if number % 2 and len(plain) > 1 else list(plain)
        first.append(Document("\n\n".join(article), language, number, "original", False))
        for kind, copy in COPIES.items():
            if (made := copy(make, article)) is not None:
                later.append(Document("\n\n".join(made), language, number, kind, True))
        for kind, imitate in OTHERS.items():
            for text in imitate(make, article):
                later.append(Document("\n\n".join(text), language, story, kind, False))
                story += 1
    for language in sorted({language for language, _ in originals}):
        of_forms = forms(seed, language, story)
        first += [document for document in of_forms if not document.duplicate]
        later += [document for document in of_forms if document.duplicate]
        story += len(of_forms)
    rng.shuffle(later)
    known: dict[str, int] = {}
    return [d for d in first + later if known.setdefault(d.text, d.story) == d.story]
