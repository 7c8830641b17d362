"""Whether two texts tell one story: the rules one by one, what always holds, and the figures on composed texts."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import Duplicates
from extractors.records import Relation
from storage.placing.names import tells_protocol
from storage.placing.prepared import Prepared, prepare
from storage.placing.similarity import Apart, Decision, compare, containment, decide
from tests.benchmarks.duplicates import pairs_alone, run
from tests.support.protocol_forms import PROTOCOL, Form
from tests.support.variant_texts import LANGUAGES, Story
from tests.support.variants import composed, stream, to_cyrillic

pytestmark = pytest.mark.slow

LIMITS = Duplicates()


def story(seed: int, words: int = 200, language: str = "ru") -> list[str]:
    """Paragraphs of a story of its own."""
    return Story(random.Random(seed), language).paragraphs(words)


def text(*parts: list[str] | str) -> Prepared:
    """Paragraphs one after another, made ready."""
    return prepare("\n\n".join(line for part in parts for line in ([part] if isinstance(part, str) else part)))


def words_of(paragraphs: list[str], count: int) -> str:
    return " ".join(" ".join(paragraphs).split()[:count])


ONE, TWO, THREE, FOUR = (story(seed) for seed in range(4))
OTHER = story(6, language="kk")  # no word in common with the others
SITE = story(90, 60) + story(91, 60)
FORM = (
    "Доброе утро, дорогие читатели, начинаем день с привычной сводки для жителей и гостей столицы. "
    "Днём столбики термометров поднимутся до {} градусов, ветер северный, слабый, осадков синоптики не ожидают. "
    "Напоминаем, что службы спасения принимают звонки по короткому номеру 112 круглые сутки без выходных. "
    "Водителей просят соблюдать осторожность на мостах и не оставлять автомобили возле остановок транспорта."
)
TABLE = (
    "Редакция публикует средние цены на топливо по данным мониторинга заправок за минувшие сутки в регионе. "
    "Алматы: АИ-92 – 205, АИ-95 – {}, АИ-98 – 310 тенге. Астана: АИ-92 – 205, АИ-95 – 262, АИ-98 – 309 тенге. "
    "Шымкент: АИ-92 – 204, АИ-95 – 259, АИ-98 – 305 тенге. Данные собраны в 2025 году по 340 станциям. "
    "Цены указаны с учётом скидок по картам лояльности, которые действуют у большинства крупных сетей страны."
)


@pytest.mark.parametrize(
    ("new", "old", "relation"),
    [
        (text(ONE), text(ONE), Relation.REPRINT),
        (text(ONE), text(TWO), None),
        (text("Совсем другой заголовок", ONE), text(ONE), Relation.REPRINT),
        (text(ONE, "Подписывайтесь на наш канал и узнавайте новости первыми."), text(ONE), Relation.REPRINT),
        (text("АСТАНА, 12 мая – Степной вестник.", ONE), text(ONE), Relation.REPRINT),
        (text(list(reversed(ONE))), text(ONE), Relation.REPRINT),
        (text(" ".join(ONE)), text(ONE), Relation.REPRINT),
        (text(words_of(ONE, 50)), text(ONE), Relation.REPRINT),
        (text(ONE[-1]), text(TWO, THREE, ONE[-1]), Relation.CONTAINED_IN),
        (text(words_of(ONE, 60)), text(words_of(ONE, 60), OTHER), Relation.CONTAINED_IN),
        (text(TWO[:2], "Напомним:", ONE[2:5]), text(ONE), Relation.RELATED),
        (text(TWO[:2], SITE), text(ONE[:2], SITE), Relation.RELATED),
        (text(TWO, ONE[0]), text(ONE[:3]), Relation.RELATED),
        (text(FORM.format(25)), text(FORM.format(25)), Relation.REPRINT),
        (text(FORM.format(25)), text(FORM.format(31)), Relation.TEMPLATE),
        (text(TABLE.format(261)), text(TABLE.format(261)), Relation.REPRINT),
        (text(TABLE.format(261)), text(TABLE.format(263)), Relation.TEMPLATE),
        (text(TABLE.format("1 261")), text(TABLE.format("1261")), Relation.REPRINT),
        (text(TABLE.format("261,5")), text(TABLE.format("261.5")), Relation.REPRINT),
        (text(TABLE.format("261")), text(TABLE.format("двести")), Relation.REPRINT),
        (text(FORM.format(25), "Курс 475 и 510."), text(FORM.format(25)), Relation.REPRINT),
        (text("Видео недоступно."), text("Видео недоступно."), None),
        (text("12 345 67 89,1 " * 40), text("12 345 67 89,1 " * 40), None),
        (text(" сообщает , со ссылкой на , . " * 9), text(" сообщает , со ссылкой на , . " * 9), None),
        (text(""), text(ONE), None),
    ],
    ids=[
        "the same", "two stories", "new headline", "footer", "dateline", "other order", "merged", "teaser", "a part",
        "a round-up that begins with it", "one background", "one site's boilerplate", "one paragraph in common",
        "a form again", "one number of two", "a table again", "one number of twelve", "thousands", "decimals",
        "number in words", "numbers added", "stub", "only numbers", "few words", "nothing",
    ],
)  # fmt: skip
def test_how_two_texts_relate(new: Prepared, old: Prepared, relation: Relation | None) -> None:
    assert compare(new, old, LIMITS)[0] == relation
    assert compare(old, new, LIMITS) == compare(new, old, LIMITS)


def test_uzbek_in_the_other_script_is_a_reprint() -> None:
    latin = "\n".join(story(5, language="uz"))
    assert compare(prepare(latin, "uz"), prepare(to_cyrillic(latin), "uz"), LIMITS)[0] is Relation.REPRINT


def test_a_reprint_is_absorbed_by_its_story_alone() -> None:
    decision = decide(text("Новый заголовок", ONE), [(4, text(TWO)), (7, text(ONE))], LIMITS)
    assert decision == Decision(7, Relation.REPRINT, pytest.approx(1, abs=0.05), ())


def test_nothing_alike_is_no_decision() -> None:
    assert decide(text(ONE), [(4, text(TWO)), (7, text(THREE))], LIMITS) == Decision()
    assert decide(text(ONE), [], LIMITS) == Decision()


def test_of_several_variants_of_a_story_the_best_counts() -> None:
    variants = [(3, text(words_of(TWO, 80))), (3, text(TWO)), (3, text(words_of(TWO, 120)))]
    decision = decide(text(TWO, "Фото: пресс-служба"), variants, LIMITS)
    assert (decision.absorbed_by, decision.relation, decision.others) == (3, Relation.REPRINT, ())
    assert decision.score > 0.95


def test_a_text_that_matches_two_stories_is_absorbed_once_and_the_other_noted() -> None:
    decision = decide(text(ONE), [(5, text(ONE[:-1])), (2, text(ONE))], LIMITS)
    assert decision.absorbed_by == 2
    assert [(number, relation) for number, relation, _ in decision.others] == [(5, Relation.MERGE_CANDIDATE)]


def test_equal_matches_go_to_the_earlier_story() -> None:
    assert decide(text(ONE), [(9, text(ONE)), (2, text(ONE))], LIMITS).absorbed_by == 2


def test_a_form_is_not_absorbed_through_a_cut_variant_that_lacks_its_numbers() -> None:
    head = FORM.split(" Днём")[0]
    candidates = [(1, text(FORM.format(25), ONE[0])), (1, text(head, ONE[0]))]
    decision = decide(text(FORM.format(31), ONE[0]), candidates, LIMITS)
    assert (decision.absorbed_by, decision.relation) == (None, Relation.TEMPLATE)
    again = decide(text(FORM.format(25), ONE[0]), candidates, LIMITS)
    assert (again.absorbed_by, again.relation) == (1, Relation.REPRINT)


def test_among_forms_of_many_days_the_reprint_of_one_day_is_found() -> None:
    days = [(number, text(TABLE.format(250 + number))) for number in range(6)]
    decision = decide(text(TABLE.format(253), "Фото: редакция"), days, LIMITS)
    assert decision.absorbed_by == 3
    assert {relation for _, relation, _ in decision.others} == {Relation.TEMPLATE}
    assert decide(text(TABLE.format(299)), days, LIMITS).absorbed_by is None


@pytest.mark.parametrize("count", [2, 3])
def test_a_round_up_is_absorbed_by_none_of_its_stories(count: int) -> None:
    stories = [ONE, TWO, THREE][:count]
    digest = text("Главное за неделю", *stories)
    decision = decide(digest, [(n, text(part)) for n, part in enumerate(stories)], LIMITS)
    assert decision.absorbed_by is None
    assert {(number, relation) for number, relation, _ in decision.others} == {
        (n, Relation.DIGEST_OF) for n in range(count)
    }


def test_two_early_versions_of_one_story_do_not_make_it_a_round_up() -> None:
    early, later = text(words_of(ONE, 90)), text(words_of(ONE, 100))
    decision = decide(text(ONE), [(1, early), (2, later)], LIMITS)
    assert Relation.DIGEST_OF not in {relation for _, relation, _ in decision.others}


def test_a_story_is_not_absorbed_by_a_round_up_that_has_it() -> None:
    assert decide(text(TWO), [(1, text("Главное за неделю", ONE, TWO, THREE))], LIMITS).absorbed_by is None


def test_lines_of_three_stories_belong_to_the_site() -> None:
    """Captions of their own under one long text: too little to see in the whole."""
    site = "\n\n".join([*ONE, *TWO])
    captions = [words_of(story(seed), 30) for seed in range(20, 25)]
    known = [(n, text(caption, site)) for n, caption in enumerate(captions[:3])]
    assert decide(text(captions[3], site), known[:1], LIMITS).absorbed_by == 0
    assert decide(text(captions[3], site), known, LIMITS).absorbed_by is None
    assert decide(text(captions[1], site), known, LIMITS).absorbed_by == 1


def test_parts_of_a_live_blog_are_texts_of_their_own() -> None:
    intro = story(30, 60)
    entries = [f"{hour}:15 {line}" for hour, line in zip(range(10, 22), story(31, 700), strict=False)]
    first, second = text(intro, entries[:5]), text(intro, entries[:9])
    assert compare(first, second, LIMITS)[0] is Relation.CONTAINED_IN
    assert compare(first, text(intro, entries[3:8]), LIMITS)[0] is Relation.RELATED
    assert compare(first, text("Онлайн", intro, entries[:5]), LIMITS)[0] is Relation.REPRINT


def test_the_thresholds_are_those_of_the_settings() -> None:
    new, old = text(ONE[:2], TWO[:3]), text(ONE[:2], THREE[:3])
    score = containment(new, old)
    assert 0.25 < score < 0.6
    assert compare(new, old, Duplicates(same_story=0.9, related=score - 0.01))[0] is Relation.RELATED
    assert compare(new, old, Duplicates(same_story=0.9, related=score + 0.01))[0] is None


TEXTS = st.lists(st.sampled_from([*ONE, *TWO, FORM.format(25), FORM.format(31), TABLE.format(1), "", "7"]), max_size=8)


@given(TEXTS, TEXTS)
def test_order_makes_no_difference(new: list[str], old: list[str]) -> None:
    a, b = text(new), text(old)
    assert containment(a, b) == containment(b, a)
    assert compare(a, b, LIMITS) == compare(b, a, LIMITS)
    assert (decide(a, [(1, b)], LIMITS).absorbed_by is None) == (decide(b, [(1, a)], LIMITS).absorbed_by is None)


@given(TEXTS, TEXTS, TEXTS)
def test_adding_text_loses_nothing_of_the_old_one(new: list[str], more: list[str], old: list[str]) -> None:
    known = text(old)
    assert len(text(new, more).pairs & known.pairs) >= len(text(new).pairs & known.pairs)


@given(TEXTS, st.lists(TEXTS, max_size=8))
def test_a_decision_names_each_story_once_and_absorbs_only_reprints(new: list[str], stories: list[list[str]]) -> None:
    decision = decide(text(new), [(n // 2, text(old)) for n, old in enumerate(stories)], LIMITS)
    numbers = [number for number, _, _ in decision.others]
    assert len(set(numbers)) == len(numbers)
    assert decision.absorbed_by not in numbers
    assert (decision.absorbed_by is not None) == (decision.relation is Relation.REPRINT)
    assert Relation.REPRINT not in {relation for _, relation, _ in decision.others}


def with_figures(paragraphs: list[str], chosen: set[int]) -> list[str]:
    """The text with other numbers in these places, counted through."""
    count = iter(range(10_000))

    def other(match: re.Match[str]) -> str:
        return str(int(match[0]) + 7) if next(count) in chosen else match[0]

    return [re.sub(r"(?<=\s)\d+(?=\s)", other, line) for line in paragraphs]


@given(st.integers(0, 10_000), st.sampled_from(LANGUAGES))
def test_other_numbers_in_most_places_make_another_text_and_one_corrected_number_does_not(
    seed: int, language: str
) -> None:
    paragraphs = story(seed, 300, language)
    places = sum(len(re.findall(r"(?<=\s)\d+(?=\s)", line)) for line in paragraphs)
    if places < 6:
        return
    corrected = with_figures(paragraphs, {seed % places})
    assert compare(text(corrected), text(paragraphs), LIMITS)[0] is Relation.REPRINT
    another_day = with_figures(paragraphs, set(range(places)))
    assert compare(text(another_day), text(paragraphs), LIMITS)[0] is not Relation.REPRINT


@pytest.mark.parametrize("seed", [1, 2])
def test_copies_are_found_and_stories_are_not_hidden(seed: int) -> None:
    documents = stream(seed, composed(seed, 8))
    report = run(documents)
    assert report.templates == 0
    assert report.wrong_share <= 0.003, report.mistakes
    assert report.f1 >= 0.98
    for kind in ("exact", "typography", "white space"):
        assert not any(count for key, count in report.missed.items() if key[0] == kind), kind
    assert run(documents, pairs_alone).wrong_share > 0.2  # the look-alikes are hard enough to tell


FORMS = [(language, form) for language, forms in PROTOCOL.items() for form in forms]


@pytest.mark.parametrize(("language", "form"), FORMS, ids=[f"{language}: {f.pattern[:40]}" for language, f in FORMS])
def test_one_form_of_protocol_with_other_names_is_another_story(language: str, form: Form) -> None:
    filled = [prepare(text, language) for text in form.filled(random.Random(1), 4)]
    for one, other in combinations(filled, 2):
        decision = decide(one, [(1, other)], LIMITS)
        assert (decision.absorbed_by, decision.relation) == (None, Relation.TEMPLATE)
        assert re.search(r"names? differs? \(", decision.grounds[1])


SHORT_FORMS = {  # a lead that is hardly more than names; nothing but {sender} and {party} tells one from another
    "ru": (
        "{sender} созвонился с Президентом {party}.\n"
        "Собеседники сверили ход совместных строек, похвалили министров и договорились чаще видеться. Отдельно "
        "говорили о воде, дорогах и об урожае хлопка. В завершение стороны пожелали друг другу спокойной зимы."
    ),
    "en": (
        "{sender} telephoned President {party}.\n"
        "They went through the joint building sites, praised their ministers and promised to meet more often. Water, "
        "roads and the cotton harvest came up as well. At the end each side wished the other a quiet winter ahead."
    ),
    "kk": (
        "{sender} {party} Президентіне хат жолдады.\n"
        "Хатта ортақ құрылыстардың барысы айтылып, министрлердің еңбегі аталған және жиі кездесуге тілек білдірілген. "
        "Су, жол және мақта жайы да сөз болған. Соңында екі халыққа тыныш қыс пен мол несібе тіленген."
    ),
    "uz": (
        "{sender} {party} Prezidentiga maktub yoʻlladi.\n"
        "Maktubda qoʻshma qurilishlarning borishi aytilgan, vazirlarning mehnati eslangan va tez-tez koʻrishish istagi "
        "bildirilgan. Suv, yoʻl va paxta ham tilga olingan. Oxirida ikki xalqqa tinch qish va baraka tilangan."
    ),
}


@pytest.mark.parametrize(
    ("language", "here", "there", "same"),
    [
        (
            "ru",
            ("Сергей Павлович Лукин", "Чили Жозе да Кошта"),
            ("Сергей Павлович Лукин", "Перу Абдель ас-Сауди"),
            False,
        ),
        ("ru", ("Айбек Сманов", "Чили Жозе да Коштой"), ("Мурод Каримзода", "Чили Жозе да Коштой"), False),
        ("ru", ("Айбек Сманов", "Чехии Янеком Врбой"), ("Айбек Сманов", "Чехии Янек Врба"), True),
        ("ru", ("ТАШКЕНТ. Узбюро – Айбек Сманов", "Чехии"), ("Степной вестник. Айбек Сманов", "Чехии"), True),
        ("en", ("Aibek Smanov", "José da Costa of Chile"), ("Aibek Smanov", "Abdel el-Saudi of Peru"), False),
        ("en", ("Murod Karimzoda", "Jan Vrba of Chile"), ("Aibek Smanov", "Jan Vrba of Chile"), False),
        ("en", ("Aibek Smanov", "Željko Perić of Chile"), ("Aibek Smanov", "Zeljko Peric of Chile"), True),
        ("en", ("05.04.2026 20:15 Almaty – Aibek Smanov", "Jan Vrba"), ("UzBureau – Aibek Smanov", "Jan Vrba"), True),
        ("kk", ("Айбек Сманов", "Чили"), ("Айбек Сманов", "Перу"), False),
        ("kk", ("Мұрат Кәрімов", "Чили"), ("Айбек Сманов", "Чили"), False),
        ("kk", ("Мұрат Кәрімов", "Чили"), ("Мурат Каримов", "Чили"), True),
        ("uz", ("Aybek Smanov", "Chili"), ("Aybek Smanov", "Gretsiya"), False),
        ("uz", ("Murod Karimzoda", "Chili"), ("Aybek Smanov", "Chili"), False),
        ("uz", ("Toshkent. OʻzA – Aybek Smanov", "Chili"), ("Nukus, Xabar – Aybek Smanov", "Chili"), True),
    ],
)
def test_a_few_names_tell_forms_apart_however_much_is_the_same(
    language: str, here: tuple[str, str], there: tuple[str, str], same: bool
) -> None:
    one, other = (
        prepare(SHORT_FORMS[language].format(sender=sender, party=party), language) for sender, party in (here, there)
    )
    assert compare(one, other, LIMITS)[0] is (Relation.REPRINT if same else Relation.TEMPLATE)


def test_another_headline_is_no_other_name() -> None:
    lead = SHORT_FORMS["ru"].format(sender="Айбек Сманов", party="Чехии Янеком Врбой")
    one, other = text("Сманов звонит Врбе", lead), text("Прага и Ташкент на связи", lead)
    assert compare(one, other, LIMITS)[0] is Relation.REPRINT


CALL = (
    "Министр транспорта {} провёл в Алматы переговоры с послом Норвегии {}. Стороны обсудили ход строительства "
    "паромных причалов, обучение экипажей и поставку запасных частей, а также договорились встретиться весной. "
    "Посол {} поблагодарил за гостеприимство и пригласил делегацию посетить верфи. Протокол опубликуют позднее."
)


@pytest.mark.parametrize(
    ("here", "there", "same"),
    [
        (("Қайрат Әлімов", "Юханом Бергом", "Берг"), ("Кайрат Алимов", "Юханом Бергом", "Берг"), True),
        (("Кайрат Алимов", "Юханом Бергу", "Бергу"), ("Кайрат Алимов", "Йоханом Берго", "Берго"), True),
        (("Кайрат Алимов", "Мирзиёевым", "Мирзиёев"), ("Кайрат Алимов", "Мирзияевым", "Мирзияев"), True),
        (("Кайрат Алимов", "Юханом Бергом", "Берг"), ("Кайрат Алимов", "Ларсом Хансеном", "Хансен"), False),
        (("Кайрат Алимов", "Юханом Бергом", "Берг"), ("Самат Жунусов", "Ларсом Хансеном", "Хансен"), False),
    ],
    ids=["Kazakh letters", "vowels", "transliterated", "another guest", "both others"],
)
def test_a_name_in_another_spelling_is_no_other_name(here: tuple[str, ...], there: tuple[str, ...], same: bool) -> None:
    relation, _ = compare(text(CALL.format(*here)), text(CALL.format(*there)), LIMITS)
    assert relation is (Relation.REPRINT if same else Relation.TEMPLATE)


@pytest.mark.parametrize(
    "changed",
    [
        lambda t: t.replace("ОРАЛ, 3 мая. /Вести-7/", "ОРАЛ, 9 июня. /Вести-7/"),
        lambda t: t.replace("/Вести-7/", "/Бюро-24/"),
        lambda t: t.replace("ОРАЛ, 3 мая. /Вести-7/", "04.05.2026, Орал, Бюро-24 –"),
        lambda t: t.replace("1240", "1260"),
        lambda t: t.replace("17", "l7").replace("2031", "203I"),
        lambda t: t.replace("р", "p").replace("17", "11"),
    ],
    ids=[
        "another day",
        "another tag",
        "another dateline",
        "a corrected figure",
        "misread digits",
        "look-alike letters",
    ],
)
def test_a_reprint_with_a_few_other_numbers_is_still_one(changed: Callable[[str], str]) -> None:
    body = " ".join(ONE)
    article = (
        f"ОРАЛ, 3 мая. /Вести-7/ Завод выпустил 1240 насосов, на 17 больше плана. {body} "
        "К 2031 году мощность удвоят, наймут 350 рабочих и проложат 42 километра труб."
    )
    assert compare(text(changed(article)), text(article), LIMITS)[0] is Relation.REPRINT


TELEGRAM = (
    "Президент Нургали Досов поздравил короля Норвегии Харальда с национальным праздником. В телеграмме сказано, что "
    "страны связывает многолетняя дружба, а их торговля растёт. Глава государства пожелал монарху здоровья."
)
TRAVEL = (
    "Каньон лежит в двух часах езды от города, и дорога туда ведёт через степь. Путники оставляют машину у реки и идут "
    "по тропе мимо красных башен, которые ветер выточил из песчаника. Ночью над ущельем видно множество звёзд."
)


@pytest.mark.parametrize(
    ("words", "others", "since", "relation"),
    [
        (TELEGRAM, [], None, Relation.REPRINT),
        (TELEGRAM, [], Apart(365, 2025), Relation.TEMPLATE),
        (TRAVEL, [], Apart(365, 2025), Relation.REPRINT),
        (f"{TELEGRAM} В 2025 году состоялся его визит.", [], Apart(20, 2025), Relation.REPRINT),
        (f"{TELEGRAM} К 2050 году торговля удвоится.", [], Apart(365, 2025), Relation.TEMPLATE),
        (FORM.format(25), [FORM.format(31)], Apart(365, 2025), Relation.TEMPLATE),
        (FORM.format(25), [], Apart(365, 2025), Relation.REPRINT),
    ],
    ids=["at once", "a year later", "no protocol", "names its year", "names another year", "known form", "weather"],
)
def test_a_form_of_protocol_comes_again_while_any_other_text_is_run_again(
    words: str, others: list[str], since: Apart | None, relation: Relation
) -> None:
    known = [(1, text(words)), *((n, text(other)) for n, other in enumerate(others, start=2))]
    decision = decide(text("Фото из архива", words), known, LIMITS, {1: since} if since else {})
    told = {n: r for n, r, _ in decision.others} | {decision.absorbed_by: Relation.REPRINT}
    assert told[1] is relation


@pytest.mark.parametrize(
    "said",
    [
        "Министры провели телефонные переговоры о пастбищах.",
        "Касым Оразов и Ян Врба поговорили по телефону.",
        "Вечером президенты созвонились.",
        "Премьер направил приветствие участникам слёта.",
        "The ministers spoke by phone on Tuesday.",
        "He addressed a message to the King of Norway.",
        "Екі министр телефон арқылы пікірлесті.",
        "Премьер корольге хат жолдады.",
        "Эки министр телефон аркылуу сүйлөштү.",
        "Ikki vazir telefon orqali muzokara oʻtkazdi.",
        "Bosh vazir qirolga maktub yoʻlladi.",
        "Икки вазир телефон орқали мулоқот қилди.",
        "Ду вазир тавассути телефон гуфтугӯ карданд.",
    ],
)
def test_calls_and_messages_are_protocol(said: str) -> None:
    assert tells_protocol(said)


@pytest.mark.parametrize(
    "said",
    [
        "Мошенники звонили пенсионеру и просили назвать код.",
        "The shop sells phones and parts for them.",
        "Алаяқтар телефон арқылы ақша сұрады.",
        "Firibgarlar telefon orqali pul soʻragan.",
    ],
)
def test_other_talk_of_phones_is_no_protocol(said: str) -> None:
    assert not tells_protocol(said)


ROAD = (
    "Дорожники открыли мост через Сарысу, которого жители левого берега ждали одиннадцать лет. Раньше до райцентра "
    "добирались паромом, а весной, в ледоход, поселения неделями оставались без врачей и свежего хлеба.",
    "Строительство прерывали дважды: подрядчик обанкротился, затем паводок унёс опалубку. Последнюю балку поставили "
    "осенью, испытания провели на гружёных самосвалах, прогиб оказался втрое меньше допустимого.",
    "Теперь власти обещают пустить автобус и достроить асфальт до соседних аулов. Паром оставят туристам, а бывшего "
    "капитана взяли сторожем: он знает русло, мели, нрав половодья и помнит имена всех утонувших здесь лодок.",
    "Следующим подарком жителям станет набережная; её рисуют студенты архитектурного колледжа, деньги собирают "
    "выходцы из этих мест, разъехавшиеся кто куда.",
)


@pytest.mark.parametrize(
    "teaser",
    [
        (ROAD[0], "Каким был путь к открытию, рассказал корреспондент."),
        ("Одиннадцать лет без переправы закончились праздником.", ROAD[0]),
        (f"Дождались! {ROAD[0]}", ROAD[1], "Каким был путь к открытию, рассказал корреспондент."),
        ("Одиннадцать лет без переправы закончились праздником.", *ROAD[:2]),
    ],
    ids=["a new last sentence", "put first", "more of it", "more of it, put first"],
)
def test_the_beginning_of_an_article_with_a_sentence_rewritten_is_a_reprint(teaser: tuple[str, ...]) -> None:
    assert compare(text(*teaser), text(*ROAD), LIMITS)[0] is Relation.REPRINT


def test_the_middle_of_an_article_in_one_of_another_subject_is_no_reprint() -> None:
    assert compare(text(*ROAD[:2]), text(TRAVEL, FORM.format(25), *ROAD[:2]), LIMITS)[0] is not Relation.REPRINT


def test_what_decided_is_told_as_the_texts_have_it() -> None:
    rates = (
        "Доллар стоит {} тенге, евро {} тенге, рубль {} тенге. Биржа приняла эти цены на утренних торгах без споров; \
обменные пункты вправе брать больше, но об этом обязаны предупредить клиентов до начала сделки."
    )
    old, new = text(rates.format("521,34", "604,12", "6,41")), text(rates.format("522,80", "603,55", "6,41"))
    decision = decide(new, [(3, old)], LIMITS)
    assert decision.grounds == {3: "2 of 3 numbers differ (521,34 – 522,80, 604,12 – 603,55), in 31 words in common"}
    again = decide(text("Курсы", rates.format("521,34", "604,12", "6,41")), [(3, old)], LIMITS)
    assert again.grounds == {3: "the same in 3 numbers"}


def test_words_without_end_take_no_time_to_compare() -> None:
    long = "".join(random.Random(1).choices("абвгд", k=200_000))
    relation, _ = compare(
        text(*ONE[:3], f"Слово {long}а 1{long} стоит здесь."),
        text(*ONE[:3], f"Слово {long} 2{long} стоит здесь."),
        LIMITS,
    )
    assert relation is Relation.REPRINT
