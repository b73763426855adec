"""The pages: all servers, one server with its channels, what is written there, and the pictures."""

import asyncio
import time
from typing import Any

from aiohttp import web

from botbot.sandbox import people
from botbot.sandbox.core import Core
from botbot.sandbox.pages import http, shapes, showing
from botbot.sandbox.world import Channel, Guild

STATIC = {"sandbox.css": "text/css", "live.js": "text/javascript"}
PING_SECONDS = 15.0


def _number(request: web.Request, name: str) -> int:
    text = request.match_info.get(name, request.query.get(name, ""))
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 20 else 0


def _guild(core: Core, request: web.Request) -> Guild:
    guild = core.world.state.guilds.get(_number(request, "guild_id"))
    if guild is None:
        raise web.HTTPNotFound(text="There is no such server in the sandbox.")
    return guild


def _channel(core: Core, request: web.Request) -> Channel:
    wanted = _number(request, "channel_id")
    channel = next((each for each in _guild(core, request).channels if each.id == wanted), None)
    if channel is None:
        raise web.HTTPNotFound(text="There is no such channel in this server.")
    return channel


async def home(core: Core, request: web.Request) -> web.StreamResponse:
    return http.page(core, "home.html", servers=[showing.card(core, each) for each in core.world.state.guilds.values()])


async def server(core: Core, request: web.Request) -> web.StreamResponse:
    return _server_page(core, request, _guild(core, request))


def _server_page(
    core: Core,
    request: web.Request,
    guild: Guild,
    *,
    problem: str = "",
    at: int = 0,
    draft: str = "",
    status: int = 200,
) -> web.Response:
    speakers = showing.speakers(core, guild)
    speaker = http.remembered(core, request)
    if speaker not in speakers:
        speaker = speakers[0] if speakers else None
    reply_to = showing.reply_target(core, guild, _number(request, "reply"))
    return http.page(
        core,
        "server.html",
        status=status,
        guild=guild,
        guilds=list(core.world.state.guilds.values()),
        channels=[showing.channel(core, guild, each) for each in guild.channels],
        members=showing.members(core, guild),
        speakers=speakers,
        speaker=speaker,
        bot=showing.bot(core, guild),
        reply_to=reply_to,
        problem=problem,
        problem_at=at,
        draft=draft,
        moment=time.time_ns() // 1_000_000,
    )


async def messages(core: Core, request: web.Request) -> web.StreamResponse:
    """One channel's messages alone, for the script that keeps the page live."""
    guild, channel = _guild(core, request), _channel(core, request)
    return http.page(core, "_messages.html", guild=guild, channel=showing.channel(core, guild, channel))


async def members(core: Core, request: web.Request) -> web.StreamResponse:
    guild = _guild(core, request)
    return http.page(core, "_members.html", members=showing.members(core, guild))


async def write(core: Core, request: web.Request) -> web.StreamResponse:
    guild, channel = _guild(core, request), _channel(core, request)
    form = await http.form(request)
    speaker = http.person(core, form.get("speaker", ""))
    if speaker is None or speaker.id not in guild.members:
        raise web.HTTPBadRequest(text="Choose who is speaking.")
    content = form.get("content", "").replace("\r\n", "\n")
    try:
        _say(core, speaker.id, channel, content, form)
    except people.CannotSpeak as reason:
        return _server_page(core, request, guild, problem=str(reason), at=channel.id, draft=content, status=400)
    core.world.save()
    answer = http.redirect(f"/servers/{guild.id}#channel-{channel.id}")
    http.remember(answer, speaker)
    return answer


def _say(core: Core, user_id: int, channel: Channel, content: str, form: dict[str, str]) -> None:
    """A line that starts with a known slash command uses it; everything else is said."""
    name, _, text = content.strip().removeprefix("/").partition(" ")
    if content.startswith("/") and people.find_command(core, name, people.SLASH):
        people.use_command(core, user_id, channel, name, text.strip())
        return
    reply_to = form.get("reply_to", "")
    people.speak(
        core,
        user_id,
        channel,
        content,
        mention_bot="mention" in form,
        reply_to=int(reply_to) if reply_to.isascii() and reply_to.isdigit() else None,
        ping="no_ping" not in form,
    )


