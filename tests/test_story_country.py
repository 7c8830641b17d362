"""The country that a story is about: by the names in headline and lead, whatever the country of the outlet."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import select, update

from config.languages import REGION
from config.settings import Storage
from extractors.topic.country import OTHER, country_weights, story_country
from storage.corpus.adopt import adopt
from storage.corpus.writer import open_corpus
from storage.files.article_file import FileName, compose
from storage.index.schema import articles

CASES = [
    ("ru", "Американские визы в Бишкеке подорожали", "Посольство США сообщило о новых сборах с января.", "KG"),
    ("ru", "Токаев летит в Вашингтон", "Запланирована встреча с Трампом.", "KZ"),
    ("ru", "Визовый залог для граждан Кыргызстана и Таджикистана", "Госдепартамент расширил список.", REGION),
    ("ru", "Саммит «С5+1» пройдёт в ноябре", "Лидеры пяти стран соберутся за одним столом.", REGION),
    ("ru", "Нужна ли Узбекистану американская пшеница", "Рынок занят зерном из Казахстана.", "UZ"),
    ("ru", "USAID сворачивает проекты", "Закрытие программ заметили в Таджикистане и Кыргызстане.", REGION),
    ("ru", "Госсекретарь выступил в Сенате", "Он рассказал о бюджете ведомства.", OTHER),
    ("en", "Peace Corps returns to Uzbekistan", "Forty volunteers will teach English in three provinces.", "UZ"),
    ("en", "How the C5+1 grew up", "Ten years ago ministers first met in Samarkand.", REGION),
    ("en", "Fulbright grants announced", "Ten scholars from Turkmenistan will study abroad.", "TM"),
    ("en", "Rubio names an envoy", "ASTANA (Reuters) - The envoy will go to Dushanbe first, he said.", "TJ"),
    ("kk", "Қазақстан мен Америка келісімге қол қойды", "Құжат вольфрам өндіруге қатысты.", "KZ"),
    ("ky", "АКШ элчиси Ошто ишкерлер менен жолукту", "Тегерек столго кырк компания катышты.", "KG"),
    ("uz", "Oʻzbekiston fuqarolari AQShdan deportatsiya qilindi", "Samolyot Toshkentga qo‘ndi.", "UZ"),
    ("uz", "АҚШ Ўзбекистондан божни пасайтирди", "Қарор тўқимачилик маҳсулотларига тегишли.", "UZ"),
    ("tg", "Дидори сафири ИМА бо Раҳмон", "Ҳамкориҳои Тоҷикистон ва ИМА баррасӣ шуд.", "TJ"),
    ("tk", "Amerikan işewürleri Türkmenistana geldi", "Işewürlik geňeşi Aşgabatda maslahat geçirdi.", "TM"),
    ("tr", "Kırgız bankasına yaptırım", "ABD Hazine Bakanlığı kararı perşembe günü açıkladı.", "KG"),
    ("de", "Trump empfängt Präsidenten aus Zentralasien", "Usbekistan kauft Flugzeuge.", REGION),
    ("zh", "美國制裁吉爾吉斯銀行", "財政部稱該行幫助俄羅斯公司。", "KG"),
    (None, "Tashkent drops visas for Americans", "From January they may stay 30 days.", "UZ"),
]


@pytest.mark.parametrize(("language", "title", "lead", "expected"), CASES, ids=[case[1] for case in CASES])
def test_a_story_is_of_the_country_that_headline_and_lead_name(
    language: str | None, title: str, lead: str, expected: str
) -> None:
    assert story_country(title, (lead,), language) == expected


def test_the_body_is_asked_only_where_headline_and_lead_name_no_country() -> None:
    opening = ("Делегация прибыла утром.", "Её встретили в аэропорту.")
    assert story_country("Глава Пентагона начал поездку", (*opening, "Завтра он будет в Душанбе."), "ru") == "TJ"
    assert story_country("Глава Пентагона прибыл в Астану", (*opening, "Завтра он будет в Душанбе."), "ru") == "KZ"


def test_a_name_repeated_without_end_weighs_no_more_than_a_few() -> None:
    weights = country_weights("Казахстан", (" ".join(["Казахстан"] * 50) + " и Узбекистан.",), "ru")
    assert weights == {"KZ": 6, "UZ": 1}


def test_an_article_without_headline_or_text_is_of_no_country() -> None:
    assert story_country(None, (), None) == OTHER


async def test_articles_that_came_before_countries_were_kept_get_theirs_when_the_corpus_is_opened(
    tmp_path: Path, storage: Storage
) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    texts = [
        "Банк в Бишкеке попал под санкции. Решение принял Минфин США.",
        "Tashkent buys aircraft from Boeing today.",
    ]
    for number, text in enumerate(texts):
        name = FileName(number, f"{number:016x}")
        (folder / str(name)).write_bytes(compose((text,), title=None, published=date(2025, 11, 3)).to_bytes())

    async def stored() -> list[str | None]:
        async with open_corpus(tmp_path / "data", storage) as corpus, corpus.database.read() as connection:
            return list(
                (await connection.execute(select(articles.c.story_country).order_by(articles.c.number))).scalars()
            )

    async with open_corpus(tmp_path / "data", storage, adopting=True) as corpus:
        await adopt(corpus, folder, now=datetime(2025, 11, 4, tzinfo=UTC))
    assert await stored() == ["KG", "UZ"]
    async with open_corpus(tmp_path / "data", storage) as corpus, corpus.database.write() as connection:
        await connection.execute(update(articles).values(story_country=None))
    assert await stored() == ["KG", "UZ"]
