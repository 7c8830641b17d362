from __future__ import annotations

import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from config.load import ConfigError, load_config
from config.terms import spellings
from config.topics import Topic, TopicsFile, Weights, WeightsFile, all_terms, with_weights
from extractors.records import Article
from extractors.topic.judge import compile_topics

SHIPPED = Path(__file__).parents[1] / "config" / "topics.toml"


def topic(**changes: Any) -> dict[str, Any]:
    return {"id": "a", "name": "A", "groups": {"region": {"ru": ["казахстан*"]}}} | changes


def mistake(*topics: dict[str, Any]) -> tuple[str, str]:
    """The place and the message of the only mistake in a file with these topics."""
    with pytest.raises(ValidationError) as caught:
        TopicsFile.model_validate({"topics": topics})
    (error,) = caught.value.errors()
    return ".".join(map(str, error["loc"])), error["msg"]


def test_the_shipped_file_is_valid_and_has_every_group_in_every_language() -> None:
    file = TopicsFile(**tomllib.loads(SHIPPED.read_text(encoding="utf-8")))
    (shipped,) = file.topics
    assert shipped.id == "central-asia-us"
    languages = {"ru", "en", "kk", "ky", "tg", "tk", "uz", "uz-cyrl", "tr", "de", "zh"}
    assert all(
        languages <= set(terms) for terms in (*shipped.groups.values(), *shipped.actors.values(), shipped.dealings)
    )


def test_the_shipped_file_lists_no_term_twice() -> None:
    (shipped,) = TopicsFile(**tomllib.loads(SHIPPED.read_text(encoding="utf-8"))).topics
    vetoes = shipped.vetoes.values()
    lists = [*shipped.groups.values(), *shipped.actors.values(), *shipped.places.values()]
    lists += [shipped.dealings, shipped.sufficient, shipped.take_out, shipped.outlets]
    for terms in (*lists, *(veto.terms for veto in vetoes), *(veto.unless for veto in vetoes)):
        for key, listed in terms.items():
            assert len(set(listed)) == len(listed), key


def test_the_example_at_the_end_of_the_file_works() -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    place = text.index("\n# [[topics]]")
    example = "\n".join(line.removeprefix("#").strip() for line in text[place:].splitlines())
    shipped, water = TopicsFile(**tomllib.loads(text[:place] + example)).topics
    assert (shipped.id, water.id) == ("central-asia-us", "water")
    story = Article(("В Узбекистане мало воды.",), "Засуха", (), None, None, "ru", "test")
    assert compile_topics(TopicsFile(topics=(shipped, water))).judge(story).topic == "water"


@pytest.mark.parametrize(
    ("term", "written_out"),
    [
        ("казахстан*", ("казахстан*",)),
        ("=США", ("США",)),
        ("Рахмон(|а|у)", ("Рахмон", "Рахмона", "Рахмону")),
        ("(центральн*|средн*) ази*", ("центральн* ази*", "средн* ази*")),
        ("white   house", ("white house",)),
        ("(a|b)(c|d)", ("ac", "ad", "bc", "bd")),
        ("(C|С)5+1", ("C5+1", "С5+1")),
        ("satyn al*", ("satyn al*",)),  # only the first word needs three letters
        ("U.S.", ("U.S.",)),
        ("中亚", ("中亚",)),
    ],
)
def test_a_term_is_a_list_of_spellings(term: str, written_out: tuple[str, ...]) -> None:
    assert spellings(term) == written_out


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        ("", "without spaces at its ends"),
        (" США", "without spaces at its ends"),
        ("каз*ах", "only at the end of a word"),
        ("*стан", "only at the end of a word"),
        ("kol *", "at least three letters before"),
        ("казах**", "only at the end of a word"),
        ("ка*", "at least three letters before"),
        ("(центр* ази*", '"(" to have its partner'),
        ("центр*) ази*", '")" to have its partner'),
        ("((а|б)|в)газ", "no brackets within brackets"),
        ("газ|нефть", "only inside brackets"),
        ("белый =дом", "only at the very beginning"),
        ("++", "at least two letters"),
        ("(США|)", "at least two letters"),
        ("(a|b)" * 9, "at most 200 spellings"),
        ("(a|b)" * 39, "at most 200 spellings"),
        ("я" * 201, "at most 200 characters"),
    ],
)
def test_a_bad_term_is_named_with_its_place(term: str, expected: str) -> None:
    place, message = mistake(topic(groups={"region": {"ru": ["казахстан*", term]}}))
    assert place == "topics.0.groups.region.ru.1"
    assert expected in message


