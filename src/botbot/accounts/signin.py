"""The two trips to Discord and back: signing in, and installing the bot. One callback serves both.

A state travels sealed: nobody can read or forge it, and it is good once and for ten minutes. A login's state is tied
to a cookie of its own in the browser that began it (so two tabs don't disturb each other); an install's to the
signed-in session, or to the user where an API token asked."""

from dataclasses import dataclass
from typing import Literal

from botbot.accounts import service
from botbot.accounts.queries import viewer_of
from botbot.accounts.rules import STATE_LIFETIME, OAuthState, Viewer, safe_next
from botbot.errors import BotBotError, DiscordSignInExpired, NotConfigured, PermissionDenied
from botbot.house import House
from botbot.kit import clock, ids
from botbot.peers.discord.oauth import TokenGrant, new_verifier
from botbot.settings import PORTAL


class SignInFailed(BotBotError):
    """The way back from Discord did not fit the way there. Nobody was signed in; starting again helps."""

    status, error = 400, "sign_in_failed"
    default_message = "That sign-in didn't begin in this browser, or it is too old. Please start it again."


class SignInCancelled(SignInFailed):
    """The person pressed Cancel on Discord's page."""

    error = "sign_in_cancelled"
    default_message = "You cancelled on Discord's page, so nothing was changed."

    def __init__(self, state: OAuthState) -> None:
        super().__init__()
        self.state = state


class ConsentNeeded(SignInFailed):
    """Discord can't do it silently for this person. The same sign-in goes on with its page shown."""

    error = "consent_needed"
    default_message = "Discord wants to ask you first. Please sign in once more."

    def __init__(self, state: OAuthState) -> None:
        super().__init__()
        self.state = state


ASKING = {"consent_required", "interaction_required", "login_required", "account_selection_required"}
"""The answers to `prompt=none` that mean: show the page. Source: OpenID Connect Core, 3.1.2.6."""


@dataclass(frozen=True)
class Departure:
    """Where to send the browser, and the cookie that it must bring back (`None` for an install)."""

    url: str
    cookie: tuple[str, str] | None = None


@dataclass(frozen=True)
class Arrival:
    """A callback that passed every check. `secret` is the new session's cookie and `viewer` whose it is, for a
    login."""

    state: OAuthState
    grant: TokenGrant
    secret: str | None = None
    viewer: Viewer | None = None


def require_discord(house: House) -> None:
    """Raises `NotConfigured`, naming the settings that are missing and where to get them."""
    if missing := house.settings.missing_discord:
        raise NotConfigured(
            f"This marketplace isn't connected to Discord yet: set {', '.join(missing)} (from {PORTAL}).",
            settings=list(missing),
        )


def cookie_name(house: House, nonce: str) -> str:
    prefix = "__Host-" if house.settings.is_https else ""
    return f"{prefix}botbot_oauth_{nonce[:8]}"


def depart_to_login(
    house: House, next_path: str | None, pending: str | None = None, *, is_asking: bool = False
) -> Departure:
    """`pending` is the number of what is to be done after it (`accounts.pending`). Without `is_asking` those who agreed
    before see no page of Discord's."""
    require_discord(house)
    nonce, browser = ids.new_secret(), ids.new_secret()
    state = OAuthState(
        purpose="login",
        nonce=nonce,
        expires_at=clock.now() + STATE_LIFETIME,
        verifier=new_verifier() if house.settings.discord_pkce else None,
        browser=ids.hash_secret(browser),
        next=safe_next(next_path),
        pending=pending,
        is_asking=is_asking,
    )
    prompt: Literal["none", "consent"] = "consent" if is_asking else "none"
    url = house.oauth.login_url(state=house.cipher.seal(state), verifier=state.verifier, prompt=prompt)
    return Departure(url, (cookie_name(house, nonce), browser))


