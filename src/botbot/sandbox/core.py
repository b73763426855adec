"""What every part of the stand-in shares: the world, what was called, the switches, the limits."""

import base64
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botbot.sandbox.calls import Recorded, Violation
from botbot.sandbox.cast import APPLICATION, BOT
from botbot.sandbox.faults import Faults
from botbot.sandbox.interactions import Interactions
from botbot.sandbox.limits import Limits
from botbot.sandbox.world import World

if TYPE_CHECKING:
    from botbot.sandbox.gateway.hub import Hub

CLIENT_SECRET = "sandbox-client-secret"  # noqa: S105 - it opens nothing
# Discord's tokens begin with the bot's id in base64; hikari reads it from there.
BOT_TOKEN = base64.b64encode(str(BOT).encode()).decode() + ".sandbox.opens-nothing-anywhere"


@dataclass
class Switches:
    """What is set in Discord's developer portal, and moods a test may choose.

    `avatar_changes` is how many picture changes are still allowed before AVATAR_RATE_LIMIT; `None` for any."""

    message_content: bool = False
    owner_has_2fa: bool = True
    avatar_changes: int | None = None
    sends_via: bool = True


@dataclass
class Core:
    world: World
    redirect_uris: Sequence[str]
    url: str = ""
    bot_id: int = BOT
    application_id: int = APPLICATION
    switches: Switches = field(default_factory=Switches)
    calls: deque[Recorded] = field(default_factory=lambda: deque(maxlen=20_000))
    violations: list[Violation] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)
    limits: Limits = field(default_factory=Limits)
    interactions: Interactions = field(default_factory=Interactions)
    typing: dict[int, dict[int, float]] = field(default_factory=dict)
    hub: "Hub" = field(init=False)

    @property
    def gateway_url(self) -> str:
        return f"ws{self.url.removeprefix('http')}/gateway"
