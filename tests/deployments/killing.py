"""Killing the product at a chosen call to Discord, and judging what it makes of that after a restart.

Discord is the sandbox inside the test, so it outlives the product and holds the answer of the chosen call back. A
call is killed at up to three moments: *unheard* (Discord has not acted yet), *unanswered* (it has, the product
doesn't know), *answered* (the product has just been told). For a read the first two are the same."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx
from tests.deployments import scene
from tests.support.people import Person
from tests.support.processes import Product

from botbot.db import Database
from botbot.sandbox import cast
from botbot.sandbox.faults import Fault
from botbot.sandbox.handle import DiscordHandle

ABOUT_SERVERS = "/[gc][uh][ia][ln]*/[0-9]*"
"""Every call that names one of the `/guilds` or `/channels`; not those of the bot's own start (`/oauth2/…`), which come
when they like, nor a sign-in's."""
HOLD_SECONDS = 2.0
"""Long beside the kill that follows, short beside the restart after it: no answer is still held at the end."""
FINISH_SECONDS = 30.0


@dataclass
class Stage:
    """Everything one kill needs; `slugs` are of personalities that nobody has deployed yet."""

    product: Product
    discord: DiscordHandle
    database: Database
    ada: Person
    slugs: list[str]

    def take_slug(self) -> str:
        return self.slugs.pop(0)


@dataclass
class Kill:
    """`number` counts the scenario's calls from 0."""

    scenario: str
    number: int
    moment: str
    call: str = ""
    outcome: str = ""
    seconds: float = 0.0


@dataclass
class Scenario:
    """`arrange` prepares and answers the slug it is about; `act` begins the work (perhaps again, after the restart)
    and answers the deployment's id; `ends` are the states it may end in."""

    name: str
    arrange: Callable[[Stage], Awaitable[dict[str, Any]]]
    act: Callable[[Stage, dict[str, Any]], Coroutine[Any, Any, str]]
    ends: set[str]


async def _arrange_nothing(stage: Stage) -> dict[str, Any]:
    return {"slug": stage.take_slug(), "key": uuid.uuid4().hex}


async def _arrange_tenant(stage: Stage) -> dict[str, Any]:
    slug = stage.take_slug()
    tenant = await scene.settled(stage.ada, (await scene.deploy(stage.ada, slug))["id"])
    assert tenant["status"] == "active", tenant
    return {"slug": slug, "tenant": tenant}


async def _arrange_rivals(stage: Stage) -> dict[str, Any]:
    return {**await _arrange_tenant(stage), **await _arrange_nothing(stage)}


async def _deploy(stage: Stage, told: dict[str, Any]) -> str:
    replace = {"replace": True} if "tenant" in told else {}
    return str((await scene.deploy(stage.ada, told["slug"], key=told["key"], **replace))["id"])


async def _remove(stage: Stage, told: dict[str, Any]) -> str:
    deployment_id = str(told["tenant"]["id"])
    shown = await scene.see(stage.ada, deployment_id)
    if shown["status"] == "active":  # the first request died before it was written down
        answer = await stage.ada.delete(f"{scene.DEPLOYMENTS}/{deployment_id}")
        assert answer.status_code == 202, answer.text
    return deployment_id


DEPLOY = Scenario("deploy", _arrange_nothing, _deploy, {"active", "rolled_back"})
REPLACE = Scenario("replace", _arrange_rivals, _deploy, {"active", "rolled_back"})
REMOVE = Scenario("remove", _arrange_tenant, _remove, {"removed"})


async def list_calls(stage: Stage, scenario: Scenario) -> list[str]:
    """What the scenario asks of Discord when nobody disturbs it, as `METHOD path`."""
    told = await _arrange(stage, scenario)
    seen = len(stage.discord.calls)
    await scene.settled(stage.ada, await scenario.act(stage, told))
    calls = [call for call in stage.discord.calls[seen:] if Fault("*", ABOUT_SERVERS).matches(call.method, call.path)]
    await tidy(stage)
    return [f"{call.method} {plain(call.path)}" for call in calls]


def plain(path: str) -> str:
    """A path without its ids."""
    return "/".join(":id" if part.isdigit() else part for part in path.split("/"))


async def kill_at(stage: Stage, scenario: Scenario, number: int, wanted: str, moment: str) -> Kill:
    """Kill at the scenario's call of that number, start again, and hold the end to what was promised.

    `wanted` is the call that has this number when nobody disturbs: another order would leave that one untested."""
    kill = Kill(scenario.name, number, moment)
    told = await _arrange(stage, scenario)
    seen = len(stage.discord.calls)
    if moment == "answered":
        fault = stage.discord.fail("*", ABOUT_SERVERS, skip=number, delay=0.001)
    else:
        late = moment == "unanswered"
        fault = stage.discord.fail("*", ABOUT_SERVERS, skip=number, hang=HOLD_SECONDS, after_effect=late)
    first = asyncio.create_task(scenario.act(stage, told))
    kill.call = await _wait_for(stage, fault, seen, number, moment)
    stage.product.kill()
    came = [f"{call.method} {call.path}" for call in stage.discord.calls[seen:]]
    assert kill.call == wanted, f"{kill}: number {number} should be {wanted}; these came: {came}"
    await _abandon(first)
    stage.discord.clear_failures()
    return await _judge(stage, scenario, kill, told)


