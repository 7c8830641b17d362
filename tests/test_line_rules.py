"""Lines that speak of the site, language by language, and the sentences that only look like them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.blocks.lines import kind_of_line, without_site_lines

RULES = [
    # language, line, kind
    ("en", "Read also: Dam holds through first flood", "related"),
    ("en", "RELATED STORIES", "related"),
    ("en", "DON'T MISS", "related"),
    ("en", "Also on site.kz Dam holds through first flood", "related"),
    ("en", "Subscribe to our newsletter and never miss a story", "join us"),
    ("en", "Follow Site News on Telegram", "join us"),
    ("en", "CLICK HERE TO GET THE APP", "join us"),
    ("en", "Found an error? Select it and press Ctrl+Enter", "mistake"),
    ("en", "© 2025 Site News. All rights reserved.", "rights"),
    ("en", "12 comments", "button"),
    ("en", "Share | Tweet | Print", "button"),
    ("en", "Tags: dams, rivers, energy", "label"),
    ("en", "Photo: press service", "label"),
    ("en", "Updated at 1:23 p.m.", "stamp"),
    ("en", "Monday, November 18, 2025", "stamp"),
    ("ru", "Читайте также:", "related"),
    ("ru", "Читайте также — Плотина выдержала паводок", "related"),
    ("ru", "Материалы по теме", "related"),
    ("ru", "Ещё по теме:", "related"),
    ("ru", "Подписывайтесь на наш Telegram-канал и узнавайте новости первыми", "join us"),
    ("ru", "Больше новостей в нашем Telegram-канале", "join us"),
    ("ru", "Нашли ошибку? Выделите её и нажмите Ctrl+Enter", "mistake"),
    ("ru", "Если вы заметили ошибку в тексте, выделите её мышью и нажмите Ctrl+Enter", "mistake"),
    ("ru", "При использовании материалов сайта гиперссылка обязательна", "rights"),
    ("ru", "Поделиться в Facebook", "button"),
    ("ru", "Обсудить | Версия для печати | Мобильная версия", "button"),
    ("ru", "Комментарии (12)", "button"),
    ("ru", "Фото: пресс-служба акимата", "label"),
    ("ru", "Просмотров: 1341", "label"),
    ("ru", "четверг, 05.01.2012, 10:43", "stamp"),
    ("ru", "Обновлено в 18:28 мск", "stamp"),
    ("kk", "Тағы оқыңыз: Бөген су тасқынына төтеп берді", "related"),
    ("kk", "Біздің Telegram арнамызға жазылыңыз", "join us"),
    ("kk", "Қате тапсаңыз, белгілеп, Ctrl+Enter басыңыз", "mistake"),
    ("kk", "Барлық құқықтар қорғалған", "rights"),
    ("kk", "Бөлісу", "button"),
    ("kk", "Сурет: баспасөз қызметі", "label"),
    ("uz", "Oʻqing: To‘g‘on suv toshqiniga bardosh berdi", "related"),
    ("uz", "Mavzuga oid yangiliklar", "related"),
    ("uz", "Telegram kanalimizga obuna boʻling!", "join us"),
    ("uz", "Xato topdingizmi? Belgilab, Ctrl+Enter bosing", "mistake"),
    ("uz", "Barcha huquqlar himoyalangan", "rights"),
    ("uz", "Ulashish", "button"),
    ("uz-Cyrl", "Шунингдек, ўқинг: Тўғон сув тошқинига бардош берди", "related"),
    ("uz-Cyrl", "Бизнинг каналимизга обуна бўлинг", "join us"),
    ("uz-Cyrl", "Хато топдингизми? Белгилаб, Ctrl+Enter босинг", "mistake"),
    ("uz-Cyrl", "Барча ҳуқуқлар ҳимояланган", "rights"),
    ("uz-Cyrl", "Улашиш", "button"),
    ("ky", "Дагы окуңуз: Тосмо сел агымына туруштук берди", "related"),
    ("ky", "Биздин Telegram каналга жазылыңыз", "join us"),
    ("ky", "Ката тапсаңыз, белгилеп, Ctrl+Enter басыңыз", "mistake"),
    ("ky", "Бардык укуктар корголгон", "rights"),
    ("ky", "Бөлүшүү", "button"),
    ("tg", "Инчунин хонед: Сарбанд ба сел тоб овард", "related"),
    ("tg", "Ба канали мо дар Telegram обуна шавед", "join us"),
    ("tg", "Хато ёфтед? Онро ҷудо карда, Ctrl+Enter-ро пахш кунед", "mistake"),
    ("tg", "Ҳамаи ҳуқуқҳо ҳифз шудаанд", "rights"),
    ("tg", "Паҳн кардан", "button"),
    ("tk", "Şeýle hem okaň: Bent sil suwuna döz geldi", "related"),
    ("tk", "Biziň kanalymyza agza boluň", "join us"),
    ("tk", "Ýalňyşlyk tapdyňyzmy? Bellik edip, Ctrl+Enter basyň", "mistake"),
    ("tk", "Ähli hukuklar goralan", "rights"),
    ("tk", "Paýlaşmak", "button"),
    ("en", "Watch: How the dam was built", "related"),
    ("en", "The views expressed here are those of the author and not of the Naryn Herald.", "rights"),
    ("en", "Opinions expressed in this column do not necessarily reflect those of the editors.", "rights"),
    ("en", "18 November 2025 | 192 views | 3 min read", "stamp"),
    ("en", "A crew opens the first gate (Image: Naryn Hydro)", "caption"),
    ("ru", "Ранее по теме", "related"),
    ("ru", "Ещё на эту тему:", "related"),
    ("ru", "Читайте интервью «Река возвращается в старое русло»", "related"),
    ("ru", "Подробнее о новостях Нарына – на портале долины", "join us"),
    ("ru", "Точка зрения авторов может не совпадать с позицией редакции", "rights"),
    ("ru", "Короткая ссылка", "button"),
    ("ru", "18 ноября 2025, 16:49 | Просмотров: 192 | Комментариев: 3", "stamp"),
    ("ru", "Общество • 18.11.2025 16:49 • Айгерим Мусина", "stamp"),
    ("ru", "18.11.2025, время чтения: 4 минуты", "label"),
    ("ru", "Дежурный открывает первый затвор / Фото Айгерим Мусиной", "caption"),
    ("kk", "2025 жылғы 18 қараша, 16:49 | Қаралым: 192", "stamp"),
    ("kk", "Автордың пікірі редакция ұстанымымен сәйкес келмеуі мүмкін", "rights"),
    ("uz", "2025-yil 18-noyabr, 16:49 | Koʻrishlar soni: 192", "stamp"),
    ("uz-Cyrl", "18 ноябрь 2025, 16:49 | Кўрилган: 192", "stamp"),
    ("ky", "2025-жылдын 18-ноябры, 16:49 | Көрүүлөр: 192", "stamp"),
    ("uk", "Читайте також: Гребля витримала повінь", "related"),
    ("uk", "Раніше на тему:", "related"),
    ("uk", "Підписуйтесь на наш Telegram-канал", "join us"),
    ("uk", "Усі права захищені", "rights"),
    ("uk", "Поширити", "button"),
    ("uk", "Інженери відкривають перший затвор / Фото Олени Гай", "caption"),
    ("tr", "İlgili haberler", "related"),
    ("tr", "Tüm hakları saklıdır", "rights"),
    ("az", "Həmçinin oxu: Bənd daşqına tab gətirdi", "related"),
    ("ru", "12 минут назад", "ago"),
    ("en", "3 hours ago", "ago"),
    ("kk", "5 минут бұрын", "ago"),
    ("uz", "2 soat oldin", "ago"),
    ("tr", "10 dk. önce", "ago"),
    ("any", "* * *", "button"),
    ("any", "https://site.kz/images/dam.jpg", "code"),
    ("any", '<div style="margin:0">Код</div>', "code"),
]
PROSE = [
    "Читайте также книги о реках, советует учитель своим ученикам.",
    "По теме выступили трое депутатов мажилиса.",
    "Фото сделано вчера вечером.",
    "Нашли ошибку в расчётах плотины инженеры института.",
    "Реклама в стране подорожала за год на треть.",
    "Использование воды в бассейне реки запрещено до весны.",
    "Copyright law in Kazakhstan is to change next year.",
    "Like us, the engineers waited for three years.",
    "Share prices fell on Monday.",
    "Related industries lost a tenth of their orders.",
    "Обратите внимание: с января вода в посёлке подорожает на треть.",
    "The views expressed by the ministry do not necessarily match those of the provinces.",
    "Views of the valley were painted on the walls.",
    "Ранее на эту работу уходило три месяца.",
    "Читайте материалы комиссии внимательно, советует инженер.",
    "Мнение автора проекта может измениться после испытаний.",
    "12:30 | Открыт первый затвор",
    "Пожар в посёлке (фото и видео)",
    "Короткая ссылка на договор разослана участникам.",
    "May wanted to see the dam herself.",
    "- Sign up for a free account",
    "20 лет назад плотину достроили",
    "Что было 20 лет назад",
    "10 p.m.",
    "2010",
    "В мае 2012 года",
    "02-751-1500",
    "Oʻqing va o‘qitinglar, dedi muallim.",
    "Хонед ва ба дигарон гӯед, гуфт муаллим.",
    "Сурет салу үйірмесі ашылды.",
    "Обуна бўлганлар сони ортди.",
    "https://site.kz/report/2025",
]


@pytest.mark.parametrize(
    ("line", "kind"), [row[1:] for row in RULES], ids=[f"{row[0]}: {row[1][:30]}" for row in RULES]
)
def test_lines_of_the_site_are_known(line: str, kind: str) -> None:
    assert kind_of_line(line) == kind


@pytest.mark.parametrize("line", PROSE)
def test_sentences_and_sub_headings_are_left_alone(line: str) -> None:
    assert kind_of_line(line) is None


@pytest.mark.parametrize("line", [row[1] for row in RULES if row[2] != "code"])
def test_a_long_line_is_prose_whatever_it_begins_with(line: str) -> None:
    assert kind_of_line(f"{line} " + "и вода пошла по новому руслу " * 12) in (None, "stamp")


LONG = "Инженеры пустили воду через первый затвор, и дежурный записал в журнал, что плотина держит напор."
LINK = "Паводок отступил"


def cleaned(*blocks: str) -> list[str]:
    return without_site_lines(blocks, lambda line: line.removeprefix("- ").casefold() == LINK.casefold())


def test_a_heading_over_other_stories_takes_its_links_along() -> None:
    assert cleaned(LONG, "Читайте также:", LINK, f"- {LINK}\n- {LINK}", LONG, LINK) == [LONG, LONG, LINK]


def test_such_a_heading_needs_no_sign_before_a_link() -> None:
    assert cleaned(LONG, f"Читайте также {LINK}", LONG, f"До теми {LINK}", LONG) == [LONG, LONG, LONG]
    assert cleaned(LONG, "Читайте также, что паводок отступил", LONG) == [
        LONG,
        "Читайте также, что паводок отступил",
        LONG,
    ]


def test_such_a_heading_ends_the_text_when_no_prose_follows() -> None:
    assert cleaned(LONG, "Новости по теме:", "Власти рады", "12.11.2025", "Суд да дело") == [LONG]
    assert cleaned(LONG, "Новости по теме:", "Власти рады", LONG) == [LONG, "Власти рады", LONG]


def test_dates_go_at_the_ends_and_stay_in_a_chronicle() -> None:
    chronicle = [LONG, LONG, LONG, "12:30", LONG, LONG, LONG]
    assert cleaned("22.11.2025, 10:30", *chronicle, "22.11.2025") == chronicle


def test_tables_stay_as_they_are() -> None:
    table = "Дата | Просмотров: 5\n22.11.2025 | Реклама"
    assert cleaned(LONG, table) == [LONG, table]


@given(st.lists(st.text(max_size=60).filter(lambda line: "\n" not in line), max_size=6))
def test_every_text_keeps_its_order(blocks: list[str]) -> None:
    kept = without_site_lines(blocks, lambda line: False)
    remaining = iter(blocks)
    assert all(block in remaining for block in kept)
