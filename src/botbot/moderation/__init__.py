"""What is not talked about here: local rules that always hold, the provider's judgement where there is one, a guard for
streamed replies, and the words of a refusal."""

from botbot.moderation.guard import Guard
from botbot.moderation.refusals import refusal
from botbot.moderation.screen import Screen
from botbot.moderation.verdicts import Blocked, Breach, Side

__all__ = ["Blocked", "Breach", "Guard", "Screen", "Side", "refusal"]
