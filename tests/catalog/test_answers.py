"""Kept answers by themselves: never too old, never too many, made once."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from botbot.catalog.answers import Answer, Answers


def an_answer(body: bytes = b"x" * 1000) -> Answer:
    return Answer(200, [(b"content-type", b"text/plain")], body, is_kept=True)


def making(body: bytes, calls: list[bytes] | None = None) -> Callable[[], Awaitable[Answer]]:
    async def make() -> Answer:
        if calls is not None:
            calls.append(body)
        return an_answer(body)

    return make


class Shelf:
    """A value that is read slowly, as a database is: the value is taken first and handed over later."""

    def __init__(self) -> None:
        self.value = 0
        self.reads = 0
        self.gate = asyncio.Event()

    async def read(self) -> Answer:
        self.reads += 1
        seen = self.value
        await self.gate.wait()
        return an_answer(b"%d" % seen)


async def test_the_second_asks_nobody() -> None:
    answers, calls = Answers(), list[bytes]()
    first = await answers.get("key", making(b"one", calls))
    assert await answers.get("key", making(b"two", calls)) is first
    assert answers.find("key") is first
    assert calls == [b"one"]


async def test_a_change_makes_everything_stale_at_once() -> None:
    answers = Answers()
    await answers.get("a", making(b"old"))
    answers.drop()
    assert answers.find("a") is None
    assert (await answers.get("a", making(b"new"))).body == b"new"


async def test_what_began_before_a_change_is_not_kept() -> None:
    answers, shelf = Answers(), Shelf()
    early = asyncio.create_task(answers.get("key", shelf.read))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    shelf.value = 1
    answers.drop()
    shelf.gate.set()
    assert (await early).body == b"0", "asked before the change, so either is true"
    assert answers.find("key") is None
    assert (await answers.get("key", shelf.read)).body == b"1"


async def test_nobody_who_asks_after_a_change_joins_an_older_making() -> None:
    answers, shelf = Answers(), Shelf()
    early = asyncio.create_task(answers.get("key", shelf.read))
    await asyncio.sleep(0.001)
    shelf.value = 1
    answers.drop()
    late = asyncio.create_task(answers.get("key", shelf.read))
    await asyncio.sleep(0.001)
    shelf.gate.set()
    assert (await late).body == b"1"
    await early
    assert answers.find("key").body == b"1"  # type: ignore[union-attr]


async def test_an_older_making_that_ends_last_displaces_nothing() -> None:
    answers, slow, quick = Answers(), Shelf(), Shelf()
    early = asyncio.create_task(answers.get("key", slow.read))
    await asyncio.sleep(0.001)
    answers.drop()
    quick.value = 1
    quick.gate.set()
    await answers.get("key", quick.read)
    slow.gate.set()
    await early
    assert answers.find("key").body == b"1"  # type: ignore[union-attr]


async def test_every_answer_is_at_least_as_new_as_the_last_change_before_its_question() -> None:
    """Writers and readers in any order, a thousand of each, with pauses wherever the real ones may pause."""
    answers, chance, committed = Answers(), random.Random(7), 0

    async def read() -> Answer:
        await asyncio.sleep(chance.random() / 2000)
        seen = committed
        await asyncio.sleep(chance.random() / 2000)
        return an_answer(b"%d" % seen)

    async def reader() -> None:
        for _ in range(50):
            known = committed_and_told
            assert int((await answers.get("key", read)).body) >= known
            await asyncio.sleep(chance.random() / 1000)

    async def writer() -> None:
        nonlocal committed, committed_and_told
        for number in range(1, 300):
            committed = number
            await asyncio.sleep(chance.random() / 3000)  # committed, and the wake is still on its way
            answers.drop()
            committed_and_told = number
            await asyncio.sleep(chance.random() / 3000)

    committed_and_told = 0
    await asyncio.gather(writer(), *(reader() for _ in range(20)))


async def test_a_crowd_at_a_cold_key_makes_it_once() -> None:
    answers, shelf = Answers(), Shelf()
    crowd = [asyncio.create_task(answers.get("key", shelf.read)) for _ in range(200)]
    await asyncio.sleep(0.001)
    shelf.gate.set()
    assert len({id(answer) for answer in await asyncio.gather(*crowd)}) == 1
    assert shelf.reads == 1


async def test_one_who_leaves_does_not_end_it_for_the_others() -> None:
    answers, shelf = Answers(), Shelf()
    first, second = (asyncio.create_task(answers.get("key", shelf.read)) for _ in range(2))
    await asyncio.sleep(0.001)
    first.cancel()
    await asyncio.sleep(0)
    shelf.gate.set()
    assert (await second).body == b"0"
    assert answers.find("key") is not None


async def test_a_failure_reaches_all_who_wait_and_is_not_kept() -> None:
    answers = Answers()

    async def fail() -> Answer:
        await asyncio.sleep(0.001)
        raise OSError("the database is away")

    met = await asyncio.gather(*(answers.get("key", fail) for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in met] == [OSError] * 3
    assert (await answers.get("key", making(b"well again"))).body == b"well again"


async def test_what_may_not_be_kept_is_not() -> None:
    answers = Answers()

    async def refused() -> Answer:
        return Answer(404, [], b"no")

    assert (await answers.get("key", refused)).status == 404
    assert answers.find("key") is None
    assert len(answers) == 0


async def test_a_lost_wake_costs_a_second_counted_from_before_the_reading() -> None:
    answers = Answers(keep_seconds=0.05)

    async def slow() -> Answer:
        await asyncio.sleep(0.06)
        return an_answer()

    await answers.get("slow", slow)
    assert answers.find("slow") is None
    await answers.get("quick", making(b"now"))
    assert answers.find("quick") is not None
    await asyncio.sleep(0.06)
    assert answers.find("quick") is None


async def test_random_keys_never_fill_more_than_the_room_and_the_busy_ones_stay() -> None:
    answers = Answers(most_bytes=400_000)
    await answers.get("busy", making(b"b" * 5000))
    for number in range(2000):
        await answers.get(number, making(random.Random(number).randbytes(random.Random(number).randint(0, 20_000))))
        assert answers.bytes_held <= 400_000
        await answers.get("busy", making(b"b" * 5000))
    assert answers.find("busy") is not None
    assert 10 < len(answers) < 200


async def test_something_huge_displaces_nobody() -> None:
    answers = Answers(most_bytes=100_000)
    await answers.get("small", making(b"s"))
    assert (await answers.get("huge", making(b"h" * 90_000))).body == b"h" * 90_000
    assert answers.find("huge") is None
    assert answers.find("small") is not None


async def test_compressed_forms_are_counted_and_taken_over_by_the_same_words() -> None:
    answers = Answers()
    first = await answers.get("key", making(b"the same " * 500))
    before = answers.bytes_held
    packed = first.br
    answers.measure("key", first)
    assert packed is not None
    assert answers.bytes_held == before + len(packed)
    answers.drop()
    second = await answers.get("key", making(b"the same " * 500))
    assert second is not first
    assert second.br is packed
    assert answers.bytes_held == before + len(packed)
    answers.drop()
    third = await answers.get("key", making(b"not the same " * 500))
    assert third.br is not packed


@pytest.mark.parametrize("body", [b"", b"a", bytes(range(256))])
async def test_no_form_is_larger_than_the_plain_body(body: bytes) -> None:
    answer = an_answer(body)
    for form in (answer.br, answer.gzip):
        assert form is None or len(form) < len(body)
