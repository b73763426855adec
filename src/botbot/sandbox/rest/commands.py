"""The application's commands. Source: Discord docs, interactions/application-commands."""

from typing import Any

from botbot.sandbox.calls import Call, Table
from botbot.sandbox.limits import Rate
from botbot.sandbox.refusals import invalid, refuse

SLASH = 1
MOST = {SLASH: 100, 2: 15, 3: 15, 4: 1}
LONGEST_NAME = 32
_KEPT = ("name_localizations", "description_localizations", "options", "dm_permission", "contexts")
table = Table()


@table.on("GET", "/applications/{application_id}/commands")
async def list_all(call: Call) -> Any:
    _require_own(call)
    return call.world.state.commands


@table.on("PUT", "/applications/{application_id}/commands", rate=Rate(10, 20.0))
async def overwrite(call: Call) -> Any:
    _require_own(call)
    commands = [_command(call, number, each) for number, each in enumerate(call.body or [])]
    _require_few(commands)
    call.world.state.commands = commands
    call.world.touch()
    return commands


def _require_own(call: Call) -> None:
    if call.id("application_id") != call.core.application_id:
        raise refuse(10002)


def _require_few(commands: list[dict[str, Any]]) -> None:
    for kind, most in MOST.items():
        names = [each["name"] for each in commands if each["type"] == kind]
        if len(names) > most:
            raise invalid("", "APPLICATION_COMMANDS_MAX", f"Maximum number of commands reached ({most})")
        if len(set(names)) < len(names):
            raise invalid("", "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique")


def _command(call: Call, number: int, given: dict[str, Any]) -> dict[str, Any]:
    """As Discord keeps it: a command of the same name and type keeps its id."""
    kind = given.get("type") or SLASH
    _check(kind, number, given)
    known = (each for each in call.world.state.commands if (each["name"], each["type"]) == (given["name"], kind))
    bits = given.get("default_member_permissions")
    return {
        "id": next(known, {}).get("id") or str(call.world.new_id()),
        "application_id": str(call.core.application_id),
        "version": str(call.world.new_id()),
        "type": kind,
        "name": given["name"],
        "description": given.get("description") or "",
        "default_member_permissions": None if bits is None else str(bits),
        "nsfw": bool(given.get("nsfw")),
        "integration_types": given.get("integration_types") or [0],
        **{name: given[name] for name in _KEPT if given.get(name) is not None},
    }


def _check(kind: int, number: int, given: dict[str, Any]) -> None:
    name, description = given["name"], given.get("description")
    if not 1 <= len(name) <= LONGEST_NAME:
        raise invalid(f"{number}.name", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 32 in length.")
    if kind == SLASH and (name != name.lower() or " " in name):
        text = "Command name is invalid"
        raise invalid(f"{number}.name", "APPLICATION_COMMAND_INVALID_NAME", text)
    if kind == SLASH and not description:
        raise invalid(f"{number}.description", "BASE_TYPE_REQUIRED", "This field is required")
    if kind in (2, 3) and description:
        text = "Context menu commands cannot have description"
        raise invalid(f"{number}.description", "APPLICATION_COMMAND_DESCRIPTION_NOT_ALLOWED", text)
