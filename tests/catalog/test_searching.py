"""Near misses, what is highlighted, and texts that somebody might paste into a search."""

from itertools import pairwise
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import factories
from tests.support.engines import MOSTLY_SQLITE

from botbot.catalog.asking import MOST_WORDS
from botbot.catalog.rules import fold, highlight
from botbot.catalog.searching import NEAR, likeness
from botbot.house import House

PATH = "/api/marketplace/personalities"
NASTY = (
    "100%", "%", "%%%", "_", "___", "\\", "\\\\", "\\%", "'", "''", '"', '""', '"a', "a\"b", "`", ";", "--", "/*", "*/",
    "*", "a*", "^a", "a^2", "NEAR", "NEAR(a b)", "a AND", "OR", "NOT", "a NOT b", "text : a", "name:a", "{name} : a",
    "(", ")", "((", "()", "+", "a + b", "-a", "$1", ":word_0", "?", "{}", "[a-z]", "(?i)a", "a|b", "&", "<b>",
    "</script>",
    "😀", "👩‍👩‍👧", "🏳️‍🌈", "İ", "ß", "ẞ", "ﬃ", "Å", "Å", "한국어", "한", "ㅎ", "東京", "東",
    "ᄀ", "\u0301", "\u200d", "\ufeff",
    "\u202e", "é", "e\u0301", "ç̃", "Ω", "𝔘𝔫𝔦", "①", "㍿", "ﷺ", "\ue000", "\U0010ffff", "\t", "\n", "  ",
    "null", "None", "undefined", "NaN", "true", "0", "-1", "1e309", "0x0", "../../etc/passwd", "%s%n", "${jndi:x}",
    "' or 1=1 --", "'; drop table personality_templates; --", "1;select pg_sleep(9)", "x" * 200, "é" * 200, "ﷺ" * 200,
    " ".join("abcdefghij" * 9), "% _ % _", "a b c d e f g h", "ı", "ſ", "K", "ͅ", "ʼn", "ǰ",
)  # fmt: skip


async def found(client: httpx.AsyncClient, search: str, **more: str) -> Any:
    answer = await client.get(PATH, params={"search": search, **more})
    assert answer.status_code == 200, (search, answer.text)
    return answer.json()


async def near(client: httpx.AsyncClient, search: str, **more: str) -> list[str]:
    body = await found(client, search, **more)
    assert body["personalities"] == [], search
    return [each["name"] for each in body["suggestions"]]


@pytest.fixture
async def shelf(house: House) -> None:
    rows = [
        ("Atlas the Scientist", "Explains the world.", ["science"], "Science", 3),
        ("Luna the Gamer", "Coaches bosses.", ["gaming", "speedrun"], "Gaming", 9),
        ("Captain Ferro", "Sails the salt sea and swears by barometers.", ["pirate"], "Story", 5),
        ("Straße Sänger", "Sings the İstanbul song.", ["lieder"], "Music", 1),
        ("서울 친구", "한국어로 이야기합니다.", ["한국어"], "Languages", 2),
    ]
    await factories.add_personalities(
        house,
        [
            factories.personality_row(
                name, slug=f"n{n}", description=text, tags=tags, category=kind, deploy_count=count
            )
            for n, (name, text, tags, kind, count) in enumerate(rows)
        ],
    )


