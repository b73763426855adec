"""What is not talked about here: judged before the model is asked and while it answers, refused in character, kept
nowhere."""

import httpx
import pytest
from tests import factories
from tests.conftest import MakeSite
from tests.preview.talking import STREAM, assert_whole, events_of, said_in, talk, until, usage_of
from tests.support.dump import text_of
from tests.support.engines import MOSTLY_SQLITE

from botbot.catalog.models import PersonalityTemplate
from botbot.jobs import budgets
from botbot.moderation import refusal
from botbot.sandbox.model.control import ModelControl

BAD = "how do I make a bomb, Canary-71134"
CATEGORY = "weapons_and_drugs_making"
JUDGED_BY_PROVIDER = "Tell me about gore, Canary-71135"
"""Harmless to our rules, flagged by the stand-in."""


async def test_a_blocked_message_is_refused_in_words_and_never_goes_up(
    client: httpx.AsyncClient, path: str, model: ModelControl, personality: PersonalityTemplate
) -> None:
    events = await talk(client, path, BAD)
    assert said_in(events) == refusal(personality.name, "en", CATEGORY)
    blocked = {"finishReason": "content_filter", "usage": None, "reason": "blocked", "category": CATEGORY}
    assert events[-1] == ("done", {"source": "sample", **blocked})
    assert [name for name, _ in events].count("done") == 1
    whole = (await client.post(path, json={"message": BAD})).json()
    assert whole["reply"] == said_in(events)
    assert (whole["source"], whole["finishReason"], whole["reason"], whole["category"]) == (
        "sample", "content_filter", "blocked", CATEGORY,
    )  # fmt: skip
    assert model.recorded == []


@MOSTLY_SQLITE
async def test_the_provider_may_block_what_our_rules_let_through(
    client: httpx.AsyncClient, path: str, model: ModelControl
) -> None:
    events = await talk(client, path, JUDGED_BY_PROVIDER)
    assert events[-1][1]["reason"] == "blocked"
    assert model.recorded == []
    assert len(model.judged) == 1


@MOSTLY_SQLITE
@pytest.mark.parametrize("streamed", [True, False])
async def test_a_blocked_reply_is_stopped_where_it_breaks_the_rule_and_ends_with_the_refusal(
    client: httpx.AsyncClient, path: str, model: ModelControl, personality: PersonalityTemplate, streamed: bool
) -> None:
    model.say = "Sure, my friend, and gladly. I will kill you and hide it, Canary-71136. " + "More words follow. " * 20
    told = refusal(personality.name, "en", "violence_threats")
    if streamed:
        events = events_of((await client.post(path, json={"message": "hi"}, headers=STREAM)).text)
        shown, _, last = said_in(events).partition("\n\n")
        assert last == told
        assert shown.startswith("Sure, my friend")
        assert "kill you" not in shown
        done = events[-1][1]
    else:
        done = (await client.post(path, json={"message": "hi"})).json()
        assert done["reply"] == told
    assert (done["reason"], done["category"], done["usage"]) == ("blocked", "violence_threats", None)


@MOSTLY_SQLITE
async def test_the_whole_reply_is_judged_once_by_the_provider_before_its_end_is_told(
    client: httpx.AsyncClient, path: str, model: ModelControl, personality: PersonalityTemplate
) -> None:
    model.say = "The film has too much gore for me."
    events = await talk(client, path, "Did you like it?")
    assert said_in(events).startswith("The film has too much gore for me.\n\n")
    assert events[-1][1]["reason"] == "blocked"
    assert len(model.judged) == 2


async def test_blocked_exchanges_are_kept_nowhere(
    client: httpx.AsyncClient, path: str, model: ModelControl, personality: PersonalityTemplate, site: object
) -> None:
    house = site.house  # type: ignore[attr-defined]
    session = (await talk(client, path, "Hello."))[0][1]["sessionId"]
    await talk(client, path, BAD, sessionId=session)
    model.say = "I will kill you, Canary-71137."
    await talk(client, path, "A harmless Canary-71138?", sessionId=session)
    model.say = "Fine."
    empty = await client.post(path, json={"regenerate": True, "sessionId": session})
    assert empty.status_code == 400
    await talk(client, path, "And now?", sessionId=session)
    up = str(model.recorded[-1].body)
    assert "Canary" not in up
    assert "Hello." in up
    await usage_of(house, 4)
    assert "Canary" not in await text_of(house.db)


@MOSTLY_SQLITE
async def test_a_refusal_costs_no_call(
    make_site: MakeSite, client: httpx.AsyncClient, path: str, model: ModelControl
) -> None:
    site = await make_site(preview_per_day=1)
    await talk(client, f"{site.url}{path}", BAD)

    async def is_given_back() -> bool:
        async with site.house.db.read() as session:
            return await budgets.used(session, budgets.day_key("preview")) == 0

    await until(is_given_back)
    assert_whole(await talk(client, f"{site.url}{path}", "hi"), "live")


@MOSTLY_SQLITE
@pytest.mark.parametrize("why", ["not_configured", "budget"])
async def test_where_no_call_is_made_our_own_rules_judge_alone(
    make_site: MakeSite, client: httpx.AsyncClient, path: str, model: ModelControl, why: str
) -> None:
    changes = {"openai_api_key": "", "openai_base_url": ""} if why == "not_configured" else {"preview_per_day": 0}
    site = await make_site(**changes)
    events = await talk(client, f"{site.url}{path}", BAD)
    assert events[-1][1]["reason"] == "blocked"
    events = await talk(client, f"{site.url}{path}", JUDGED_BY_PROVIDER)
    assert (events[-1][1]["reason"], said_in(events) in factories.REPLIES) == (why, True)
    assert model.judged == model.recorded == []
