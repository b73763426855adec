"""The gateway, spoken to by hand: every opcode, every close code, and the promises of resuming."""

import asyncio
import json
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from tests.sandbox.conftest import Api

from botbot.sandbox import cast, membership
from botbot.sandbox import permissions as may
from botbot.sandbox.server import Sandbox

PARLOUR = cast.channel_id(cast.TEA_HOUSE, 1)
TALK = 513


class Client:
    """One socket; `hear` gives the next payload, `until` the next event of a name."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, token: str) -> None:
        self.socket, self.token = socket, token
        self._inflate = zlib.decompressobj()

    async def send(self, op: int, data: Any = None) -> None:
        await self.socket.send_str(json.dumps({"op": op, "d": data}))

    async def hear(self) -> dict[str, Any]:
        frame = await self.socket.receive(timeout=3)
        if frame.type is aiohttp.WSMsgType.BINARY:
            payload: dict[str, Any] = json.loads(self._inflate.decompress(frame.data))
        else:
            assert frame.type is aiohttp.WSMsgType.TEXT, frame
            payload = json.loads(frame.data)
        return payload

    async def until(self, event: str) -> dict[str, Any]:
        while True:
            payload = await self.hear()
            if payload["t"] == event:
                return payload

    async def closing(self) -> int | None:
        while True:
            frame = await self.socket.receive(timeout=3)
            if frame.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED):
                return self.socket.close_code

    async def identify(self, intents: Any = TALK, **more: Any) -> dict[str, Any]:
        """READY's data; the servers are heard too."""
        await self.send(2, {"token": self.token, "intents": intents, "properties": {}, **more})
        ready: dict[str, Any] = (await self.until("READY"))["d"]
        for _ in ready["guilds"] if intents & 1 else []:
            await self.until("GUILD_CREATE")
        return ready

    async def nothing_more(self) -> None:
        with pytest.raises(TimeoutError):
            await self.socket.receive(timeout=0.15)


@pytest.fixture
def connect(sandbox: Sandbox, session: aiohttp.ClientSession) -> Any:
    sandbox.discord.gateway.starts.seconds_apart = 0

    @asynccontextmanager
    async def opened(query: str = "?v=10&encoding=json", url: str = "") -> AsyncIterator[Client]:
        address = (url or sandbox.url.replace("http", "ws") + "/gateway") + query
        async with session.ws_connect(address) as socket:
            client = Client(socket, sandbox.environment["DISCORD_BOT_TOKEN"])
            assert (await client.hear())["op"] == 10
            yield client

    return opened


async def test_ready_and_the_servers(sandbox: Sandbox, connect: Any) -> None:
    async with connect() as client:
        await client.send(2, {"token": client.token, "intents": TALK, "properties": {}})
        ready = await client.hear()
        assert (ready["t"], ready["s"]) == ("READY", 1)
        assert ready["d"]["guilds"] == [
            {"id": str(each), "unavailable": True} for each in (cast.TEA_HOUSE, cast.NIGHT_OWLS)
        ]
        guild = (await client.until("GUILD_CREATE"))["d"]
        assert [each["user"]["id"] for each in guild["members"]] == [str(cast.BOT)]
        assert guild["roles"][-1]["tags"] == {"bot_id": str(cast.BOT)}
        assert len(guild["channels"]) == 5


async def test_zlib_stream_shares_one_context(connect: Any) -> None:
    async with connect("?v=10&encoding=json&compress=zlib-stream") as client:
        ready = await client.identify()
        assert ready["user"]["id"] == str(cast.BOT)
        await client.socket.send_bytes(b'{"op":1,"d":null}')
        assert (await client.hear())["op"] == 11


@pytest.mark.parametrize(
    ("op", "data", "code"),
    [
        (99, None, 4001),
        (3, {}, 4003),
        (2, {"token": "wrong", "intents": 1}, 4004),
        (2, [], 4002),
        (2, {"intents": 1 << 40}, 4013),
        (2, {"intents": -1}, 4013),
        (2, {"intents": 2}, 4014),
        (2, {"intents": 32768}, 4014),
        (2, {"intents": 1, "shard": [1, 1]}, 4010),
        (2, {"intents": 1, "shard": "x"}, 4010),
        (6, {"session_id": "x"}, 4007),
        (1, "x" * 5000, 4002),
    ],
)
async def test_close_codes(connect: Any, op: int, data: Any, code: int) -> None:
    async with connect() as client:
        if isinstance(data, dict):
            data = {"token": client.token, **data}
        await client.send(op, data)
        assert await client.closing() == code


async def test_identifying_twice_is_too_much(connect: Any) -> None:
    async with connect() as client:
        await client.identify()
        await client.send(2, {"token": client.token, "intents": 1})
        assert await client.closing() == 4005


async def test_junk_and_a_wrong_version(connect: Any) -> None:
    async with connect() as client:
        await client.socket.send_str("{")
        assert await client.closing() == 4002
    async with connect("?v=9") as client:
        assert await client.closing() == 4012


