"""The processes: web, worker and bot, alone or all in one, each ready soon and gone within ten seconds of SIGTERM."""

import asyncio
import contextlib
import logging
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from importlib import metadata
from typing import Any

import uvicorn

from botbot.accounts import service as accounts
from botbot.agents import service as agents
from botbot.app import build_app
from botbot.audit import service as audit
from botbot.bot.runner import BotRunner
from botbot.catalog import editing, search_index, trending
from botbot.catalog.entries import read_curated
from botbot.catalog.models import PersonalityTemplate
from botbot.catalog.service import seed_entry
from botbot.db.migrate import TAKE_TURNS, is_enough, migrate, revision
from botbot.deployments import limits as moves
from botbot.deployments import service as deployments
from botbot.deployments.jobs import saga_kinds
from botbot.desk import screening
from botbot.errors import BotBotError, NotConfigured, ValidationFailed
from botbot.exchange import queue as imports
from botbot.house import House
from botbot.jobs import budgets, outbox
from botbot.jobs.engine import SagaRunner
from botbot.kit import clock
from botbot.preview.books import VISITOR_KEY
from botbot.privacy import jobs as erasures
from botbot.privacy import retention
from botbot.sandbox.cast import CLEO as ADMIN
from botbot.sandbox.server import Sandbox
from botbot.security.patience import PatientProtocol
from botbot.settings import PORTAL, Settings
from botbot.status import service as presence
from botbot.usage import service as usage
from botbot.watching import reports, tracing

log = logging.getLogger("botbot")

STOP_SECONDS = 6.0
TIDY_EVERY_SECONDS = 600.0
TRENDING_EVERY_SECONDS = 300.0
PUBLISH_EVERY_SECONDS = 20.0
KEEP_BUDGETS = timedelta(days=90)
KEEP_VISITORS = timedelta(days=1)
KEEP_OUTBOX = timedelta(days=7)
KEEP_USAGE = timedelta(days=400)
KEEP_PRESENCE = timedelta(days=7)
LOOK_SECONDS = 1.0


