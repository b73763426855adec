"""An OAuth client written by others signs in: Authlib, with PKCE, refresh and revocation."""

import pytest
from authlib.common.security import generate_token
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from tests.contracts.discord.conftest import CALLBACK

from botbot.sandbox import cast
from botbot.sandbox.server import Sandbox


def client_of(sandbox: Sandbox, how: str = "client_secret_post") -> AsyncOAuth2Client:
    return AsyncOAuth2Client(
        sandbox.environment["DISCORD_CLIENT_ID"],
        sandbox.environment["DISCORD_CLIENT_SECRET"],
        scope="identify guilds",
        redirect_uri=CALLBACK,
        code_challenge_method="S256",
        token_endpoint_auth_method=how,
    )


@pytest.mark.parametrize("how", ["client_secret_post", "client_secret_basic"])
async def test_it_signs_in_refreshes_and_revokes(sandbox: Sandbox, how: str) -> None:
    token_url = f"{sandbox.url}/api/oauth2/token"
    async with client_of(sandbox, how) as client:
        verifier = generate_token(48)
        address, state = client.create_authorization_url(
            sandbox.environment["DISCORD_AUTHORIZE_URL"], code_verifier=verifier
        )
        back = sandbox.discord.consent(address, user=cast.ADA)
        token = await client.fetch_token(token_url, authorization_response=back, state=state, code_verifier=verifier)
        assert token["scope"] == "identify guilds"
        me = await client.get(f"{sandbox.environment['DISCORD_API_URL']}/users/@me")
        assert me.json()["username"] == "ada"
        assert "email" not in me.json()

        renewed = await client.refresh_token(token_url, token["refresh_token"])
        assert renewed["refresh_token"] != token["refresh_token"]
        revoked = await client.revoke_token(f"{token_url}/revoke", renewed["access_token"])
        assert revoked.status_code == 200
        me = await client.get(f"{sandbox.environment['DISCORD_API_URL']}/users/@me")
        assert me.status_code == 401


async def test_it_is_refused_without_its_verifier(sandbox: Sandbox) -> None:
    async with client_of(sandbox) as client:
        address, state = client.create_authorization_url(
            sandbox.environment["DISCORD_AUTHORIZE_URL"], code_verifier=generate_token(48)
        )
        back = sandbox.discord.consent(address, user=cast.ADA)
        with pytest.raises(OAuthError, match="code_verifier"):
            await client.fetch_token(f"{sandbox.url}/api/oauth2/token", authorization_response=back, state=state)
