"""Every unsafe route of the panel, of the desk and of deployments leaves an entry in the audit trail. A new route fails
here until somebody says how it is done, or why it changes nothing."""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import func, select
from tests import factories
from tests.deployments.scene import deploy
from tests.support.browser import forms_of
from tests.support.engines import ONLY_SQLITE
from tests.support.people import Person
from tests.support.routes import Operation, operations
from tests.support.serving import Site

from botbot.accounts.service import create_api_token
from botbot.audit.models import AuditEntry
from botbot.catalog.models import PersonalityTemplate
from botbot.deployments.models import PersonalityDeployment
from botbot.house import House
from botbot.sandbox import cast

API = "/api/marketplace"
WATCHED = (f"{API}/admin/", "/admin/", f"{API}/deployments/", "/deployments/")
DEPLOYS = {f"{API}/personalities/{{personality_id}}/deploy", "/personalities/{slug}/deploy"}
CHANGES_NOTHING: dict[str, str] = {
    "/admin/personalities/check": "a form is only looked at",
    "/admin/personalities/try": "a draft answers, and nothing of it is stored",
    "/admin/import": "a file is only looked at; what is imported of it comes after",
    "/deployments/{deployment_id}/dismiss": "somebody has read a notice of their own",
    "/deployments/{deployment_id}/notices": "somebody has read a notice of their own",
}
HTML = {"accept": "text/html"}


@dataclass
class World:
    """What a deed may start from."""

    house: House
    ada: Person
    cleo: Person
    personality: PersonalityTemplate
    drain: Callable[[], Awaitable[None]]

    async def home(self) -> str:
        """A deployment that lives in the Tea House."""
        deployment = await deploy(self.ada, self.personality.id, replace=True)
        await self.drain()
        return str(deployment["id"])

    async def paused(self) -> str:
        home = await self.home()
        assert (await self.ada.post(f"{API}/deployments/{home}/pause")).status_code == 202
        return home

    async def failed(self) -> str:
        """One that went back, because the bot isn't let in."""
        home = await self.home()
        await self.ada.delete(f"{API}/deployments/{home}")
        await self.drain()
        async with self.house.db.write() as session:
            row = await session.get(PersonalityDeployment, home)
            assert row is not None
            row.status = "rolled_back"
        return home

    async def person(self) -> str:
        return (await factories.add_user(self.house, 4711)).id

    async def banned(self) -> str:
        user_id = await self.person()
        await self.cleo.put(f"{API}/admin/people/{user_id}/ban")
        return user_id

    async def token(self) -> tuple[str, str]:
        user_id = await self.person()
        async with self.house.db.write() as session:
            await create_api_token(session, 4711, "laptop")
        (token,) = (await self.cleo.get(f"{API}/admin/people/{user_id}/tokens")).json()["tokens"]
        return user_id, token["id"]

    async def decision(self) -> str:
        body = {"verdict": "hide", "reason": "spam"}
        where = f"{API}/admin/desk/personality/{self.personality.id}/decisions"
        return str((await self.cleo.post(where, json=body)).json()["id"])


Deed = Callable[[World], Awaitable[httpx.Response]]


def deployed(name: str, **body: Any) -> Deed:
    """A verb of the deployments' API that fits one that lives there."""
    return lambda world: _verb(world, world.home(), f"{API}/deployments/", f"/{name}", json=body)


async def _verb(world: World, home: Awaitable[str], before: str, after: str, **more: Any) -> httpx.Response:
    where = f"{before}{await home}{after}"
    return await world.ada.post(where, **more)


def form(verb: str, of: Callable[[World], Awaitable[str]], **fields: str) -> Deed:
    return lambda world: _verb(
        world, of(world), "/deployments/", f"/{verb}", data={"sure": "yes", **fields}, headers=HTML
    )


async def _change(world: World) -> httpx.Response:
    return await world.ada.patch(f"{API}/deployments/{await world.home()}", json={"customizations": {"name": "Dot"}})


async def _remove(world: World) -> httpx.Response:
    return await world.ada.delete(f"{API}/deployments/{await world.home()}")


async def _deploy(world: World) -> httpx.Response:
    body = {"discordGuildId": str(cast.TEA_HOUSE)}
    return await world.ada.post(f"{API}/personalities/{world.personality.id}/deploy", json=body)


async def _deploy_by_form(world: World) -> httpx.Response:
    where = f"/personalities/{world.personality.slug}/deploy"
    return await world.ada.post(where, data={"discordGuildId": str(cast.TEA_HOUSE)}, headers=HTML)