@pytest.mark.parametrize(
    ("bad", "place", "expected"),
    [
        (topic(groups={}), "topics.0", "found no groups"),
        (topic(groups={"us": {}}), "topics.0.groups.us", "found no terms"),
        (topic(groups={"us": {"ru": []}}), "topics.0.groups.us", 'found no term for "ru"'),
        (topic(groups={"us": {"xx": ["=US"]}}), "topics.0.groups.us", 'found the language "xx"'),
        (topic(groups={"us": {"any-only": ["=US"]}}), "topics.0.groups.us", 'found the language "any-only"'),
        (topic(vetoes={"sport": {"terms": {}, "threshold": 1}}), "topics.0.vetoes.sport.terms", "found no terms"),
        (topic(vetoes={"sport": {"terms": {"any": ["UFC"]}}}), "topics.0.vetoes.sport.threshold", "required"),
        (topic(threshold=0), "topics.0.threshold", "greater than 0"),
        (topic(threshold="2"), "topics.0.threshold", "valid number"),
        (topic(threshold=float("nan")), "topics.0.threshold", "finite number"),
        (topic(match_all="yes"), "topics.0.match_all", "valid boolean"),
        (topic(weights={"titel": 3.0}), "topics.0.weights.titel", "Extra inputs"),
        (topic(weights={"aside": -1.0}), "topics.0.weights.aside", "greater than or equal to 0"),
        (topic(borderline=-0.5), "topics.0.borderline", "greater than or equal to 0"),
        (topic(actors={"us": {"ru": ["посол"]}}), "topics.0", 'found actors of "us", expected one of region, any'),
        (topic(actors={"any": {}}), "topics.0.actors.any", "found no terms"),
        (topic(dealings={"ru": ["виз*а"]}), "topics.0.dealings.ru.0", "only at the end of a word"),
        (
            topic(vetoes={"eu": {"terms": {"any": ["EU"]}, "threshold": 3.0, "rival": "yes"}}),
            "topics.0.vetoes.eu.rival",
            "valid boolean",
        ),
        (topic(take_outs={"ru": ["доллар"]}), "topics.0.take_outs", "Extra inputs"),
        (topic(id="Central Asia"), "topics.0.id", "match pattern"),
    ],
)
def test_a_bad_value_is_named_with_its_place(bad: dict[str, Any], place: str, expected: str) -> None:
    found, message = mistake(bad)
    assert found == place
    assert expected in message


def test_topic_ids_are_distinct() -> None:
    assert mistake(topic(), topic()) == (
        "",
        'Value error, topic 2: id: found "a" a second time, expected a different id',
    )


def test_there_is_at_least_one_topic() -> None:
    assert mistake() == ("", "Value error, found no topics, expected at least one [[topics]]")


def test_match_all_needs_nothing_else() -> None:
    only = TopicsFile.model_validate({"topics": [{"id": "all", "name": "All", "match_all": True}]}).topics[0]
    assert only.match_all and not only.groups


def test_a_topic_cannot_be_changed() -> None:
    built = Topic(**topic())
    with pytest.raises(ValidationError):
        built.threshold = 1.0  # type: ignore[misc]


def test_terms_of_an_only_list_belong_to_its_language() -> None:
    listed = all_terms({"ru": ("США",), "tr-only": ("kazak",), "uz-cyrl-only": ("туркман*",), "uz-cyrl": ("ўзбек*",)})
    assert listed == [("США", None), ("kazak", "tr"), ("туркман*", "uz"), ("ўзбек*", None)]


# --- learnt weights


def weights(text: str) -> WeightsFile:
    return WeightsFile(**tomllib.loads(text))


def test_learnt_weights_replace_those_that_are_given() -> None:
    file = TopicsFile.model_validate({"topics": [topic(), topic(id="b", threshold=7.0)]})
    learnt = with_weights(file, weights("[b]\nheadline = 4.1\nlead = 0\nthreshold = 6.5"))
    assert learnt.topics[0] == file.topics[0]
    assert learnt.topics[1].threshold == 6.5
    assert learnt.topics[1].weights == Weights(headline=4.1, lead=0.0)
    assert with_weights(file, weights("[b]\nlead = 1.0")).topics[1].threshold == 7.0


def test_learnt_weights_of_an_unknown_topic_are_a_mistake() -> None:
    file = TopicsFile.model_validate({"topics": [topic()]})
    with pytest.raises(ValueError, match='found weights for "c", expected one of a'):
        with_weights(file, weights("[c]\nlead = 1.0"))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[central-asia-us]\nheadline = -1.0", "central-asia-us.headline: found -1.0, expected"),
        (
            "[central-asia-us]\nheadlin = 1.0",
            "central-asia-us.headlin: unknown key, expected one of actors, against, aside, ",
        ),
        ("[central-asia-us]\nthreshold = 0", "central-asia-us.threshold: found 0, expected"),
        ("[weather]\nlead = 1.0", 'found weights for "weather", expected one of central-asia-us'),
        ("lead = 1.0", "lead: "),
    ],
)
def test_a_mistake_in_the_weights_file_is_one_line_with_place(tmp_path: Path, text: str, line: str) -> None:
    shutil.copy(SHIPPED, tmp_path)
    (tmp_path / "topics.weights.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path)
    (found,) = caught.value.lines
    assert found.startswith(f"{tmp_path / 'topics.weights.toml'}: {line}")


def test_the_weights_file_beside_the_topics_is_read(tmp_path: Path) -> None:
    shutil.copy(SHIPPED, tmp_path)
    (tmp_path / "topics.weights.toml").write_text("[central-asia-us]\nlead = 1.25")
    assert load_config(tmp_path).topics.topics[0].weights.lead == 1.25


def test_weights_without_topics_beside_them_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "topics.weights.toml").write_text("[something-else]\nlead = 1.25")
    assert load_config(tmp_path).topics.topics[0].id == "central-asia-us"
