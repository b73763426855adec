"""Many servers at once, in each of them one thing going on with a personality: what it is, and how it has to end."""

import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from tests import factories
from tests.deployments import scene

from botbot.accounts.rules import Viewer
from botbot.catalog.models import PersonalityTemplate
from botbot.deployments import service
from botbot.deployments.models import PersonalityDeployment
from botbot.house import House
from botbot.jobs.models import Saga
from botbot.jobs.sagas import release_dead_leases
from botbot.sandbox import cast, permissions
from botbot.sandbox.faults import Fault
from botbot.sandbox.handle import DiscordHandle

FIRST = 1000
NEW_NAME = "Another Name"
SPEAK, PROFILE = ("POST", "/channels/*/messages"), ("PATCH", "/guilds/*/members/@me")
IDS = re.compile(r"\d+")


@dataclass
class GuildFault(Fault):
    """A fault that meets only calls about one server: those that name it, or one of its channels."""

    guild: int = 0

    def matches(self, method: str, path: str) -> bool:
        is_here = any(0 <= int(each) - self.guild < 1 << 22 for each in IDS.findall(path))
        return is_here and super().matches(method, path)


@dataclass
class Town:
    """Everything the crowd shares. Nobody asks over HTTP: requests are the services' own verbs, so that all calls to
    Discord are the workers'."""

    house: House
    discord: DiscordHandle
    ada: Viewer
    atlas: PersonalityTemplate
    bea: PersonalityTemplate
    guilds: int = 0

    def new_guild(self) -> int:
        self.guilds += 1
        guild_id = cast._guild_id(FIRST + self.guilds)
        guild = cast._guild(guild_id, f"Server {self.guilds}", cast.ADA, 10, [cast.BEN], "One of many.", "parlour")
        self.discord.guilds[guild_id] = guild
        cast._install_bot(guild, permissions.CHANNEL_MODE)
        scene.name_the_bot(self.discord, guild_id)
        return guild_id

    def fail(self, guild: int, method: str = "*", path: str = "*", **how: Any) -> GuildFault:
        return self.discord._core.faults.add(GuildFault(method, path, guild=guild, **how))  # type: ignore[return-value]

    async def ask(self, guild: int, personality: PersonalityTemplate, *, replace: bool = False) -> str:
        async with self.house.db.write() as session:
            row = await service.open_deployment(
                session, self.ada, personality, guild_id=guild, guild_name="", channel_ids=[], customizations={},
                replace=replace, ready=True, install_permissions=0, key=None, request_hash="",
            )  # fmt: skip
            return row.id

    async def do(self, deployment_id: str, verb: Callable[[AsyncSession, PersonalityDeployment], Any]) -> None:
        async with self.house.db.write() as session:
            await verb(session, await session.get_one(PersonalityDeployment, deployment_id))

    async def at_work(self) -> set[str]:
        """Whose sagas still go somewhere."""
        async with self.house.db.read() as session:
            found = select(Saga.subject_id).where(Saga.status.in_(("running", "undoing")))
            return set(await session.scalars(found))


async def open_town(house: House, discord: DiscordHandle) -> Town:
    ada = factories.viewer_of(await factories.add_user(house, cast.ADA))
    bea = await factories.add_personality(house, "Bea the Baker", opening_line="Fresh bread!")
    return Town(house, discord, ada, await factories.add_personality(house), bea)


@dataclass
class Home:
    """One server and what goes on there. `deployment` is the one it is about, `tenant` who lived there before."""

    town: Town
    story: "Story"
    guild: int
    note: str = ""
    deployment: str = ""
    tenant: str = ""
    fault: GuildFault | None = None
    calls_before: int = 0

    def calls(self) -> list[Any]:
        """What was asked about this server since the story began."""
        here = GuildFault("*", "*", guild=self.guild)
        return [call for call in self.town.discord.calls[self.calls_before :] if here.matches(call.method, call.path)]

    async def wrongs(self) -> list[str]:
        """Everything that is not as the story has to end."""
        end, db, discord = self.story.end, self.town.house.db, self.town.discord
        rows = {row.id: row for row in await scene.rows_of(db, self.guild)}
        agents, worn = await scene.agents_of(db, self.guild), scene.face(discord, self.guild)
        live = [row.id for row in await scene.live_rows(db, self.guild)]
        wanted_live = {"deployment": [self.deployment], "tenant": [self.tenant], None: []}[end.lives]
        speaking = sorted(str(rows[each].agent_id) for each in live)
        found = {
            "status": (rows[self.deployment].status, end.status),
            "lives": (live, wanted_live),
            "speaks": (sorted(each.id for each in agents if each.status == "active"), speaking),
            "nick": (worn.nick, end.nick),
            "bio": ((worn.bio or "").startswith("AI character"), end.nick != scene.OWN_NICK),
            "picture": (worn.avatar is not None, end.nick != scene.OWN_NICK),
            "greetings": (len(scene.said_by_bot(discord, self.guild)), end.greetings),
            "orphans": ([each.id for each in agents if each.id not in {r.agent_id for r in rows.values()}], []),
        }
        return [
            f"{self}: {what} is {is_so}, not {not_so}" for what, (is_so, not_so) in found.items() if is_so != not_so
        ]

    def __str__(self) -> str:
        return f"{self.story.name} {self.note}"