class WebServer(uvicorn.Server):
    """uvicorn without its own signal handling, which would end the other tasks of this process."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_started = asyncio.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.is_started.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """uvicorn gives connections a tenth of a second to say goodbye, also where there is none."""
        if self.server_state.connections or self.server_state.tasks:
            await super().shutdown(sockets)
            return
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for server in self.servers:
            await server.wait_closed()
        await self.lifespan.shutdown()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def seed(house: House) -> dict[str, int]:
    """Load the curated catalogue; answers how many entries were created, updated, unchanged."""
    counts = {"created": 0, "updated": 0, "unchanged": 0}
    entries = await asyncio.to_thread(read_curated)
    async with house.db.write() as session:
        if not house.db.is_sqlite:
            await session.execute(TAKE_TURNS)
        for entry in entries:
            counts[await seed_entry(session, entry)] += 1
    return counts


async def prepare(house: House) -> None:
    """Bring the schema up to date, and fill an empty catalogue."""
    await migrate(house.db)
    await search_index.ensure(house.db)
    async with house.db.read() as session:
        from sqlalchemy import select

        is_empty = await session.scalar(select(PersonalityTemplate.id).limit(1)) is None
    if is_empty:
        await seed(house)


async def wait_for_schema(house: House) -> None:
    """A worker or bot may start before the one that migrates."""
    while True:
        try:
            present, wanted = await revision(house.db)
        except BotBotError:
            present, wanted = None, ""
        if is_enough(present):
            return
        log.info("waiting for the schema: it is %s, this code wants %s", present or "empty", wanted)
        await asyncio.sleep(1)


async def tidy_forever(house: House) -> None:
    """What time makes superfluous: old talk, handled notes, old budgets, installs that never came."""
    while True:
        try:
            await tidy(house)
        except Exception:
            log.warning("tidying up has to wait", exc_info=True)
        await asyncio.sleep(TIDY_EVERY_SECONDS)


async def tidy(house: House) -> None:
    now = clock.now()
    async with house.db.write() as session:
        await agents.forget_old_talk(session, now - timedelta(days=house.settings.retention_days))
        await outbox.forget_handled(session, now - KEEP_OUTBOX)
        await budgets.forget(session, now - KEEP_BUDGETS)
        await budgets.forget(session, now - KEEP_VISITORS, name=VISITOR_KEY)
        await budgets.forget(session, now - moves.KEEP, name=moves.KEY)
        await usage.forget(session, now - KEEP_USAGE)
        await deployments.expire_uninstalled(session)
        await accounts.forget_expired_sessions(session)
        await trending.forget_old_talks(session)
        await audit.forget_old(session)
        await imports.forget_old(session)
        await presence.forget_gone(session, now - KEEP_PRESENCE)
        await retention.forget_old(session)
    await screening.screen_personalities(house)


async def watch_trends_forever(house: House) -> None:
    """What is trending is worked out anew every few minutes; several workers doing so agree."""
    while True:
        try:
            await trending.recompute(house.db)
        except Exception:
            log.warning("what is trending has to wait", exc_info=True)
        await asyncio.sleep(TRENDING_EVERY_SECONDS)


async def publish_forever(house: House) -> None:
    """Entries whose moment has come go public; several workers doing so agree."""
    while True:
        try:
            async with house.db.write() as session:
                await editing.publish_due(session)
        except Exception:
            log.warning("publishing has to wait", exc_info=True)
        await asyncio.sleep(PUBLISH_EVERY_SECONDS)


async def say_present_forever(house: House, states: Callable[[], dict[str, str]]) -> None:
    """For the status page, which another process may draw: at every change, and now and then that we are still here."""
    said, said_at = dict[str, str](), 0.0
    while True:
        is_due = time.monotonic() - said_at > presence.BEAT_SECONDS
        if (now := states()) != said or is_due:
            try:
                async with house.db.write() as session:
                    await presence.say_present(session, now)
                said, said_at = now, time.monotonic()
            except BotBotError as error:
                log.info("our presence can't be noted: %s", error.message)
        await asyncio.sleep(LOOK_SECONDS)


class Process:
    """One process of ours, made of the roles it plays."""

    def __init__(self, settings: Settings, roles: frozenset[str], *, sandbox: bool = False) -> None:
        self._settings = settings
        self._roles = roles
        self._wants_sandbox = sandbox
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[Any]] = []
        self._closers: list[Callable[[], Awaitable[None]]] = []

    async def run(self) -> int:
        """Until SIGTERM or SIGINT, or until a part that must not end does. Answers the exit code."""
        self._watch_signals()
        self._start_watching()
        settings = await self._start_sandbox()
        house = House.build(settings)
        self._closers.append(house.close)
        try:
            if "web" in self._roles:
                await prepare(house)
            server = self._build_web(house)
            self._start_workers(house, server.config.app_state)  # type: ignore[attr-defined]
            return await self._serve(server)
        finally:
            await self._close()

    def _watch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, self._stopping.set)

    def _start_watching(self) -> None:
        """Traces and error reports, where they were asked for."""
        role = "serve" if len(self._roles) > 1 else next(iter(self._roles))
        version = metadata.version("botbot-marketplace")
        if self._settings.otel_endpoint:
            tracing.set_up(self._settings.otel_endpoint, role, version)
            self._closers.append(partial(asyncio.to_thread, tracing.stop))
        if self._settings.sentry_dsn:
            try:
                reports.set_up(self._settings.sentry_dsn, role, version)
            except ValueError as error:
                raise ValidationFailed("SENTRY_DSN can't be used.", fields={"SENTRY_DSN": str(error)}) from error
            self._closers.append(partial(asyncio.to_thread, reports.stop))

    async def _start_sandbox(self) -> Settings:
        if not self._wants_sandbox:
            return self._settings
        sandbox = Sandbox(
            redirect_uris=[self._settings.redirect_uri],
            port=self._settings.sandbox_port,
            state_file=self._settings.data_dir / "sandbox.json",
            message_content=self._settings.discord_message_content,
        )
        try:
            await sandbox.start()
        except OSError as error:
            raise NotConfigured(_taken("BOTBOT_SANDBOX_PORT", self._settings.sandbox_port, error)) from error
        self._closers.append(sandbox.stop)
        self.sandbox_url = sandbox.url
        return sandboxed(self._settings, sandbox)

    sandbox_url: str | None = None

    def _build_web(self, house: House) -> WebServer:
        app, site = build_app(house, sandbox_url=self.sandbox_url, only_health="web" not in self._roles)
        settings = house.settings
        config = uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            http=PatientProtocol,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=list(settings.trusted_proxies),
            timeout_graceful_shutdown=3,
            timeout_keep_alive=30,
        )
        config.app_state = site.state  # type: ignore[attr-defined]
        return WebServer(config)

    def _start_workers(self, house: House, state: Any) -> None:
        self._spawn(house.signal.listen(), "signal")
        if "worker" in self._roles:
            runner = SagaRunner(house.db, house.signal, saga_kinds(house))
            self._spawn(_after_schema(house, runner.run_forever), "worker")
            self._spawn(_after_schema(house, lambda: tidy_forever(house)), "tidy")
            self._spawn(_after_schema(house, lambda: watch_trends_forever(house)), "trending")
            self._spawn(_after_schema(house, lambda: publish_forever(house)), "publishing")
            woken = erasures.subscribe(house)
            self._spawn(_after_schema(house, lambda: erasures.settle_forever(house, woken)), "erasures")
            self._closers.append(runner.stop)
        if "bot" in self._roles:
            bot = BotRunner(house)
            state.health.parts["discord_gateway"] = bot.state
            self._spawn(_after_schema(house, bot.run_forever), "bot")
            self._closers.append(bot.stop)
        if self._roles & {"worker", "bot"}:
            states = partial(self._states, state)
            self._spawn(_after_schema(house, lambda: say_present_forever(house, states)), "presence")
        self._before_stop = partial(_end_streams, state)
        self._closers.append(state.relays.settled)

    def _states(self, state: Any) -> dict[str, str]:
        """How our parts are that others wait for."""
        states = {"worker": "ok"} if "worker" in self._roles else {}
        if gateway := state.health.parts.get("discord_gateway"):
            states["bot"] = gateway()["state"]
        return states

    def _spawn(self, work: Any, name: str) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(_say_if_it_died)
        self._tasks.append(task)

    async def _serve(self, server: WebServer) -> int:
        web = asyncio.create_task(server.serve([self._listen()]), name="web")
        stop = asyncio.create_task(self._stopping.wait())
        announce = asyncio.create_task(self._announce(server))
        await asyncio.wait({web, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        announce.cancel()
        if not self._stopping.is_set():
            return 0 if web.done() and not web.cancelled() and web.exception() is None and server.started else 1
        self._before_stop()
        server.should_exit = True
        await asyncio.wait({web}, timeout=STOP_SECONDS)
        return 0

    def _listen(self) -> socket.socket:
        """Our own socket: uvicorn would leave the whole process when the port is taken."""
        listener = socket.socket(socket.AF_INET6 if ":" in self._settings.host else socket.AF_INET)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self._settings.host, self._settings.port))
        except OSError as error:
            listener.close()
            raise NotConfigured(_taken("BOTBOT_PORT", self._settings.port, error)) from error
        return listener

    async def _announce(self, server: WebServer) -> None:
        await server.is_started.wait()
        print(f"BotBot is ready: {self._settings.public_url}", flush=True)
        if self.sandbox_url:
            print(f"Its sandbox, a stand-in for Discord: {self.sandbox_url}", flush=True)
        elif missing := self._settings.missing_discord:
            print(f"Not connected to Discord: set {', '.join(missing)}; you find them at {PORTAL}", flush=True)
        if not self.sandbox_url and not self._settings.has_model:
            print("No model: chats answer with sample replies. Set OPENAI_API_KEY or OPENAI_BASE_URL.", flush=True)

    async def _close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for close in reversed(self._closers):
            try:
                async with asyncio.timeout(4):
                    await close()
            except Exception:
                log.warning("closing: %s", close, exc_info=True)


def _taken(setting: str, port: int, error: OSError) -> str:
    return f"Port {port} can't be used ({error.strerror}). Stop what uses it, or set {setting} to another one."


def _end_streams(state: Any) -> None:
    """Replies and progress that somebody still reads; a server that stops would wait for them."""
    state.relays.interrupt()
    state.progress.interrupt()


async def _after_schema(house: House, work: Callable[[], Awaitable[None]]) -> None:
    await wait_for_schema(house)
    await work()


def sandboxed(settings: Settings, sandbox: Sandbox) -> Settings:
    """The settings with everything pointed at the sandbox, and its admin made ours."""
    told = sandbox.environment
    return replace(
        settings,
        discord_client_id=told["DISCORD_CLIENT_ID"],
        discord_client_secret=told["DISCORD_CLIENT_SECRET"],
        discord_bot_token=told["DISCORD_BOT_TOKEN"],
        discord_api_url=told["DISCORD_API_URL"],
        discord_authorize_url=told["DISCORD_AUTHORIZE_URL"],
        openai_api_key=told["OPENAI_API_KEY"],
        openai_base_url=told["OPENAI_BASE_URL"],
        openai_model=told["OPENAI_MODEL"],
        openai_fallback_models=(),
        admins=(*settings.admins, ADMIN),
    )


def _say_if_it_died(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("%s died", task.get_name(), exc_info=task.exception())
