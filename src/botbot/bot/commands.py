"""The bot's slash commands, which are about what it keeps of the person who uses them. They answer to that person
alone, need no account here, and work wherever the bot is, also where nobody lives any more.

An answer must begin within three seconds, so it is put off first and written when the work is done. Source: Discord
docs, interactions/receiving-and-responding and application-commands."""

import logging
from typing import Any

import msgspec

from botbot.errors import BotBotError
from botbot.house import House
from botbot.privacy.service import forget_talk

log = logging.getLogger("botbot.bot")

SLASH, STRING = 1, 3
HERE, EVERYWHERE = "here", "everywhere"
COMMANDS: list[dict[str, Any]] = [
    {
        "type": SLASH,
        "name": "forget",
        "description": "Delete what you said to a personality, and what it answered you.",
        "options": [
            {
                "type": STRING,
                "name": "where",
                "description": "In this server, or in every server. Here, if you don't say.",
                "required": False,
                "choices": [{"name": "in this server", "value": HERE}, {"name": "everywhere", "value": EVERYWHERE}],
            }
        ],
        "contexts": [0],
    },
    {
        "type": SLASH,
        "name": "privacy",
        "description": "What this bot keeps about you, and how you end it.",
        "contexts": [0],
    },
]
SORRY = "I can't reach my memory right now, so nothing was deleted. Please try again in a minute."
UNKNOWN = "I don't know this command any more. Discord shows the ones I know when you type a slash."


class Asked(msgspec.Struct, frozen=True):
    """A command somebody used. `where` is what they chose, empty for nothing."""

    id: int
    token: str
    application_id: int
    guild_id: int | None
    user_id: int
    name: str
    where: str = ""


def read_asked(interaction: Any) -> Asked | None:
    """What discord.py heard, if it is a slash command."""
    data = interaction.data or {}
    if interaction.type.value != 2 or data.get("type") != SLASH:
        return None
    options = {each.get("name"): each.get("value") for each in data.get("options", [])}
    return Asked(
        id=interaction.id,
        token=interaction.token,
        application_id=interaction.application_id,
        guild_id=interaction.guild_id,
        user_id=interaction.user.id,
        name=str(data.get("name", "")),
        where=str(options.get("where") or ""),
    )


async def register(house: House, application_id: int) -> None:
    """Tell Discord which commands there are, where it doesn't know it yet. Failures are logged, never raised."""
    try:
        known = await house.discord.list_commands(application_id)
        if [_essence(each) for each in known] != [_essence(each) for each in COMMANDS]:
            await house.discord.set_commands(application_id, COMMANDS)
    except BotBotError as error:
        log.warning("the commands could not be registered: %s", error.message)


def _essence(command: dict[str, Any]) -> tuple[Any, ...]:
    options = [(each.get("name"), each.get("description")) for each in command.get("options") or []]
    return command.get("type", SLASH), command.get("name"), command.get("description"), options


async def answer(house: House, asked: Asked) -> None:
    """Do what was asked, and say so. Failures are logged, never raised."""
    try:
        await house.discord.put_off_interaction(asked.id, asked.token)
        await house.discord.finish_interaction(asked.application_id, asked.token, await _do(house, asked))
    except BotBotError as error:
        log.warning("command %s of interaction %s: %s", asked.name, asked.id, error.message)


async def _do(house: House, asked: Asked) -> str:
    if asked.name == "privacy":
        return _about(house)
    if asked.name != "forget":
        return UNKNOWN
    guild_id = None if asked.where == EVERYWHERE or asked.guild_id is None else asked.guild_id
    try:
        async with house.db.write() as session:
            turns = await forget_talk(session, house.cipher, asked.user_id, guild_id)
    except BotBotError as error:
        log.warning("forgetting for interaction %s: %s", asked.id, error.message)
        return SORRY
    return _forgotten(turns, "in every server" if guild_id is None else "in this server")


def _forgotten(turns: int, where: str) -> str:
    if not turns:
        return f"There was nothing of yours {where} to delete."
    return f"Done: {turns} {'turn' if turns == 1 else 'turns'} of talk with you {where} deleted, for good."


def _about(house: House) -> str:
    settings = house.settings
    days = "a day" if settings.retention_days == 1 else f"{settings.retention_days} days"
    contact = f"\nWhom to ask: {settings.contact}" if settings.contact else ""
    return (
        f"What you say to a personality here is kept encrypted for {days}, then deleted. `/forget` deletes it now. "
        f"Everything else about privacy: <{settings.public_url}/privacy>{contact}"
    )
