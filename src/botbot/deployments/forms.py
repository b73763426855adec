"""What the forms of a deployment send, read into what the API takes. A form is hostile input like any other."""

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET, UnsetType

from botbot.catalog.rules import scales
from botbot.deployments.schemas import MOST_CHANNELS, Customizations, DeploymentChange, DeploymentRequest
from botbot.errors import ValidationFailed

Pairs = list[tuple[str, str]]
TRAIT = "trait."
"""Begins the name of each trait's field; `asks_traits` says that they were shown."""


def deployment_request(pairs: Pairs, own_traits: Mapping[str, Any]) -> DeploymentRequest:
    """Of the check step. Raises `ValidationFailed`."""
    fields = dict(pairs)
    guild_id = fields.get("discordGuildId", "")
    if not is_snowflake(guild_id):
        raise ValidationFailed(fields={"discordGuildId": "must be one of your servers"})
    return DeploymentRequest(guild_id, channels(pairs), _first(fields, own_traits), fields.get("replace") == "true")


def _first(fields: dict[str, str], own_traits: Mapping[str, Any]) -> Customizations | None:
    """A form whose boxes are unticked sends nothing of them, so each says with a hidden field that it was shown."""
    name, language = fields.get("name", "").strip(), fields.get("language", "").strip()
    is_quiet = "asks_greeting" in fields and "greeting" not in fields
    chosen = traits(fields, own_traits) or None
    if not (name or language or is_quiet or chosen):
        return None
    return Customizations(
        name=name or UNSET, traits=chosen, greeting=False if is_quiet else None, language=language or UNSET
    )


def deployment_change(pairs: Pairs, own_traits: Mapping[str, Any]) -> DeploymentChange:
    """Of the forms on a deployment's page: each sends its own part, and what isn't sent stays.

    Raises `ValidationFailed`."""
    fields = dict(pairs)
    asks = {"name", "language", "asks_traits"} & fields.keys()
    customizations = Customizations(
        name=_given(fields, "name"),
        traits=traits(fields, own_traits) if "asks_traits" in fields else None,
        language=_given(fields, "language"),
    )
    return DeploymentChange(
        customizations=customizations if asks else None,
        channel_ids=channels(pairs) if "where" in fields else None,
        version=_version(fields["version"]) if "version" in fields else None,
    )


def _given(fields: dict[str, str], name: str) -> str | UnsetType | None:
    """An empty field takes an earlier choice back."""
    return fields[name].strip() or None if name in fields else UNSET


def _version(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < len(text) <= 6 and int(text)):
        raise ValidationFailed(fields={"version": "must be a version of this personality"})
    return int(text)


def traits(fields: Mapping[str, str], own: Mapping[str, Any]) -> dict[str, Any]:
    """What was moved away from the personality's own: only that is kept, so that the rest follows its updates."""
    if "asks_traits" not in fields:
        return {}
    chosen: dict[str, Any] = {}
    for name, value in own.items():
        given = fields.get(TRAIT + name)
        if is_drawn(name, value):
            if given is not None and (moved := _share(given)) != round(float(value), 2):
                chosen[name] = moved
        elif isinstance(value, bool):
            if (given == "true") != value:
                chosen[name] = given == "true"
        elif isinstance(value, str) and given is not None and given.strip() not in ("", value):
            chosen[name] = given.strip()
    return chosen


def is_drawn(name: str, value: Any) -> bool:
    """Whether it has a slider."""
    return bool(scales({name: value}))


def _share(text: str) -> float:
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= 100):
        raise ValidationFailed(fields={"customizations.traits": "must be between 0 and 100"})
    return int(text) / 100


def channels(pairs: Pairs) -> list[str]:
    """The ticked channels; none where it may speak everywhere. Raises `ValidationFailed`."""
    if dict(pairs).get("where") != "some":
        return []
    chosen = [value for name, value in pairs if name == "channel"]
    if not chosen:
        raise ValidationFailed("Choose at least one channel, or let it speak everywhere.")
    if len(chosen) > MOST_CHANNELS or not all(is_snowflake(each) for each in chosen):
        raise ValidationFailed(fields={"channelIds": f"must be up to {MOST_CHANNELS} channels of this server"})
    return chosen


def is_snowflake(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 19


def filled(pairs: Pairs) -> dict[str, Any]:
    """What a refused form held, to be shown again."""
    fields = dict(pairs)
    return {
        "name": fields.get("name", ""),
        "language": fields.get("language", ""),
        "is_quiet": "asks_greeting" in fields and "greeting" not in fields,
        "where": fields.get("where", "all"),
        "channels": [value for name, value in pairs if name == "channel"],
        "traits": {name.removeprefix(TRAIT): value for name, value in pairs if name.startswith(TRAIT)},
        "asks_traits": "asks_traits" in fields,
    }
