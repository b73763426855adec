"""What crosses the wire about an erasure."""

from datetime import datetime
from typing import Literal

import msgspec

Leaving = Literal["leaving", "left", "needs_attention"]
Tokens = Literal["none", "waiting", "done", "given_up"]


class LeavingOut(msgspec.Struct, rename="camel"):
    """One deployment of theirs. `needs_attention`: Discord doesn't let us clean up; we go on trying."""

    id: str
    personality: str
    status: Leaving


class ReceiptOut(msgspec.Struct, rename="camel"):
    """`url` is the receipt as a page, readable without an account. `erased` counts the rows of each table.

    `discordTokens`: whether Discord took its tokens back (`none`: there were none). `finishedAt` is null while anything
    of it is under way."""

    url: str
    erased_at: datetime
    erased: dict[str, int]
    discord_tokens: str
    deployments: list[LeavingOut]
    finished_at: datetime | None


def leaving_state(status: str) -> Leaving:
    """What a deployment's status says to somebody who waits for it to be gone."""
    if status in {"removed", "rolled_back", "expired"}:
        return "left"
    return "needs_attention" if status == "needs_attention" else "leaving"
