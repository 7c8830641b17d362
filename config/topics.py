"""Check `topics.toml`: lists of terms (`config.terms`) that define a topic, and that anybody can edit.

`extractors.topic.judge` compares terms with a text and adds up the numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, RootModel, model_validator

from config.sources import LANGUAGES
from config.terms import Term

# A list of terms is for a language by its ISO 639-1 code, with "-cyrl" or "-latn" for one of its scripts: "uz" is Uzbek
# in Latin, "uz-cyrl" in Cyrillic letters. "any" is for names that all languages write alike. "<language>-only": its
# terms count in articles of that language alone.
ANY = "any"
SCRIPTS = ("-arab", "-cyrl", "-latn")


def _known_keys(value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    for key, terms in value.items():
        language = key.removesuffix("-only")
        if key != ANY and language not in LANGUAGES and not (language[:2] in LANGUAGES and language[2:] in SCRIPTS):
            raise ValueError(
                f'found the language "{key}", expected "any", a code such as "kk" or "uz-cyrl", or a code with "-only"'
            )
        if not terms:
            raise ValueError(f'found no term for "{key}", expected at least one, or no line "{key}" at all')
    return value


def _not_empty(value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    if not value:
        raise ValueError("found no terms, expected a list of terms for at least one language")
    return value


Terms = Annotated[dict[str, tuple[Term, ...]], AfterValidator(_known_keys)]
SomeTerms = Annotated[Terms, AfterValidator(_not_empty)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
Points = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
Limit = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Weights(_Table):
    """Points for each kind of evidence. `extractors.topic.evidence` measures the kinds from 0 to 1.

    The score is the sum of the points, and `aside` is subtracted. The defaults go with the default threshold: groups
    that meet in one sentence of headline or lead are enough.
    """

    headline: Points = 4.0  # which share of the groups the headline names
    lead: Points = 2.0  # which share of the groups the lead names
    together: Points = 1.5  # one sentence of headline or lead names all groups; half for two neighbouring ones
    actors: Points = 1.5  # offices, officials, companies speak for the groups
    dealings: Points = 1.5  # what they do with one another, said where the groups meet
    body: Points = 3.0  # how much of the body is about each of the groups
    aside: Points = 2.0  # subtracted: how much of a long body is not
    partner: Points = 0.0  # subtracted: the share of a rival in the meetings
    late: Points = 0.0  # subtracted: headline and lead lack a group, or name it in passing
    against: Points = 1.0  # subtracted: the points of the vetoes that have a weight


class Veto(_Table):
    """Terms of another subject (sport, exchange rates …) that make an article off topic in spite of its score.

    It speaks from `threshold` points on: 4 points for the headline, 2 for each of up to three mentions in the lead, 0.4
    for each of up to six in the body. It is silent when a term of `unless` stands in headline or lead.
    With a `weight`, it subtracts: all of the weight at `threshold` points, less for fewer, at most twice as much.
    Without one, it refuses the article, unless the article's own score is `outvoted_at` or more.
    `rival`: the terms name other partners. Then the points of the weakest group, reckoned alike, are subtracted first,
    and a headline that names all groups silences the veto. A sentence of the text that names two rivals is a list, and
    what it says of the groups counts half.
    """

    terms: SomeTerms
    threshold: Limit
    weight: Points | None = None  # points of the score; None: it refuses by itself
    outvoted_at: Limit | None = None  # None: no score outvotes it
    unless: Terms = {}
    rival: bool = Field(default=False, strict=True)


class Topic(_Table):
    """Topic. An article is on it when every group occurs, the score reaches `threshold`, and no veto speaks."""

    id: Name
    name: str = Field(min_length=1)
    match_all: bool = Field(default=False, strict=True)
    threshold: Limit = 3.5  # all groups in one sentence of the lead
    borderline: Points = 1.0  # points above and below the threshold within which a person had better look
    weights: Weights = Weights()
    groups: dict[Name, SomeTerms] = {}
    actors: dict[Name, SomeTerms] = {}  # of a group: count for the group too; "any": for the group named beside them
    places: dict[Name, SomeTerms] = {}  # of a group: count for it, less where another group meets a rival
    dealings: Terms = {}
    take_out: Terms = {}  # removed before groups are counted
    outlets: Terms = {}  # names beside them belong to them, and are not counted
    sufficient: Terms = {}  # each stands for all groups at once
    vetoes: dict[Name, Veto] = {}

    @model_validator(mode="after")
    def _has_groups(self) -> Topic:
        if not self.groups and not self.match_all:
            raise ValueError(f'topic "{self.id}": found no groups, expected [topics.groups.…] or match_all = true')
        for name in self.actors:
            if name not in self.groups and name != ANY:
                known = ", ".join((*self.groups, ANY))
                raise ValueError(f'topic "{self.id}": found actors of "{name}", expected one of {known}')
        for name in self.places:
            if name not in self.groups:
                known = ", ".join(self.groups)
                raise ValueError(f'topic "{self.id}": found places of "{name}", expected one of {known}')
        return self


class LearntWeights(Weights):
    """Weights of a topic in `topics.weights.toml`. A weight left out stays as `topics.toml` has it."""

    threshold: Limit | None = None


class WeightsFile(RootModel[dict[Name, LearntWeights]]):
    """Content of `topics.weights.toml`, optional beside `topics.toml`: a table of weights for each topic's id."""

    model_config = ConfigDict(frozen=True)


class TopicsFile(_Table):
    """Content of `topics.toml`, in the order of the file."""

    topics: tuple[Topic, ...]

    @model_validator(mode="after")
    def _some_and_ids_once(self) -> TopicsFile:
        if not self.topics:  # here and not as min_length, which would count a broken topic as a missing one
            raise ValueError("found no topics, expected at least one [[topics]]")
        seen: set[str] = set()
        for position, topic in enumerate(self.topics, 1):
            if topic.id in seen:
                raise ValueError(f'topic {position}: id: found "{topic.id}" a second time, expected a different id')
            seen.add(topic.id)
        return self


def with_weights(file: TopicsFile, learnt: WeightsFile) -> TopicsFile:
    """Return the topics with the learnt weights for their own. Raises ValueError for weights of an unknown topic."""
    known = {topic.id for topic in file.topics}
    if unknown := [name for name in learnt.root if name not in known]:
        raise ValueError(f'found weights for "{unknown[0]}", expected one of {", ".join(sorted(known))}')
    return file.model_copy(update={"topics": tuple(_with_weights(topic, learnt) for topic in file.topics)})


def _with_weights(topic: Topic, learnt: WeightsFile) -> Topic:
    given = learnt.root[topic.id].model_dump(exclude_unset=True) if topic.id in learnt.root else {}
    threshold = given.pop("threshold", None) or topic.threshold
    return topic.model_copy(update={"threshold": threshold, "weights": topic.weights.model_copy(update=given)})


def base_language(key: str) -> str | None:
    """Return the language to which `key` limits its terms ("uz" for "uz-cyrl-only"); None if they count anywhere."""
    return key.removesuffix("-only").partition("-")[0] if key.endswith("-only") else None


def all_terms(terms: Mapping[str, tuple[str, ...]]) -> list[tuple[str, str | None]]:
    """Return the terms of all languages in the order of the file, each with the language it is limited to, or None."""
    return [(term, base_language(key)) for key, listed in terms.items() for term in listed]
