"""Events on their way to one reader."""

from botbot.preview.relay import Outbox
from botbot.preview.schemas import DoneEvent, RefusalEvent, TokenEvent


async def test_words_that_wait_together_leave_together_and_in_order() -> None:
    box = Outbox()
    for word in ("one ", "two ", "three"):
        box.put(TokenEvent(word))
    box.put(DoneEvent("live", "stop", None))
    box.close()
    assert await box.take(1) == [TokenEvent("one two three"), DoneEvent("live", "stop", None)]
    assert await box.take(1) is None
    assert await box.take(1) is None


async def test_nothing_in_time_is_a_sign_of_life_and_no_end() -> None:
    box = Outbox()
    assert await box.take(0.01) == []
    box.put(TokenEvent("late"))
    assert await box.take(1) == [TokenEvent("late")]


async def test_what_has_its_end_keeps_it() -> None:
    box = Outbox()
    box.put(DoneEvent("live", "stop", None))
    box.close()
    box.cut(TokenEvent("never"))
    box.put(TokenEvent("never"))
    assert await box.take(1) == [DoneEvent("live", "stop", None)]
    assert await box.take(1) is None


async def test_a_refusal_is_not_joined_to_the_words_before_it() -> None:
    box = Outbox()
    for event in (TokenEvent("Sure, "), TokenEvent("gladly. "), RefusalEvent("\n\nNo.")):
        box.put(event)
    assert await box.take(1) == [TokenEvent("Sure, gladly. "), RefusalEvent("\n\nNo.")]
