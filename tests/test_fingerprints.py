"""Fingerprints: what counts as the same word, and samples that may not change unnoticed."""

from __future__ import annotations

import hashlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.placing.fingerprints import AT_LEAST, VERSION, signature, words_of
from tests.support.variant_texts import compose
from tests.support.variants import to_cyrillic

WORDS = {
    "ru": "посол заявил, что «новые» поезда пойдут через перевал ещё до зимы – об этом сообщили в среду 12 1 200 3,5 %",
    "en": "the envoy’s office said “new” trains won't cross the pass before winter – officials said on 12 1,200 3.5 %",
    "kk": "елші жаңа пойыздар асудан қысқа дейін өтеді деп хабарлады «бұл туралы» сәрсенбіде айтылды 12 1 200 3,5 %",
    "uz": "elchi yangi poyezdlar dovondan qishgacha oʻtadi deb maʼlum qildi «bu haqda» chorshanbada aytildi 12 1 200",
    None: "Хаб C5+1 bridges Astana и Ташкент: 2024-05-12, 15:33; №7 / § 4 – naïve façade Ижевск ЁЛКА İstanbul straße",
}


def golden_text(number: int) -> tuple[str, str | None]:
    """A text made of nothing but arithmetic and the words above, 24 words at least."""
    language = list(WORDS)[number % 5]
    words = WORDS[language].split()
    return " ".join(words[(number * 7 + i * i * 3 + i // 5) % len(words)] for i in range(24 + number * 11)), language


GOLDEN = """
8ccf74c70473 a8c60fd960b7 fbc54a019b11 82907da6be03 1bce645fff7f f84cbac83fd5
d0a691928781 ada3af098128 704f0aa2df22 d9278b112293 5c6c419ff0b8 55c970dbc398
80e5e6492543 d5f09686eb87 31c7c5cf7c04 2cf2e4dff61d 56b2cd880d64 7894a4bcae04
83dd198899f6 b83e407ca826 34df507cca9c af1a5a9bdc98 f101ad1e8c71 0396a1e3dec1
c807407b1744 c1b6138cd156 73877593b0c2 dc38956e7a4c f579c65cfd54 0cc241f82afd
"""


def test_signatures_are_those_of_every_earlier_release() -> None:
    """They are stored in the index: if this fails, `VERSION` has to change, and the values here with it."""
    found = []
    for number in range(30):
        sample = signature(*golden_text(number))
        found.append(hashlib.blake2b(repr((sample.hashes, sample.words)).encode(), digest_size=6).hexdigest())
    assert (VERSION, found) == (1, GOLDEN.split())


def test_one_signature_in_full() -> None:
    text = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen " * 2
    assert signature(text + "and so on").hashes == (
        1695958785149,
        18186124970221,
        54764846162821,
        57914777687455,
        66677649843392,
        69401298957083,
        71239308755201,
        96211913173377,
        99532873145947,
        99775958461047,
        103175553153116,
        130365181578130,
    )


@pytest.mark.parametrize(
    ("text", "language", "words"),
    [
        ("Ещё ЁЛКА", None, "еще елка"),
        ("don’t don't don`t donʼt", None, "dont dont dont dont"),
        ("the envoys' office ‘quoted’", None, "the envoys office quoted"),
        ("об\u00adнов\u00adле\u00adние zero\u200bwidth", None, "обновление zerowidth"),
        ("обнов-\nление, обнов\u00ad\nление, Алма-\nАта, кто-то", None, "обновление обновление алма ата кто то"),
        ("за\u0301мок й е\u0308", None, "замок й е"),
        ("1 200 000, 1\u00a0200\u202f000, 1,200,000 и 1.200.000", None, "1200000 1200000 1200000 и 1200000"),
        ("в мае 2024 100 человек, 4,5 и 4.5", None, "в мае 2024 100 человек 45 и 45"),
        ("счёт 3:1, 3–1", None, "счет 3 1 3 1"),
        ("Cоветник Казахcтана ел ішінде ел iшінде", None, "советник казахстана ел ішінде ел ішінде"),
        ("C5+1 and ice", None, "c5 1 and ice"),
        ("snake_case ___ *bold*", None, "snake case bold"),
        ("ﬁne ２０２４ №5", None, "fine 2024 no5"),
        ("Oʻzbekiston O‘zbekiston O'zbekiston Õzbekiston", "uz", "ozbekiston " * 4),
        ("Ўзбекистон маъно етти поезд Ёшлар ҳақида", "uz", "ozbekiston mano etti poezd yoshlar haqida"),
        ("Oʻzbekiston maʼno yetti poyezd Yoshlar haqida", "uz", "ozbekiston mano etti poezd yoshlar haqida"),
        ("", None, ""),
        ("— … «» 🙂", None, ""),
    ],
)
def test_words_do_not_depend_on_typography(text: str, language: str | None, words: str) -> None:
    assert words_of(text, language) == words.split()


@pytest.mark.parametrize("seed", range(3))
def test_uzbek_has_the_same_words_in_both_scripts(seed: int) -> None:
    text = "\n".join(compose(random.Random(seed), "uz"))
    latin, cyrillic = words_of(text, "uz"), words_of(to_cyrillic(text), "uz")
    assert len(latin) == len(cyrillic)
    assert sum(a == b for a, b in zip(latin, cyrillic, strict=True)) >= 0.99 * len(latin)


@pytest.mark.parametrize(
    "text",
    ["", "Видео недоступно", "word " * 19, "12 345 67 8,9 " * 40, "— , . … " * 50],
    ids=["nothing", "stub", "19 words", "numbers", "marks"],
)
def test_a_text_of_few_words_has_no_hashes(text: str) -> None:
    assert signature(text).hashes == ()


def test_a_short_text_has_twelve_hashes_and_a_long_one_a_sixteenth() -> None:
    short, long = (" ".join(f"слово{n}" for n in range(size)) for size in (40, 16_000))
    assert len(signature(short).hashes) == AT_LEAST
    assert 900 < len(signature(long).hashes) < 1100


@pytest.mark.parametrize("part", ["a'", "аc", "1 222 ", "1.", "а-\n", "а\u0301", "_"])
def test_odd_text_takes_no_more_than_linear_time(part: str) -> None:
    """With one expression too eager, the first of these took minutes."""
    assert sum(map(len, words_of(part * 200_000))) <= len(part) * 200_000


LETTERS = st.text(st.sampled_from("абвгдеёжзиклмноабвгabcdeiopxyqwoʻғқў 'ʼ-–«».,\n\u00a0\u00ad"), max_size=400)


@given(LETTERS)
def test_hashes_rise_and_fit_a_signed_column(text: str) -> None:
    hashes = signature(text).hashes
    assert list(hashes) == sorted(set(hashes))
    assert all(-(2**63) <= value < 2**63 for value in hashes)


@given(LETTERS, st.sampled_from([None, "uz"]))
def test_a_signature_depends_on_the_words_alone(text: str, language: str | None) -> None:
    words = words_of(text, language)
    assert words_of(" ".join(words).upper(), language) == words_of(" ".join(words), language)
    assert signature(" ".join(words)) == signature("  \n ".join(words))


@given(LETTERS, LETTERS)
def test_a_longer_text_keeps_the_small_hashes_of_its_part(text: str, more: str) -> None:
    small = {value for value in signature(text).hashes if 0 <= value < 2**60}
    assert small <= set(signature(f"{text}\n\n{more}").hashes)
