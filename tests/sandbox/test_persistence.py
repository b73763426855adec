"""A restart finds everything as it was, also when the process was killed right after it answered."""

import asyncio
import json
import signal
import sys
from pathlib import Path

import aiohttp
from tests.sandbox.conftest import CALLBACK, QUIET, Api

from botbot.sandbox import cast
from botbot.sandbox.server import Sandbox
from botbot.sandbox.world import KEPT_MESSAGES

PARLOUR = cast.channel_id(cast.TEA_HOUSE, 1)
PROGRAM = """
import asyncio, sys
from pathlib import Path
from botbot.sandbox.server import Sandbox

async def main():
    sandbox = Sandbox(redirect_uris=[sys.argv[2]], state_file=Path(sys.argv[1]))
    await sandbox.start()
    print(sandbox.url, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def reopened(file: Path) -> Sandbox:
    sandbox = Sandbox(redirect_uris=[CALLBACK], state_file=file)
    await sandbox.start()
    return sandbox


async def test_a_restart_keeps_everything(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    file = tmp_path / "deep" / "state.json"
    first = await reopened(file)
    api = Api(first, session)
    await api.call("PATCH", f"/guilds/{cast.TEA_HOUSE}/members/@me", {"nick": "Hypatia", "bio": "AI character"})
    hook = (await api.call("POST", f"/channels/{PARLOUR}/webhooks", {"name": "Voice"}))[1]
    said = (await api.say(PARLOUR, "remember me", nonce="9", enforce_nonce=True))[1]
    await api.call("DELETE", f"/users/@me/guilds/{cast.NIGHT_OWLS}")
    await first.stop()

    second = await reopened(file)
    api = Api(second, session)
    assert second.discord.guilds[cast.TEA_HOUSE].members[cast.BOT].nick == "Hypatia"
    assert second.discord.guilds[cast.TEA_HOUSE].members[cast.BOT].bio == "AI character"
    assert cast.BOT not in second.discord.guilds[cast.NIGHT_OWLS].members
    assert (await api.call("GET", f"/webhooks/{hook['id']}"))[1]["token"] == hook["token"]
    again = (await api.say(PARLOUR, "remember me", nonce="9", enforce_nonce=True))[1]
    assert again["id"] == said["id"]
    await second.stop()


async def test_what_was_answered_survives_kill_9(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    file = tmp_path / "state.json"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, str(file), CALLBACK, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    url = (await asyncio.wait_for(process.stdout.readline(), 15)).decode().strip()
    order = {"user": cast.ADA, "channel": PARLOUR, "content": "last words"}
    async with session.post(f"{url}/_sandbox/messages", json=order) as answer:
        assert answer.status == 200
    process.send_signal(signal.SIGKILL)
    await process.wait()

    sandbox = await reopened(file)
    assert sandbox.discord.messages(PARLOUR)[-1].content == "last words"
    await sandbox.stop()


async def test_an_unreadable_file_is_set_aside(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    for text in ("{", json.dumps({"users": 5}), ""):
        file.write_text(text)
        sandbox = Sandbox(redirect_uris=[CALLBACK], state_file=file)
        assert cast.TEA_HOUSE in sandbox.discord.guilds
        assert (tmp_path / "state.json.broken").read_text() == text


async def test_only_the_newest_messages_are_kept(sandbox: Sandbox) -> None:
    for number in range(KEPT_MESSAGES + 5):
        sandbox.discord.post_message(cast.ADA, PARLOUR, f"{number}")
    kept = sandbox.discord.messages(PARLOUR)
    assert len(kept) == KEPT_MESSAGES
    assert kept[-1].content == f"{KEPT_MESSAGES + 4}"


async def test_reset_is_the_first_day(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    sandbox = await reopened(tmp_path / "state.json")
    api = Api(sandbox, session)
    await api.call("DELETE", f"/users/@me/guilds/{cast.TEA_HOUSE}")
    sandbox.discord.fail("GET", "*")
    sandbox.discord.reset()
    assert (await api.call("GET", f"/guilds/{cast.TEA_HOUSE}"))[0] == 200
    assert len(sandbox.discord.calls) == 1
    body = {"content": "x", **QUIET}
    assert (await api.call("POST", f"/channels/{PARLOUR}/messages", body))[0] == 200
    await sandbox.stop()
