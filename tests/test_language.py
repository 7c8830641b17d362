"""The language of a text: ours, its neighbours, and texts too short to tell."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.language import identify
from tests.support.languages import FILES, NEIGHBOURS, sentences

RUSSIAN = "Президент провёл совещание с правительством, на котором обсудили строительство новой железной дороги."
ENGLISH = "The president met the cabinet on Monday to discuss the construction of a new railway and the price of fuel."
UZBEK = "Президент ҳукумат билан йиғилиш ўтказиб, янги темир йўл қурилиши ва ёқилғи нархини муҳокама қилди."
KAZAKH = "Мемлекет басшысы үкімет отырысын өткізіп, жаңа теміржол құрылысы мен жанармай бағасын талқылады."
KYRGYZ = "Президент өкмөт менен жыйын өткөрүп, жаңы темир жолдун курулушун жана күйүүчү майдын баасын карады."
TAJIK = "Президент бо ҳукумат ҷаласа гузаронида, сохтмони роҳи оҳани нав ва нархи сӯзишвориро муҳокима кард."
TURKMEN = "Prezident hökümet bilen mejlis geçirip, täze demir ýoluň gurluşygyny we ýangyjyň bahasyny maslahatlaşdy."
TURKISH = "Cumhurbaşkanı hükümetle toplantı yaparak yeni demiryolunun inşaatını ve yakıt fiyatlarını görüştü."
BELARUSIAN = "Прэзідэнт правёў нараду з урадам, на якой абмеркавалі будаўніцтва чыгункі."

LANGUAGES = [
    ("Russian", "ru", RUSSIAN),
    ("English", "en", ENGLISH),
    ("Kazakh", "kk", KAZAKH),
    ("Kyrgyz", "ky", KYRGYZ),
    ("Uzbek", "uz", "Prezident hukumat bilan yigʻilish oʻtkazib, yangi temir yoʻl qurilishini muhokama qildi."),
    ("Uzbek in Cyrillic", "uz", UZBEK),
    ("Uzbek in capitals", "uz", UZBEK.upper()),
    ("Tajik", "tg", TAJIK),
    ("Turkmen", "tk", TURKMEN),
    ("Turkish", "tr", TURKISH),
    ("Belarusian, with the letter ў", "be", BELARUSIAN),
    ("Russian with an Uzbek name", "ru", f"{RUSSIAN} Об этом сообщил Ўткир. " + RUSSIAN),
    ("Russian with an English name", "ru", f"{RUSSIAN} New York Times. {RUSSIAN}"),
    ("paragraphs", "ru", RUSSIAN.replace(", ", ",\n\n")),
]


@pytest.mark.parametrize(("language", "text"), [row[1:] for row in LANGUAGES], ids=[row[0] for row in LANGUAGES])
def test_a_text_is_in_the_language_that_it_is_written_in(language: str, text: str) -> None:
    assert identify(text) == language


@pytest.mark.parametrize("text", ["", "Да.", "Мост открыт сегодня", "2025-11-06 " * 50, "— … " * 50, "\n"])
def test_too_few_letters_tell_nothing(text: str) -> None:
    assert identify(text) is None


def test_the_beginning_of_a_long_text_decides() -> None:
    assert identify(f"{RUSSIAN} " * 20 + f"{ENGLISH} " * 200) == "ru"


@settings(max_examples=50)
@given(st.text(max_size=300))
def test_any_text_has_a_language_or_none(text: str) -> None:
    assert identify(text) is None or 2 <= len(identify(text) or "") <= 3


# --- Texts written for this: tests/data/languages, a sentence a line --------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_short_texts_are_told_apart(name: str) -> None:
    lines = sentences(name)
    texts = [f"{one} {other}"[:200] for one, other in zip(lines, [*lines[1:], lines[0]], strict=True)]
    assert len(texts) >= 20
    assert [text for text in texts if identify(text) != name[:2]] == []


@pytest.mark.parametrize("name", FILES)
def test_long_texts_are_told_apart(name: str) -> None:
    lines = sentences(name)
    texts = ["\n\n".join(lines[start:] + lines[:start]) for start in range(0, len(lines), 3)]
    assert {identify(text) for text in texts} == {name[:2]}


@pytest.mark.parametrize("name", FILES)
def test_nearly_every_single_sentence_is_told(name: str) -> None:
    lines = sentences(name)
    wrong = [line for line in lines if identify(line) != name[:2]]
    assert len(wrong) <= 1, wrong


@pytest.mark.parametrize(("language", "text"), NEIGHBOURS, ids=[f"{code}-{text[:12]}" for code, text in NEIGHBOURS])
def test_neighbouring_languages_are_not_taken_for_ours(language: str, text: str) -> None:
    assert identify(text) == language


def test_the_whole_sample_counts_and_not_its_first_words() -> None:
    name = "World Bank Group, United States Agency for International Development, Reuters, New York: "
    assert identify(name + " ".join(sentences("kk")[:5])) == "kk"
    assert identify(name + " ".join(sentences("ru")[:5])) == "ru"


@pytest.mark.parametrize(
    ("language", "text"),
    [
        (
            "uz",
            "Prezident va Qirg'iziston rahbari o'rtasida bo'lib o'tgan uchrashuvda chegara masalasi ko'rib chiqildi.",
        ),
        (
            "uz",
            "Prezident va Qirg‘iziston rahbari o‘rtasida bo‘lib o‘tgan uchrashuvda chegara masalasi ko‘rib chiqildi.",
        ),
        (
            "en",
            "It's nine o'clock, and the dog's owner doesn't know whether the shop's door is open or who's behind it.",
        ),
        ("ru", "Қазақстан – так пишется по-казахски название страны, о котором рассказывает новая выставка в музее."),
        (
            "ru",
            "Ўзбекистон и Тоҷикистон: выставка о соседях открылась в столице, и посмотреть её может любой желающий.",
        ),
        (
            "kk",
            "«Известия» газетінің хабарлауынша, Мәскеуде өткен кездесуде екі ел арасындағы сауда мәселесі талқыланды.",
        ),
        ("ru", f"{RUSSIAN} На встрече были Әлия Өтегенқызы, Ғани Есенғали и глава «Жасыл даму» Қайрат Нұрғалиев."),
        ("en", f"{ENGLISH} Among the guests were Қодирҷон Ӯсмонов and Ўктам Ҳасанов of «Ўзбекистон темир йўллари»."),
        ("tr", f"{TURKISH} Toplantıya Gurbanguly Berdimuhamedow ve Oʻktam Gʻaniyev de katıldı."),
        ("ky", f"{KYRGYZ} Жыйынга Қасым-Жомарт Тоқаев да катышты."),
        ("tk", f"{TURKMEN} Mejlise Recep Tayyip Erdoğan we Şavkat Mirziyoyev gatnaşdylar."),
        ("kk", "Балалар далада ойнап жатыр, олар туралы директор да айтып берді."),
        ("kk", "Депутат халыкка салык туралы айтты деп жазады басылым."),
        ("ky", "Балдар талаада ойноп жатат, алар тууралуу директор айтып берди."),
        ("tg", "Олимон дар бораи таърихи минтақа сухан ронда, аз натиҷаи ҳафриёт хабар доданд."),
        ("uz", "Маҳалла аҳли билан учрашув бир соат давом этди ва унда қарор қабул қилинди."),
    ],
)
def test_names_and_quotations_do_not_mislead(language: str, text: str) -> None:
    assert identify(text) == language
