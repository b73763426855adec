"""The sandbox as one server: REST, OAuth, gateway, pages and the stand-in model on one loopback port."""

import asyncio
import importlib.util
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from aiohttp import web

from botbot.sandbox import cast, gate
from botbot.sandbox.calls import Endpoint, Violation
from botbot.sandbox.control import Control
from botbot.sandbox.core import BOT_TOKEN, CLIENT_SECRET, Core
from botbot.sandbox.gateway import socket
from botbot.sandbox.gateway.hub import Hub
from botbot.sandbox.handle import DiscordHandle
from botbot.sandbox.pages import http, views
from botbot.sandbox.world import World

LARGEST_BODY = 25 * 1024 * 1024
STOP_SECONDS = 2.0

PageHandler = Callable[[Core, web.Request], Awaitable[web.StreamResponse]]


class Sandbox:
    """Start it, point a product at `environment`, look inside through `discord`.

    `redirect_uris` are the exact addresses that sign-ins may return to; the first one's origin is taken for the
    marketplace. `port` 0 takes any free one. With `state_file` a restart finds everything as it was.
    `message_content` is the portal's switch for that intent."""

    def __init__(
        self,
        *,
        redirect_uris: Sequence[str],
        port: int = 0,
        state_file: Path | None = None,
        message_content: bool = False,
    ) -> None:
        self.port = port
        self._core = Core(World(cast.fresh_state, state_file), tuple(redirect_uris))
        self._core.switches.message_content = message_content
        self._core.hub = Hub(self._core)
        self._live = views.Live(self._core)
        self._runner: web.AppRunner | None = None
        self.discord = DiscordHandle(self._core)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def violations(self) -> list[Violation]:
        """Requests that broke a rule; the same as `discord.violations`."""
        return self._core.violations

    @property
    def environment(self) -> dict[str, str]:
        """The settings that point a marketplace here."""
        return {
            "DISCORD_CLIENT_ID": str(cast.APPLICATION),
            "DISCORD_CLIENT_SECRET": CLIENT_SECRET,
            "DISCORD_BOT_TOKEN": BOT_TOKEN,
            "DISCORD_API_URL": f"{self.url}{gate.BASE}",
            "DISCORD_AUTHORIZE_URL": f"{self.url}/oauth2/authorize",
            "OPENAI_API_KEY": "sandbox-key",
            "OPENAI_BASE_URL": f"{self.url}/v1",
            "OPENAI_MODEL": "sandbox-model",
        }

    async def start(self) -> None:
        """Listen on loopback. Raises `OSError` when the port is taken."""
        runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", self.port)
            await site.start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self.port = runner.addresses[0][1]
        self._core.url = self.url

    async def stop(self) -> None:
        """Close the gateway's connections and the listener; done within two seconds, safe to repeat."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        self._live.stop()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._core.hub.stop()
                await runner.cleanup()
        except TimeoutError:
            self._core.hub.drop()
        self._core.world.save()

    def _application(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST_BODY, middlewares=[http.only_loopback])
        app.router.add_routes(self._api_routes())
        app.router.add_routes(self._page_routes())
        app.router.add_routes(Control(self.discord).routes())
        app.router.add_routes(_model_routes())
        return app

    def _api_routes(self) -> list[web.RouteDef]:
        from botbot.sandbox import rest
        from botbot.sandbox.oauth import tokens

        routes = [web.route(each.method, gate.BASE + each.path, self._api(each)) for each in rest.endpoints()]
        for each in tokens.table.endpoints:
            routes += [web.route(each.method, base + each.path, self._api(each)) for base in (gate.BASE, "/api")]
        return [*routes, web.route("*", "/api/{rest:.*}", self._api(None))]

    def _page_routes(self) -> list[web.RouteDef]:
        from botbot.sandbox.oauth import screens

        pages: list[tuple[str, str, PageHandler]] = [
            ("GET", "/oauth2/authorize", screens.show),
            ("POST", "/oauth2/authorize", screens.decide),
            ("POST", "/oauth2/person", screens.choose_person),
            ("GET", "/gateway", socket.serve),
            ("GET", "/gateway/", socket.serve),
            ("GET", "/gateway/resume", socket.serve),
            *views.PAGES,
            ("GET", "/servers/{guild_id}/events", self._live.stream),
        ]
        return [web.route(method, path, self._page(handler)) for method, path, handler in pages]

    def _api(self, endpoint: Endpoint | None) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            return await gate.pass_through(self._core, endpoint, request)

        return serve

    def _page(self, handler: PageHandler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            return await handler(self._core, request)

        return serve


def _model_routes() -> list[web.RouteDef]:
    """The stand-in model has a room of its own and may be absent."""
    if importlib.util.find_spec("botbot.sandbox.model") is None:
        return []
    from botbot.sandbox.model import routes

    return list(routes())
