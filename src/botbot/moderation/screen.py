"""Judges a whole text: our own rules first, which cost nothing and always hold, then the provider's opinion."""

import logging

from botbot.moderation.guard import Guard, find
from botbot.moderation.rulebook import rulebook
from botbot.moderation.verdicts import Breach, Side
from botbot.peers.llm.moderation import ModerationClient, Opinion
from botbot.settings import Settings

log = logging.getLogger("botbot.moderation")

FOLDER = "moderation"
"""Where in `BOTBOT_DATA_DIR` the operator's own rule files are."""
ELSE = "other"
"""What the provider flagged in a category that no rule file names."""


class Screen:
    """One per process. Raises `NotConfigured` when a rule file can't be used. Close it with `aclose`."""

    def __init__(self, settings: Settings) -> None:
        folder = settings.data_dir / FOLDER
        self._books = {side: rulebook(folder, side) for side in ("message", "reply")}
        self._provider = ModerationClient(settings)

    async def judge(self, text: str, side: Side = "message") -> Breach | None:
        """The first rule that a text breaks. Never raises: a provider that is down says nothing."""
        return self.judge_locally(text, side) or await self.ask_provider(text)

    async def ask_provider(self, text: str) -> Breach | None:
        """As `judge`, by the provider alone: for a text that a guard has read already."""
        opinion = await self._provider.opinion_of(text)
        return None if opinion is None else self._provided(opinion)

    def judge_locally(self, text: str, side: Side = "message") -> Breach | None:
        """As `judge`, by our own rules alone. What they only note is logged by its name."""
        broken, flags = find(self._books[side], text)
        for name in sorted(flags):
            log.info("noted in a %s: %s", side, name)
        return None if broken is None else Breach(broken.name)

    def flags(self, text: str, side: Side = "message") -> set[str]:
        """The names of categories that are noted but not blocked, such as `prompt_injection`."""
        return find(self._books[side], text)[1]

    def guard(self) -> Guard:
        """For one reply that is streamed."""
        return Guard(self._books["reply"])

    async def aclose(self) -> None:
        await self._provider.aclose()

    def _provided(self, opinion: Opinion) -> Breach | None:
        """In our words. What the provider flags counts from the score on that the rule files ask for (default 0)."""
        known = {theirs for each in self._books["message"].categories.values() for theirs in each.provider}
        for category in self._books["message"].categories.values():
            for theirs, least in category.provider.items():
                if category.blocks and opinion.get(theirs, -1.0) >= least:
                    return Breach(category.name, "provider")
        return Breach(ELSE, "provider") if opinion.keys() - known else None