async def _arrange(stage: Stage, scenario: Scenario) -> dict[str, Any]:
    """The scenario's beginning. What earlier kills spent of Discord's limits is forgotten: told of a full bucket, the
    product would put a step off, and the calls would come in another order."""
    stage.discord.limits.clear()
    told = await scenario.arrange(stage)
    stage.discord.limits.clear()
    return {**told, "greetings": len(scene.said_by_bot(stage.discord))}


async def _wait_for(stage: Stage, fault: Fault, seen: int, number: int, moment: str) -> str:
    """Until the call is in the wanted state; answers which it is."""
    until = time.monotonic() + FINISH_SECONDS
    while not fault.hits:
        assert time.monotonic() < until, f"call {number} never came"
        await asyncio.sleep(0.001)
    about = [call for call in stage.discord.calls[seen:] if fault.matches(call.method, call.path)]
    call = about[number]
    while moment == "answered" and call.status is None:
        await asyncio.sleep(0)
    if moment != "answered":
        await asyncio.sleep(0.05)  # its effect, if it has one before the silence
    return f"{call.method} {plain(call.path)}"


async def _abandon(request: "asyncio.Task[str]") -> None:
    """The browser that waited for the dead product."""
    with suppress(TimeoutError, httpx.TransportError):
        await asyncio.wait_for(request, 5)


async def _judge(stage: Stage, scenario: Scenario, kill: Kill, told: dict[str, Any]) -> Kill:
    await stage.product.start()
    began = time.monotonic()
    shown = await scene.settled(stage.ada, await scenario.act(stage, told), FINISH_SECONDS)
    kill.outcome, kill.seconds = shown["status"], time.monotonic() - began
    assert shown["status"] in scenario.ends, f"{kill}\n{shown}"
    wrong = [each async for each in _wrongs(stage, scenario, told, shown)]
    assert not wrong, f"{kill}\n{wrong}\n{shown}"
    await tidy(stage)
    return kill


async def _wrongs(stage: Stage, scenario: Scenario, told: dict[str, Any], shown: dict[str, Any]) -> Any:
    """Everything that is not as it would be without the kill."""
    database, discord = stage.database, stage.discord
    is_active = shown["status"] == "active"
    live = shown["id"] if is_active else told["tenant"]["id"] if scenario is REPLACE else None
    agents, rows = await scene.agents_of(database), await scene.live_rows(database)
    owners = {row.agent_id for row in await scene.rows_of(database) if row.agent_id}
    if [row.id for row in rows] != ([live] if live else []):
        yield f"live: {[row.id for row in rows]}, wanted {live}"
    if [agent.id for agent in agents if agent.status == "active"] != [row.agent_id for row in rows]:
        yield f"agents: {[(agent.id, agent.status) for agent in agents]}"
    if orphans := [agent.id for agent in agents if agent.id not in owners]:
        yield f"orphans: {orphans}"
    said = scene.said_by_bot(discord)[told["greetings"] :]
    if len(said) != (1 if is_active else 0):
        yield f"greetings: {[message.content for message in said]}"
    async for each in _wrong_faces(stage, live):
        yield each
    count = (await stage.ada.get(f"{scene.MARKET}/personalities/{told['slug']}")).json()["deployCount"]
    if count != (0 if shown["status"] == "rolled_back" else 1):
        yield f"deployCount: {count}"
    for each in scene.rule_breaks(discord):
        yield each


async def _wrong_faces(stage: Stage, live: str | None) -> Any:
    worn = scene.face(stage.discord)
    if live is None:
        if not scene.is_bare(stage.discord):
            yield f"still wears {worn.nick!r}, {worn.bio!r}, {worn.avatar!r}"
        return
    name = (await scene.see(stage.ada, live))["personality"]["name"][:32].strip()
    if worn.nick != name or not (worn.bio or "").startswith("AI character") or worn.avatar is None:
        yield f"wears {worn.nick!r}, {worn.bio!r}, {worn.avatar!r}; wanted {name!r}"


async def tidy(stage: Stage) -> None:
    """Move whoever lives there out again; the next kill finds an empty house."""
    for row in await scene.rows_of(stage.database):
        if row.status in {"active", "paused"}:
            answer = await stage.ada.delete(f"{scene.DEPLOYMENTS}/{row.id}")
            assert answer.status_code == 202, answer.text
            await scene.settled(stage.ada, row.id)
    assert scene.is_bare(stage.discord), scene.face(stage.discord)
    assert not [row for row in await scene.rows_of(stage.database) if row.discord_guild_id != cast.TEA_HOUSE]