async def test_more_than_120_a_minute(connect: Any) -> None:
    async with connect() as client:
        for _ in range(121):
            await client.send(1)
        assert await client.closing() == 4008


async def test_without_heartbeats_it_ends(sandbox: Sandbox, connect: Any) -> None:
    sandbox.discord.moods.heartbeat_interval_ms = 100
    async with connect() as client:
        await client.identify()
        assert await client.closing() == 4009


async def test_identifying_too_soon_is_an_invalid_session(sandbox: Sandbox, connect: Any) -> None:
    sandbox.discord.gateway.starts.seconds_apart = 5
    async with connect() as first, connect() as second:
        await first.identify()
        await second.send(2, {"token": second.token, "intents": TALK})
        assert await second.hear() == {"op": 9, "d": False, "s": None, "t": None}


async def test_the_start_limit_is_counted_and_kept(sandbox: Sandbox, connect: Any, api: Api) -> None:
    async with connect() as client:
        await client.identify()
    limit = (await api.call("GET", "/gateway/bot"))[1]["session_start_limit"]
    assert (limit["total"], limit["remaining"], limit["max_concurrency"]) == (1000, 999, 1)
    sandbox.discord.gateway.starts.remaining = 0
    async with connect() as client:
        await client.send(2, {"token": client.token, "intents": 1})
        assert await client.closing() == 4004


async def resumed(client: Client, session_id: str, seq: int) -> list[dict[str, Any]]:
    await client.send(6, {"token": client.token, "session_id": session_id, "seq": seq})
    heard = []
    while not heard or heard[-1]["t"] != "RESUMED":
        heard.append(await client.hear())
        if heard[-1]["op"] == 9:
            break
    return heard


async def test_resuming_brings_what_was_missed_once_and_in_order(sandbox: Sandbox, connect: Any) -> None:
    async with connect() as client:
        ready = await client.identify()
        sandbox.discord.post_message(cast.ADA, PARLOUR, "heard @BotBot")
        seq = (await client.until("MESSAGE_CREATE"))["s"]
        sandbox.discord.gateway.drop()
    for text in ("missed one @BotBot", "missed two @BotBot"):
        sandbox.discord.post_message(cast.ADA, PARLOUR, text)
    async with connect(url=ready["resume_gateway_url"]) as client:
        heard = await resumed(client, ready["session_id"], seq)
        assert [each["s"] for each in heard] == [seq + 1, seq + 2, seq + 3]
        assert ["missed one" in heard[0]["d"]["content"], "missed two" in heard[1]["d"]["content"]] == [True, True]
        sandbox.discord.post_message(cast.ADA, PARLOUR, "and on")
        assert (await client.hear())["s"] == seq + 4


@pytest.mark.parametrize("seq", [0, 999])
async def test_an_unknown_session_or_sequence_cannot_be_resumed(connect: Any, seq: int) -> None:
    async with connect() as client:
        assert (await resumed(client, "unknown", seq))[-1]["d"] is False
        await client.identify()


async def test_saying_goodbye_ends_the_session(sandbox: Sandbox, connect: Any) -> None:
    async with connect() as client:
        ready = await client.identify()
        await client.socket.close(code=1000)
    async with connect() as client:
        assert (await resumed(client, ready["session_id"], 3))[-1]["op"] == 9
    async with connect() as client:
        ready = await client.identify()
        await client.socket.close(code=4000)
    async with connect() as client:
        assert (await resumed(client, ready["session_id"], 3))[-1]["t"] == "RESUMED"


async def test_op_7_and_op_9_on_demand(sandbox: Sandbox, connect: Any) -> None:
    async with connect() as client:
        ready = await client.identify()
        sandbox.discord.gateway.ask_to_reconnect()
        assert (await client.hear())["op"] == 7
        sandbox.discord.gateway.invalidate(is_resumable=True)
        assert (await client.hear())["d"] is True
        sandbox.discord.gateway.invalidate()
        assert (await client.hear())["d"] is False
    async with connect() as client:
        assert (await resumed(client, ready["session_id"], 3))[-1]["op"] == 9


async def test_content_is_stripped_by_intent(sandbox: Sandbox, connect: Any) -> None:
    sandbox.discord.switches.message_content = True
    async with connect() as modest, connect() as greedy:
        await modest.identify()
        await greedy.identify(TALK | 32768)
        sandbox.discord.post_message(cast.BEN, PARLOUR, "between us")
        for client, content in ((modest, ""), (greedy, "between us")):
            event = (await client.until("MESSAGE_CREATE"))["d"]
            assert event["content"] == content
            assert event["guild_id"] == str(cast.TEA_HOUSE)
            assert event["member"]["roles"] == []


async def test_only_subscribed_and_visible_things_arrive(sandbox: Sandbox, connect: Any) -> None:
    async with connect() as client:
        await client.identify(1)
        sandbox.discord.post_message(cast.ADA, PARLOUR, "@BotBot unheard")
        await client.nothing_more()
    hidden = cast.channel_id(cast.OBSERVATORY, 1)
    async with connect() as client:
        await client.identify()
        sandbox.discord.post_message(cast.ADA, hidden, "not your server")
        await client.nothing_more()


