"""Numbers, moments and names as people read them."""

from datetime import timedelta

import pytest

from botbot.kit import clock
from botbot.ui import filters


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "0"),
        (7, "7"),
        (999, "999"),
        (1000, "1k"),
        (1049, "1k"),
        (1050, "1.1k"),
        (12_400, "12.4k"),
        (999_400, "999.4k"),
        (999_500, "1M"),
        (2_300_000, "2.3M"),
        (4_000_000_000, "4B"),
    ],
)
def test_numbers_are_short(number, said):
    assert filters.compact(number) == said


def test_one_and_many():
    assert filters.plural(1, "server") == "1 server"
    assert filters.plural(0, "server") == "0 servers"
    assert filters.plural(2, "personality", "personalities") == "2 personalities"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (5, "just now"),
        (60, "1 minute ago"),
        (7200, "2 hours ago"),
        (86400 * 3, "3 days ago"),
        (-20, "in a moment"),
        (-250, "in 4 minutes"),
    ],
)
def test_moments_are_relative_with_the_exact_one_beside(seconds, words):
    html = filters.ago(clock.now() - timedelta(seconds=seconds, milliseconds=100 if seconds > 0 else -100))
    assert words in html
    assert html.startswith('<time datetime="20')
    assert " UTC" in html


def test_what_is_long_ago_is_a_day():
    old = clock.now() - timedelta(days=90)
    assert f"{old.day} {old:%B %Y}</time>" in filters.ago(old)
    assert filters.ago(None) == filters.day(None) == filters.clock_time(None) == ""


def test_a_moment_may_come_as_iso_text():
    assert ">3 March 2026</time>" in filters.day("2026-03-03T10:00:00Z")
    assert ">10:00</time>" in filters.clock_time("2026-03-03T10:00:00Z")


def test_names_people_know():
    assert filters.permission_label("MANAGE_GUILD") == "Manage Server"
    assert filters.permission_words("CHANGE_NICKNAME") == "wear its own name"
    assert filters.permission_words("SOMETHING_NEW") == "something new"
    assert filters.language_name("de-AT") == "German"
    assert filters.language_name("tlh") == "tlh"
    assert filters.field_words("customizations.minRating") == "min rating"
    assert filters.reply_reason("budget") != filters.reply_reason(None) == filters.reply_reason("else")


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 "
            "Safari/537.36 Edg/140.0.0.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/18.5 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile "
            "Safari/537.36",
            "Chrome on Android",
        ),
        ("curl/8.9", "curl"),
        ("<b>something</b>", "A browser"),
        (None, "A browser"),
    ],
)
def test_a_browser_is_called_by_its_name(agent, words):
    assert filters.browser_name(agent) == words
