"""Text on its way to Discord. What a model writes is untrusted: it may hide a link behind kind words, ring everyone,
invite people elsewhere, or carry letters nobody can see. All pure, and linear in the length of the text."""

import base64
import re
import unicodedata
from typing import Final
from urllib.parse import unquote, urlsplit

from botbot.errors import ValidationFailed
from botbot.peers.discord.splitting import split_reply

__all__ = ["check_persona_name", "check_webhook_name", "clean_reply", "data_uri", "split_reply"]

BREAK: Final = "\u200b"
"""A zero-width space of our own, put where it keeps Discord from reading a token."""
NICK_LIMIT = 32
WEBHOOK_NAME_LIMIT = 80
FORBIDDEN_PARTS = ("discord", "clyde")
FORBIDDEN_NAMES = ("everyone", "here")
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

INVITE_REMOVED = "(invite removed)"
LINK_REMOVED = "(link removed)"
INVITE_HOSTS = ("discord.gg", "dsc.gg", "discord.me", "invite.gg")
DISCORD_HOSTS = ("discord.com", "discordapp.com")

ZWNJ, ZWJ = "\u200c", "\u200d"
# Blank, though Unicode calls them letters, marks or symbols; and the selectors that can smuggle hidden text.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\ufe00-\ufe0d\U000e0000-\U000e0fff]"
)
_LINE_END = re.compile("\r\n?|[\u2028\u2029\u0085\v\f]")
_MASKED = re.compile(
    r"\[([^\[\]\n]{0,300})\]\(\s*<?([a-z][a-z0-9+.-]{0,30}:(?:[^\s<>()]|\([^\s<>()]{0,300}\)){1,2000})>?[^()\n]{0,200}\)",
    re.I,
)
_STILL_MASKED = re.compile(r"\](?=\(\s*<?\s*[a-z][a-z0-9+.-]{0,30}:)", re.I)
_URL = re.compile(r"\b[a-z][a-z0-9+.-]{0,30}:(?:\\?/){2}[^\s<>]{1,2000}", re.I)
_SENTENCE_SIGNS = ").,;:!?*_~|`\"'"
_BARE_INVITE = re.compile(
    r"(?:www\.)?(?:(?:discord|dsc|invite)\.gg|discord\.me|(?:[a-z]+\.)?discord(?:app)?\.com\s?\\?/invite)\s?\\?/\s?[\w-]+",
    re.I,
)
_BROADCAST = re.compile(r"@(?=everyone|here)", re.I)
_TOKEN = re.compile(r"<(?=@[!&]?\d|#\d|id:|/[^<>\n:]{1,100}:\d|(?:mailto|tel|sms|javascript|data|discord):)", re.I)
_SUBTEXT = re.compile(r"^((?:[ \t]|> ?){0,20})-#", re.M)
_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n){2,}")


def clean_reply(text: str) -> str:
    """What may be sent of a model's words; "" if nothing is left.

    Masked links become `text (<url>)`, invites and links of other schemes are taken out, mentions and command tokens
    are broken so that they look like what they are, and invisible or direction-changing characters go."""
    text = _without_hidden(_LINE_END.sub("\n", text))
    text = _MASKED.sub(_flattened, text)
    text = _STILL_MASKED.sub("] ", text)
    text = _URL.sub(_checked_url, text)
    text = _BARE_INVITE.sub(INVITE_REMOVED, text)
    text = _BROADCAST.sub(f"@{BREAK}", text)
    text = _TOKEN.sub(f"<{BREAK}", text)
    text = _SUBTEXT.sub(r"\1\\-#", text)
    return _BLANK_LINES.sub("\n\n", text).strip()


def _without_hidden(text: str) -> str:
    """Drops controls, formats, surrogates and blanks. Joiners stay where scripts and emoji need them."""
    if text.isascii() and text.isprintable():
        return text
    text = _INVISIBLE.sub("", text)
    kept = [char for i, char in enumerate(text) if not _is_hidden(char) or _is_joiner(text, i)]
    return "".join(kept)


def _is_hidden(char: str) -> bool:
    return char not in "\n\t" and unicodedata.category(char) in {"Cc", "Cf", "Cs"}


def _is_joiner(text: str, i: int) -> bool:
    if text[i] not in (ZWJ, ZWNJ) or not 0 < i < len(text) - 1:
        return False
    before, after = text[i - 1], text[i + 1]
    if text[i] == ZWJ and unicodedata.category(after) == "So":
        return unicodedata.category(before) in {"So", "Sk"} or before == "\ufe0f"
    return all(ord(each) > 0x590 and unicodedata.category(each)[0] in "LM" for each in (before, after))


def _flattened(match: re.Match[str]) -> str:
    words, target = match.group(1).strip(), match.group(2)
    if not re.match(r"https?:(?:\\?/){2}", target, re.I):
        return f"{words} {LINK_REMOVED}".strip()
    checked = _checked(target)
    return f"{words} (<{target}>)".strip() if checked == target else f"{words} {checked}".strip()


def _checked_url(match: re.Match[str]) -> str:
    url = match.group()
    bare = url.rstrip(_SENTENCE_SIGNS)
    return _checked(bare) + url[len(bare) :]


def _checked(url: str) -> str:
    """The link itself, or a note in its place."""
    plain = unicodedata.normalize("NFKC", unquote(url.replace("\\", ""))).replace("。", ".")  # as browsers read it
    try:
        parts = urlsplit(plain)
        host = (parts.hostname or "").removeprefix("www.").rstrip(".")
    except ValueError:
        return LINK_REMOVED
    if parts.scheme.lower() not in {"http", "https"} or "@" in parts.netloc or not host:
        return LINK_REMOVED
    is_invite = host in INVITE_HOSTS or (_is_discord(host) and parts.path.lower().lstrip("/").startswith("invite"))
    return INVITE_REMOVED if is_invite else url


def _is_discord(host: str) -> bool:
    return host in DISCORD_HOSTS or host.endswith(tuple(f".{each}" for each in DISCORD_HOSTS))


def check_persona_name(name: str) -> str | None:
    """None if a server nickname may be that; else what it must be, as a sentence's end ("must have …")."""
    return _check_name(name, NICK_LIMIT)


def check_webhook_name(name: str) -> str | None:
    """The same for a webhook's name, which may have 80 characters. Source: Discord docs, Webhook resource."""
    return _check_name(name, WEBHOOK_NAME_LIMIT)


def _check_name(name: str, limit: int) -> str | None:
    plain = unicodedata.normalize("NFKC", name).strip().casefold()
    if not 1 <= len(name.strip()) <= limit or any(part in plain for part in FORBIDDEN_PARTS):
        return f"must have 1–{limit} characters and contain neither “discord” nor “clyde”"
    if plain in FORBIDDEN_NAMES:
        return "must not be “everyone” or “here”"
    if "\n" in name or "\t" in name or _without_hidden(name) != name:
        return "must not contain invisible characters or line breaks"
    return None


def data_uri(png: bytes) -> str:
    """A picture as Discord takes it. Raises `ValidationFailed` for anything but a PNG: its type must match."""
    if not png.startswith(PNG_SIGNATURE):
        raise ValidationFailed(fields={"avatar": "must be a PNG picture"})
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