@dataclass
class End:
    """`lives` says who holds the server's place in the end."""

    status: str
    lives: str | None
    nick: str
    greetings: int


Act = Callable[[Home], Awaitable[None]]


@dataclass
class Story:
    """`act` asks for what the story is about."""

    name: str
    has_tenant: bool
    act: Act
    end: End
    is_undone: bool = False
    """Stopped while it says hello, so that everything it did has to be undone."""


async def _deploy(home: Home) -> None:
    home.deployment = await home.town.ask(home.guild, home.town.atlas)


async def _replace(home: Home) -> None:
    home.deployment = await home.town.ask(home.guild, home.town.bea, replace=True)


async def _update(home: Home) -> None:
    home.deployment, ada = home.tenant, home.town.ada
    change = {"customizations": {"name": NEW_NAME}, "channel_ids": None, "version": None}
    await home.town.do(home.tenant, lambda session, row: service.change(session, ada, row, **change))


async def _update_refused(home: Home) -> None:
    home.town.fail(home.guild, *PROFILE, status=403, code=50013)
    await _update(home)


async def _remove(home: Home) -> None:
    home.deployment, ada = home.tenant, home.town.ada
    await home.town.do(home.tenant, lambda session, row: service.remove(session, ada, row))


async def _stop(home: Home) -> None:
    ada = home.town.ada
    await home.town.do(home.deployment, lambda session, row: service.remove(session, ada, row))


ATLAS, BEA = "Atlas the Scientist", "Bea the Baker"
DEPLOY = Story("deploy", False, _deploy, End("active", "deployment", ATLAS, 1))
REPLACE = Story("replace", True, _replace, End("active", "deployment", BEA, 2))
UPDATE = Story("update", True, _update, End("active", "deployment", NEW_NAME, 1))
REMOVE = Story("remove", True, _remove, End("removed", None, scene.OWN_NICK, 1))
UNDO = Story("undo", False, _deploy, End("rolled_back", None, scene.OWN_NICK, 0), is_undone=True)
UNDO_REPLACE = Story("undo replace", True, _replace, End("rolled_back", "tenant", ATLAS, 1), is_undone=True)
UNDO_UPDATE = Story("undo update", True, _update_refused, End("active", "deployment", ATLAS, 1))
STORIES = (DEPLOY, REPLACE, UPDATE, REMOVE, UNDO, UNDO_REPLACE, UNDO_UPDATE)


async def prepare(homes: Sequence[Home], work: Callable[[], Awaitable[None]], stop_in: "StopIn") -> None:
    """Bring every home to where its story begins. `work` lets workers finish what is asked; `stop_in` runs them until
    each of these homes is in the middle of its greeting, and kills them there."""
    for home in homes:
        if home.story.has_tenant:
            home.tenant = await home.town.ask(home.guild, home.town.atlas)
    if any(home.tenant for home in homes):
        await work()
    undone = [home for home in homes if home.story.is_undone]
    for home in undone:
        home.fault = home.town.fail(home.guild, *SPEAK, hang=5.0, after_effect=True)
        await home.story.act(home)
    if undone:
        await stop_in(undone)


async def begin(home: Home) -> None:
    """Ask for what the story is about."""
    home.fault, home.calls_before = None, len(home.town.discord.calls)
    await (_stop if home.story.is_undone else home.story.act)(home)


StopIn = Callable[[Sequence[Home]], Awaitable[None]]


async def free_the_dead(town: Town) -> None:
    """What a worker that starts does first: the leases of the killed ones are nobody's."""
    async with town.house.db.write() as session:
        await release_dead_leases(session)


async def judge(homes: Sequence[Home], seconds: float, began: float) -> list[str]:
    """Everything wrong in the end, and every rule that was broken on the way."""
    wrong = [line for home in homes for line in await home.wrongs()]
    took = time.monotonic() - began
    if took > seconds:
        wrong.append(f"it took {took:.1f} s")
    return wrong + scene.rule_breaks(homes[0].town.discord)


async def counted(town: Town) -> tuple[int, int]:
    """(Atlas' deployCount, servers where he ever was)"""
    D, P = PersonalityDeployment, PersonalityTemplate
    async with town.house.db.read() as session:
        count = await session.scalar(select(P.deploy_count).where(P.id == town.atlas.id))
        where = (D.template_id == town.atlas.id, D.deployed_at.is_not(None))
        servers = await session.scalar(select(func.count(D.discord_guild_id.distinct())).where(*where))
    return int(count or 0), int(servers or 0)
