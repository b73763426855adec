"""A personality cut to the size of a card."""

import pytest

from botbot.storefront.cards import excerpt, key_traits, shorten


def test_traits_are_said_by_the_ends_they_lean_to():
    assert key_traits({"bold": 0.1, "warm": 0.95, "formal": 0.5, "talks_about": "tea", "patient": 0.7}) == [
        "warm", "shy", "patient",
    ]  # fmt: skip
    assert key_traits({"formal": 0.55, "oddity": [1]}) == []


@pytest.mark.parametrize(
    ("text", "most", "shown"),
    [
        ("Short enough.", 20, "Short enough."),
        ("Cuts between words, never in one", 20, "Cuts between words…"),
        ("Unbrokenverylongword", 10, "Unbrokenv…"),
        ("", 5, ""),
    ],
)
def test_only_whole_words_are_shown(text, most, shown):
    assert shorten(text, most) == shown
    assert len(shown) <= most


def test_a_late_hit_is_shown_with_what_stands_around_it():
    text = f"{'Before it there is much to say. ' * 6}Then the lighthouse appears, and after it comes more."
    pieces = excerpt(text, ["lighthouse"], 60)
    assert ("lighthouse", True) in pieces
    whole = "".join(piece for piece, _ in pieces)
    assert whole.startswith("…")
    assert len(whole) <= 62
    assert excerpt(text, [], 60)[0][0].startswith("Before it there is")
