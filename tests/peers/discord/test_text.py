"""What a model may say in Discord, and what it only tries to."""

import re
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botbot.errors import ValidationFailed
from botbot.peers.discord.text import BREAK, check_persona_name, clean_reply, data_uri

FAMILY = "👨\u200d👩\u200d👧"
PERSIAN = "می\u200cخواهم"


@pytest.mark.parametrize(
    "text",
    [
        "Hello there!",
        "Two lines\nand `code`, *stars*, a list:\n- one\n- two",
        "See https://example.org/a_(b)?q=1#x and http://example.org.",
        "```py\nprint(items[0](x), a << 2, x: list[int])\n```",
        "```cpp\nstd::vector<std::string> v; a || b; </div>\n```",
        f"{FAMILY} 🏳️‍🌈 👍🏽 🇫🇷 {PERSIAN} क्‍ष é ñ 日本語",
        "<:smile:123456789012345678> <a:wave:123456789012345678> <t:1700000000:R>",
        "mail me@example.org, 3:30, ratio 1:2, C: drive, foo://",
        "I left [a note](see below) there (really).",
        "# A title\n> a quote",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert clean_reply(text) == text


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("[click](https://evil.example/x)", "click (<https://evil.example/x>)"),
        ("[click](<https://evil.example/x>)", "click (<https://evil.example/x>)"),
        ('[click](https://evil.example "nice")', "click (<https://evil.example>)"),
        ("[https://good.example](https://evil.example)", "https://good.example (<https://evil.example>)"),
        ("[x](javascript:alert1)", "x (link removed)"),
        ("[x](discord://-/settings)", "x (link removed)"),
        ("[join](https://discord.gg/abc)", "join (invite removed)"),
        ("[b](https://en.example/Foo_(bar))", "b (<https://en.example/Foo_(bar)>)"),
        ("(see https://discord.gg/abc).", "(see (invite removed))."),
        ("steam://run/1 now", "(link removed) now"),
        ("https://discord.com@evil.example/x", "(link removed)"),
    ],
)
def test_links_say_where_they_lead(text: str, clean: str) -> None:
    assert clean_reply(text) == clean


@pytest.mark.parametrize(
    "invite",
    [
        "discord.gg/abc",
        "https://discord.gg/abc",
        "HTTPS://DISCORD.GG/abc",
        "www.discord.gg/abc",
        "http://www.discord.gg/abc",
        "https://discord.com/invite/abc",
        "discordapp.com/invite/abc",
        "https://ptb.discord.com/invite/abc",
        "https://discord%2egg/abc",
        "https://discord。gg/abc",
        "https://discord.gg./abc",
        "discord.gg\\/abc",
        "dis\u200bcord.gg/abc",
        "dis\u00adcord.gg/abc",
        "dsc.gg/abc",
        "discord.me/abc",
    ],
)
def test_invites_are_taken_out(invite: str) -> None:
    cleaned = clean_reply(f"Come to {invite} now")
    assert cleaned.startswith("Come to (invite removed)")
    assert "abc" not in cleaned


@pytest.mark.parametrize(
    "text",
    [
        "@everyone",
        "@here",
        "@Everyone",
        "<@123>",
        "<@!123>",
        "<@&123>",
        "<#123>",
        "</ask:123>",
        "</a b:123>",
        "<id:guide>",
    ],
)
def test_mentions_and_command_tokens_look_like_what_they_are(text: str) -> None:
    for said in (text, f"hey{text}you", f"`{text}`", text.replace("@", "@\u200d"), text.replace("<", "<\u2060")):
        cleaned = clean_reply(said)
        assert BREAK in cleaned
        assert text not in cleaned


HIDDEN = "\x00\x1b\u202e\u2066\u200b\u200e\ufeff\u2060\u00ad\u3164\U000e0041\ud800\ufffa\u034f\U000e0100"


@pytest.mark.parametrize("hidden", HIDDEN)
def test_hidden_characters_go(hidden: str) -> None:
    assert clean_reply(f"a{hidden}b") == "ab"


def test_joiners_stay_only_where_they_join() -> None:
    assert clean_reply("a\u200db \u200c c\u200d") == "ab  c"
    assert clean_reply(FAMILY) == FAMILY


def test_small_print_cannot_pose_as_discords_own() -> None:
    assert clean_reply("-# Only you can see this") == "\\-# Only you can see this"
    assert clean_reply("> -# (edited)") == "> \\-# (edited)"


@pytest.mark.parametrize("text", ["", "  \n\t ", "\u200b\u200b", "\u3164", "\x00"])
def test_nothing_stays_nothing(text: str) -> None:
    assert clean_reply(text) == ""


def test_line_ends_are_of_one_kind_and_never_flood() -> None:
    assert clean_reply("a\r\nb\rc\u2028d" + "\n" * 900 + "e") == "a\nb\nc\nd\n\ne"


LINKS = ["[a](https://x.example)", "discord.gg/a", "https://", "(javascript:x)", "discord", ".gg", "/", "](", "[", "]"]
CALLS = ["@everyone", "@", "here", "<@1>", "<", ">", "-#", ")"]
SIGNS = ["\n", "\u200b", "\u202e", "x", " ", "``", "`", "|", "é", "👩", "\u200d"]
PIECES = st.sampled_from(LINKS + CALLS + SIGNS)


@given(st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=80))
def test_nothing_dangerous_survives_any_mixture(text: str) -> None:
    cleaned = clean_reply(text)
    assert not re.search(r"@(everyone|here)|<@[!&]?\d|\]\(\s*<?\s*(https?|javascript):", cleaned, re.I)
    assert not re.search(r"discord\.gg/\w", cleaned, re.I)
    assert not any(unicodedata.category(char) in {"Cc", "Cs"} for char in cleaned if char not in "\n\t")
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u2060\ufeff]", cleaned)
    assert cleaned == cleaned.strip()


@given(st.lists(PIECES, max_size=30).map(" ".join))
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    once = clean_reply(text)
    assert clean_reply(once) == once


@pytest.mark.parametrize(
    "piece", ["[", "a.", "](", "[a](", "https://", "<", "-#", "> ", "\n ", "@", "é\u200d", "discord.com ", "a:"]
)
def test_a_hundred_thousand_characters_take_no_time(piece: str) -> None:
    started = time.process_time()
    clean_reply(piece * (100_000 // len(piece)))
    assert time.process_time() - started < 2.0


@pytest.mark.parametrize(
    "name", ["Atlas", "A", "x" * 32, "Dr. Öz-7", "日本語", f"Fam {FAMILY}", "Hereward", "everyone's aunt"]
)
def test_good_names(name: str) -> None:
    assert check_persona_name(name) is None


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("", "1–32"),
        ("   ", "1–32"),
        ("x" * 33, "1–32"),
        ("DisCord", "discord"),
        ("my clyde", "clyde"),
        ("ｄｉｓｃｏｒｄ", "discord"),
        ("Here", "here"),
        ("EVERYONE", "everyone"),
        ("a\nb", "invisible"),
        ("a\u200bb", "invisible"),
        ("a\u202eb", "invisible"),
        ("\u3164", "invisible"),
        ("a\x00", "invisible"),
    ],
)
def test_bad_names_say_what_they_must_be(name: str, what: str) -> None:
    told = check_persona_name(name)
    assert told is not None
    assert told.startswith("must ")
    assert what in told


def test_only_a_png_becomes_a_data_uri() -> None:
    assert data_uri(b"\x89PNG\r\n\x1a\n") == "data:image/png;base64,iVBORw0KGgo="
    with pytest.raises(ValidationFailed):
        data_uri(b"\xff\xd8\xff")
