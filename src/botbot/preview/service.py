"""The whole reply at once, for JSON and for the page without a script; streams are in `preview.relay`."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any

from botbot.errors import ApiError, BotBotError, ModelUnavailable
from botbot.house import House
from botbot.preview.exchanges import Exchange, open_exchange
from botbot.preview.relay import Relays
from botbot.preview.schemas import ChatOut, DoneEvent, TokenEvent

__all__ = ["Relays", "VisitorLeft", "answer", "answer_while_there", "open_exchange"]


class VisitorLeft(BotBotError):
    """Nobody waits for this answer any more; it was given up, and its call to the model ended."""

    status, error = 499, "visitor_left"


async def answer(house: House, relays: Relays, exchange: Exchange) -> ChatOut:
    """Raises `ModelUnavailable` (503) when it was cut off half-way, `RateLimited` (429) when no place is free."""
    said: list[str] = []
    done: DoneEvent | None = None
    async with aclosing(relays.open(house, exchange).batches()) as batches:
        async for event in (each async for batch in batches for each in batch):
            if isinstance(event, TokenEvent):
                said.append(event.text)
            elif isinstance(event, DoneEvent):
                done = event
            elif isinstance(event, ApiError):
                raise ModelUnavailable(event.message, code=event.code)
    if done is None:
        raise ModelUnavailable
    return _whole(exchange, said, done)


def _whole(exchange: Exchange, said: list[str], done: DoneEvent) -> ChatOut:
    return ChatOut(
        session_id=exchange.session.id,
        reply=exchange.refusal or "".join(said),
        source=done.source,
        usage=done.usage,
        finish_reason=done.finish_reason,
        remaining=exchange.left.remaining,
        reset_after_seconds=exchange.left.reset_after_seconds,
        reason=done.reason,
        category=done.category,
        reset_at=done.reset_at,
    )


async def answer_while_there(
    house: House, relays: Relays, exchange: Exchange, receive: Callable[[], Awaitable[Any]]
) -> ChatOut:
    """The whole reply, given up as soon as the visitor closes the connection. `receive` is ASGI's, after the body."""
    work = asyncio.create_task(answer(house, relays, exchange))
    gone = asyncio.create_task(_until_gone(receive))
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise VisitorLeft
        return work.result()
    finally:
        for task in (work, gone):
            task.cancel()
        await asyncio.gather(work, gone, return_exceptions=True)


async def _until_gone(receive: Callable[[], Awaitable[Any]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
