"""The language of a text: ours, its neighbours, and texts too short to tell."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.language import identify

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
