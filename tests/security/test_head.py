"""HEAD: the head of the GET, and nothing else."""

import httpx
from tests.support.engines import ONLY_SQLITE
from tests.support.people import Person

from botbot.catalog.models import PersonalityTemplate

pytestmark = ONLY_SQLITE
VOLATILE = {"date", "x-request-id"}


async def test_it_is_the_get_without_its_body(client: httpx.AsyncClient, personality: PersonalityTemplate) -> None:
    listing = "/api/marketplace/personalities"
    for path in (
        "/", f"/personalities/{personality.slug}", listing, f"{listing}/{personality.slug}", "/robots.txt",
        personality.avatar_path, "/healthz", "/openapi.json", "/nowhere", f"{listing}/nobody", "/account",
    ):  # fmt: skip
        full = await client.get(path, headers={"accept-encoding": "identity"})
        head = await client.head(path, headers={"accept-encoding": "identity"})
        assert head.content == b"", path
        assert head.status_code == full.status_code, path
        kept = [{k: v for k, v in each.headers.items() if k not in VOLATILE} for each in (head, full)]
        assert kept[0] == kept[1], path


async def test_a_streamed_answer_too(client: httpx.AsyncClient, personality: PersonalityTemplate) -> None:
    head = await client.head("/sitemaps/1.xml")
    assert (head.status_code, head.content) == (200, b"")
    assert (await client.get("/healthz")).status_code == 200


async def test_where_there_is_no_get_there_is_no_head(client: httpx.AsyncClient) -> None:
    assert (await client.head("/logout")).status_code == 405


async def test_looking_at_the_callback_signs_nobody_in(client: httpx.AsyncClient) -> None:
    assert (await client.head("/api/auth/callback?code=x&state=y")).status_code == 405


async def test_it_sees_what_the_person_sees(ada: Person) -> None:
    head = await ada.http.head("/account")
    assert (head.status_code, head.content) == (200, b"")
