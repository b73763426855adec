"""Telling messages apart, measured on labelled lines, and choosing a cached reply."""

import time
import tomllib
from collections import Counter
from importlib.resources import files
from itertools import cycle, islice
from pathlib import Path
from random import Random

import pytest

from botbot.agents import sampling
from botbot.agents.sampling import MOST_CHARACTERS, choose_sample, kind_of
from botbot.catalog.entries import KINDS

MESSAGES: dict[str, dict[str, dict[str, list[str]]]] = tomllib.loads(
    Path(__file__).with_name("messages.toml").read_text(encoding="utf-8")
)
LEAST = {"tuned": 0.85, "held": 0.8}


def _labelled(language: str, *halves: str) -> list[tuple[str, str]]:
    """Kind and message, of these halves of the file or of both."""
    chosen = [MESSAGES[language][half] for half in halves or LEAST]
    return [(kind, message) for kinds in chosen for kind, messages in kinds.items() for message in messages]


def _right(language: str, half: str) -> list[bool]:
    return [kind_of(message, language) == kind for kind, message in _labelled(language, half)]


@pytest.mark.parametrize("half", LEAST)
@pytest.mark.parametrize("language", MESSAGES)
def test_most_messages_are_told_right(language: str, half: str) -> None:
    right = _right(language, half)
    share = sum(right) / len(right)
    print(f"\n{language} {half}: {share:.1%} of {len(right)} messages")
    assert set(MESSAGES[language][half]) == set(KINDS)
    assert share >= LEAST[half]


@pytest.mark.parametrize("half", LEAST)
def test_most_messages_are_told_right_overall(half: str) -> None:
    right = [each for language in MESSAGES for each in _right(language, half)]
    print(f"\n{half}, all languages: {sum(right) / len(right):.1%} of {len(right)} messages")
    assert len(right) >= 200
    assert sum(right) / len(right) >= LEAST[half]


def test_every_language_of_the_catalogue_has_messages() -> None:
    """Enough of them, and none in both halves: what was looked at cannot be held."""
    entries = [each for each in (files("botbot.catalog") / "curated").iterdir() if each.name.endswith(".toml")]
    assert {tomllib.loads(each.read_text(encoding="utf-8"))["language"] for each in entries} == set(MESSAGES)
    for language in MESSAGES:
        assert len(_labelled(language)) >= (80 if language == "en" else 25)
        assert max(Counter(message for _, message in _labelled(language)).values()) == 1


@pytest.mark.parametrize("language", MESSAGES)
def test_most_are_told_right_when_the_language_given_is_another(language: str) -> None:
    for other in [each for each in (*MESSAGES, "fi") if each != language]:
        lines = _labelled(language)
        right = sum(kind_of(message, other) == kind for kind, message in lines)
        print(f"\n{language} read as {other}: {right / len(lines):.1%}")
        assert right / len(lines) >= 0.8


@pytest.mark.parametrize("language", MESSAGES)
def test_no_expression_is_passed_over_that_would_match(language: str) -> None:
    """`_needs` may let too much through, never too little."""
    lines = [
        line for each in sampling._languages().values() for kind in (*each.telling, *each.short) for line in kind.lines
    ]
    matches = 0
    for _, message in _labelled(language):
        text = sampling._spelled_out(sampling._fold(message), sampling._languages()[language].spelled)
        pieces = sampling._pieces_in(text)
        found = [line for line in lines if line.find(f" {text}")]
        assert not [line for line in found if line.needs.isdisjoint(pieces)]
        matches += len(found)
    assert matches > len(_labelled(language)) / 2


@pytest.mark.parametrize("language", MESSAGES)
def test_a_long_message_is_no_bomb(language: str) -> None:
    """Nothing in the messages is telling, so everything is tried. It takes half a millisecond; what this would find is
    a pattern that takes seconds."""
    lot, said = Random(7), MESSAGES[language]["tuned"]["question"]
    messages = ["; ".join(lot.choices(said, k=130))[:2000] for _ in range(20)]
    kind_of("warm", language)
    assert {len(each) for each in messages} == {2000}
    assert min(_seconds(message, language) for message in messages) < 0.1


def _seconds(message: str, language: str) -> float:
    begun = time.thread_time()
    kind_of(message, language)
    return time.thread_time() - begun


