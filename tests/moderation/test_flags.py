"""What lands on a moderator's desk by itself, judged on a small labelled corpus: every line of it."""

import time
import tomllib
from pathlib import Path
from typing import Any

import pytest

from botbot.moderation import flags

CORPUS: dict[str, list[dict[str, Any]]] = tomllib.loads(Path(__file__).with_name("flags.toml").read_text("utf-8"))


@pytest.mark.parametrize("given", CORPUS["review"], ids=lambda given: given["text"][:40])
def test_reviews_are_flagged_as_labelled(given: dict[str, Any]) -> None:
    assert flags.has_link(given["text"]) is given.get("link", False)
    assert flags.denies_its_stars(given["text"], given["stars"]) is given.get("mismatch", False)


@pytest.mark.parametrize("given", CORPUS["entry"], ids=lambda given: given["text"][:40])
def test_entries_are_flagged_as_labelled(given: dict[str, Any]) -> None:
    assert flags.is_too_mature(given["text"], given["rating"]) is given.get("mature", False)


@pytest.mark.parametrize("piece", ["a.", "a-", "a@", "www", "a.b", "http:/", "dot ", "[dot", "." * 50, "é", "x" * 100])
def test_hostile_texts_are_read_in_no_time(piece: str) -> None:
    text = piece * (20_000 // len(piece))
    started = time.process_time()
    flags.has_link(text)
    flags.denies_its_stars(text, 5)
    assert time.process_time() - started < 2
