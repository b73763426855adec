"""From a message to an answer: claim it, remember, ask the model within the server's budget, and say it safely."""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import NamedTuple
from weakref import WeakValueDictionary

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.agents import queries, rules, service
from botbot.agents.queries import Speaker
from botbot.agents.sampling import choose_sample
from botbot.bot.purse import Purse
from botbot.catalog.service import note_talk, note_use
from botbot.errors import BotBotError, DiscordUnavailable, ModelUnavailable, StorageUnavailable
from botbot.house import House
from botbot.kit import clock
from botbot.kit.tasks import settle
from botbot.moderation import Side, refusal
from botbot.peers.discord.text import clean_reply, split_reply
from botbot.peers.llm import Message, Usage, estimate_usage
from botbot.usage import service as usage
from botbot.usage.service import Outcome

log = logging.getLogger("botbot.bot")

MAX_TOKENS = 500
TYPING_SECONDS = 8.0
SAY_SECONDS = 30.0
"""How long a message may wait for Discord; within minutes a repeated nonce is still known there."""
LONGEST = 2000
SPENT = "-# {name} has used up today's words in this server, and is back tomorrow (UTC)."
NO_MODEL = "-# A sample reply: the model isn't answering right now."
NOBODY = "Nobody lives here yet. Choose a personality for this server: {url}"


class Heard(msgspec.Struct, frozen=True):
    """A message that was meant for us."""

    message_id: int
    channel_id: int
    guild_id: int
    author_id: int
    text: str
    is_nsfw: bool


class Cost(NamedTuple):
    """What an answer took of the model."""

    tokens: Usage
    model: str
    outcome: Outcome | None


NO_COST = Cost(Usage(0, 0), "", "sample")


