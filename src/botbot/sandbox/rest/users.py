"""Who is asking: the bot or a signed-in person, the application, and where the gateway is.

Source: Discord docs, resources/user, resources/application, topics/oauth2, events/gateway."""

from typing import Any

from botbot.sandbox import render
from botbot.sandbox.calls import Call, Table
from botbot.sandbox.cast import BOT, EDDA
from botbot.sandbox.limits import Rate
from botbot.sandbox.refusals import refuse, unauthorized

EITHER = ("bot", "bearer")
table = Table()


def require_scope(call: Call, scope: str) -> None:
    if call.grant and scope not in call.grant.scopes:
        raise refuse(50026)


def asking(call: Call) -> int:
    return call.grant.user_id if call.grant else BOT


@table.on("GET", "/users/@me", auth=EITHER)
async def get_me(call: Call) -> Any:
    require_scope(call, "identify")
    return render.own_user(call.world.state.users[asking(call)])


# The tightest limit of all: Discord publishes no number, dashboards report 429 on their second click.
@table.on("GET", "/users/@me/guilds", auth=EITHER, rate=Rate(2, 2.0))
async def list_my_guilds(call: Call) -> Any:
    require_scope(call, "guilds")
    user_id = asking(call)
    limit = call.number("limit", 200, 1, 200)
    after = call.number("after", 0, 0, 1 << 63)
    mine = sorted((each for each in call.world.guilds_of(user_id) if each.id > after), key=lambda each: each.id)
    return [render.my_guild(each, user_id, call.flag("with_counts")) for each in mine[:limit]]


@table.on("GET", "/oauth2/@me", auth=["bearer"])
async def get_my_authorization(call: Call) -> Any:
    grant = call.grant
    if grant is None:
        raise unauthorized()
    shown: dict[str, Any] = {
        "application": render.application(call.world),
        "scopes": grant.scopes,
        "expires": render.moment(grant.expires_at),
    }
    if "identify" in grant.scopes:
        shown["user"] = render.user(call.world.state.users[grant.user_id])
    return shown


@table.on("GET", "/oauth2/applications/@me")
async def get_my_oauth2_application(call: Call) -> Any:
    return _application(call)


@table.on("GET", "/applications/@me")
async def get_my_application(call: Call) -> Any:
    return _application(call)


def _application(call: Call) -> dict[str, Any]:
    flags = render.GATEWAY_MESSAGE_CONTENT_LIMITED if call.core.switches.message_content else 0
    return {
        **render.application(call.world),
        "owner": render.user(call.world.state.users[EDDA]),
        "team": None,
        "flags": flags,
        "flags_new": str(flags),
        "redirect_uris": list(call.core.redirect_uris),
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "approximate_guild_count": len(call.world.guilds_of(BOT)),
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": len(call.world.state.consents),
        "explicit_content_filter": 0,
        "eligible_oauth2_scopes": ["identify", "guilds", "bot", "applications.commands"],
        "integration_types_config": {"0": {}},
    }


@table.on("GET", "/gateway", auth=["none"])
async def get_gateway(call: Call) -> Any:
    return {"url": call.core.gateway_url}


@table.on("GET", "/gateway/bot")
async def get_gateway_bot(call: Call) -> Any:
    return {
        "url": call.core.gateway_url,
        "shards": call.core.hub.shards,
        "session_start_limit": call.core.hub.starts.shown(),
    }
