"""People in the panel: who may change whom, and that a ban holds at once, everywhere."""

import asyncio
from typing import Any

import httpx
from sqlalchemy import select
from tests import factories
from tests.conftest import SignIn
from tests.support.browser import forms_of
from tests.support.engines import MOSTLY_SQLITE
from tests.support.people import Person

from botbot.accounts.models import ApiToken, User, UserSession
from botbot.accounts.service import create_api_token, grant_role
from botbot.house import House
from botbot.sandbox import cast

API = "/api/marketplace/admin/people"
HTML = {"accept": "text/html"}


async def test_a_ban_ends_sessions_and_tokens_at_once_and_refuses_the_sign_in(
    ada: Person, ben: Person, cleo: Person, house: House
) -> None:
    user_id, script = await ben.user_id(), await ben.by_token()
    assert (await script.get("/api/marketplace/deployments")).status_code == 200
    answer = await cleo.put(f"{API}/{user_id}/ban", json={"reason": "  advertises   boots "})
    assert (answer.status_code, answer.json()["banReason"], answer.json()["tokens"]) == (200, "advertises boots", 0)
    assert (await ben.get("/api/auth/session")).json() == {"user": None}
    assert (await script.get("/api/marketplace/deployments")).status_code == 401
    refused = await ben.browser.sign_in(ben.site.url, cast.BEN)
    assert (refused.status_code, "has closed your account here" in refused.text) == (403, True)
    assert (await ben.get("/api/auth/session")).json() == {"user": None}
    async with house.db.read() as session:
        for model in (UserSession, ApiToken):
            assert list(await session.scalars(select(model.id).where(model.user_id == user_id))) == []
    assert (await ada.get("/api/auth/session")).json()["user"] is not None
    assert (await cleo.delete(f"{API}/{user_id}/ban")).status_code == 204
    await ben.sign_in()
    assert (await ben.get("/api/auth/session")).json()["user"]["id"] == user_id
    trail = (await cleo.get("/api/marketplace/admin/audit", params={"subjectId": user_id, "action": "account."})).json()
    assert [each["action"] for each in trail["entries"] if "ban" in each["action"]] == ["account.unban", "account.ban"]


@MOSTLY_SQLITE
async def test_a_token_made_for_somebody_banned_opens_nothing(
    house: House, cleo: Person, client: httpx.AsyncClient
) -> None:
    user = await factories.add_user(house, 4711)
    await cleo.put(f"{API}/{user.id}/ban")
    async with house.db.write() as session:
        token = await create_api_token(session, 4711)
    answer = await client.get("/api/marketplace/deployments", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 401


async def test_the_last_admin_stays_one_whoever_races(make_site: Any, sign_in: SignIn) -> None:
    site = await make_site(admins=())
    async with site.house.db.write() as session:
        for discord_id in (cast.ADA, cast.BEN):
            await grant_role(session, discord_id, "admin")
    ada, ben = await sign_in("ada", site), await sign_in("ben", site)
    ids = {"ada": await ada.user_id(), "ben": await ben.user_id()}
    first = await asyncio.gather(
        ada.put(f"{API}/{ids['ben']}/role", json={"role": "user"}),
        ben.put(f"{API}/{ids['ada']}/role", json={"role": "user"}),
    )
    assert sorted(answer.status_code for answer in first)[0] == 200
    async with site.house.db.read() as session:
        admins = list(await session.scalars(select(User.id).where(User.role == "admin")))
    assert len(admins) == 1, "one of two who take each other's role away keeps their own"
    last = ada if admins == [ids["ada"]] else ben
    for answer in (
        await last.put(f"{API}/{admins[0]}/role", json={"role": "user"}),
        await last.put(f"{API}/{admins[0]}/ban"),
    ):
        assert answer.status_code in {403, 409}, answer.text
    assert (await last.get(f"{API}/{admins[0]}")).json()["role"] == "admin"


@MOSTLY_SQLITE
async def test_those_whom_the_operator_names_are_untouchable(cleo: Person, house: House) -> None:
    async with house.db.write() as session:
        await grant_role(session, cast.ADA, "admin")
        ada_token = await create_api_token(session, cast.ADA)
    cleo_id = await cleo.user_id()
    headers = {"authorization": f"Bearer {ada_token}"}
    async with httpx.AsyncClient(base_url=str(cleo.http.base_url), headers=headers, trust_env=False) as ada:
        assert (await ada.put(f"{API}/{cleo_id}/role", json={"role": "user"})).json()["error"] == "conflict"
        assert (await ada.put(f"{API}/{cleo_id}/ban")).status_code == 403
    assert (await cleo.put(f"{API}/{cleo_id}/ban")).status_code == 403, "nor oneself"
    assert (await cleo.put(f"{API}/nobody/ban")).status_code == 404
    assert (await cleo.put(f"{API}/{cleo_id}/role", json={"role": "king"})).status_code == 400


@MOSTLY_SQLITE
async def test_people_are_found_by_name_and_id(cleo: Person, house: House) -> None:
    named = await factories.add_user(house, 815, username="Zoë_100%")
    for search in ("zoë", "100%", "815", named.id):
        found = (await cleo.get(API, params={"search": search})).json()
        assert [each["id"] for each in found["people"]] == [named.id], search
    for search in ("%", "9" * 40, "815x", "'; --"):
        expected = [named.id] if search == "%" else []
        assert [each["id"] for each in (await cleo.get(API, params={"search": search})).json()["people"]] == expected
    assert (await cleo.get(API, params={"state": "banned"})).json()["people"] == []
    assert len((await cleo.get(API, params={"state": "staff"})).json()["people"]) == 1


@MOSTLY_SQLITE
async def test_by_form_without_a_script(cleo: Person, house: House) -> None:
    given = await cleo.post("/admin/people", data={"discordId": "4242", "role": "moderator"}, headers=HTML)
    assert given.status_code == 303
    where = given.headers["location"].partition("?")[0]
    async with house.db.write() as session:
        await create_api_token(session, 4242, "<b>laptop</b>")
    page = await cleo.get(where, headers=HTML)
    assert "&lt;b&gt;laptop" in page.text
    revoke = next(form for form in forms_of(page) if ("action", "revoke") in form.buttons)
    for status in (303, 409):
        assert (await cleo.post(where, data={**revoke.fields, "action": "revoke"}, headers=HTML)).status_code == status
    assert (await cleo.post(where, data={"action": "ban", "reason": "x"}, headers=HTML)).status_code == 303
    assert "banned" in (await cleo.get(where, headers=HTML)).text
    assert (await cleo.post(where, data={"action": "unban"}, headers=HTML)).status_code == 303
    for data in ({"action": "explode"}, {"action": "ban", "reason": "x" * 301}, {"action": "role", "role": ""}):
        refused = await cleo.post(where, data=data, headers=HTML)
        assert (refused.status_code, 'role="alert"' in refused.text) == (400, True), data
    for data in ({"discordId": "abc", "role": "admin"}, {"discordId": "0", "role": "admin"}, {}):
        assert (await cleo.post("/admin/people", data=data, headers=HTML)).status_code == 400