def test_a_long_message_is_read_at_both_ends() -> None:
    tale = "we walked along the river and looked at the boats. " * 40
    assert kind_of(tale, "en") == "question"
    assert kind_of(tale + "anyway can you help me write a card for her", "en") == "help"
    assert kind_of("i feel so lonely. " + tale, "en") == "sad"


@pytest.mark.parametrize("language", MESSAGES)
def test_no_expression_takes_long_over_a_hostile_message(language: str) -> None:
    """Each meets its own words over and over, in order and mixed, never quite finished."""
    slowest, tried = 0.0, 0
    for kind, parts in _expressions(language):
        words = sampling._WHOLE_WORD.findall(" ".join(parts).replace("\\w", " ")) or ["a"]
        hostile = [
            _repeated(words),
            _repeated(words[:1]),
            _repeated([*words[:1], "x"]),
            _repeated(Random(1).sample(words, len(words))),
        ]
        for text in (*hostile, "a" * MOST_CHARACTERS, "a " * (MOST_CHARACTERS // 2), "!" * MOST_CHARACTERS, "ha" * 300):
            for source in (each for part in parts for each in sampling._alternatives(part)):
                find = sampling._finder(source)
                begun = time.thread_time()
                find(f" {text}~")
                slowest, tried = max(slowest, time.thread_time() - begun), tried + 1
            assert _seconds(text + " ~" * 1000, language) < 0.25, kind
    print(f"\n{language}: the slowest of {tried} took {slowest * 1e3:.2f} ms")
    assert tried > 500
    assert slowest < 0.1


def _expressions(language: str) -> list[tuple[str, list[str]]]:
    given = tomllib.loads((files("botbot.agents") / "kinds.toml").read_text(encoding="utf-8"))[language]
    return [each for group in ("telling", "short") for each in given[group].items()]


def _repeated(words: list[str]) -> str:
    return " ".join(islice(cycle(words), MOST_CHARACTERS))[:MOST_CHARACTERS]


@pytest.mark.parametrize(
    "message",
    [
        "",
        " ",
        "\u0000",
        "\U0001f98a" * 2000,
        "a" * 2000,
        "tell " * 400,
        "\u0301" * 500,
        "(" * 2000,
        "\ufdfa" * 2000,
        "日本語ですか",
    ],
)
def test_any_message_has_a_kind_soon(message: str) -> None:
    assert kind_of(message, "") in KINDS
    assert kind_of(message, "zz-ZZ") in KINDS


def test_danger_is_never_taken_lightly() -> None:
    for line in (
        "haha i want to die",
        "thanks but i want to kill myself",
        "Hi. I don't want to live anymore",
        "thanks for nothing, i want to die",
        "how do i get poison to kill myself",
        "joke's on me, I'm suicidal",
        "danke, aber ich will nicht mehr leben",
        "hola, quiero morirme",
        "merci mais j'ai envie de mourir",
        "ciao, voglio morire",
        "kkkk quero morrer",
    ):
        assert {kind_of(line, language) for language in MESSAGES} == {"sad"}, line


def test_slips_are_mended_but_never_into_another_word() -> None:
    assert kind_of("thnaks", "en") == "thanks"
    assert kind_of("grzaie", "it") == "thanks"
    assert kind_of("i bought a piano", "it") == "question"
    assert kind_of("which store sells tents", "en") == "question"


def test_replies_of_a_kind_take_turns() -> None:
    replies = {"greeting": ["one", "two"], "question": ["what?"]}
    assert [choose_sample(replies, "hello", "en", turn) for turn in range(4)] == ["one", "two", "one", "two"]


@pytest.mark.parametrize(
    ("replies", "message", "expected"),
    [
        ({"story": ["s"], "greeting": ["g"]}, "tell me a joke", "s"),
        ({"question": ["q"], "joke": ["j"]}, "what do you think of rain?", "q"),
        ({"joke": ["j"], "unclear": ["u"]}, "I feel sad", "u"),
        ({"joke": ["j"]}, "I feel sad", ""),
        ({"farewell": ["f"]}, "tell me a joke", "f"),
        ({"greeting": [], "who_are_you": [" ", "w"]}, "hello", "w"),
        ({}, "hello", ""),
    ],
)
def test_a_missing_kind_has_a_stand_in(replies: dict[str, list[str]], message: str, expected: str) -> None:
    assert choose_sample(replies, message, "en", 0) == expected