async def _role(world: World) -> httpx.Response:
    return await world.cleo.put(f"{API}/admin/people/{await world.person()}/role", json={"role": "moderator"})


async def _role_by_form(world: World) -> httpx.Response:
    return await world.cleo.post("/admin/people", data={"discordId": "99", "role": "moderator"}, headers=HTML)


async def _ban(world: World) -> httpx.Response:
    return await world.cleo.put(f"{API}/admin/people/{await world.person()}/ban")


async def _ban_by_form(world: World) -> httpx.Response:
    return await world.cleo.post(f"/admin/people/{await world.person()}", data={"action": "ban"}, headers=HTML)


async def _unban(world: World) -> httpx.Response:
    return await world.cleo.delete(f"{API}/admin/people/{await world.banned()}/ban")


async def _revoke(world: World) -> httpx.Response:
    user_id, token_id = await world.token()
    return await world.cleo.delete(f"{API}/admin/people/{user_id}/tokens/{token_id}")


async def _stop(world: World) -> httpx.Response:
    return await world.cleo.post(f"/admin/servers/{await world.home()}", data={"action": "stop"}, headers=HTML)


async def _decide(world: World) -> httpx.Response:
    where = f"{API}/admin/desk/personality/{world.personality.id}/decisions"
    return await world.cleo.post(where, json={"verdict": "keep", "reason": "fine"})


async def _decide_by_form(world: World) -> httpx.Response:
    where = f"/admin/desk/personality/{world.personality.id}"
    return await world.cleo.post(where, data={"verdict": "keep", "reason": "fine"}, headers=HTML)


async def _undo(world: World) -> httpx.Response:
    return await world.cleo.delete(f"{API}/admin/desk/decisions/{await world.decision()}")


async def _undo_by_form(world: World) -> httpx.Response:
    return await world.cleo.post("/admin/desk/decided", data={"decision": await world.decision()}, headers=HTML)


async def _arrange(world: World) -> httpx.Response:
    return await world.cleo.put(f"{API}/admin/shelves", json={"shelves": [{"kind": "new", "title": "Fresh"}]})


async def _arrange_by_form(world: World) -> httpx.Response:
    fields = {"action": "feature", "personality": world.personality.id}
    return await world.cleo.post("/admin/shelves", data=fields, headers=HTML)


async def _feature(world: World) -> httpx.Response:
    return await world.cleo.put(f"{API}/admin/shelves/featured/{world.personality.id}")


async def _unfeature(world: World) -> httpx.Response:
    await _feature(world)
    return await world.cleo.delete(f"{API}/admin/shelves/featured/{world.personality.id}")


ENTRY = {
    "name": "Nova", "description": "Looks at stars.", "persona": "Calm.", "systemPrompt": "You are Nova.",
    "category": "Science & Learning",
}  # fmt: skip


async def _create(world: World) -> httpx.Response:
    return await world.cleo.post(f"{API}/admin/personalities", json=ENTRY)


async def _edit(world: World) -> httpx.Response:
    where = f"{API}/admin/personalities/{world.personality.id}"
    return await world.cleo.put(where, json={"description": "Something else entirely."})


async def _archive(world: World) -> httpx.Response:
    return await world.cleo.delete(f"{API}/admin/personalities/{world.personality.id}")


async def _create_by_form(world: World) -> httpx.Response:
    return await world.cleo.post("/admin/personalities/new", data={**ENTRY, "state": "hidden"}, headers=HTML)


async def _edit_by_form(world: World) -> httpx.Response:
    where = f"/admin/personalities/{world.personality.id}"
    return await world.cleo.post(where, data={"description": "Something else entirely."}, headers=HTML)


async def _hide_by_form(world: World) -> httpx.Response:
    fields = {"action": "hide", "id": world.personality.id}
    return await world.cleo.post("/admin/personalities", data=fields, headers=HTML)


async def _import(world: World) -> httpx.Response:
    return await world.cleo.post(f"{API}/admin/import", json=[ENTRY])


async def _import_by_form(world: World) -> httpx.Response:
    """The file that was looked at, then all of it."""
    file = {"file": ("entries.json", json.dumps([ENTRY]), "application/json")}
    page = await world.cleo.post("/admin/import", files=file, headers=HTML)
    form = next(each for each in forms_of(page) if re.search("/admin/import/.", each.action))
    data = {**form.fields, **dict(form.buttons[:1])}
    return await world.cleo.post(urlsplit(form.action).path, data=data, headers=HTML)


