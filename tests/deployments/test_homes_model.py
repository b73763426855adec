"""Whatever people, Discord and a failing worker do to a server, in whatever order: one lives there, or nobody does, and
it looks and speaks as a few dictionaries say."""

import asyncio
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from tests.conftest import SECRET_KEY
from tests.deployments import crowd, scene
from tests.deployments.crowd import PROFILE, Town
from tests.support.engines import ONLY_SQLITE

import botbot.runtime
from botbot.catalog.models import PersonalityTemplate
from botbot.deployments import flow, service
from botbot.deployments.departures import settle_departure
from botbot.deployments.jobs import saga_kinds
from botbot.errors import AlreadyDeployed, Conflict
from botbot.house import House
from botbot.jobs.engine import SagaRunner
from botbot.jobs.sagas import LEASE
from botbot.kit import clock
from botbot.peers.discord.rest import DiscordRest
from botbot.sandbox import cast, permissions
from botbot.sandbox.server import Sandbox
from botbot.settings import Settings

GUILDS, ROUNDS = 2, 40
where = st.integers(0, GUILDS - 1)
which = st.integers(0, 1)
pick = st.integers(0, 9)
names = st.sampled_from(["Kettle", "Ünï ☕", "x" * 32])
trouble = st.sampled_from([None, None, "refused", "lost", "crash"])
"""`refused` turns the work round; after `lost` and `crash` it has to come out as if nothing had been."""


@dataclass
class Tenant:
    """`replaced_by` as the row's: who took its place, even where that one is gone again."""

    id: str
    personality: int
    name: str
    status: str = "active"
    replaced_by: str | None = None


@dataclass
class Server:
    guild: int
    tenants: list[Tenant] = field(default_factory=list)
    live: Tenant | None = None
    has_bot: bool = True

    def of(self, *states: str) -> list[Tenant]:
        return [each for each in self.tenants if each.status in states]