async def test_shards_share_the_servers(sandbox: Sandbox, connect: Any) -> None:
    async with connect() as even, connect() as odd:
        guilds = [await each.identify(shard=[number, 2]) for number, each in enumerate((even, odd))]
        seen = [{int(each["id"]) for each in ready["guilds"]} for ready in guilds]
        assert seen[0] | seen[1] == {cast.TEA_HOUSE, cast.NIGHT_OWLS}
        assert not seen[0] & seen[1]
        owner = cast.TEA_HOUSE >> 22 & 1
        sandbox.discord.post_message(cast.ADA, PARLOUR, "hi")
        await (even, odd)[owner].until("MESSAGE_CREATE")
        await (even, odd)[1 - owner].nothing_more()


async def test_webhook_and_own_messages_echo(sandbox: Sandbox, connect: Any, api: Api) -> None:
    hook = (await api.call("POST", f"/channels/{PARLOUR}/webhooks", {"name": "Voice"}))[1]
    async with connect() as client:
        await client.identify()
        await api.say(PARLOUR, "mine")
        assert (await client.until("MESSAGE_CREATE"))["d"]["content"] == "mine"
        body = {"content": "voiced", "allowed_mentions": {"parse": []}}
        await api.call("POST", f"/webhooks/{hook['id']}/{hook['token']}", body, auth="")
        event = (await client.until("MESSAGE_CREATE"))["d"]
        assert (event["webhook_id"], event["application_id"]) == (hook["id"], str(cast.APPLICATION))
        assert "member" not in event


async def test_edits_and_deletions_are_told(sandbox: Sandbox, connect: Any, api: Api) -> None:
    async with connect() as client:
        await client.identify()
        made = (await api.say(PARLOUR, "one"))[1]
        path = f"/channels/{PARLOUR}/messages/{made['id']}"
        await api.call("PATCH", path, {"content": "two", "allowed_mentions": {"parse": []}})
        assert (await client.until("MESSAGE_UPDATE"))["d"]["content"] == "two"
        await api.call("DELETE", path)
        assert (await client.until("MESSAGE_DELETE"))["d"]["id"] == made["id"]


async def test_joining_profile_outage_and_leaving(sandbox: Sandbox, connect: Any, api: Api) -> None:
    guild = sandbox.discord.guilds[cast.OBSERVATORY]
    async with connect() as client:
        await client.identify()
        membership.join(sandbox._core.world, guild, may.PROFILE)
        joined = (await client.until("GUILD_CREATE"))["d"]
        assert [each["name"] for each in joined["roles"]] == ["@everyone", "BotBot"]
        await api.call("PATCH", f"/guilds/{guild.id}/members/@me", {"nick": "Orion"})
        assert (await client.until("GUILD_MEMBER_UPDATE"))["d"]["nick"] == "Orion"
        sandbox.discord.gateway.set_outage(guild, is_down=True)
        assert (await client.until("GUILD_DELETE"))["d"] == {"id": str(guild.id), "unavailable": True}
        sandbox.discord.gateway.set_outage(guild, is_down=False)
        await client.until("GUILD_CREATE")
        await api.call("DELETE", f"/users/@me/guilds/{guild.id}")
        assert (await client.until("GUILD_DELETE"))["d"] == {"id": str(guild.id)}


@pytest.mark.parametrize("copies", [0, 2])
async def test_deliveries_from_none_to_many(sandbox: Sandbox, connect: Any, copies: int) -> None:
    sandbox.discord.moods.copies = copies
    async with connect() as client:
        await client.identify()
        said = sandbox.discord.post_message(cast.ADA, PARLOUR, "hi")
        for _ in range(copies):
            assert (await client.until("MESSAGE_CREATE"))["d"]["id"] == str(said.id)
        await client.nothing_more()


async def test_a_silent_gateway_acknowledges_nothing(sandbox: Sandbox, connect: Any) -> None:
    async with connect() as client:
        await client.identify()
        sandbox.discord.moods.silent = True
        await client.send(1)
        sandbox.discord.post_message(cast.ADA, PARLOUR, "hi")
        await client.nothing_more()


async def test_handshakes_can_be_refused(sandbox: Sandbox, connect: Any) -> None:
    sandbox.discord.moods.refuse_resume_url = True
    async with connect() as client:
        ready = await client.identify()
    with pytest.raises(aiohttp.WSServerHandshakeError):
        async with connect(url=ready["resume_gateway_url"]):
            pass
    sandbox.discord.moods.refuse_connect = True
    with pytest.raises(aiohttp.WSServerHandshakeError):
        async with connect():
            pass


async def test_stopping_says_goodbye_and_is_quick(sandbox: Sandbox, connect: Any) -> None:
    async with connect() as client:
        await client.identify()
        stopping = asyncio.create_task(sandbox.stop())
        assert await client.closing() == 1001
        await asyncio.wait_for(stopping, 2)
