"""What visitors must never see: private and archived entries, and any piece of a system prompt."""

import html
import warnings
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from tests import factories
from tests.support.engines import MOSTLY_SQLITE
from tests.support.people import Person
from tests.support.routes import operations
from tests.support.serving import Site

from botbot.catalog.models import PersonalityTemplate
from botbot.house import House
from botbot.kit import clock
from botbot.sandbox import cast
from botbot.sandbox.model.control import ModelControl

DETAIL = {
    "id", "slug", "name", "description", "openingLine", "avatar", "category", "tags", "traits", "language",
    "contentRating", "deployCount", "avgRating", "ratingCount", "createdAt", "updatedAt", "persona", "sampleMessages",
    "sampleConversations", "compatibility", "version", "ratings",
}  # fmt: skip
PIECE = 40


@pytest.fixture(params=["private", "archived"])
async def hidden(request: pytest.FixtureRequest, house: House) -> Any:
    changes = {"is_public": False} if request.param == "private" else {"archived_at": clock.now()}
    return await factories.add_personality(house, "Hidden Hilda", category="Cellar", tags=["cellar"], **changes)


def leaks(text: str, prompt: str = factories.PROMPT) -> Any:
    """The pieces of the prompt that the text holds, however it is escaped."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # A picture holds what looks like broken escapes.
        unescaped = text.encode().decode("unicode_escape", errors="ignore")
    plain = [text, html.unescape(text), unescaped]
    half = PIECE // 2  # every piece holds one whole aligned half; few texts do, which makes this quick
    if not any(prompt[n : n + half] in each for n in range(0, len(prompt) - half + 1, half) for each in plain):
        return []
    windows = {prompt[n : n + PIECE] for n in range(len(prompt) - PIECE + 1)}
    return [window for window in windows if any(window in each for each in plain)]


async def test_a_detail_has_exactly_the_promised_fields(
    client: httpx.AsyncClient, personality: PersonalityTemplate
) -> None:
    for key in (personality.id, personality.slug):
        body = (await client.get(f"/api/marketplace/personalities/{key}")).json()
        assert set(body) == DETAIL
        assert set(body["compatibility"]) == {"permissions", "intents", "languages", "minContextTokens"}
        assert body["ratings"] == {"histogram": {str(star): 0 for star in range(1, 6)}, "newest": []}
        assert body["traits"] == personality.traits
        assert body["sampleConversations"][0][0] == {"role": "user", "content": "Why do cats purr?"}


async def test_a_detail_has_an_etag_of_its_own(client: httpx.AsyncClient, personality: PersonalityTemplate) -> None:
    path = f"/api/marketplace/personalities/{personality.id}"
    first = await client.get(path)
    assert (await client.get(path, headers={"if-none-match": first.headers["etag"]})).status_code == 304


async def test_an_odd_key_is_404(client: httpx.AsyncClient, personality: PersonalityTemplate) -> None:
    for key in ("nobody", "%00", "' or 1=1 --", "..%2f..%2fetc", "x" * 3000, "%F0%9F%98%80", personality.slug.upper()):
        answer = await client.get(f"/api/marketplace/personalities/{key}")
        assert answer.status_code in {400, 404}, key
        assert set(answer.json()) == {"error", "message", "code", "details"}


async def test_hidden_entries_are_on_no_shelf(
    client: httpx.AsyncClient, hidden: PersonalityTemplate, personality: PersonalityTemplate
) -> None:
    for query in ("", "search=hidden", "category=cellar", "tags=cellar", "sortBy=newest", "sortBy=name"):
        body = (await client.get(f"/api/marketplace/personalities?{query}")).json()
        assert hidden.id not in [each["id"] for each in body["personalities"] + body["suggestions"]]
        page = await client.get(f"/?{query}", headers={"accept": "text/html"})
        assert "Hidden Hilda" not in page.text
    assert [each["name"] for each in (await client.get("/api/marketplace/categories")).json()] == [personality.category]


async def test_hidden_entries_cannot_be_opened_rated_tried_or_deployed(
    ada: Person, hidden: PersonalityTemplate
) -> None:
    """Its picture's exact address may work on, for the servers where it lives; a guessed one tells nothing."""
    for key in (hidden.id, hidden.slug):
        asked = [
            await ada.get(f"/api/marketplace/personalities/{key}"),
            await ada.get(f"/personalities/{key}"),
            await ada.get(f"/personalities/{key}/deploy"),
            await ada.get(f"/avatars/{hidden.slug}.0000000000.svg"),
            await ada.post(f"/api/marketplace/personalities/{key}/rate", json={"rating": 5}),
            await ada.delete(f"/api/marketplace/personalities/{key}/rate"),
            await ada.post(f"/api/marketplace/preview/{key}/chat", json={"message": "hi"}),
            await ada.post(
                f"/api/marketplace/personalities/{key}/deploy", json={"discordGuildId": str(cast.TEA_HOUSE)}
            ),
            await ada.post(f"/personalities/{key}/rate", data={"rating": "5"}),
            await ada.post(f"/personalities/{key}/try", data={"message": "hi"}),
        ]
        assert [answer.status_code for answer in asked] == [404] * len(asked)


@MOSTLY_SQLITE
async def test_no_route_tells_any_piece_of_a_prompt(
    site: Site,
    ada: Person,
    cleo: Person,
    client: httpx.AsyncClient,
    personality: PersonalityTemplate,
    drain: Callable[[], Awaitable[None]],
    model: ModelControl,
) -> None:
    """Every operation there is, as visitor, user and admin, over JSON and as pages, with a deployment that exists."""
    model.say = "Cats purr, and nobody is sure why."
    made = await ada.post(
        f"/api/marketplace/personalities/{personality.id}/deploy", json={"discordGuildId": str(cast.TEA_HOUSE)}
    )
    await drain()
    named = {"personality_id": personality.id, "slug": personality.slug, "deployment_id": made.json()["id"]}
    avatar = personality.avatar_path.rpartition("/")[2]
    asked = 0
    for operation in operations(site.house):
        if "/admin" in operation.path or operation.path.endswith(
            ("/logout", "sign-out-everywhere", "/callback", "/progress")
        ):
            continue
        if operation[:2] == ("DELETE", "/api/account"):
            continue  # Nobody would be signed in for the rest.
        path = operation.at(**named, file_name=avatar)
        body: dict[str, Any] = {} if operation.method == "GET" else {"json": {"message": "hi", "rating": 4}}
        if body and not path.startswith("/api/"):
            body = {"data": {"message": "hi", "rating": "4"}}
        for who in (client, ada.http, cleo.http):
            for accept in ("application/json", "text/html", "text/event-stream"):
                headers = {"accept": accept, "origin": site.url}
                answer = await who.request(operation.method, path, headers=headers, **body)
                found = leaks(answer.text + repr(answer.headers))
                assert not found, (operation, accept, found[0])
                assert answer.status_code != 500
                asked += 1
    assert asked > 150
    assert model.recorded, "the prompt went to the model alone"
    assert any(factories.PROMPT[:PIECE] in str(each.body) for each in model.recorded)


async def test_the_finder_of_leaks_finds_them() -> None:
    piece = factories.PROMPT[30:90]
    assert leaks(f"x{piece}y")
    assert leaks(html.escape(piece))
    assert not leaks("nothing of it")


async def test_the_tables_default_is_public(house: House) -> None:
    row = await factories.add_personality(house, "Plain")
    async with house.db.read() as session:
        kept = await session.get(PersonalityTemplate, row.id)
    assert kept is not None
    assert (kept.is_public, kept.archived_at) == (True, None)
