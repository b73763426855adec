"""The token endpoints: codes and refresh tokens in, tokens out; urlencoded forms only."""

import base64
import binascii
import hashlib
import secrets
from typing import Any
from urllib.parse import unquote_plus

from botbot.kit import clock
from botbot.sandbox import membership, render
from botbot.sandbox import permissions as may
from botbot.sandbox.calls import Call, Table
from botbot.sandbox.core import CLIENT_SECRET
from botbot.sandbox.refusals import Refusal
from botbot.sandbox.world import Code, Grant, later

TOKEN_SECONDS = 604_800
SHORTEST_VERIFIER = 43
FORM = "application/x-www-form-urlencoded"
table = Table()


def no(error: str, description: str = "", status: int = 400) -> Refusal:
    return Refusal(status, {"error": error, **({"error_description": description} if description else {})})


@table.on("POST", "/oauth2/token", auth=["none"])
async def exchange(call: Call) -> Any:
    form = _form(call)
    _require_client(call, form)
    if form.get("grant_type") == "authorization_code":
        return _by_code(call, form)
    if form.get("grant_type") == "refresh_token":
        return _by_refresh_token(call, form)
    raise no("unsupported_grant_type")


@table.on("POST", "/oauth2/token/revoke", auth=["none"])
async def revoke(call: Call) -> Any:
    """Either token ends everything this person granted to the application."""
    form = _form(call)
    _require_client(call, form)
    state, token = call.world.state, form.get("token", "")
    owners = {each.user_id for each in state.grants if token and token in (each.access_token, each.refresh_token)}
    state.grants = [each for each in state.grants if each.user_id not in owners]
    for user_id in owners:
        state.consents.pop(user_id, None)
    call.world.touch()
    return {}


def _form(call: Call) -> dict[str, str]:
    if call.request.content_type != FORM or not isinstance(call.body, dict):
        raise no("invalid_request", f"The body must be {FORM}.")
    return call.body


def _require_client(call: Call, form: dict[str, str]) -> None:
    """HTTP Basic, or client_id and client_secret in the body."""
    given = (form.get("client_id", ""), form.get("client_secret", ""))
    scheme, _, packed = call.request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        given = _basic(packed)
    wanted = (str(call.core.application_id), CLIENT_SECRET)
    if not all(secrets.compare_digest(a.encode(), b.encode()) for a, b in zip(given, wanted, strict=True)):
        raise no("invalid_client", status=401)


def _basic(packed: str) -> tuple[str, str]:
    try:
        name, _, password = base64.b64decode(packed, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote_plus(name), unquote_plus(password)


def _by_code(call: Call, form: dict[str, str]) -> dict[str, Any]:
    code = _spent(call, form.get("code", ""))
    if code is None or code.expires_at <= clock.now():
        raise no("invalid_grant", 'Invalid "code" in request.')
    if form.get("redirect_uri") != code.redirect_uri:
        raise no("invalid_grant", 'Invalid "redirect_uri" in request.')
    _check_verifier(code, form.get("code_verifier"))
    answer = _granted(call, code.user_id, code.scopes)
    if code.guild_id is not None:
        answer["guild"] = _joined(call, code, code.guild_id)
    return answer


def _spent(call: Call, text: str) -> Code | None:
    """Take the code out; it works once, also when the rest of the request is wrong."""
    state = call.world.state
    code = next((each for each in state.codes if secrets.compare_digest(each.code.encode(), text.encode())), None)
    state.codes = [each for each in state.codes if each is not code and each.expires_at > clock.now()]
    call.world.touch()
    return code


def _check_verifier(code: Code, verifier: str | None) -> None:
    if code.challenge is None:
        return
    if not verifier:
        raise no("invalid_request", 'Missing "code_verifier" in request.')
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    if len(verifier) < SHORTEST_VERIFIER:
        raise no("invalid_request", 'Invalid "code_verifier" in request.')
    if not secrets.compare_digest(challenge, code.challenge):
        raise no("invalid_grant", 'Invalid "code_verifier" in request.')


def _joined(call: Call, code: Code, guild_id: int) -> dict[str, Any]:
    guild = call.world.state.guilds[guild_id]
    if not may.may_manage(guild, code.user_id):
        raise no("invalid_grant", 'Invalid "code" in request.')
    membership.join(call.world, guild, code.permissions)
    return render.guild(guild)


def _granted(call: Call, user_id: int, scopes: list[str]) -> dict[str, Any]:
    grant = Grant(user_id, scopes, secrets.token_urlsafe(24), secrets.token_urlsafe(24), later(seconds=TOKEN_SECONDS))
    call.world.state.grants.append(grant)
    call.world.touch()
    return {
        "token_type": "Bearer",
        "access_token": grant.access_token,
        "expires_in": TOKEN_SECONDS,
        "refresh_token": grant.refresh_token,
        "scope": " ".join(scopes),
    }


def _by_refresh_token(call: Call, form: dict[str, str]) -> dict[str, Any]:
    """A new pair; the old refresh token is spent, the old access token lives out its time."""
    token = form.get("refresh_token", "")
    known = (each for each in call.world.state.grants if token and each.refresh_token == token)
    grant = next(known, None)
    if grant is None:
        raise no("invalid_grant", 'Invalid "refresh_token" in request.')
    grant.refresh_token = ""
    return _granted(call, grant.user_id, grant.scopes)
