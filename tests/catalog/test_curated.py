"""The catalogue we ship: large enough, in several languages, and no two entries that sound alike."""

import re
import tomllib
from collections import Counter, defaultdict
from functools import cache

import msgspec
import pytest

from botbot.catalog.entries import CURATED, KINDS, SCHEMA, Entry, check, read_curated, read_entry, schema
from botbot.errors import ValidationFailed

RUN = 8
"""So many words in the same order in two entries would be one voice in two mouths."""


@cache
def entries() -> list[Entry]:
    return read_curated()


def texts(entry: Entry) -> list[str]:
    """Everything it says and is told, each text by itself."""
    return [
        entry.description,
        entry.opening_line,
        entry.persona,
        entry.system_prompt,
        *entry.sample_messages,
        *(turn.content for talk in entry.sample_conversations for turn in talk.turns),
        *(reply for replies in entry.sample_replies.values() for reply in replies),
    ]


def words(text: str) -> list[str]:
    return re.findall(r"[\w']+", text.casefold())


def runs(text: str) -> set[tuple[str, ...]]:
    said = words(text)
    return {tuple(said[start : start + RUN]) for start in range(len(said) - RUN + 1)}


def sentences(text: str) -> set[str]:
    """Sentences of four words and more; shorter ones may well be said twice in a lifetime."""
    return {said for part in re.split(r"[.!?…\n]+", text) if len(words(said := " ".join(words(part)))) >= 4}


def test_sixty_in_ten_categories_and_several_languages() -> None:
    assert len(entries()) >= 60
    categories = Counter(entry.category for entry in entries())
    assert len(categories) >= 10
    assert min(categories.values()) >= 3, categories
    assert len([entry for entry in entries() if entry.language != "en"]) >= 6
    assert {"atlas-the-scientist", "luna-the-gamer"} <= {entry.slug for entry in entries()}


def test_no_two_share_a_run_of_eight_words() -> None:
    heard: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for entry in entries():
        for text in texts(entry):
            for run in runs(text):
                heard[run].add(entry.slug)
    assert {" ".join(run): who for run, who in heard.items() if len(who) > 1} == {}


def test_no_two_share_a_sentence() -> None:
    heard: dict[str, set[str]] = defaultdict(set)
    for entry in entries():
        for text in texts(entry):
            for sentence in sentences(text):
                heard[sentence].add(entry.slug)
    assert {sentence: who for sentence, who in heard.items() if len(who) > 1} == {}


def test_each_has_its_own_face_name_and_words() -> None:
    for facts in (
        [entry.name for entry in entries()],
        [entry.opening_line for entry in entries()],
        [msgspec.json.encode(entry.avatar) for entry in entries()],
        [(entry.avatar.face, entry.avatar.eyes, entry.avatar.headgear) for entry in entries()],
    ):
        assert [each for each, count in Counter(facts).items() if count > 1] == []


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.slug)
def test_each_is_whole(entry: Entry) -> None:
    assert set(entry.sample_replies) == set(KINDS)
    assert len(entry.sample_conversations) >= 3
    assert all(talk.turns[-1].role == "assistant" for talk in entry.sample_conversations)
    assert "{{char}}" in entry.system_prompt
    assert entry.language in entry.compatibility["languages"]
    assert 2 <= len([value for value in entry.traits.values() if isinstance(value, float)]) <= 8


def test_the_schema_beside_them_is_the_code() -> None:
    assert check() == len(entries())
    assert msgspec.json.decode(SCHEMA.read_bytes()) == schema()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"slug": "Not A Slug"}, "slug"),
        ({"surprise": 1}, "surprise"),
        ({"system_prompt": "Be nice. " * 60}, "words"),
        ({"sample_replies": {"greeting": ["hi"]}}, "lacks"),
        ({"traits": {"sparkly": 0.5}}, "sparkly"),
        ({"hue": 400}, "hue"),
    ],
)
def test_a_file_that_is_wrong_is_refused_by_name(tmp_path, change, said) -> None:  # type: ignore[no-untyped-def]
    stated = tomllib.loads((CURATED / "atlas-the-scientist.toml").read_text()) | change
    path = tmp_path / "atlas-the-scientist.toml"
    path.write_text(as_toml(stated))
    with pytest.raises(ValidationFailed) as refused:
        read_entry(path)
    assert said in str(refused.value.details), refused.value.details


def as_toml(values: dict[str, object]) -> str:
    """JSON's literals are TOML's too, but for tables, which stand inline here."""

    def literal(value: object) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{name} = {literal(each)}" for name, each in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(literal(each) for each in value) + "]"
        return msgspec.json.encode(value).decode()

    return "\n".join(f"{name} = {literal(value)}" for name, value in values.items())