async def use_menu(core: Core, request: web.Request) -> web.StreamResponse:
    """A message's menu command."""
    guild, channel = _guild(core, request), _channel(core, request)
    form = await http.form(request)
    speaker = http.person(core, form.get("speaker", "")) or http.remembered(core, request)
    if speaker is None or speaker.id not in guild.members:
        speaker = showing.speakers(core, guild)[0]
    try:
        target = _number(request, "message_id")
        people.use_command(core, speaker.id, channel, form.get("command", ""), target_id=target)
    except people.CannotSpeak as reason:
        return _server_page(core, request, guild, problem=str(reason), at=channel.id, status=400)
    core.world.save()
    return http.redirect(f"/servers/{guild.id}#channel-{channel.id}")


async def static(core: Core, request: web.Request) -> web.StreamResponse:
    name = request.match_info["name"]
    if name not in STATIC:
        raise web.HTTPNotFound
    text = (http.HERE / "static" / name).read_text(encoding="utf-8")
    return web.Response(text=text, content_type=STATIC[name], headers={"X-Content-Type-Options": "nosniff"})


async def picture(core: Core, request: web.Request) -> web.StreamResponse:
    """What was uploaded, by its hash, wherever Discord's CDN would serve it."""
    image = core.world.state.images.get(request.match_info["hash"].rpartition(".")[0] or request.match_info["hash"])
    if image is None:
        raise web.HTTPNotFound
    is_picture = image.content_type.startswith("image/") and "svg" not in image.content_type
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "public, max-age=31536000, immutable"}
    if not is_picture:
        headers["Content-Disposition"] = "attachment"
    kind = image.content_type if is_picture else "application/octet-stream"
    return web.Response(body=image.data, content_type=kind, headers=headers)


async def face(core: Core, request: web.Request) -> web.StreamResponse:
    """A drawn portrait for somebody without a picture."""
    user = core.world.state.users.get(_number(request, "user_id"))
    hue, seed = (user.hue, user.id) if user else (250, _number(request, "user_id"))
    drawing = shapes.robot(hue) if user is None or user.is_bot else shapes.portrait(hue, seed)
    headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'"}
    return web.Response(text=drawing, content_type="image/svg+xml", headers=headers)


PAGES: list[tuple[str, str, Any]] = [
    ("GET", "/", home),
    ("GET", "/servers/{guild_id}", server),
    ("GET", "/servers/{guild_id}/members", members),
    ("GET", "/servers/{guild_id}/channels/{channel_id}/messages", messages),
    ("POST", "/servers/{guild_id}/channels/{channel_id}/messages", write),
    ("POST", "/servers/{guild_id}/channels/{channel_id}/messages/{message_id}/menu", use_menu),
    ("GET", "/static/{name}", static),
    ("GET", "/faces/{user_id}.svg", face),
    ("GET", "/guilds/{guild_id}/users/{user_id}/avatars/{hash}", picture),
    ("GET", "/guilds/{guild_id}/users/{user_id}/banners/{hash}", picture),
    ("GET", "/avatars/{user_id}/{hash}", picture),
    ("GET", "/attachments/{id}/{hash}", picture),
]


class Live:
    """Tells open pages which channel changed, as server-sent events."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._open: set[asyncio.Queue[str | None]] = set()

    def stop(self) -> None:
        for waiting in self._open:
            waiting.put_nowait(None)

    async def stream(self, core: Core, request: web.Request) -> web.StreamResponse:
        guild = _guild(core, request)
        response = web.StreamResponse(headers={"Cache-Control": "no-store", "Content-Type": "text/event-stream"})
        await response.prepare(request)
        waiting: asyncio.Queue[str | None] = asyncio.Queue()

        def hear(event: str, facts: dict[str, Any]) -> None:
            line = showing.news(guild, event, facts)
            if line:
                waiting.put_nowait(line)

        core.world.listen(hear)
        self._open.add(waiting)
        try:
            await _forward(response, waiting)
        except ConnectionError:
            pass  # The page was closed.
        finally:
            core.world.unlisten(hear)
            self._open.discard(waiting)
        return response


async def _forward(response: web.StreamResponse, waiting: asyncio.Queue[str | None]) -> None:
    await response.write(b": hello\n\n")
    while True:
        try:
            async with asyncio.timeout(PING_SECONDS):
                line = await waiting.get()
        except TimeoutError:
            line = ": still here"
        if line is None:
            return
        await response.write(f"{line}\n\n".encode())
