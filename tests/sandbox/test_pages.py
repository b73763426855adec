"""What a first visitor meets: servers, channels, forms; nothing of it needs a script."""

import asyncio
import re
import time
from typing import Any

import aiohttp
import pytest
from tests.sandbox.conftest import Api

from botbot.sandbox import cast, membership
from botbot.sandbox.pages import markup
from botbot.sandbox.server import Sandbox

PARLOUR, RULES = cast.channel_id(cast.TEA_HOUSE, 1), cast.channel_id(cast.TEA_HOUSE, 4)
SERVER = f"/servers/{cast.TEA_HOUSE}"
WRITE = f"{SERVER}/channels/{PARLOUR}/messages"


async def page(sandbox: Sandbox, session: aiohttp.ClientSession, path: str) -> str:
    async with session.get(sandbox.url + path) as answer:
        assert answer.status == 200
        return await answer.text()


async def write(sandbox: Sandbox, session: aiohttp.ClientSession, **form: Any) -> aiohttp.ClientResponse:
    fields = {"speaker": str(cast.ADA), **form}
    return await session.post(sandbox.url + WRITE, data=fields, allow_redirects=False)


async def test_the_first_page_lists_the_servers_and_says_what_this_is(
    sandbox: Sandbox, session: aiohttp.ClientSession
) -> None:
    text = await page(sandbox, session, "/")
    assert "Sandbox: not the real Discord" in text
    for guild in sandbox.discord.guilds.values():
        assert f'href="/servers/{guild.id}"' in text


async def test_each_channel_has_a_form_with_a_labelled_mention_box(
    sandbox: Sandbox, session: aiohttp.ClientSession
) -> None:
    text = await page(sandbox, session, SERVER)
    for channel in sandbox.discord.guilds[cast.TEA_HOUSE].channels:
        form = re.search(rf'<form[^>]*action="{SERVER}/channels/{channel.id}/messages">.*?</form>', text, re.DOTALL)
        assert form
        assert 'name="content"' in form[0]
        assert re.search(r'<label><input type="checkbox" name="mention"[^>]*> Mention the bot</label>', form[0])
        assert f'<option value="{cast.BEN}"' in form[0]


