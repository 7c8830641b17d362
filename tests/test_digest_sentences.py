"""The first sentences of a text: what ends a sentence in each language, and what is passed over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.digest.sentences import MAX_CHARACTERS, first_sentences, split_sentences

DIVIDED = {  # language, sentences as they stand in one paragraph
    "plain Russian": ("ru", "Порт открыли в среду.", "Первый паром придёт завтра."),
    "a year before a name": ("ru", "В 2025 г. Казахстан вывез больше.", "Это рекорд."),
    "a year before a new sentence": ("ru", "Завод заложили в 2025 г.", "Он даст работу тысяче человек."),
    "initials": ("ru", "По словам А. К. Саидова, приборы в пути.", "Замеры начнутся весной."),
    "initials like a preposition": ("ru", "Договор подписал В. В. Ким.", "Второй экземпляр остался в Бишкеке."),
    "an address": ("ru", "Центр на ул. Абая, д. 5 закрыт.", "Откроют его в янв. 2026 года."),
    "and so on": ("ru", "Везут трубы, рельсы и т.д.", "Об этом сообщил порт."),
    "a number with a dot": ("ru", "Рост составил 3.5 процента.", "Прежде было 2."),
    "speech and a dash": ("ru", "«Мы готовы!» — сказал он журналистам.", "Потом он уехал."),
    "a question that goes on": ("ru", "На вопрос «когда?» ответа не было.", "Его ждут зимой."),
    "a dateline": ("ru", "АСТАНА, 8 ноября. /Арыс-Информ/. Послы встретились.", "Говорили о рудах."),
    "millions": ("ru", "Выделено 1,2 млн долл. США на приборы.", "Их привезут летом."),
    "English titles": ("en", "Mr. Gorman met Sen. Lee of Utah.", "They spoke for an hour."),
    "the U.S. within": ("en", "She works for the U.S. Department of State.", "Her term ends in May."),
    "the U.S. at the end": ("en", "He flew back to the U.S.", "The talks go on."),
    "time of day": ("en", "It began at 5 p.m. on Monday.", "Nobody left early."),
    "an agency's dateline": ("en", "WASHINGTON, Nov. 21 (Desk) - The deal is done.", "Both sides signed."),
    "a quotation": ("en", 'He said: "We agreed on all of it."', "The minister nodded."),
    "Kazakh": ("kk", "Келісім 2025 ж. қараша айында жасалды.", "Бұл туралы министр айтты."),
    "Kyrgyz": ("ky", "Кеңешме Бишкекте өттү.", "Ага элчилер катышты."),
    "Uzbek": ("uz", "Bu haqda A. Qodirov maʼlum qildi.", "U shartnomani koʻrsatdi."),
    "Tajik": ("tg", "Ҳайат ба Душанбе омад.", "Музокирот ду рӯз идома ёфт."),
    "Turkmen": ("tk", "Gepleşik Aşgabatda geçdi.", "Oňa ministrler gatnaşdy."),
    "Turkish": ("tr", "Görüşme T.C. Dışişleri Bakanlığı'nda yapıldı.", "İki bakan da konuştu."),
    "German": ("de", "Am 5. November kam der Botschafter an.", "Danach begann das Treffen."),
    "Chinese": ("zh", "双方签署了协议。", "会谈持续了两天。"),
}


@pytest.mark.parametrize("name", DIVIDED)
def test_a_paragraph_is_divided_where_its_language_ends_a_sentence(name: str) -> None:
    language, *sentences = DIVIDED[name]
    joined = ("" if language == "zh" else " ").join([*sentences, "Third." if language == "en" else "Ещё одно."])
    assert split_sentences(joined, language=language, most=2) == sentences


def test_two_sentences_may_come_from_two_paragraphs() -> None:
    assert first_sentences(
        ["Первое предложение текста.", "Второе предложение. Третье."], title=None, language="ru"
    ) == ("Первое предложение текста. Второе предложение.")


def test_headline_and_captions_before_the_text_are_passed_over() -> None:
    paragraphs = ["Порт открыт", "Фото: пресс-служба порта", "Порт открыли в среду. Придёт паром. И ещё."]
    assert first_sentences(paragraphs, title="Порт открыт", language="ru") == "Порт открыли в среду. Придёт паром."


def test_a_text_without_any_end_gives_its_beginning() -> None:
    assert first_sentences(["Курс на сегодня"], title=None, language="ru") == "Курс на сегодня"
    assert first_sentences([], title=None, language="ru") == ""


def test_a_long_sentence_is_cut_at_a_word() -> None:
    found = first_sentences(["слово " * 200 + "конец."], title=None, language="ru")
    assert found.endswith("слово…") and len(found) <= MAX_CHARACTERS


@given(st.lists(st.text(), max_size=4), st.sampled_from(["ru", "en", "de", "zh", None]))
def test_whatever_the_text_the_excerpt_is_one_bounded_line_of_it(paragraphs: list[str], language: str | None) -> None:
    found = first_sentences(paragraphs, title=None, language=language)
    assert len(found) <= MAX_CHARACTERS + 1 and len(found.splitlines()) <= 1
    assert found.removesuffix("…") in " ".join(" ".join(paragraphs).split()) or not found
