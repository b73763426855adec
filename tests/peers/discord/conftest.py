"""Our client and a peer that misbehaves on command."""

from collections.abc import AsyncIterator

import pytest
from tests.peers.discord.peer import BOT_TOKEN, CLIENT_SECRET, DEADLINE_SECONDS, Peer

from botbot.peers.discord.oauth import DiscordOAuth
from botbot.peers.discord.rest import DiscordRest
from botbot.settings import Settings


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    peer = Peer()
    peer.url = await peer.start()
    yield peer
    await peer.stop()


@pytest.fixture
def settings(peer: Peer) -> Settings:
    return Settings(
        discord_client_id="1000",
        discord_client_secret=CLIENT_SECRET,
        discord_bot_token=BOT_TOKEN,
        discord_api_url=peer.url,
        discord_authorize_url="https://discord.example/oauth2/authorize",
        base_url="https://market.example",
    )


@pytest.fixture
async def rest(settings: Settings) -> AsyncIterator[DiscordRest]:
    rest = DiscordRest(settings, deadline_seconds=DEADLINE_SECONDS)
    yield rest
    await rest.aclose()


@pytest.fixture
async def patient_rest(settings: Settings) -> AsyncIterator[DiscordRest]:
    """With the deadline of production, for tests that wait on purpose."""
    rest = DiscordRest(settings)
    yield rest
    await rest.aclose()


@pytest.fixture
async def oauth(settings: Settings) -> AsyncIterator[DiscordOAuth]:
    oauth = DiscordOAuth(settings, deadline_seconds=DEADLINE_SECONDS)
    yield oauth
    await oauth.aclose()
