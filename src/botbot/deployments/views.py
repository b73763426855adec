"""What the pages of deployments show, built from rows. Nothing here asks Discord or the database."""

from collections.abc import Mapping, Sequence
from typing import Any

from litestar import Request

from botbot.accounts.rules import Viewer
from botbot.accounts.schemas import GuildOut
from botbot.catalog.models import PersonalityTemplate, PersonalityVersion
from botbot.catalog.rules import scales
from botbot.catalog.schemas import card_view
from botbot.deployments import flow, rules
from botbot.deployments.differences import difference
from botbot.deployments.forms import is_drawn
from botbot.deployments.preflight import list_rights, reckon
from botbot.deployments.queries import Found, Talk
from botbot.deployments.schemas import DeploymentOut
from botbot.house import House
from botbot.kit.languages import LANGUAGES, language_name
from botbot.peers.discord.permissions import missing_names

MANY_SERVERS = 8
"""More than these, and the list can be searched."""


def server(guild: GuildOut, occupant: Found | None, slug: str) -> dict[str, Any]:
    """A server to choose, and who lives there."""
    return {
        "id": guild.id,
        "name": guild.name,
        "icon_url": guild.icon,
        "bot_present": guild.bot_present,
        "missing_permissions": guild.missing_permissions,
        "member_count": guild.member_count,
        "occupant": None
        if occupant is None
        else {
            "deployment_id": occupant.row.id,
            "name": occupant.name,
            "is_same": occupant.personality.slug == slug,
            "url": f"/deployments/{occupant.row.id}",
        },
    }


def named_like(servers: Sequence[dict[str, Any]], search: str) -> list[dict[str, Any]]:
    """Those whose name holds every word, whatever its case."""
    words = search.casefold().split()
    return [each for each in servers if all(word in each["name"].casefold() for word in words)]


def check(house: House, personality: PersonalityTemplate, snapshot: Mapping[str, Any], chosen: Any) -> dict[str, Any]:
    """What is looked at before anything changes: permissions, hearing, costs; and what can be made to fit."""
    return {
        "rights": list_rights(chosen["missing_permissions"]),
        "hears_all": house.settings.discord_message_content,
        "costs": reckon(house.settings, snapshot, personality.name, {}),
        "knobs": knobs(personality.traits, {}),
        "languages": languages(None),
        "own_language": language_name(personality.language),
    }


