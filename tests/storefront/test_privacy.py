"""What `/privacy` says is true, and nothing that a browser is asked to keep is left out."""

import re
from datetime import timedelta

import httpx
from tests.support.engines import ONLY_SQLITE

from botbot.accounts import pending
from botbot.catalog.models import PersonalityTemplate
from botbot.reviews.rules import UNDO_FOR

HTML = {"accept": "text/html"}


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", "", page).split())


@ONLY_SQLITE
async def test_favourites_and_undo_are_named(client: httpx.AsyncClient) -> None:
    said = words((await client.get("/privacy", headers=HTML)).text)
    assert "Your favourites are kept until you take the heart away" in said
    assert "For fifteen minutes the page in your browser" in said
    assert timedelta(minutes=15) == UNDO_FOR


@ONLY_SQLITE
async def test_the_cookie_of_what_is_done_after_a_sign_in_is_named(
    client: httpx.AsyncClient, personality: PersonalityTemplate
) -> None:
    asked = await client.post(
        f"/personalities/{personality.slug}/favourite",
        data={"action": "add"},
        headers={**HTML, "origin": str(client.base_url).rstrip("/"), "sec-fetch-site": "same-origin"},
    )
    (cookie,) = asked.headers.get_list("set-cookie")
    assert "pending" in cookie
    assert f"max-age={int(pending.LIFETIME.total_seconds())}" in cookie.lower()
    said = words((await client.get("/privacy", headers=HTML)).text)
    assert "holds just that, encrypted, for fifteen minutes at most" in said
    assert timedelta(minutes=15) == pending.LIFETIME