class Replies:
    """Answers; one at a time per channel."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._channels: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def answer(self, heard: Heard, speaker: Speaker | None) -> None:
        """Answer `heard` once, whatever the gateway delivers twice. Failures are logged, never raised."""
        came = clock.now()
        try:
            async with self._house.db.write() as session:
                if not await service.claim_message(session, heard.message_id):
                    return
            if speaker is None:
                await self._say(heard, [NOBODY.format(url=self._house.settings.public_url)])
            elif self._may_speak(heard, speaker):
                async with self._channels.setdefault(heard.channel_id, asyncio.Lock()):
                    await self._answer_as(heard, speaker, came)
        except BotBotError as error:
            log.warning("message %s in channel %s: %s", heard.message_id, heard.channel_id, error.message)

    def _may_speak(self, heard: Heard, speaker: Speaker) -> bool:
        if speaker.status != "active" or (speaker.channel_ids and heard.channel_id not in speaker.channel_ids):
            return False
        return heard.is_nsfw or speaker.snapshot.get("content_rating") != "mature"

    async def _answer_as(self, heard: Heard, speaker: Speaker, came: datetime) -> None:
        async with self._typing(heard.channel_id):
            remark = ""
            said = refused = await self._refusal(speaker, heard.text, "message")
            if not refused:
                said, remark = await self._think(heard, speaker)
            if not refused and not remark and (refused := await self._refusal(speaker, said, "reply")):
                said = refused
        parts = split_reply(clean_reply(said)) if said else []
        if remark:
            parts = _with_remark(parts, remark)
        await self._say(heard, parts)
        if said and not remark and not refused:
            await self._remember(heard, speaker, said, came)

    async def _refusal(self, speaker: Speaker, text: str, side: Side) -> str:
        """What is said instead where `text` may not be: neither it nor this is kept. Empty for nearly everything."""
        breach = await self._house.screen.judge(text, side)
        if breach is None:
            return ""
        with contextlib.suppress(StorageUnavailable):
            async with self._house.db.write() as session:
                await self._note(session, speaker, Cost(NO_COST.tokens, "", "blocked"))
        log.info("a %s for agent %s is not passed on: %s", side, speaker.agent_id, breach.category)
        return refusal(speaker.name, speaker.snapshot.get("language", "en"), breach.category)

    async def _think(self, heard: Heard, speaker: Speaker) -> tuple[str, str]:
        """(what is said, a small remark under it). The day's tokens are reserved before the call, settled after."""
        async with self._house.db.read() as session:
            history = await queries.recent_turns(session, self._house.cipher, speaker.agent_id, heard.channel_id)
        prompt = rules.conversation(speaker.snapshot, speaker.name, speaker.traits, history, heard.text)
        if not self._house.model.is_configured:
            return self._sample(heard, speaker, len(history)), NO_MODEL
        wanted = rules.asking(speaker.snapshot, MAX_TOKENS)
        purse = Purse(self._house, heard.guild_id, prompt, wanted.max_tokens)
        if not await purse.open():
            return "", SPENT.format(name=speaker.name)
        text = await self._ask(speaker, prompt, wanted, purse)
        if not clean_reply(text):  # nothing that could be sent
            return self._sample(heard, speaker, len(history)), NO_MODEL
        return text, ""

    async def _ask(self, speaker: Speaker, prompt: list[Message], wanted: rules.Asking, purse: Purse) -> str:
        """The model's reply; empty when there is none. Whatever happens, what it cost is noted."""
        cost = NO_COST
        try:
            reply = await self._house.model.complete(
                prompt,
                max_tokens=wanted.max_tokens,
                temperature=wanted.temperature,
                permit=purse.permit,
                lost=purse.lose,
            )
            purse.spent += reply.usage.prompt_tokens + reply.usage.completion_tokens
            cost = Cost(reply.usage, reply.model, "live")
        except ModelUnavailable as error:
            if error.started:
                purse.broke_off()
            return ""
        except BaseException:  # This process is told to end meanwhile, perhaps.
            purse.broke_off()
            raise
        finally:
            await settle(self._close_books(speaker, prompt, purse, cost))
        return reply.text

    async def _close_books(self, speaker: Speaker, prompt: list[Message], purse: Purse, cost: Cost) -> None:
        """Settle the server's day and note what was used, also by those that gave nothing for it. Without a database
        the reservation stands."""
        with contextlib.suppress(StorageUnavailable):
            async with self._house.db.write() as session:
                await purse.close(session)
                await self._note(session, speaker, cost)
                for model in purse.lost:
                    await self._note(session, speaker, Cost(estimate_usage(prompt, 0), model, None))

    async def _note(self, session: AsyncSession, speaker: Speaker, cost: Cost) -> None:
        await usage.note(
            session,
            personality_id=speaker.personality_id,
            guild_id=speaker.guild_id,
            prompt_tokens=cost.tokens.prompt_tokens,
            completion_tokens=cost.tokens.completion_tokens,
            model=cost.model,
            kind="bot",
            outcome=cost.outcome,
            prices=self._house.settings.openai_prices,
        )

    def _sample(self, heard: Heard, speaker: Speaker, turn: int) -> str:
        replies = speaker.snapshot.get("sample_replies", {})
        return choose_sample(replies, heard.text, speaker.snapshot.get("language", "en"), turn)

    async def _say(self, heard: Heard, parts: list[str]) -> None:
        """Only the first part is a reply."""
        for n, part in enumerate(parts):
            await self._say_part(heard, n, part)

    async def _say_part(self, heard: Heard, n: int, part: str) -> None:
        """Say it once, however often that has to be tried: the nonce keeps a repeated call from saying it twice.

        In a busy channel Discord takes a message a second; whoever asks meanwhile is answered in turn."""
        clock = asyncio.get_running_loop().time
        give_up_at = clock() + SAY_SECONDS
        for pause in itertools.count(1):
            try:
                await self._house.discord.create_message(
                    heard.channel_id,
                    part,
                    nonce=f"{heard.message_id}-{n}",
                    reply_to=heard.message_id if n == 0 else None,
                )
                return
            except DiscordUnavailable as error:
                wait = error.retry_after_seconds or pause
                if clock() + wait > give_up_at:
                    raise
            await asyncio.sleep(wait)

    async def _remember(self, heard: Heard, speaker: Speaker, said: str, came: datetime) -> None:
        """Unless they asked meanwhile to be forgotten."""
        async with self._house.db.write() as session:
            who = (heard.author_id, heard.guild_id)
            if await service.was_forgotten(session, self._house.cipher, *who, since=came):
                return
            for role, text in (("user", heard.text), ("assistant", said)):
                service.remember_turn(
                    session,
                    self._house.cipher,
                    speaker.agent_id,
                    heard.channel_id,
                    role=role,
                    text=text,
                    user_id=heard.author_id,
                )
                await session.flush()
            await note_use(session, speaker.personality_id, heard.author_id)
            await note_talk(session, speaker.personality_id, heard.guild_id)

    @asynccontextmanager
    async def _typing(self, channel_id: int) -> AsyncIterator[None]:
        """Show that an answer is being written, until the block ends."""
        task = asyncio.create_task(self._keep_typing(channel_id))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def _keep_typing(self, channel_id: int) -> None:
        while True:
            with contextlib.suppress(BotBotError):
                await self._house.discord.trigger_typing(channel_id)
            await asyncio.sleep(TYPING_SECONDS)


def _with_remark(parts: list[str], remark: str) -> list[str]:
    if not parts:
        return [remark]
    joined = f"{parts[-1]}\n{remark}"
    return [*parts[:-1], joined] if len(joined) <= LONGEST else [*parts, remark]
