"""Discord's REST API, as far as a marketplace needs it."""

from botbot.sandbox.calls import Endpoint
from botbot.sandbox.rest import commands, followups, guilds, messages, users, webhooks


def endpoints() -> list[Endpoint]:
    """Fixed path parts (`@me`, `@original`) come before patterns that would match them too."""
    tables = (users, guilds, messages, webhooks, followups, commands)
    every = [endpoint for module in tables for endpoint in module.table.endpoints]
    return sorted(every, key=lambda each: [part.startswith("{") for part in each.path.split("/")])