async def test_a_form_speaks_and_leads_back(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    answer = await write(sandbox, session, content="hello\r\nthere", mention="1")
    assert answer.status == 303
    assert answer.headers["Location"] == f"{SERVER}#channel-{PARLOUR}"
    said = sandbox.discord.messages(PARLOUR)[-1]
    assert (said.content, said.author_id, said.pings) == (f"<@{cast.BOT}> hello\nthere", cast.ADA, [cast.BOT])
    text = await page(sandbox, session, SERVER)
    assert '<span class="mention">@BotBot</span> hello\nthere' in text


async def test_without_the_box_nobody_is_mentioned(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    await write(sandbox, session, content="just us")
    assert sandbox.discord.messages(PARLOUR)[-1].pings == []


async def test_replying_works_without_a_script(sandbox: Sandbox, session: aiohttp.ClientSession, api: Api) -> None:
    own = (await api.say(PARLOUR, "ask me"))[1]
    text = await page(sandbox, session, f"{SERVER}?reply={own['id']}")
    assert f'name="reply_to" value="{own["id"]}"' in text
    await write(sandbox, session, content="why?", reply_to=own["id"])
    said = sandbox.discord.messages(PARLOUR)[-1]
    assert (str(said.replies_to), said.pings) == (own["id"], [cast.BOT])


@pytest.mark.parametrize(
    ("form", "status", "words"),
    [
        ({"content": "  "}, 400, "Write something first"),
        ({"content": "x" * 2001}, 400, "too long"),
        ({"content": "x", "speaker": str(cast.EDDA)}, 400, "Choose who is speaking"),
        ({"content": "x", "speaker": "nobody"}, 400, "Choose who is speaking"),
    ],
)
async def test_what_cannot_be_said_is_explained(
    sandbox: Sandbox, session: aiohttp.ClientSession, form: dict[str, str], status: int, words: str
) -> None:
    answer = await write(sandbox, session, **form)
    assert answer.status == status
    assert words in await answer.text()


async def test_a_channel_one_may_only_read(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    fields = {"speaker": str(cast.BEN), "content": "my draft"}
    answer = await session.post(f"{sandbox.url}{SERVER}/channels/{RULES}/messages", data=fields)
    text = await answer.text()
    assert "You may read here, but not write." in text
    assert "my draft</textarea>" in text


async def test_a_slash_line_uses_the_command(sandbox: Sandbox, session: aiohttp.ClientSession, api: Api) -> None:
    command = {"name": "ask", "description": "Ask", "options": [{"name": "text", "type": 3, "description": "?"}]}
    await api.call("PUT", f"/applications/{cast.APPLICATION}/commands", [command])
    before = len(sandbox.discord.messages(PARLOUR))
    assert (await write(sandbox, session, content="/ask about tea")).status == 303
    assert len(sandbox.discord.messages(PARLOUR)) == before
    await write(sandbox, session, content="/shrug hello")
    assert sandbox.discord.messages(PARLOUR)[-1].content == "/shrug hello"


async def test_everything_is_escaped(sandbox: Sandbox, session: aiohttp.ClientSession, api: Api) -> None:
    evil = '<img src=x onerror="alert(1)"> **<b>** `<i>` ```<u>``` [x](javascript:alert(1)) " \' &'
    await api.call("PATCH", f"/guilds/{cast.TEA_HOUSE}/members/@me", {"nick": "<script>x</script>", "bio": "<b>bio"})
    await api.say(PARLOUR, evil, embeds=[{"title": "<s>", "description": "<s>"}])
    text = await page(sandbox, session, SERVER)
    for tag in ("<img src=x", "<script>x", "<b>", "<i>", "<u>", "<s>", 'href="javascript'):
        assert tag not in text
    assert "&lt;img src=x" in text


def test_the_little_markdown() -> None:
    shown = markup.render("**b** *i* ~~s~~ `**c**` <@1> <@2> https://a.example/?x=1&y=2\n> quoted", {1: "A<b>"})
    assert "<strong>b</strong> <em>i</em> <s>s</s> <code>**c**</code>" in shown
    assert '<span class="mention">@A&lt;b&gt;</span> <span class="mention">@somebody</span>' in shown
    assert '<a href="https://a.example/?x=1&amp;y=2" rel="noreferrer nofollow">' in shown
    assert "<q>quoted</q>" in shown
    assert markup.render("2 * 3 * 4 and snake_case_name", {}) == "2 * 3 * 4 and snake_case_name"


async def test_the_bot_wears_its_face_here(sandbox: Sandbox, session: aiohttp.ClientSession, api: Api) -> None:
    from tests.sandbox.test_messages import PNG

    path = f"/guilds/{cast.TEA_HOUSE}/members/@me"
    avatar = (await api.call("PATCH", path, {"nick": "Hypatia", "avatar": PNG}))[1]["avatar"]
    await api.say(PARLOUR, "good evening")
    text = await page(sandbox, session, SERVER)
    assert f"/guilds/{cast.TEA_HOUSE}/users/{cast.BOT}/avatars/{avatar}.png" in text
    assert re.search(r"<bdi>Hypatia</bdi></strong> <b class=\"app\">APP</b>", text)


async def test_typing_shows_and_ends_with_the_message(
    sandbox: Sandbox, session: aiohttp.ClientSession, api: Api
) -> None:
    await api.call("POST", f"/channels/{PARLOUR}/typing")
    assert "is typing…" in await page(sandbox, session, WRITE)
    await api.say(PARLOUR, "done")
    assert "is typing…" not in await page(sandbox, session, WRITE)


async def test_an_open_page_hears_of_news(sandbox: Sandbox, session: aiohttp.ClientSession, api: Api) -> None:
    async with session.get(f"{sandbox.url}{SERVER}/events") as stream:
        assert stream.content_type == "text/event-stream"
        sandbox.discord.post_message(cast.ADA, cast.channel_id(cast.OBSERVATORY, 1), "elsewhere")
        await api.say(PARLOUR, "news")
        await api.call("PATCH", f"/guilds/{cast.TEA_HOUSE}/members/@me", {"nick": "New"})
        heard = b""
        while heard.count(b"event:") < 2:
            heard += await asyncio.wait_for(stream.content.readany(), 3)
        assert heard.decode().count(f"event: channel\ndata: {PARLOUR}\n\n") == 1
        assert "event: members" in heard.decode()


async def test_an_open_page_hears_of_the_bot_arriving(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    guild = sandbox.discord.guilds[cast.OBSERVATORY]
    async with session.get(f"{sandbox.url}/servers/{guild.id}/events") as stream:
        await stream.content.readany()
        membership.join(sandbox._core.world, guild, 0)
        assert await asyncio.wait_for(stream.content.readany(), 3) == b"event: bot\ndata: 1\n\n"
    assert "is not in this server yet" not in await page(sandbox, session, f"/servers/{guild.id}")


async def test_stopping_does_not_wait_for_open_pages(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    async with session.get(f"{sandbox.url}{SERVER}/events") as stream:
        await stream.content.readany()
        began = time.monotonic()
        await sandbox.stop()
        assert time.monotonic() - began < 2


async def test_pages_are_locked_down(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    async with session.get(sandbox.url + SERVER) as answer:
        policy = answer.headers["Content-Security-Policy"]
        text = await answer.text()
    assert "default-src 'none'" in policy
    assert "form-action 'self' http://127.0.0.1:8000" in policy
    assert "unsafe" not in policy
    assert " style=" not in text
    assert not re.search(r"<script(?![^>]*src=)", text)
    assert not re.search(r"\son[a-z]+=", text)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8001", "botbot.localhost.example"])
async def test_other_names_for_this_machine_are_refused(
    sandbox: Sandbox, session: aiohttp.ClientSession, host: str
) -> None:
    async with session.get(sandbox.url + "/", headers={"Host": host}) as answer:
        assert answer.status == 421


async def test_forms_of_other_sites_are_refused(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "same-site"}):
        fields = {"speaker": str(cast.ADA), "content": "x"}
        async with session.post(sandbox.url + WRITE, data=fields, headers=headers) as answer:
            assert answer.status == 403


@pytest.mark.parametrize(
    "path",
    [
        "/servers/1",
        "/servers/x",
        f"{SERVER}/channels/1/messages",
        "/static/../server.py",
        "/avatars/1/x.png",
        "/nowhere",
    ],
)
async def test_what_is_not_there(sandbox: Sandbox, session: aiohttp.ClientSession, path: str) -> None:
    async with session.get(sandbox.url + path) as answer:
        assert answer.status == 404


@pytest.mark.parametrize("path", ["/static/sandbox.css", "/static/live.js", f"/faces/{cast.ADA}.svg", "/faces/7.svg"])
async def test_what_the_pages_load_is_there(sandbox: Sandbox, session: aiohttp.ClientSession, path: str) -> None:
    assert len(await page(sandbox, session, path)) > 200
