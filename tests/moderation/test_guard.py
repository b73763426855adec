"""A reply that is streamed: however it is cut, it is judged as a whole, and never shown past its breach."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.moderation.corpora import lines

from botbot.moderation import Blocked, Guard
from botbot.moderation.guard import find
from botbot.moderation.rulebook import shipped_rulebook
from botbot.moderation.scanner import LONGEST_CHUNK, LOOK_AHEAD_CHARACTERS

BOOK = shipped_rulebook("reply")
TEXTS = [each.text for each in lines("corpus")]
WORDS = sorted({word for text in TEXTS for word in text.split()})
SCRAPS = [
    "b",
    "o",
    "m",
    ".",
    " ",
    "\n",
    "make",
    "a",
    "\u200b",
    "é",
    "👩‍🚀",
    "4111 ",
    "4539",
    "x" * 90,
    "日本",
    "日本語の長い文章がここに",
    "・",
    "。",
    "」",
    "！",
    "กา",
    "\x1c",
    "\x01",
]
TEXT = st.one_of(
    st.sampled_from(TEXTS),
    st.lists(st.sampled_from(TEXTS), min_size=1, max_size=4).map(" ".join),
    st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join),
    st.lists(st.sampled_from(SCRAPS), max_size=40).map("".join),
    st.text(max_size=200),
)  # fmt: skip


def shown(pieces: list[str]) -> tuple[str, str | None]:
    """What a reader gets to see, and the category that ended it."""
    guard, out = Guard(BOOK), ""
    try:
        for piece in pieces:
            out += guard.feed(piece)
        out += guard.finish()
    except Blocked as blocked:
        return out, blocked.breach.category
    return out, None


def cut(text: str, draw: random.Random) -> list[str]:
    pieces = []
    while text:
        size = draw.choice([1, 1, 2, 3, 5, 8, 13, 40, 200])
        pieces.append(text[:size])
        text = text[size:]
    return pieces


@settings(max_examples=200, deadline=None)
@given(TEXT, st.randoms(use_true_random=False))
def test_every_cutting_is_judged_as_the_whole_is(text: str, draw: random.Random) -> None:
    broken, _ = find(BOOK, text)
    out, category = shown(cut(text, draw))
    assert category == (broken.name if broken else None)
    assert text.startswith(out)
    if broken is None:
        assert out == text


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(TEXTS), TEXT, st.randoms(use_true_random=False))
def test_what_is_shown_before_a_breach_is_harmless_by_itself(start: str, rest: str, draw: random.Random) -> None:
    out, category = shown(cut(f"{start} {rest}", draw))
    if category is not None:
        broken, _ = find(BOOK, out)
        assert broken is None


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_the_last_word_of_a_breach_is_never_shown(size: int) -> None:
    text = "Of course, dear friend: this is how to make a pipe bomb and so on and so on."
    out, category = shown([text[n : n + size] for n in range(0, len(text), size)])
    assert category == "weapons_and_drugs_making"
    assert "bomb" not in out
    assert out.startswith("Of course, dear friend: this is")


@settings(max_examples=100, deadline=None)
@given(TEXT)
def test_little_is_held_back(text: str) -> None:
    """A word, a number in groups, and what a broken rule is in doubt about; white space between single letters comes
    on top."""
    guard, out = Guard(BOOK), 0
    try:
        for given_in, each in enumerate(text, 1):
            out += len(guard.feed(each))
            assert given_in - out <= 2 * LONGEST_CHUNK + 2 * LOOK_AHEAD_CHARACTERS
    except Blocked:
        return


def test_ordinary_prose_flows_word_by_word() -> None:
    text = "The tide comes in twice a day here, and the lamp has to be lit before the second one. " * 20
    guard, out, most = Guard(BOOK), 0, 0
    for given_in, each in enumerate(text, 1):
        out += len(guard.feed(each))
        most = max(most, given_in - out)
    assert most <= 12


@pytest.mark.parametrize(
    "text",
    [
        "潮は一日に二度満ちます。その前に、灯台の明かりをともさなければなりません！「本当に？」と彼は聞いた。" * 5,
        "潮水每天涨两次，第二次之前必须点亮灯塔。“真的吗？”他问道。" * 5,
    ],
)
def test_languages_without_spaces_flow_clause_by_clause(text: str) -> None:
    guard, out, most = Guard(BOOK), 0, 0
    for given_in, each in enumerate(text, 1):
        out += len(guard.feed(each))
        most = max(most, given_in - out)
    assert most <= 25
    assert out + len(guard.finish()) == len(text)


@pytest.mark.parametrize(
    "text",
    ["กระแสน้ำขึ้นวันละสองครั้งและต้องจุดตะเกียงก่อนครั้งที่สอง" * 5, "潮は一日に二度満ちてそのたびに灯台の明かりがともる" * 5],
)
def test_and_without_punctuation_a_few_characters_at_a_time(text: str) -> None:
    guard, out, most = Guard(BOOK), 0, 0
    for given_in, each in enumerate(text, 1):
        out += len(guard.feed(each))
        most = max(most, given_in - out)
    assert most <= 12
    assert out + len(guard.finish()) == len(text)


@pytest.mark.parametrize("hidden", ["\x01", "\x1c", "\u200b", "\u2060", "\u00ad"])
def test_what_nobody_sees_hides_no_card(hidden: str) -> None:
    """Between the digits of one group, and around a group."""
    for number in (hidden.join("4539578763621486"), f"4539{hidden} {hidden}5787 6362 1486"):
        assert shown(list(f"Gladly, it is {number} and so on."))[1] == "private_data"


@pytest.mark.parametrize("number", ["4539 5787 6362 1486", "DE89 3704 0044 0532 0130 00"])
def test_no_group_of_a_private_number_is_shown(number: str) -> None:
    out, category = shown(list(f"Gladly, it is {number} and so on."))
    assert (out.strip(), category) == ("Gladly, it is", "private_data")


def test_other_numbers_are_held_for_a_moment_only() -> None:
    text = "1 2 3 4 5 6 7 8 9 " + " " * 100 + "10 11 12 "
    guard, out, most = Guard(BOOK), 0, 0
    for given_in, each in enumerate(text, 1):
        out += len(guard.feed(each))
        most = max(most, given_in - out)
    assert most <= LOOK_AHEAD_CHARACTERS + 3


def test_a_token_costs_next_to_nothing() -> None:
    """300 streams of 20 tokens a second share a core with everything else. Printed; held to ten times the aim, because
    the machine may be busy."""
    text = (
        "Well, the moon pulls at the sea, and the sea, being large and patient, follows. Isn't that kind of it? " * 200
    )
    tokens = [text[n : n + 4] for n in range(0, len(text), 4)]
    best = 1.0
    for _ in range(5):
        guard, began = Guard(BOOK), time.process_time()
        for token in tokens:
            guard.feed(token)
        guard.finish()
        best = min(best, (time.process_time() - began) / len(tokens))
    print(f"\nguard: {best * 1e6:.1f} µs per token of 4 characters")
    assert best < 100e-6


HOSTILE = {
    "one word": "x" * 200_000,
    "letters": "a " * 25_000,
    "spelled": "b.o.m.b." * 25_000,
    "digits": "4111 " * 10_000,
    "marks": "e" + "\u0301" * 200_000,
    "ligatures": "\ufdfa" * 20_000,
    "white space": " \n\t" * 66_000,
    "half a breach": "how do I make " * 3_000,
    "doubts": "i will kill " * 4_000,
    "leet": "1337$!@0 " * 5_000,
    "apostrophes": "l'" * 25_000,
    "invisible": "\u200b" * 200_000,
    "emoji": "👩‍🚀" * 20_000,
    "stretched": "ooooooh " * 6_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_text_takes_longer_than_its_length(kind: str) -> None:
    """The aim is 5 ms per 2,000 characters; ten times that is allowed here, because the machine may be busy."""
    text = HOSTILE[kind]
    began = time.process_time()
    find(BOOK, text)
    spent = time.process_time() - began
    per_2000 = spent / len(text) * 2000
    print(f"\n{kind}: {per_2000 * 1000:.2f} ms per 2,000 characters")
    assert per_2000 < 0.05
