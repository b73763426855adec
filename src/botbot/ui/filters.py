"""How numbers, moments and names are said to a person."""

from datetime import datetime

from markupsafe import Markup, escape

from botbot.kit import clock
from botbot.kit.languages import language_name as language_name

_LABELS = {"VIEW_CHANNEL": "View Channels", "MANAGE_GUILD": "Manage Server"}
_PERMISSIONS = {
    "VIEW_CHANNEL": "see the channels you give it",
    "SEND_MESSAGES": "write messages",
    "SEND_MESSAGES_IN_THREADS": "write in threads",
    "READ_MESSAGE_HISTORY": "read the message it is replying to",
    "CHANGE_NICKNAME": "wear its own name",
    "EMBED_LINKS": "show link previews",
    "ATTACH_FILES": "attach files",
    "ADD_REACTIONS": "react with emoji",
    "USE_EXTERNAL_EMOJIS": "use emoji from other servers",
    "MANAGE_WEBHOOKS": "speak through a webhook of its own",
    "MANAGE_GUILD": "manage the server",
    "CREATE_PUBLIC_THREADS": "open threads",
    "USE_APPLICATION_COMMANDS": "offer slash commands",
}
_INTENTS = {
    "GUILDS": "which channels there are",
    "GUILD_MESSAGES": "that something was written",
    "MESSAGE_CONTENT": "what is written in its channels",
    "GUILD_MEMBERS": "who comes and goes",
    "GUILD_MESSAGE_REACTIONS": "reactions with emoji",
    "DIRECT_MESSAGES": "direct messages",
    "GUILD_PRESENCES": "who is online",
    "GUILD_VOICE_STATES": "who is in a voice channel",
}
_AGES = {
    "everyone": "Suitable for everyone",
    "teen": "From 13 years on",
    "mature": "For adults, in age-restricted channels",
}
REPLY_REASONS = {
    "budget": "today’s live replies are used up",
    "unavailable": "the model isn’t answering right now",
    "not_configured": "no model is connected",
}
_BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("Vivaldi", "Vivaldi"), ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"), ("FxiOS", "Firefox"), ("HeadlessChrome", "Chromium"), ("Chromium", "Chromium"),
    ("CriOS", "Chrome"), ("Chrome", "Chrome"), ("Safari", "Safari"), ("curl", "curl"), ("python", "A Python script"),
)  # fmt: skip
_SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"), ("Linux", "Linux"), ("BSD", "BSD"),
)  # fmt: skip
_SPANS = ((60, 1, "second"), (3600, 60, "minute"), (86400, 3600, "hour"), (2592000, 86400, "day"))


def compact(number: float) -> str:
    """999, 1k, 12.4k, 3.1M: never more than four characters and a letter."""
    for unit, letter in ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "k")):
        if number >= unit * 0.9995:
            return f"{number / unit:.1f}".removesuffix(".0") + letter
    return f"{number:g}"


def plural(count: int, one: str, many: str = "") -> str:
    """`1 server`, `12.4k servers`."""
    return f"{compact(count)} {one if count == 1 else many or one + 's'}"


def span(seconds: float) -> str:
    """A length of time in its largest whole unit: `40 seconds`, `3 hours`, `12 days`."""
    seconds = abs(seconds)
    for limit, unit, name in _SPANS:
        if seconds < limit:
            return plural(int(seconds // unit), name)
    return plural(int(seconds // 86400), "day")


def ago(moment: datetime | str | None) -> Markup:
    """A `<time>` that reads like `3 hours ago` or `in 5 minutes`; older than a month it gives the day."""
    if not moment:
        return Markup("")
    when = _moment(moment)
    seconds = (clock.now() - when).total_seconds()
    if abs(seconds) < 45:
        words = "just now" if seconds >= 0 else "in a moment"
    elif seconds < 0:
        words = f"in {span(seconds)}"
    else:
        words = f"{span(seconds)} ago" if seconds < 2592000 else _day(when)
    return _time(when, words)


def day(moment: datetime | str | None) -> Markup:
    """A `<time>` with the day: `3 March 2026`."""
    if not moment:
        return Markup("")
    when = _moment(moment)
    return _time(when, _day(when))


def clock_time(moment: datetime | str | None) -> Markup:
    """A `<time>` with the hour and minute in UTC; a script turns it into the reader's own."""
    if not moment:
        return Markup("")
    when = _moment(moment)
    return _time(when, f"{when:%H:%M}")


def permission_label(name: str) -> str:
    """A Discord permission as Discord's own settings call it: `CHANGE_NICKNAME` becomes `Change Nickname`."""
    return _LABELS.get(name, name.replace("_", " ").title())


def permission_words(name: str) -> str:
    """What a Discord permission allows, in words; an unknown name is softened, not hidden."""
    return _PERMISSIONS.get(name, name.replace("_", " ").lower())


def intent_words(name: str) -> str:
    """What a gateway intent lets it know, in words; an unknown name is softened, not hidden."""
    return _INTENTS.get(name, name.replace("_", " ").lower())


def age_words(content_rating: str) -> str:
    """For whom it is."""
    return _AGES.get(content_rating, content_rating.capitalize())


def reply_reason(reason: str | None) -> str:
    """Why a preview answered with a sample reply."""
    return REPLY_REASONS.get(reason or "", "written by its author")


def initials(name: str) -> str:
    """TTS for The Teapot Society, as Discord draws a server without a picture."""
    return "".join(word[0] for word in name.split())[:4].upper()


def member_hue(name: str) -> int:
    """A colour of somebody's own, from the name alone; `chat_turn.js` finds the same one."""
    return sum(map(ord, name)) * 7 % 36 * 10


def browser_name(agent: str | None) -> str:
    """A `User-Agent` as people say it: `Firefox on Linux`. Half a guess by nature: they claim to be one another, so the
    more particular names come first."""
    browser = next((name for sign, name in _BROWSERS if sign in (agent or "")), "A browser")
    system = next((name for sign, name in _SYSTEMS if sign in (agent or "")), "")
    return f"{browser} on {system}" if system else browser


def field_words(name: str) -> str:
    """A JSON field as people read it: `customizations.name` becomes `name`, `minRating` becomes `min rating`."""
    last = name.rsplit(".", 1)[-1]
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in last).strip()


def _moment(value: datetime | str) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def _day(when: datetime) -> str:
    return f"{when.day} {when:%B %Y}"


def _time(when: datetime, words: str) -> Markup:
    iso = escape(clock.iso(when))
    return Markup('<time datetime="{}" title="{:%-d %B %Y, %H:%M} UTC">{}</time>').format(iso, when, words)
