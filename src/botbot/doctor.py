"""Checks every setting and peer, and says what is wrong and how to mend it."""

from dataclasses import dataclass

from botbot.catalog import search_index
from botbot.db.migrate import revision
from botbot.errors import BotBotError, NotConfigured
from botbot.house import House
from botbot.moderation.rulebook import read_rules
from botbot.moderation.screen import FOLDER as OWN_RULES
from botbot.peers.llm import Message
from botbot.settings import PORTAL, Settings, documented
from botbot.usage.rules import price_of

WITHOUT_TRIGRAMS = (
    f"works, but slowly in a big catalogue: PostgreSQL's extension {search_index.EXTENSION} is missing. Install the "
    "server's contrib package if it hasn't it, run `create extension pg_trgm` in this database as its owner or a "
    "superuser, and restart BotBot, which makes the index then"
)


@dataclass(frozen=True)
class Finding:
    subject: str
    is_wrong: bool
    text: str

    def __str__(self) -> str:
        return f"{'WRONG' if self.is_wrong else 'ok':5}  {self.subject}: {self.text}"


async def examine(settings: Settings) -> list[Finding]:
    """One finding per part; nothing is changed. Without its moderation rules no house opens, so they come first."""
    rules = _rules(settings)
    if rules.is_wrong:
        return [rules]
    house = House.build(settings)
    try:
        return [
            rules,
            await _database(house),
            *await _search(house),
            *_configuration(settings),
            *await _discord(house),
            *await _model(house),
        ]
    finally:
        await house.close()


def _rules(settings: Settings) -> Finding:
    folder = settings.data_dir / OWN_RULES
    try:
        count = len(read_rules(folder)) - len(read_rules(None))
    except NotConfigured as error:
        return Finding("moderation", True, error.message)
    return Finding("moderation", False, f"the local rules hold, with {count} files of your own in {folder}")


async def _database(house: House) -> Finding:
    try:
        await house.db.ping()
        present, newest = await revision(house.db)
    except BotBotError as error:
        return Finding("database", True, f"{error.message} Check DATABASE_URL and that the server runs.")
    if present is None:
        return Finding("database", False, "empty; `botbot serve` or `botbot migrate` fills it")
    if present != newest:
        return Finding("database", True, f"its schema is {present}, this code wants {newest}: run `botbot migrate`")
    return Finding("database", False, f"up to date ({present})")


async def _search(house: House) -> list[Finding]:
    """Search is right without its index, and slow in a big catalogue."""
    try:
        if (await revision(house.db))[0] is None:
            return []
        async with house.db.reading() as connection:
            if await search_index.is_complete(connection):
                return [Finding("search", False, "its index is in place")]
    except BotBotError:
        return []  # The database's own finding says so.
    if house.db.is_sqlite:
        return [Finding("search", False, "its index is made at the next start")]
    return [Finding("search", True, WITHOUT_TRIGRAMS)]


def _configuration(settings: Settings) -> list[Finding]:
    findings = []
    if missing := settings.missing_discord:
        findings.append(Finding("Discord", True, f"set {', '.join(missing)}; you find them at {PORTAL}"))
    if settings.base_url and not settings.is_https and "127.0.0.1" not in settings.base_url:
        findings.append(Finding("BOTBOT_BASE_URL", True, "is public but not https, so cookies can't be protected"))
    if not settings.redis_url:
        findings.append(Finding("REDIS_URL", False, "not set: limits hold per process, which is right for one process"))
    return findings


async def _discord(house: House) -> list[Finding]:
    if not house.settings.has_discord:
        return []
    try:
        application = await house.discord.get_application()
    except BotBotError as error:
        return [Finding("Discord", True, f"{error.message} Check DISCORD_BOT_TOKEN and DISCORD_API_URL.")]
    findings = [Finding("Discord", False, f"signed in as {application.name}")]
    if not application.bot_require_code_grant:
        findings.append(
            Finding(
                "Discord", True, f"switch “Requires OAuth2 Code Grant” on at {PORTAL}, Bot page: it proves each install"
            )
        )
    if str(application.id) != house.settings.discord_client_id:
        findings.append(Finding("DISCORD_CLIENT_ID", True, "belongs to another application than DISCORD_BOT_TOKEN"))
    findings.append(
        Finding("Discord", False, f"its redirect list ({PORTAL}, OAuth2) must hold {house.settings.redirect_uri}")
    )
    return findings


async def _model(house: House) -> list[Finding]:
    if not house.model.is_configured:
        return [
            Finding(
                "model", False, "none set, so chats answer with sample replies; set OPENAI_API_KEY or OPENAI_BASE_URL"
            )
        ]
    try:
        reply = await house.model.complete([Message(role="user", content="Say hi.")], max_tokens=16)
    except BotBotError as error:
        return [Finding("model", True, f"{error.message} Check OPENAI_BASE_URL, OPENAI_API_KEY and OPENAI_MODEL.")]
    return [Finding("model", False, f"{reply.model} answers"), _price(house.settings, reply.model)]


def _price(settings: Settings, model: str) -> Finding:
    """As the model calls itself, which is what usage is noted under."""
    price = price_of(settings.openai_prices, model)
    if price is None:
        return Finding("OPENAI_PRICES", False, f"has no price for {model}: its tokens are counted, its money is 0")
    return Finding("OPENAI_PRICES", False, f"{model} costs ${price.prompt} / ${price.completion} per million tokens")


def example() -> str:
    """The text of `.env.example`."""
    lines = ["# Every setting, with its default. Copy this file to `.env` and change what you need.\n"]
    for name, shown, meaning in documented():
        lines.append(f"\n# {meaning}\n# Default: {shown}\n# {name}=\n")
    return "".join(lines)
