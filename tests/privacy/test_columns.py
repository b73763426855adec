"""Every column is in the table that says what it has to do with people; nothing drops out of export or erasure."""

from botbot import tables
from botbot.privacy.columns import TABLES

HOLDERS = {"user_id", "discord_user_id", "reporter_id", "actor_id", "created_by", "handled_by", "decided_by"}
"""What columns are called that hold a person."""


def test_every_column_is_classified() -> None:
    known = {kept.table: kept.columns for kept in TABLES}
    missing, gone = [], []
    for table in tables.metadata().sorted_tables:
        columns = {column.name for column in table.columns}
        missing += sorted(f"{table.name}.{name}" for name in columns - known.get(table.name, set()))
        gone += sorted(f"{table.name}.{name}" for name in known.get(table.name, set()) - columns)
    assert missing == [], "say in botbot/privacy/columns.py what these tell about a person, or that they don't"
    assert gone == []
    assert set(known) <= {table.name for table in tables.metadata().sorted_tables}


def test_no_column_is_both() -> None:
    for kept in TABLES:
        assert not set(kept.plain.split()) & set(kept.personal), kept.table


def test_what_is_personal_says_so_to_people() -> None:
    for kept in TABLES:
        assert bool(kept.personal) == bool(kept.what and kept.why and kept.how_long), kept.table


def test_whoever_is_named_in_a_row_can_be_found_by_it() -> None:
    """A column that holds a person has a trace, so that export and erasure meet its rows."""
    lost = [
        f"{kept.table}.{name}"
        for kept in TABLES
        for name in kept.columns & HOLDERS
        if name not in {trace.column for trace in kept.traces}
    ]
    assert lost == []
    by_key = {f"{t.name}.{c.name}" for t in tables.metadata().sorted_tables for c in t.columns
              if any(key.column.table.name == "users" for key in c.foreign_keys)}  # fmt: skip
    traced = {f"{kept.table}.{trace.column}" for kept in TABLES for trace in kept.traces}
    assert by_key <= traced


def test_traces_speak_of_columns_that_exist() -> None:
    columns = {f"{t.name}.{c.name}" for t in tables.metadata().sorted_tables for c in t.columns}
    for kept in TABLES:
        for trace in kept.traces:
            assert trace.column in kept.personal, (kept.table, trace.column)
            named = [*trace.shows, *trace.only, *(trace.erasure if isinstance(trace.erasure, dict) else ())]
            assert {name if "." in name else f"{kept.table}.{name}" for name in named} <= columns, kept.table


def test_secrets_are_never_shown() -> None:
    shown = {f"{kept.table}.{name}" for kept in TABLES for trace in kept.traces for name in trace.shows}
    secrets = {"sessions.id", "api_tokens.token_hash", "oauth_tokens.access_token", "oauth_tokens.refresh_token"}
    assert not shown & secrets
