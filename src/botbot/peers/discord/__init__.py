"""Discord over HTTP: sign-in (`oauth`), the bot's calls (`rest`), and two pure helpers (`permissions`, `text`).

A call goes `rest`/`oauth` → `caller` → `limits` (may it go now?) → `line` (one request over the wire) and comes back
through `failures`, which turns every answer that is not a success into a class of `botbot.errors`.

Why not discord.py's REST: it repeats a POST by itself after a 502, and one call became three webhooks. Here a call
is sent once. Only the caller, who has rows to compare with, may decide to send it again."""