DEEDS: dict[tuple[str, str], Deed] = {
    ("POST", f"{API}/admin/import"): _import,
    ("POST", "/admin/import/{file_id}"): _import_by_form,
    ("POST", f"{API}/admin/personalities"): _create,
    ("POST", "/admin/personalities"): _hide_by_form,
    ("POST", "/admin/personalities/new"): _create_by_form,
    ("POST", "/admin/personalities/{personality_id}"): _edit_by_form,
    ("PUT", f"{API}/admin/personalities/{{personality_id}}"): _edit,
    ("DELETE", f"{API}/admin/personalities/{{personality_id}}"): _archive,
    ("POST", f"{API}/personalities/{{personality_id}}/deploy"): _deploy,
    ("PATCH", f"{API}/deployments/{{deployment_id}}"): _change,
    ("DELETE", f"{API}/deployments/{{deployment_id}}"): _remove,
    ("POST", f"{API}/deployments/{{deployment_id}}/pause"): deployed("pause"),
    ("POST", f"{API}/deployments/{{deployment_id}}/resume"): lambda w: _verb(
        w, w.paused(), f"{API}/deployments/", "/resume"
    ),
    ("POST", f"{API}/deployments/{{deployment_id}}/retry"): lambda w: _verb(
        w, w.failed(), f"{API}/deployments/", "/retry"
    ),
    ("POST", "/deployments/{deployment_id}/pause"): form("pause", World.home),
    ("POST", "/deployments/{deployment_id}/resume"): form("resume", World.paused),
    ("POST", "/deployments/{deployment_id}/retry"): form("retry", World.failed),
    ("POST", "/deployments/{deployment_id}/remove"): form("remove", World.home),
    ("POST", "/deployments/{deployment_id}/customise"): form("customise", World.home, name="Dot"),
    ("POST", "/personalities/{slug}/deploy"): _deploy_by_form,
    ("PUT", f"{API}/admin/shelves"): _arrange,
    ("POST", "/admin/shelves"): _arrange_by_form,
    ("PUT", f"{API}/admin/shelves/featured/{{personality_id}}"): _feature,
    ("DELETE", f"{API}/admin/shelves/featured/{{personality_id}}"): _unfeature,
    ("PUT", f"{API}/admin/people/{{user_id}}/role"): _role,
    ("PUT", f"{API}/admin/people/{{user_id}}/ban"): _ban,
    ("DELETE", f"{API}/admin/people/{{user_id}}/ban"): _unban,
    ("DELETE", f"{API}/admin/people/{{user_id}}/tokens/{{token_id}}"): _revoke,
    ("POST", "/admin/people"): _role_by_form,
    ("POST", "/admin/people/{user_id}"): _ban_by_form,
    ("POST", "/admin/servers/{deployment_id}"): _stop,
    ("POST", f"{API}/admin/desk/{{kind}}/{{subject_id}}/decisions"): _decide,
    ("DELETE", f"{API}/admin/desk/decisions/{{decision_id}}"): _undo,
    ("POST", "/admin/desk/{kind}/{subject_id}"): _decide_by_form,
    ("POST", "/admin/desk/decided"): _undo_by_form,
}
"""How each is done, so that it succeeds."""


def watched(house: House) -> list[Operation]:
    """The unsafe ones that somebody answers for."""
    return [
        each
        for each in operations(house)
        if each.is_unsafe
        and (f"{each.path}/".startswith(WATCHED) or each.path in DEPLOYS)
        and each.path not in CHANGES_NOTHING
    ]


async def entries(house: House) -> int:
    async with house.db.read() as session:
        noted = select(func.count()).select_from(AuditEntry).where(AuditEntry.actor_id.is_not(None))
        return await session.scalar(noted) or 0


@ONLY_SQLITE
async def test_nobody_added_a_route_that_leaves_no_trail(site: Site) -> None:
    assert [f"{each.method} {each.path}" for each in watched(site.house) if (each.method, each.path) not in DEEDS] == []


@pytest.mark.long
@ONLY_SQLITE
@pytest.mark.parametrize("route", [*DEEDS], ids=lambda route: " ".join(route))
async def test_every_deed_is_in_the_trail(
    route: tuple[str, str],
    house: House,
    ada: Person,
    cleo: Person,
    personality: PersonalityTemplate,
    drain: Callable[[], Awaitable[None]],
) -> None:
    before: list[int] = []

    async def look(_: httpx.Request) -> None:
        """The last request is the deed itself."""
        before.append(await entries(house))

    for person in (ada, cleo):
        person.http.event_hooks = {"request": [look]}
    answer = await DEEDS[route](World(house, ada, cleo, personality, drain))
    assert answer.status_code < 400, answer.text
    assert await entries(house) > before[-1], "nothing was noted of it"
