"""Everything about me, nothing about others, and no secret."""

import json
from typing import Any

from sqlalchemy import select
from tests.conftest import MakeSite
from tests.privacy.conftest import WORDS, Past
from tests.support.engines import ONLY_SQLITE
from tests.support.people import Person
from tests.support.serving import Site

from botbot.accounts.models import OAuthToken
from botbot.agents.models import Agent
from botbot.agents.service import remember_turn
from botbot.privacy.columns import TABLES
from botbot.privacy.exporting import PAGE, section_name
from botbot.sandbox import cast


async def exported(who: Person) -> dict[str, Any]:
    answer = await who.get("/api/account/export")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == 'attachment; filename="my-data.json"'
    assert "no-store" in answer.headers["cache-control"]
    return dict(answer.json())


async def test_it_holds_all_that_leads_to_them(ada: Person, past: Past) -> None:
    data = (await exported(ada))["data"]
    assert data["users"]["rows"][0]["discordId"] == str(cast.ADA)
    assert [each["review"] for each in data["personality_ratings"]["rows"]] == [WORDS]
    assert [each["content"] for each in data["channel_messages"]["rows"]] == [f"{WORDS} user", f"{WORDS} assistant"]
    assert data["personality_deployments"]["rows"][0]["customizations"]["name"] == f"Dot {WORDS}"
    assert data["desk_notices"]["rows"][0]["decisionWords"] == "Be kind."
    assert data["audit_log.subject_id"]["rows"]
    expected = {"sessions", "oauth_tokens", "api_tokens", "review_votes", "personality_favourites", "personality_uses",
                "reports", "audit_log"}  # fmt: skip
    assert expected <= set(data)
    for section in data.values():
        assert section["what"]
        assert section["why"]


async def test_it_holds_nothing_of_others_and_no_secret(
    ada: Person, ben: Person, cleo: Person, past: Past, site: Site
) -> None:
    async with site.house.db.read() as session:
        tokens = [each for token in await session.scalars(select(OAuthToken)) for each in
                  (site.house.cipher.decrypt(token.access_token), token.access_token, token.refresh_token)]  # fmt: skip
    whole = (await ada.get("/api/account/export")).text
    secrets = [ada.secret, ben.secret, *tokens]
    for foreign in (str(cast.BEN), str(cast.CLEO), "Ben was here", "Ben speaks", await ben.user_id(), *secrets):
        assert foreign not in whole
    theirs = (await ben.get("/api/account/export")).text
    assert WORDS not in theirs.replace(f"Dot {WORDS}", "")  # what the personality is called where he talks to it
    assert past.user_id not in theirs


async def test_by_token_too_and_not_too_often(ada: Person, past: Past) -> None:
    script = await ada.by_token()
    codes = [(await script.get("/api/account/export")).status_code for _ in range(4)]
    assert codes == [200, 200, 200, 429]


@ONLY_SQLITE
async def test_more_than_a_page_comes_whole_and_in_order(ada: Person, past: Past, site: Site) -> None:
    async with site.house.db.write() as session:
        agent = (await session.scalars(select(Agent))).one()
        for number in range(2 * PAGE):
            remember_turn(session, site.house.cipher, agent.id, 7, role="user", text=f"no. {number}", user_id=cast.ADA)
    rows = (await exported(ada))["data"]["channel_messages"]["rows"]
    assert [each["content"] for each in rows[2:]] == [f"no. {number}" for number in range(2 * PAGE)]


@ONLY_SQLITE
async def test_every_table_of_the_list_can_be_read(ada: Person, past: Past) -> None:
    """Also those in which this person has no row: a wrong column would fail here."""
    document = json.loads((await ada.get("/api/account/export")).text)
    assert set(document["data"]) <= {section_name(kept, trace) for kept in TABLES for trace in kept.traces}


async def test_talk_whose_key_is_gone_is_handed_out_empty(ada: Person, past: Past, make_site: MakeSite) -> None:
    other = await make_site(secret_key="a-key-that-came-later-and-fits-nothing")
    answer = await ada.http.get(f"{other.url}/api/account/export", headers={"cookie": f"botbot_session={ada.secret}"})
    assert [each["content"] for each in answer.json()["data"]["channel_messages"]["rows"]] == [None, None]