def knobs(own: Mapping[str, Any], chosen: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A field for each trait that a form can change: a slider in percent, a tick or a text."""
    return [_knob(name, value, chosen.get(name, value)) for name, value in own.items() if _can_change(name, value)]


def _can_change(name: str, value: Any) -> bool:
    return isinstance(value, bool | str) or is_drawn(name, value)


def _knob(name: str, own: Any, value: Any) -> dict[str, Any]:
    if is_drawn(name, own):
        scale = scales({name: own})[0]
        held = value if is_drawn(name, value) else own
        ends = {"low": scale["low"], "high": scale["high"]}
        return {"name": name, "kind": "scale", "value": round(float(held) * 100), **ends}
    kind = "tick" if isinstance(own, bool) else "text"
    return {"name": name, "kind": kind, "value": value if isinstance(value, type(own)) else own}


def languages(chosen: str | None) -> list[tuple[str, str]]:
    """What it may be made to speak, by name; what a script chose beside these stays."""
    known = {**LANGUAGES, **({chosen: language_name(chosen)} if chosen else {})}
    return sorted(known.items(), key=lambda each: each[1])


def deployment(
    request: Request[Any, Any, Any],
    house: House,
    viewer: Viewer,
    found: Found,
    *,
    can_manage: bool,
    talk: Talk | None = None,
) -> dict[str, Any]:
    """One deployment in the list or on its page."""
    row, shown = found.row, flow.present(house, viewer, found)
    return {
        "id": row.id,
        "status": shown.status,
        "personality": card_view(found.personality),
        "guild_name": row.guild_name or "your server",
        "guild_id": str(row.discord_guild_id),
        "name": found.name,
        "steps": [_step(step) for step in shown.steps],
        "is_live": is_live(shown),
        "is_changing": is_changing(shown),
        "failure": shown.failure,
        "install_url": shown.install_url,
        "asks_for": missing_names(0, row.install_permissions or rules.PERMISSIONS) if shown.install_url else [],
        "can_grant": rules.can_grant(shown.failure),
        "next_steps": shown.next_steps,
        "open_url": _open_url(request, row.discord_guild_id, row.greeting),
        "greeting": row.greeting["text"].partition("\n-# ")[0] if row.greeting else None,
        "channel_name": (row.greeting or {}).get("channelName") or "general",
        "created_at": row.created_at,
        "deployed_at": row.deployed_at,
        "replaced_by": row.replaced_by,
        "can_manage": can_manage,
        "channel_ids": row.channel_ids,
        "actions": rules.ACTIONS.get(shown.status, set()),
        "version": row.version,
        "has_newer": found.has_newer and not found.is_withdrawn and rules.may(shown.status, "customise"),
        "is_withdrawn": found.is_withdrawn,
        "talk": talk,
        "news_key": _unread(found, viewer),
    }


def is_live(shown: DeploymentOut) -> bool:
    """Whether its page has something to watch."""
    return shown.status in rules.MOVING or is_changing(shown)


def is_changing(shown: DeploymentOut) -> bool:
    """Whether one that lives there is just learning a change. Steps of a change that was taken back stay pending."""
    steps = {step.status for step in shown.steps if step.status != "done"}
    is_home = shown.status in {"active", "paused"} and shown.failure is None
    return is_home and bool(steps & {"pending", "running"}) and not steps & {"failed", "undone"}


def _unread(found: Found, viewer: Viewer) -> str | None:
    """Names the failure that is still a notice on its owner's pages."""
    row = found.row
    if row.user_id != viewer.user_id or row.failure is None or row.status not in rules.NEWS:
        return None
    key = rules.news_key(row.saga_id, row.status)
    return None if row.noticed == key else key


def own_touch(found: Found, snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """What was changed for this server, as the form to change it again shows it."""
    chosen = found.row.customizations
    return {
        "name": chosen.get("name") or "",
        "own_name": str(snapshot.get("name") or found.personality.name),
        "language": chosen.get("language") or "",
        "own_language": language_name(str(snapshot.get("language") or found.personality.language)),
        "languages": languages(chosen.get("language")),
        "knobs": knobs(snapshot.get("traits") or found.personality.traits, chosen.get("traits") or {}),
    }


def update(found: Found, known: Mapping[int, PersonalityVersion], *, for_staff: bool) -> dict[str, Any] | None:
    """The newest version: what its authors say of it, and what it would change here. `None` if there is none."""
    spoken, newest = known.get(found.row.version), known.get(found.personality.version)
    if not found.has_newer or found.is_withdrawn or spoken is None or newest is None:
        return None
    between = [each for number, each in sorted(known.items(), reverse=True) if number > spoken.version]
    return {
        "version": newest.version,
        "created_at": newest.created_at,
        "notes": [{"version": each.version, "text": each.changelog} for each in between if each.changelog],
        "changes": difference(spoken.snapshot, newest.snapshot, for_staff=for_staff),
    }


def way_back(found: Found, known: Mapping[int, PersonalityVersion]) -> int | None:
    """The version it spoke before its last update."""
    earlier = found.row.previous_version
    return earlier if earlier is not None and earlier < found.row.version and earlier in known else None


def _step(step: Any) -> dict[str, Any]:
    return {
        "name": step.name,
        "label": rules.LABELS.get(step.name, step.name),
        "status": step.status,
        "at": step.at,
        "retry_at": step.retry_at,
        "note": step.note,
    }


def _open_url(request: Request[Any, Any, Any], guild_id: int, greeting: dict[str, Any] | None) -> str:
    sandbox = request.app.state.sandbox_url
    if sandbox:
        return f"{sandbox}/servers/{guild_id}"
    channel = greeting["channelId"] if greeting and greeting.get("channelId") else ""
    return f"https://discord.com/channels/{guild_id}/{channel}".rstrip("/")
