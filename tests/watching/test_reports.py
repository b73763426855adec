"""Errors reach a real receiver, and nobody's words go with them."""

import asyncio
import logging

import pytest
from tests.bot.talk import until
from tests.watching.receivers import Receiver

from botbot.watching import reports

SECRET = "Marmalade-7731"


async def test_an_error_is_reported_without_what_people_wrote(receiver: Receiver) -> None:
    reports.set_up(f"http://key@127.0.0.1:{receiver.port}/1", "web", "1.0")
    try:
        word = SECRET
        raise ValueError(f"can't parse {word}")
    except ValueError:
        logging.getLogger("botbot.http").exception("unexpected failure %s", "a1b2c3")
    await asyncio.to_thread(reports.stop)
    await until(lambda: bool(receiver.events), 20, "no report came")
    (event,) = receiver.events
    assert event["exception"]["values"][0]["type"] == "ValueError"
    assert event["logentry"]["formatted"] == "unexpected failure a1b2c3"
    assert event["release"] == "botbot@1.0"
    frames = event["exception"]["values"][0]["stacktrace"]["frames"]
    assert frames[-1]["function"] == "test_an_error_is_reported_without_what_people_wrote"
    assert SECRET.encode() not in b"".join(body for _, body in receiver.posted)


def test_a_dsn_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="must be a DSN"):
        reports.set_up("not a dsn", "web", "1.0")
