"""Two texts laid over each other: whatever they hold, both can be read from it again, and soon."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botbot.kit.wording import MOST_EDITS, MOST_WORDS, Piece, compare

TEXTS = st.lists(st.sampled_from(["a", " b", " c", "  d", "\n", " a", "é\t", " "]), max_size=14).map("".join)


@pytest.mark.parametrize(
    ("before", "after"),
    [("", ""), ("a b", "a c"), ("one  two\n\nthree", "one two three "), (" x", "y "), ("same", "same"), ("é ü", "ü é")],
)
def test_laid_over_each_other_two_texts_give_both_again(before: str, after: str) -> None:
    pieces = compare(before, after)
    assert "".join(each.text for each in pieces if each.kind != "new") == before
    assert "".join(each.text for each in pieces if each.kind != "gone") == after


@given(TEXTS, TEXTS)
def test_no_word_is_lost_and_none_is_made_up(before: str, after: str) -> None:
    pieces = compare(before, after)
    assert "".join(each.text for each in pieces if each.kind != "new") == before
    assert "".join(each.text for each in pieces if each.kind != "gone") == after
    assert all(each.text for each in pieces)
    assert all(one.kind != other.kind for one, other in pairwise(pieces))


def test_only_what_differs_is_said_to_differ() -> None:
    assert compare("Be kind. Never tell.", "Be stern. Never ever tell.") == [
        Piece("same", "Be"),
        Piece("gone", " kind."),
        Piece("new", " stern."),
        Piece("same", " Never"),
        Piece("new", " ever"),
        Piece("same", " tell."),
    ]


def test_two_texts_that_share_little_are_two_texts() -> None:
    assert compare("a " * (MOST_EDITS // 2 + 1), "b " * (MOST_EDITS // 2 + 1)) == []
    assert compare("a " * (MOST_WORDS + 1), "a") == []
    assert len(compare(" x" * MOST_WORDS, " x" * (MOST_WORDS - 3))) > 0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a b " * 1250, "b a " * 1250),
        ("a b c " * 800 + "z", "c b a " * 800),
        ("a " * 1200 + "b " * 1200, "b " * 1200 + "a " * 1200),
        (" " * 300_000, "x " * 2000),
    ],
)
def test_no_text_however_it_repeats_keeps_anybody_waiting(before: str, after: str) -> None:
    began = time.process_time()
    compare(before, after)
    assert time.process_time() - began < 3, "on a machine of today a quarter of a second"