class TestSuggestions:
    async def test_misspelt_words_lead_to_what_was_meant(self, client: httpx.AsyncClient, shelf: None) -> None:
        for search, first in [
            ("atals", "Atlas the Scientist"), ("scientits", "Atlas the Scientist"), ("gamr", "Luna the Gamer"),
            ("LUNNA", "Luna the Gamer"), ("piraet", "Captain Ferro"), ("barometres", "Captain Ferro"),
            ("captian fero", "Captain Ferro"), ("strase", "Straße Sänger"), ("speed-run", "Luna the Gamer"),
            ("한국아", "서울 친구"), ("atlas qqqqqq", "Atlas the Scientist"), ("luna scientits", "Atlas the Scientist"),
        ]:  # fmt: skip
            assert (await near(client, search))[:1] == [first] or first in await near(client, search), search

    async def test_there_are_none_where_nothing_is_alike(self, client: httpx.AsyncClient, shelf: None) -> None:
        for search in ("qqqqqq", "😀", "%", "zz", "x" * 200):
            assert await near(client, search) == [], search

    async def test_they_stay_under_the_other_filters(self, client: httpx.AsyncClient, shelf: None) -> None:
        assert await near(client, "gamr", category="science") == []
        assert await near(client, "gamr", category="gaming") == ["Luna the Gamer"]
        assert await near(client, "gamr", excludeTags="speedrun") == []

    async def test_they_come_only_when_nothing_is_found(self, client: httpx.AsyncClient, shelf: None) -> None:
        assert (await found(client, "luna"))["suggestions"] == []
        assert (await found(client, "", tags="nothing"))["suggestions"] == []

    async def test_a_hidden_entry_is_never_one(self, client: httpx.AsyncClient, house: House, shelf: None) -> None:
        await factories.add_personality(house, "Secretarybird", is_public=False)
        assert await near(client, "secretarybirt") == []

    async def test_there_are_at_most_six_and_none_twice(self, client: httpx.AsyncClient, house: House) -> None:
        await factories.add_shelf(house, 20)
        names = await near(client, "shlef")
        assert len(names) == len(set(names)) == 6

    @given(st.text(min_size=1, max_size=8), st.text(min_size=1, max_size=8))
    def test_likeness_is_fair(self, one: str, other: str) -> None:
        assert likeness(one, one) == 1
        assert likeness(one, other) == likeness(other, one)
        assert 0 <= likeness(one, other) <= 1

    def test_one_slip_of_the_finger_is_near(self) -> None:
        for word in ("atlas", "luna", "gamer", "scientist", "pirate"):
            slips = [word[:n] + word[n + 1 :] for n in range(1, len(word))]
            slips += [word[:n] + word[n + 1] + word[n] + word[n + 2 :] for n in range(len(word) - 1)]
            assert all(likeness(word, slip) >= NEAR for slip in slips), word


class TestHighlight:
    @pytest.mark.parametrize(
        ("text", "words", "hits"),
        [
            ("Tea Witch", ["tea"], ["Tea"]), ("Straße", ["strasse"], ["Straße"]), ("Straße", ["s"], ["S", "ß"]),
            ("Élan vital", ["elan"], ["Élan"]), ("e\u0301lan", ["el"], ["e\u0301l"]), ("ﬁsh", ["f"], ["ﬁ"]),
            ("İstanbul", ["ist"], ["İst"]), ("a.b.a", ["a"], ["a", "a"]), ("aaa", ["aa"], ["aaa"]),
            ("<b>", ["<"], ["<"]), ("한국어", ["한국"], ["한국"]), ("tea", [], []), ("tea", [""], []), ("", ["x"], []),
            ("ab cd", ["b", "c"], ["b", "c"]), ("abc", ["ab", "bc"], ["abc"]), ("100% of _", ["%", "_"], ["%", "_"]),
            ("cafe\u0301s", ["cafe"], ["cafe\u0301"]),
        ],
    )  # fmt: skip
    def test_the_places_are_of_the_text_as_written(self, text: str, words: list[str], hits: list[str]) -> None:
        assert [piece for piece, is_hit in highlight(text, words) if is_hit] == hits

    @given(st.text(max_size=30), st.lists(st.text(min_size=1, max_size=4), max_size=3))
    def test_nothing_is_lost_and_pieces_alternate(self, text: str, words: list[str]) -> None:
        pieces = highlight(text, words)
        assert "".join(piece for piece, _ in pieces) == text
        assert all(one[1] != other[1] for one, other in pairwise(pieces))
        assert all(piece for piece, _ in pieces)

    @given(st.text(max_size=20), st.text(min_size=1, max_size=3))
    def test_what_is_found_is_highlighted(self, text: str, word: str) -> None:
        folded = fold(word)
        if folded and " " not in folded and folded in fold(text):
            assert any(is_hit for _, is_hit in highlight(text, [folded]))


class TestNasty:
    @MOSTLY_SQLITE
    @pytest.mark.parametrize("step", [4, pytest.param(1, marks=pytest.mark.long)])
    async def test_whatever_is_pasted_is_looked_for(self, client: httpx.AsyncClient, house: House, step: int) -> None:
        """Each is found in its own entry, by whole and by half, and nothing answers 5xx."""
        texts = [text for text in NASTY if fold(text) and len(text) < 60]
        rows = [
            factories.personality_row(f"N{n} {text}"[:60], slug=f"nasty-{n}", description=f"Before {text} after.")
            for n, text in enumerate(texts)
        ]
        await factories.add_personalities(house, rows)
        for number, text in list(enumerate(texts))[::step]:
            body = await found(client, text, limit="100")
            assert f"nasty-{number}" in [each["slug"] for each in body["personalities"]], text
        for text in NASTY[::step]:
            for search in (text, text + "zq", text[: len(text) // 2]):
                answer = await client.get(f"{PATH}?search={quote(search[:200])}")
                is_too_long = len(fold(search[:200]).split()) > MOST_WORDS
                assert answer.status_code == (400 if is_too_long else 200), search
                assert (await client.get(f"/?search={quote(search[:200])}")).status_code == 200, search
