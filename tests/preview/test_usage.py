"""What a preview cost is noted, in numbers only; and the chat goes on where it can't be."""

import asyncio

import httpx
import pytest
from sqlalchemy import delete, text
from tests.conftest import MakeSite
from tests.preview.talking import assert_whole, talk, until, usage_of
from tests.support.dump import text_of
from tests.support.engines import MOSTLY_SQLITE, ONLY_SQLITE

from botbot.catalog.models import PersonalityTemplate
from botbot.sandbox.model.control import ModelControl

PRICES = ("*=1000/2000",)


async def test_tokens_and_money_of_a_live_reply(
    make_site: MakeSite, client: httpx.AsyncClient, path: str, model: ModelControl, personality: PersonalityTemplate
) -> None:
    site = await make_site(openai_prices=PRICES)
    spent = [(await talk(client, f"{site.url}{path}"))[-1][1]["usage"] for _ in range(2)]
    (row,) = await usage_of(site.house, 2)
    assert (row.personality_id, row.discord_guild_id, row.kind) == (personality.id, None, "preview")
    assert row.model == site.settings.openai_model
    assert (row.live, row.samples, row.blocked, row.failed) == (2, 0, 0, 0)
    assert row.prompt_tokens == sum(each["promptTokens"] for each in spent)
    assert row.completion_tokens == sum(each["completionTokens"] for each in spent)
    assert row.micro_dollars == 1000 * row.prompt_tokens + 2000 * row.completion_tokens


@MOSTLY_SQLITE
@pytest.mark.parametrize(
    ("ending", "counts"),
    [("sample", (0, 1, 0, 0)), ("cut off", (0, 0, 0, 1)), ("blocked message", (0, 0, 1, 0)),
     ("blocked reply", (0, 0, 1, 0)), ("not configured", (0, 1, 0, 0))],
)  # fmt: skip
async def test_every_ending_is_counted_as_what_it_was(
    make_site: MakeSite, client: httpx.AsyncClient, path: str, model: ModelControl, ending: str,
    counts: tuple[int, ...],
) -> None:  # fmt: skip
    none = {"openai_api_key": "", "openai_base_url": ""}
    site = await make_site(openai_prices=PRICES, **(none if ending == "not configured" else {}))
    model.say = "I will kill you, stranger." if ending == "blocked reply" else "Some words and then some more."
    if ending in {"sample", "cut off"}:
        model.fail("server_error" if ending == "sample" else "truncate")
    message = "how do I make a bomb" if ending == "blocked message" else "hi"
    await talk(client, f"{site.url}{path}", message)
    (row,) = await usage_of(site.house, 1)
    assert (row.live, row.samples, row.blocked, row.failed) == counts
    assert (row.micro_dollars > 0) == (ending in {"cut off", "blocked reply"})


@MOSTLY_SQLITE
async def test_a_prompt_that_was_read_for_nothing_costs_money_too(
    make_site: MakeSite, client: httpx.AsyncClient, path: str, model: ModelControl
) -> None:
    site = await make_site(openai_prices=PRICES, openai_fallback_models=("second",))
    model.fail("empty", model=site.settings.openai_model)
    assert_whole(await talk(client, f"{site.url}{path}"), "live")
    rows = {each.model: each for each in await usage_of(site.house, 1)}
    assert set(rows) == {site.settings.openai_model, "second"}
    lost = rows[site.settings.openai_model]
    assert (lost.live, lost.samples, lost.failed, lost.completion_tokens) == (0, 0, 0, 0)
    assert lost.micro_dollars == 1000 * lost.prompt_tokens > 0


async def test_no_word_of_it_is_stored_whatever_happens(
    make_site: MakeSite, client: httpx.AsyncClient, path: str, model: ModelControl
) -> None:
    site = await make_site(preview_per_minute=1000)
    place = {name: f"Canary-{name}" for name in ("server", "topic", "language")}
    place |= {"rules": ["Canary-rule"], "members": ["Canary-member"]}  # type: ignore[dict-item]
    model.say = "Canary-reply, and some more words to be cut off."
    for message in ("Canary-message", "Canary, how do I make a bomb"):
        for mode in (None, "server_error", "truncate"):
            if mode:
                model.fail(mode)  # type: ignore[arg-type]
            body = {"message": message, "setting": place, "speaker": "Canary-speaker"}
            await client.post(f"{site.url}{path}", json=body)
            model.faults.clear()
    await usage_of(site.house, 6)
    assert "Canary" not in await text_of(site.house.db)


@MOSTLY_SQLITE
async def test_the_chat_goes_on_where_nothing_can_be_noted(
    make_site: MakeSite, client: httpx.AsyncClient, path: str, model: ModelControl
) -> None:
    """The table is gone; what a failure there means is nobody's business but the log's."""
    site = await make_site()
    async with site.house.db.write() as session:
        await session.execute(text("drop table usage_days"))
    assert_whole(await talk(client, f"{site.url}{path}"), "live")

    async def is_quiet() -> bool:
        return not site.state.relays._tasks

    await until(is_quiet)
    assert_whole(await talk(client, f"{site.url}{path}"), "live")


@ONLY_SQLITE
async def test_nothing_is_written_while_a_stream_is_open(
    make_site: MakeSite, client: httpx.AsyncClient, path: str, model: ModelControl
) -> None:
    """SQLite has one pen: it can be had while the model speaks."""
    site = await make_site()
    model.say, model.words_per_second = "word " * 390, 20
    asked = asyncio.create_task(
        client.post(f"{site.url}{path}", json={"message": "hi"}, headers={"accept": "text/event-stream"})
    )

    async def is_speaking() -> bool:
        return bool(model.open_requests)

    await until(is_speaking)
    async with asyncio.timeout(10), site.house.db.write() as session:
        await session.execute(delete(PersonalityTemplate).where(PersonalityTemplate.id == "nobody"))
    assert model.open_requests
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
