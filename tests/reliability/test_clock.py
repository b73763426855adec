"""A clock that jumps: sign-ins end as documented, nobody is told to come back in the past, nothing breaks or sticks."""

from collections.abc import Callable

import httpx
import pytest
from tests.support.engines import MOSTLY_SQLITE
from tests.support.people import Person
from tests.support.serving import Site

from botbot.catalog.models import PersonalityTemplate

pytestmark = MOSTLY_SQLITE
JUMPS = {"a day ahead": (26, True), "an hour back": (-1, True), "a season ahead": (24 * 90, False)}
"""Hours, and whether somebody who was signed in still is: seven days without use end it."""


def is_sane(answer: httpx.Response) -> bool:
    return answer.status_code < 500 and int(answer.headers.get("retry-after", "1")) >= 1


@pytest.mark.parametrize("jump", JUMPS)
async def test_after_a_jump_everything_answers_and_sign_ins_end_as_documented(
    site: Site, ada: Person, personality: PersonalityTemplate, tick: Callable[..., None], jump: str
) -> None:
    path = f"/api/marketplace/personalities/{personality.id}"
    hours, is_signed_in = JUMPS[jump]
    first = await ada.post(f"{path}/deploy", json={"discordGuildId": str(ada.guild)})
    assert first.status_code == 202
    tick(hours=hours)
    assert ((await ada.get("/api/auth/session")).json()["user"] is not None) == is_signed_in
    for page in ("/", f"/personalities/{personality.slug}", "/api/marketplace/personalities", "/readyz", "/metrics"):
        assert (await ada.get(page)).status_code == 200, page
    chat = f"/api/marketplace/preview/{personality.id}/chat"
    answers = [await ada.post(chat, json={"message": "hi"}) for _ in range(12)]
    assert all(is_sane(each) for each in answers), [each.text for each in answers]
    assert is_sane(await ada.post(f"{path}/rate", json={"rating": 4}))
    if not is_signed_in:
        await ada.sign_in()
    if hours < 0:
        tick(hours=-hours)  # What was due then is due again when the clock is right.
    await site.drain()
    shown = (await ada.get(first.headers["location"])).json()
    assert shown["status"] == "active", shown
