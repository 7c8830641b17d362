"""Tell which country of the region a story is about, by the names in its headline and lead.

The country of the outlet says where a story was printed: "Американские визы в Бишкеке" in a Kazakh newspaper is a story
of Kyrgyzstan's. The names of a country are the `[countries]` of `config/languages/`: of the state, its people, cities,
leaders and companies. Names in the headline weigh most; the body is asked where headline and lead name nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache

from config.languages import REGION, Languages, languages
from extractors.records import Article
from extractors.topic.parts import BODY, HEADLINE, LEAD, read_parts
from extractors.topic.terms import Terms
from extractors.topic.text import Words

OTHER = "other"  # another country, or none
WEIGHTS = {HEADLINE: (3, 2), LEAD: (1, 3), BODY: (1, 6)}  # of a name, and how many count
ALONE = 0.5  # a story is of one country if the next one has less than this share of its weight


def story_country(title: str | None, paragraphs: Sequence[str], language: str | None) -> str:
    """Return the country's code (ISO 3166-1), REGION for several or for the region as a whole, OTHER for none.

    Pure. `paragraphs` may be the beginning of the text alone.
    """
    weights = country_weights(title, paragraphs, language)
    if not weights:
        return OTHER
    (first, most), *others = weights.most_common()
    if others and (others[0][1] > ALONE * most or weights[REGION] == most):
        return REGION
    return first


def country_weights(title: str | None, paragraphs: Sequence[str], language: str | None) -> Counter[str]:
    """Return the weight of each country that headline and lead name, or else of those that the body names."""
    parts = read_parts(Article(tuple(paragraphs), title, (), None, None, language, ""))
    opening = _weighed(parts, (HEADLINE, LEAD), language)
    return opening or _weighed(parts, (BODY,), language)


def _weighed(parts: dict[str, Words], chosen: Sequence[str], language: str | None) -> Counter[str]:
    weights: Counter[str] = Counter()
    for part in chosen:
        weight, most = WEIGHTS[part]
        found = Counter(hit.label for hit in _terms(languages()).find(parts[part], language))
        weights.update({country: weight * min(count, most) for country, count in found.items()})
    return weights


@cache
def _terms(known: Languages) -> Terms:
    lists: dict[str, dict[str, tuple[str, ...]]] = {}
    for code, language in known.by_code.items():
        for country, terms in language.countries.items():
            lists.setdefault(country, {})[code] = terms
    return Terms(lists)
