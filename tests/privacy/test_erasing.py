"""Whoever deletes their account is gone: from every row, from Discord, and from the averages."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text, update
from tests.conftest import SignIn
from tests.privacy.conftest import API, WORDS, Past, user_named
from tests.support.engines import ONLY_SQLITE
from tests.support.people import Person
from tests.support.serving import Site

from botbot.accounts.models import User
from botbot.audit.models import AuditEntry
from botbot.catalog.models import PersonalityTemplate
from botbot.house import House
from botbot.kit import clock
from botbot.privacy import service
from botbot.privacy.models import Erasure
from botbot.sandbox import cast

Settle = Callable[[], Awaitable[None]]
HTML = {"accept": "text/html"}


async def erase(who: Person) -> dict[str, Any]:
    answer = await who.delete("/api/account")
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


async def receipt_of(client: httpx.AsyncClient, receipt: dict[str, Any]) -> dict[str, Any]:
    answer = await client.get(f"/api{receipt['url']}")
    assert answer.status_code == 200
    return dict(answer.json())


async def rows_of(house: House) -> str:
    """Every row of every table as text."""
    from botbot import tables

    async with house.db.reading() as connection:
        found = [
            repr(tuple(row))
            for table in tables.metadata().sorted_tables
            for row in await connection.execute(select(table))
        ]
    return "\n".join(found)


async def test_nothing_leads_to_them_any_more(
    site: Site, ada: Person, client: httpx.AsyncClient, past: Past, settle: Settle
) -> None:
    before = await rows_of(site.house)
    for sign in (past.user_id, str(cast.ADA), WORDS):
        assert sign in before  # we looked in the right place
    receipt = await erase(ada)
    at_once = await rows_of(site.house)
    assert past.user_id not in at_once
    assert str(cast.ADA) not in at_once
    assert receipt["finishedAt"] is None
    await settle()
    afterwards = await rows_of(site.house)
    for sign in (past.user_id, str(cast.ADA), WORDS):
        assert sign not in afterwards
    done = await receipt_of(client, receipt)
    assert done["finishedAt"] is not None
    assert done["discordTokens"] == "done"
    assert [each["status"] for each in done["deployments"]] == ["left"]
    assert "Ben was here." in afterwards


async def test_averages_and_counts_are_those_of_the_others(site: Site, ada: Person, past: Past) -> None:
    await erase(ada)
    async with site.house.db.read() as session:
        row = await session.get_one(PersonalityTemplate, past.personality.id)
        assert (row.rating_sum, row.rating_count, row.avg_rating) == (2, 1, 2.0)
        helpful = await session.execute(text("select helpful_count from personality_ratings"))
        assert [each[0] for each in helpful] == [0]


async def test_it_leaves_the_server_and_discord_takes_its_tokens_back(
    site: Site, ada: Person, past: Past, settle: Settle, discord: Any
) -> None:
    assert discord.guilds[cast.TEA_HOUSE].members[cast.BOT].nick
    await erase(ada)
    await settle()
    assert discord.guilds[cast.TEA_HOUSE].members[cast.BOT].nick is None
    async with site.house.db.read() as session:
        (erasure,) = list(await session.scalars(select(Erasure)))
    assert (erasure.revocation, erasure.sealed_token) == ("done", None)


async def test_every_key_of_theirs_is_dead(ada: Person, past: Past, sign_in: SignIn, site: Site) -> None:
    elsewhere, script = await sign_in("ada"), await ada.by_token()
    await erase(ada)
    for who in (ada.http, elsewhere.http):
        assert (await who.get("/api/account/export")).status_code == 401
    assert (await script.get("/api/auth/session")).status_code == 401


async def test_who_comes_back_is_somebody_new(ada: Person, past: Past, sign_in: SignIn) -> None:
    await erase(ada)
    again = await sign_in("ada")
    assert await again.user_id() != past.user_id
    data = (await again.get("/api/account/export")).json()["data"]
    assert set(data) <= {"users", "sessions", "oauth_tokens", "audit_log", "audit_log.subject_id"}


async def test_the_trail_says_somebody_and_not_who(site: Site, ada: Person, past: Past) -> None:
    await erase(ada)
    async with site.house.db.read() as session:
        entries = list(await session.scalars(select(AuditEntry).order_by(AuditEntry.id)))
    erased = [each for each in entries if each.action == "account.erase"]
    assert len(erased) == 1
    assert (erased[0].actor_id or "").startswith("erased-")
    assert erased[0].actor_id == erased[0].subject_id
    assert {each.actor_id for each in entries if each.action == "deployment.request"} == {erased[0].actor_id}


async def test_a_second_click_leads_to_the_same_receipt(ada: Person, past: Past) -> None:
    answers = await asyncio.gather(*(ada.delete("/api/account") for _ in range(4)))
    codes = sorted(each.status_code for each in answers)
    assert set(codes) <= {202, 401}
    assert codes[0] == 202
    assert len({each.json()["url"] for each in answers if each.status_code == 202}) == 1


async def test_by_form_with_the_box_ticked(ada: Person, client: httpx.AsyncClient, past: Past, site: Site) -> None:
    page = (await ada.get("/account/erase", headers=HTML)).text
    assert 'name="sure"' in page
    unsure = await ada.post("/account/erase", data={}, headers=HTML)
    assert unsure.status_code == 400
    assert await user_named(site, cast.ADA) is not None
    done = await ada.post("/account/erase", data={"sure": "yes"}, headers=HTML)
    assert done.status_code == 303
    assert re.fullmatch(r"/account/receipts/[\w-]{43}", done.headers["location"])
    assert "botbot_session=" in done.headers["set-cookie"]
    assert await user_named(site, cast.ADA) is None
    shown = await client.get(done.headers["location"], headers=HTML)
    assert shown.status_code == 200
    assert "You are erased" in shown.text
    assert shown.headers["referrer-policy"] == "no-referrer"
    assert "no-store" in shown.headers["cache-control"]


@ONLY_SQLITE
async def test_nobody_else_can_do_it_to_them(ada: Person, client: httpx.AsyncClient, site: Site) -> None:
    foreign = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    assert (await ada.delete("/api/account", headers=foreign)).status_code == 403
    refused = await ada.post("/account/erase", data={"sure": "yes"}, headers={**HTML, **foreign})
    assert refused.status_code == 403
    assert (await client.delete("/api/account")).status_code == 401
    assert (await client.get("/api/account/export")).status_code == 401
    for guess in ("x", "a" * 43, "%00"):
        assert (await client.get(f"/api/account/receipts/{guess}")).status_code in {400, 404}
    assert await user_named(site, cast.ADA) is not None


async def test_while_it_is_just_moving_in(
    site: Site, ada: Person, personality: PersonalityTemplate, discord: Any, settle: Settle, client: httpx.AsyncClient
) -> None:
    from tests.deployments.scene import deploy

    discord.limits.is_enabled = False
    await deploy(ada, personality.id)
    receipt = await erase(ada)
    await settle()
    assert (await receipt_of(client, receipt))["finishedAt"] is not None
    assert discord.guilds[cast.TEA_HOUSE].members[cast.BOT].nick is None


async def test_a_discord_that_is_down_is_asked_again(
    site: Site, ada: Person, past: Past, settle: Settle, discord: Any, client: httpx.AsyncClient, tick: Any
) -> None:
    discord.fail("POST", "/oauth2/token/revoke", status=500, times=8)
    receipt = await erase(ada)
    await settle()
    waiting = await receipt_of(client, receipt)
    assert (waiting["discordTokens"], waiting["finishedAt"]) == ("waiting", None)
    for _ in range(6):
        tick(minutes=16)
        await settle()
    assert (await receipt_of(client, receipt))["discordTokens"] == "done"


@pytest.mark.parametrize("is_banned", [True, False])
async def test_a_ban_outlives_the_account_as_a_keyed_hash(
    site: Site, ada: Person, past: Past, sign_in: SignIn, is_banned: bool
) -> None:
    async with site.house.db.write() as session:
        if is_banned:
            await session.execute(update(User).where(User.id == past.user_id).values(banned_at=clock.now()))
        await service.erase_by_discord_id(session, site.house.cipher, cast.ADA)
    assert str(cast.ADA) not in await rows_of(site.house)
    if not is_banned:
        await sign_in("ada")
        return
    with pytest.raises(AssertionError, match="could not sign in"):
        await sign_in("ada")


async def test_the_stand_in_for_who_left_is_nobody(site: Site, ada: Person, cleo: Person, past: Past) -> None:
    await erase(ada)
    people = (await cleo.get("/api/marketplace/admin/people")).json()
    assert "erased" not in {each["id"] for each in people["people"]}
    assert (await cleo.put("/api/marketplace/admin/people/erased/role", json={"role": "admin"})).status_code == 404
    assert (await cleo.get(f"{API}/{past.personality.id}")).status_code == 200
    assert (await cleo.get("/admin/servers", headers=HTML)).status_code == 200
    assert (await cleo.get(f"/admin/servers/{past.deployment_id}", headers=HTML)).status_code == 200
    assert (await cleo.get("/admin/audit", headers=HTML)).status_code == 200
