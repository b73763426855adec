"""The whole examination, in the order in which one thing keeps the next from being looked at."""

import os
from collections.abc import Mapping
from pathlib import Path

from botbot.doctor import configuration, machine, peers, storage
from botbot.doctor.findings import Finding, fine, found
from botbot.errors import NotConfigured
from botbot.house import House
from botbot.moderation.rulebook import read_rules
from botbot.moderation.screen import FOLDER as OWN_RULES
from botbot.settings import Settings, documented


async def examine(
    settings: Settings, environ: Mapping[str, str] | None = None, env_file: Path = Path(".env")
) -> list[Finding]:
    """Everything there is to say; nothing is changed. What can't be reached is said, never raised."""
    findings = [
        *configuration.look(settings, os.environ if environ is None else environ, env_file),
        *machine.look(settings, env_file),
        _rules(settings),
    ]
    if {"data_dir_unusable", "moderation_rules_broken"} & {each.name for each in findings}:
        return findings  # No house opens.
    house = House.build(settings)
    try:
        for part in (storage.look, peers.look_at_redis, peers.look_at_discord, peers.look_at_model):
            findings += await part(house)
    finally:
        await house.close()
    return findings


def _rules(settings: Settings) -> Finding:
    folder = settings.data_dir / OWN_RULES
    try:
        count = len(read_rules(folder)) - len(read_rules(None))
    except NotConfigured as error:
        return found("moderation_rules_broken", error.message)
    return fine("moderation", f"the local rules hold, with {count} files of your own in {folder}")


def example() -> str:
    """The text of `.env.example`."""
    lines = ["# Every setting, with its default. Copy this file to `.env` and change what you need.\n"]
    for name, shown, meaning in documented():
        lines.append(f"\n# {meaning}\n# Default: {shown}\n# {name}=\n")
    return "".join(lines)
