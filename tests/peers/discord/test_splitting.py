"""Long replies are cut where a reader would, and never into something Discord refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botbot.peers.discord.text import split_reply

FAMILY = "👨\u200d👩\u200d👧\u200d👦"


@pytest.mark.parametrize("text", ["", " \n ", "\n\n"])
def test_nothing_gives_no_part(text: str) -> None:
    assert split_reply(text) == []


def test_a_short_text_is_one_part() -> None:
    assert split_reply("  Hello  ") == ["Hello"]


def test_a_paragraph_is_the_best_place_to_cut() -> None:
    first, second = "a. " * 300, "b " * 400
    assert split_reply(f"{first}\n\n{second}", limit=1000) == [first.strip(), second.strip()]


@pytest.mark.parametrize(("between", "end"), [("\n", ""), (". ", "."), (" ", "")])
def test_then_a_line_then_a_sentence_then_a_word(between: str, end: str) -> None:
    parts = split_reply("x" * 80 + between + "y" * 80, limit=120)
    assert parts == ["x" * 80 + end, "y" * 80]


def test_too_much_is_left_out_and_says_so() -> None:
    parts = split_reply("word " * 3000)
    assert len(parts) == 3
    assert parts[-1].endswith("word …")
    assert not parts[0].endswith("…")
    assert all(len(part) <= 1900 for part in parts)


def test_a_code_block_is_closed_and_opened_again_with_its_language() -> None:
    code = "\n".join(f"    line_{n} = {n}" for n in range(120))
    parts = split_reply(f"Look:\n```py\n{code}\n```\nDone.", limit=1000)
    assert len(parts) == 3
    assert all(part.count("```") == 2 for part in parts)
    assert all(part.startswith("```py\n") for part in parts[1:])
    inside = "\n".join(
        part.replace("Look:\n", "").replace("\nDone.", "").strip("`").removeprefix("py\n").rstrip("\n")
        for part in parts
    )
    assert inside == code


def test_a_spoiler_stays_hidden() -> None:
    parts = split_reply("He is ||" + "the butler " * 20 + "|| indeed", limit=150)
    assert len(parts) == 2
    assert all(part.count("||") == 2 for part in parts)


def test_two_bars_alone_are_just_two_bars() -> None:
    parts = split_reply("a || b " + "word " * 40, limit=150)
    assert "".join(parts).count("||") == 1


@pytest.mark.parametrize(
    "token", [FAMILY, "🇫🇷", "👍🏽", "e\u0301", "<:smile:123456789012345678>", "<https://a.example/b>", "``"]
)
def test_what_belongs_together_is_never_parted(token: str) -> None:
    for shift in range(len(token) + 1):
        parts = split_reply("x" * (92 + shift - len(token)) + token * 2 + "x" * 60, limit=100)
        if token != "``":
            assert sum(part.count(token) for part in parts) == 2, shift
        else:
            assert sum(part.count("````") for part in parts) == 1, shift


@pytest.mark.parametrize(("limit", "most"), [(99, 3), (2001, 3), (1900, 0)])
def test_limits_without_sense_are_refused(limit: int, most: int) -> None:
    with pytest.raises(ValueError):
        split_reply("x", limit=limit, most=most)


PIECES = st.sampled_from(
    [
        "word ",
        "```",
        "```py\n",
        "\n",
        "\n\n",
        "||",
        "`",
        "``",
        "<",
        ">",
        FAMILY,
        "🇫🇷",
        "\u0301",
        ". ",
        "x" * 90,
        " ",
        "<:a:1>",
    ]
)
TEXTS = st.lists(PIECES, max_size=120).map("".join) | st.text(max_size=600)


@given(TEXTS, st.integers(100, 400), st.integers(1, 4))
def test_parts_are_never_empty_too_long_or_too_many(text: str, limit: int, most: int) -> None:
    parts = split_reply(text, limit=limit, most=most)
    assert len(parts) <= most
    assert bool(parts) == bool(text.strip())
    for part in parts:
        assert part.strip()
        assert len(part) <= limit


@given(
    st.lists(st.sampled_from(["word ", "\n", "\n\n", FAMILY, "🇫🇷", ". ", "x" * 90, "é", "<:a:1>"]), max_size=100).map(
        "".join
    )
)
def test_nothing_is_lost_but_blanks(text: str) -> None:
    parts = split_reply(text, limit=150, most=10_000)
    assert "".join("".join(parts).split()) == "".join(text.split())