def install_url(house: House, viewer: Viewer, *, deployment_id: str, guild_id: int, permissions: int) -> str:
    """A fresh address of Discord's install page for one server; needs no row and no cookie of its own."""
    require_discord(house)
    state = OAuthState(
        purpose="install",
        nonce=ids.new_secret(),
        expires_at=clock.now() + STATE_LIFETIME,
        verifier=new_verifier() if house.settings.discord_pkce else None,
        next=f"/deployments/{deployment_id}",
        user_id=viewer.user_id,
        session_id=viewer.session_id,
        deployment_id=deployment_id,
        guild_id=guild_id,
    )
    return house.oauth.install_url(
        state=house.cipher.seal(state), verifier=state.verifier, guild_id=guild_id, permissions=permissions
    )


def open_state(house: House, sealed: str | None) -> OAuthState:
    """Raises `SignInFailed` for a state that is missing, foreign or too old."""
    try:
        state = house.cipher.open(sealed or "", OAuthState)
    except ValueError as error:
        raise SignInFailed from error
    if clock.now() >= state.expires_at:
        raise SignInFailed("That sign-in took too long. Please start it again.")
    return state


async def arrive(
    house: House, query: dict[str, str], cookies: dict[str, str], viewer: Viewer | None, agent: str
) -> Arrival:
    """Check everything about a callback, then spend its code.

    Raises `SignInFailed`, `SignInCancelled`, or `ConsentNeeded`, that at most once in a row."""
    require_discord(house)
    state = open_state(house, query.get("state"))
    _check_browser(house, state, cookies, viewer)
    async with house.db.write() as session:
        if not await service.use_state(session, state.nonce):
            raise SignInFailed("That sign-in was used already. Please start a new one.")
    if query.get("error") in ASKING and state.purpose == "login" and not state.is_asking:
        raise ConsentNeeded(state)
    if query.get("error"):
        raise SignInCancelled(state)
    if not query.get("code"):
        raise SignInFailed
    try:
        grant = await house.oauth.exchange_code(query["code"], state.verifier)
    except DiscordSignInExpired as error:
        raise SignInFailed from error
    if state.purpose == "login":
        return await _finish_login(house, state, grant, viewer, agent)
    return await _finish_install(house, state, grant, viewer)


def _check_browser(house: House, state: OAuthState, cookies: dict[str, str], viewer: Viewer | None) -> None:
    if state.purpose == "login":
        brought = cookies.get(cookie_name(house, state.nonce), "")
        if not brought or ids.hash_secret(brought) != state.browser:
            raise SignInFailed
    elif viewer is None or viewer.user_id != state.user_id:
        raise SignInFailed("That was begun by another account. Sign in as the one that started it.")
    elif state.session_id is not None and viewer.session_id != state.session_id:
        raise SignInFailed


async def _finish_login(
    house: House, state: OAuthState, grant: TokenGrant, viewer: Viewer | None, agent: str
) -> Arrival:
    who = await house.oauth.get_user(grant.access_token)
    async with house.db.write() as session:
        if viewer is not None and viewer.session_id:
            await service.sign_out(session, viewer.session_id)
        user, secret = await service.sign_in(
            session, who, grant, cipher=house.cipher, session_days=house.settings.session_days, agent=agent
        )
    return Arrival(state, grant, secret, viewer_of(user, house.settings.admins, ids.hash_secret(secret)))


async def _finish_install(house: House, state: OAuthState, grant: TokenGrant, viewer: Viewer | None) -> Arrival:
    """The one who authorized must be the one who is signed in: otherwise someone else's code would link a server
    to this account."""
    assert viewer is not None
    who = await house.oauth.get_user(grant.access_token)
    if who.id != viewer.discord_id:
        raise PermissionDenied("You confirmed as another Discord account than the one signed in here.")
    if grant.guild_id is not None and grant.guild_id != state.guild_id:
        raise PermissionDenied("Discord added BotBot to another server than the one you chose here.")
    async with house.db.write() as session:
        await service.keep_tokens(session, viewer.user_id, grant, house.cipher)
    return Arrival(state, grant)