class Homes(RuleBasedStateMachine):
    runner: asyncio.Runner
    town: Town
    worker: SagaRunner

    def __init__(self) -> None:
        super().__init__()
        self.servers = [Server(self.town.new_guild()) for _ in range(GUILDS)]
        self.entries = [self.town.atlas, self.town.bea]
        self.archived: set[int] = set()

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    async def _finish(self, server: Server, how: str | None) -> None:
        await self._forget_limits()
        if how == "refused":
            self.town.fail(server.guild, *PROFILE, status=403, code=50013)
        elif how == "lost":
            self.town.fail(server.guild, *PROFILE, status=502, after_effect=True)
        elif how == "crash":
            await self._crash(server)
        for _ in range(ROUNDS):
            await self.worker.drain()
            if not await self.town.at_work():
                return self.town.discord.clear_failures()
            clock.move(timedelta(seconds=61))
        raise AssertionError(f"never done: {await self.town.at_work()}")

    async def _forget_limits(self) -> None:
        """Time flies here, but not for Discord's limits, which go by another clock: work as a fresh process would."""
        house = self.town.house
        await house.discord.aclose()
        house.discord = DiscordRest(house.settings)
        self.town.discord.limits.clear()

    async def _crash(self, server: Server) -> None:
        """The worker dies in its first call that changes something; its leases run out."""
        fault = self.town.fail(server.guild, *PROFILE, hang=0.2, after_effect=True)
        work = asyncio.create_task(self.worker.drain())
        while not (fault.hits or work.done()):
            await asyncio.sleep(0.005)
        tasks = [work, *self.worker._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        clock.move(LEASE + timedelta(seconds=1))

    async def _change(self, tenant: Tenant, verb: Any) -> None:
        await self.town.do(tenant.id, verb)

    # What people do

    @rule(n=where, entry=which, replace=st.booleans(), how=trouble)
    def deploy(self, n: int, entry: int, replace: bool, how: str | None) -> None:
        server, personality = self.servers[n], self.entries[entry]
        if server.live and not replace:
            with pytest.raises(AlreadyDeployed):
                self.do(self.town.ask(server.guild, personality))
            return
        tenant = Tenant(self.do(self.town.ask(server.guild, personality, replace=replace)), entry, personality.name)
        server.tenants.append(tenant)
        self.do(self._finish(server, how))
        if how == "refused" or not server.has_bot:
            tenant.status = "rolled_back"
        else:
            self._move_in(server, tenant)

    def _move_in(self, server: Server, tenant: Tenant) -> None:
        if server.live is not None:
            server.live.status, server.live.replaced_by = "paused", tenant.id
        tenant.status, tenant.replaced_by, server.live = "active", None, tenant

    @precondition(lambda self: any(server.live for server in self.servers))
    @rule(n=where)
    def pause_or_resume(self, n: int) -> None:
        live = self.servers[n].live
        if live is None:
            return
        ada, is_active = self.town.ada, live.status == "active"
        verb = service.pause if is_active else (lambda s, v, row: service.resume(s, v, row, replace=False))
        self.do(self._change(live, lambda session, row: verb(session, ada, row)))
        live.status = "paused" if is_active else "active"

    @precondition(lambda self: any(t.replaced_by for server in self.servers for t in server.of("paused")))
    @rule(n=where, which=pick, how=trouble)
    def swap_back(self, n: int, which: int, how: str | None) -> None:
        server = self.servers[n]
        waiting = [each for each in server.of("paused") if each.replaced_by]
        if not waiting:
            return
        tenant, ada = waiting[which % len(waiting)], self.town.ada
        stood_in = server.live.id if server.live else tenant.replaced_by
        self.do(self._change(tenant, lambda s, row: service.resume(s, ada, row, replace=True)))
        self.do(self._finish(server, how))
        if how == "refused":
            tenant.replaced_by = stood_in
        else:
            self._move_in(server, tenant)

    @precondition(lambda self: any(server.of("active", "paused") for server in self.servers))
    @rule(n=where, which=pick, name=names, how=trouble)
    def update(self, n: int, which: int, name: str, how: str | None) -> None:
        server = self.servers[n]
        homes = server.of("active", "paused")
        if not homes:
            return
        tenant, ada = homes[which % len(homes)], self.town.ada
        change = {"customizations": {"name": name}, "channel_ids": None, "version": None}
        self.do(self._change(tenant, lambda session, row: service.change(session, ada, row, **change)))
        self.do(self._finish(server, how))
        if how != "refused" or tenant.replaced_by:
            tenant.name = name

    @precondition(lambda self: any(server.of("active", "paused") for server in self.servers))
    @rule(n=where, which=pick, how=st.sampled_from([None, "lost", "crash"]))
    def remove(self, n: int, which: int, how: str | None) -> None:
        server = self.servers[n]
        homes = server.of("active", "paused")
        if not homes:
            return
        tenant, ada = homes[which % len(homes)], self.town.ada
        self.do(self._change(tenant, lambda session, row: service.remove(session, ada, row)))
        self.do(self._finish(server, how))
        tenant.status = "removed"
        if server.live is tenant:
            server.live = None

    @precondition(lambda self: any(server.of("rolled_back") for server in self.servers))
    @rule(n=where, which=pick)
    def retry(self, n: int, which: int) -> None:
        server = self.servers[n]
        undone, ada = server.of("rolled_back"), self.town.ada
        if not undone or server.live:
            return
        tenant = undone[which % len(undone)]
        again = self._change(tenant, lambda session, row: flow.retry(session, ada, row))
        if tenant.personality in self.archived:
            with pytest.raises(Conflict):
                self.do(again)
            return
        self.do(again)
        self.do(self._finish(server, None))
        if server.has_bot:
            self._move_in(server, tenant)

    # What happens to them

    @rule(n=where)
    def kick_or_invite(self, n: int) -> None:
        server, discord = self.servers[n], self.town.discord
        if not server.has_bot:
            cast._install_bot(discord.guilds[server.guild], permissions.CHANNEL_MODE)
            scene.name_the_bot(discord, server.guild)
            server.has_bot = True
            return
        discord.take_bot_out(server.guild)
        self.do(settle_departure(self.town.house, server.guild))
        for tenant in server.of("active", "paused"):
            tenant.status, tenant.replaced_by = "removed", None
        server.has_bot, server.live = False, None

    @rule(entry=which)
    def archive_or_bring_back(self, entry: int) -> None:
        """Those that live somewhere go on."""
        self.archived ^= {entry}
        self.do(self._archive(self.entries[entry].id, entry in self.archived))

    async def _archive(self, personality_id: str, is_archived: bool) -> None:
        async with self.town.house.db.write() as session:
            row = await session.get_one(PersonalityTemplate, personality_id)
            row.archived_at = clock.now() if is_archived else None

    def teardown(self) -> None:
        for entry in self.archived:
            self.do(self._archive(self.entries[entry].id, False))

    # What is always so

    @invariant()
    def it_is_as_the_model_says(self) -> None:
        for server in self.servers:
            self.do(self._compare(server))

    async def _compare(self, server: Server) -> None:
        db, live = self.town.house.db, server.live
        rows = {row.id: row for row in await scene.rows_of(db, server.guild)}
        for tenant in server.tenants:
            assert (tenant.id, rows[tenant.id].status) == (tenant.id, tenant.status)
            assert tenant.status != "paused" or rows[tenant.id].replaced_by == tenant.replaced_by
        assert [row.id for row in await scene.live_rows(db, server.guild)] == ([live.id] if live else [])
        speaking = [each.id for each in await scene.agents_of(db, server.guild) if each.status == "active"]
        assert speaking == ([rows[live.id].agent_id] if live and live.status == "active" else [])
        assert scene.rule_breaks(self.town.discord) == []
        if server.has_bot and live is None:
            assert scene.is_bare(self.town.discord, server.guild), scene.face(self.town.discord, server.guild)
        elif live is not None:
            worn = scene.face(self.town.discord, server.guild)
            assert (worn.nick, worn.avatar is not None) == (live.name, True)


@pytest.fixture
def homes(database_url: str, tmp_path: Any) -> Iterator[type[Homes]]:
    """The machine, with a Discord, a database and a worker in a loop of its own."""
    with asyncio.Runner() as runner:
        sandbox = Sandbox(redirect_uris=["http://127.0.0.1:1/api/auth/callback"])
        runner.run(sandbox.start())
        sandbox.discord.limits.is_enabled = False
        own = Settings(database_url=database_url, data_dir=tmp_path / "data", secret_key=SECRET_KEY, log="text")
        house = House.build(botbot.runtime.sandboxed(own, sandbox))
        town = runner.run(crowd.open_town(house, sandbox.discord))
        worker = SagaRunner(house.db, house.signal, saga_kinds(house))
        yield type("HomesHere", (Homes,), {"runner": runner, "town": town, "worker": worker})
        runner.run(worker.stop())
        runner.run(house.close())
        runner.run(sandbox.stop())


def run(machine: type[Homes], examples: int, steps: int) -> None:
    calm = {"deadline": None, "suppress_health_check": list(HealthCheck), "print_blob": False, "database": None}
    bounds = settings(max_examples=examples, stateful_step_count=steps, **calm)
    run_state_machine_as_test(machine, settings=bounds)


@ONLY_SQLITE
def test_the_homes_are_as_the_model_says(homes: type[Homes]) -> None:
    run(homes, 4, 12)


@pytest.mark.long
@pytest.mark.timeout(600)
@ONLY_SQLITE
def test_the_homes_are_as_the_model_says_for_long(homes: type[Homes]) -> None:
    run(homes, 40, 25)
