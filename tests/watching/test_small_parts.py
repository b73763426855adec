"""What needs no site: labels, trails, and failures told without what people wrote."""

import asyncio
import gc
import json
import logging

import pytest
from sqlalchemy.exc import IntegrityError

from botbot import logs
from botbot.errors import NotFound
from botbot.watching import figures, plain, reports, trails

SECRET = "my cat is called Marmalade"


def test_a_server_that_invents_model_names_fills_no_memory() -> None:
    names = {figures._bounded(f"model-{n}") for n in range(200)}
    assert len(names) <= figures.MOST_MODELS + 1
    assert figures.OTHER in names


def raised(error: BaseException, behind: BaseException | None = None) -> BaseException:
    try:
        raise error from behind
    except BaseException as caught:
        return caught


@pytest.mark.parametrize(
    "error",
    [
        ValueError(SECRET),
        KeyError(SECRET),
        UnicodeDecodeError("utf-8", SECRET.encode(), 0, 1, SECRET),
        IntegrityError("insert into reviews", {"text": SECRET}, RuntimeError(SECRET)),
        ExceptionGroup(SECRET, [ValueError(SECRET)]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_failure_is_told_without_what_people_wrote(error: BaseException) -> None:
    for told in (plain.one_line(raised(error)), plain.trace(raised(error)), plain.trace(raised(KeyError(1), error))):
        assert SECRET not in told
        assert "Marmalade" not in told
    assert type(error).__name__ in plain.trace(raised(error))
    assert "test_small_parts.py" in plain.trace(raised(error))


def test_messages_of_our_own_classes_are_told_on_one_line() -> None:
    assert plain.one_line(NotFound("There is\nnothing")) == "NotFound: There is nothing"
    assert plain.one_line(TypeError("f() takes 1 argument")) == "TypeError: f() takes 1 argument"


def test_failures_that_cause_one_another_in_a_circle_end() -> None:
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    assert plain.trace(first).count("ValueError") == 2


@pytest.mark.parametrize("formatter", [logs.JsonLines(), logs.Lines()])
def test_log_lines_name_their_trail_and_quote_nobody(formatter: logging.Formatter) -> None:
    error = raised(ValueError(SECRET))
    record = logging.LogRecord("botbot.x", logging.ERROR, __file__, 1, "it broke", None, (type(error), error, None))
    with trails.follow("0123456789abcdef", "test"):
        line = formatter.format(record)
    assert "0123456789abcdef" in line
    assert "it broke" in line
    assert SECRET not in line
    assert "ValueError" in line
    assert "0123456789abcdef" not in formatter.format(record)


async def failing_task() -> None:
    raise ValueError(SECRET)


async def test_a_task_that_nobody_waited_for_is_told_without_its_words(caplog: pytest.LogCaptureFixture) -> None:
    task = asyncio.create_task(failing_task())
    await asyncio.wait({task})
    del task
    gc.collect()
    (record,) = [each for each in caplog.records if each.name == "asyncio"]
    assert SECRET in record.getMessage()
    for formatter in (logs.JsonLines(), logs.Lines()):
        assert "never retrieved" in formatter.format(record)
        assert SECRET not in formatter.format(record)
    sent = reports.scrub({"logger": "asyncio", "logentry": {"message": record.getMessage()}}, {})
    assert SECRET not in json.dumps(sent)


def test_json_lines_are_one_line_each() -> None:
    record = logging.LogRecord("botbot.x", logging.INFO, __file__, 1, "two\nlines", None, None)
    line = logs.JsonLines().format(record)
    assert "\n" not in line
    assert json.loads(line)["event"] == "two\nlines"


@pytest.mark.parametrize(
    "row", [None, "", "x" * 16, "0123456789abcdef; drop", "0123456789ABCDEF", "0123456789abcdef 00-1"]
)
def test_a_stored_trail_that_is_none_begins_a_new_one(row: str | None) -> None:
    found = trails.from_row(row)
    assert trails.ROW.fullmatch(found.id)
    assert found.parent == ""


def test_a_trail_ends_with_its_block_and_is_stored_only_within() -> None:
    assert trails.to_row() is None
    with trails.follow("0123456789abcdef", "test"):
        assert trails.to_row() == "0123456789abcdef"
    assert trails.current_id() == ""


def test_a_report_holds_nothing_that_a_later_version_adds() -> None:
    """The list says what may leave; everything else stays."""
    error = raised(ValueError(SECRET))
    frame = {"filename": "a.py", "lineno": 1, "function": "f", "vars": {"x": SECRET}, "context_line": SECRET}
    value = {"type": "ValueError", "value": SECRET, "stacktrace": {"frames": [frame]}, "mechanism": {"data": SECRET}}
    event = {
        "event_id": "1", "level": "error", "logger": "botbot.http", "exception": {"values": [value]},
        "user": {"ip_address": SECRET}, "request": {"url": SECRET}, "breadcrumbs": [SECRET], "extra": {"a": SECRET},
        "contexts": {"a": SECRET}, "server_name": SECRET, "modules": {"a": SECRET}, "threads": [SECRET],
    }  # fmt: skip
    sent = reports.scrub(event, {"exc_info": (type(error), error, error.__traceback__)})
    assert SECRET not in json.dumps(sent)
    assert sent["exception"]["values"][0]["type"] == "ValueError"
    assert sent["exception"]["values"][0]["stacktrace"]["frames"][0]["filename"] == "a.py"


def test_of_other_peoples_log_lines_only_the_sentence_leaves() -> None:
    entry = {"message": "Task %s failed", "formatted": f"Task {SECRET} failed", "params": [SECRET]}
    assert SECRET not in json.dumps(reports.scrub({"logger": "asyncio", "logentry": dict(entry)}, {}))
    ours = {"message": "unexpected failure %s", "formatted": "unexpected failure a1b2", "params": ["a1b2"]}
    assert reports.scrub({"logger": "botbot.http", "logentry": ours}, {})["logentry"]["formatted"].endswith("a1b2")
