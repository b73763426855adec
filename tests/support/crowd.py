"""A big catalogue in a short time: entries that look real, written past the product's own verbs.

`await fill(database, 1_000_000)`: names, descriptions, tags, ratings and deploy counts with a long tail. Every
hundredth entry says `COMMON`, and exactly a hundred say `RARE`."""

import asyncio
import random
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from typing import Any

import asyncpg
import msgspec

from botbot.catalog import rules, search_index
from botbot.catalog.models import PersonalityTag, PersonalityTemplate, PersonalityVersion
from botbot.db import Database

COMMON, RARE = "zephyrine", "quixotry"
"""A word of exactly 1 % of the entries, and one of exactly 100."""
BATCH = 5_000
START = datetime(2024, 1, 1, tzinfo=UTC)
CATEGORIES = (
    "Gaming", "Education", "Entertainment", "Productivity", "Community & moderation", "Role-play & story", "Wellbeing",
    "Creative writing", "Music & art", "Science", "Languages", "Food & drink",
)  # fmt: skip
TITLES = (
    "the Scientist", "the Gamer", "the Witch", "the Pilot", "the Cook", "the Poet", "the Librarian", "the Bard",
    "the Tutor", "the Detective", "the Gardener", "the Knight", "the Clockmaker", "the Sailor", "the Judge",
    "the Coach", "the Ferryman",
)  # fmt: skip
SUBJECTS = (
    "chemistry", "lost maps", "slow tea", "speedruns", "verb tables", "old maps", "night trains", "bread", "moths",
    "guild drama", "tax forms", "sea shanties", "tabletop rules", "haiku", "volcanoes", "lighthouses", "crosswords",
    "dragons", "bicycles", "opera", "weather", "jazz", "chess endings", "ghost stories", "small talk", "calculus",
)  # fmt: skip
MANNERS = (
    "Explains", "Argues about", "Sings of", "Collects", "Teaches", "Remembers", "Guards", "Translates",
    "Whispers about", "Keeps notes on", "Makes jokes about", "Answers questions on", "Plays with", "Worries about",
    "Writes down",
)  # fmt: skip
ENDS = (
    "with patience", "at three in the morning", "one step at a time", "without spoilers", "in rhyme if asked",
    "and never raises the voice", "with a raised eyebrow", "in short sentences", "for beginners", "like an old friend",
    "as if the house were on fire", "and asks back", "in plain words", "with too many metaphors",
)  # fmt: skip
LANGUAGES = ("en", "de", "es", "fr", "pt", "it", "ja")
SPOKEN = (70, 8, 7, 5, 5, 3, 2)
SYLLABLES = (
    "ba",
    "ce",
    "di",
    "fo",
    "gu",
    "ha",
    "jo",
    "ka",
    "le",
    "mi",
    "no",
    "pe",
    "ra",
    "si",
    "to",
    "va",
    "wen",
    "lor",
)
TAGS = tuple(f"{a}-{b}" if b else a for a in (
    "cosy", "science", "patient", "pirate", "gaming", "strict", "retro", "sleepy", "loud", "kind", "dry", "space",
    "music", "study", "food", "poetry", "noir", "fantasy", "moderation", "travel",
) for b in ("", "talk", "night", "club", "story", "help", "lore", "quiz"))  # fmt: skip

Row = dict[str, Any]


async def fill(database: Database, count: int, seed: int = 1) -> None:
    """Put `count` entries (100 at least) into a migrated database. Some 10,000 a second, the search index included."""
    await search_index.remove(database)
    if database.is_sqlite:
        await asyncio.to_thread(_fill_sqlite, database.url.partition(":///")[2], count, seed)
    else:
        await _fill_postgres(database.url.replace("+asyncpg", ""), count, seed)
    await search_index.ensure(database)
    if not database.is_sqlite:
        await _vacuum(database.url.replace("+asyncpg", ""))


def entries(count: int, seed: int = 1) -> Iterator[Row]:
    """The rows of `personality_templates`, in the order of their ids."""
    dice = random.Random(seed)
    step = timedelta(days=700) / count
    rare = {number * count // 100 for number in range(100)}
    for number in range(count):
        words = [COMMON] * (number % 100 == 37) + [RARE] * (number in rare)
        yield _entry(dice, number, START + number * step, words)


def _entry(dice: random.Random, number: int, moment: datetime, words: list[str]) -> Row:
    name = f"{''.join(dice.choices(SYLLABLES, k=dice.randint(2, 4))).title()} {dice.choice(TITLES)}"
    if words and dice.random() < 0.05:
        name = f"{name} {words.pop()}"
    description = " ".join(
        [dice.choice(MANNERS), dice.choice(SUBJECTS), "and", dice.choice(SUBJECTS), *words, dice.choice(ENDS) + "."]
    )
    tags = sorted({TAGS[min(int(dice.paretovariate(0.6)) - 1, len(TAGS) - 1)] for _ in range(dice.randint(1, 5))})
    stars, people, deployed = _fame(dice)
    slug = f"{rules.slugify(name)}-{number}"
    return {
        **_same_for_all(),
        "id": _id(dice, moment),
        "slug": slug,
        "name": name,
        "description": description,
        "category": (category := dice.choices(CATEGORIES, range(len(CATEGORIES), 0, -1))[0]),
        "category_slug": rules.slugify(category),
        "tags": tags,
        "language": dice.choices(LANGUAGES, SPOKEN)[0],
        "content_rating": dice.choices(("everyone", "teen", "mature"), (80, 15, 5))[0],
        "hue": dice.randrange(360),
        "avatar_path": f"/avatars/{slug}.0123456789.svg",
        "deploy_count": deployed,
        "rating_sum": stars,
        "rating_count": people,
        "avg_rating": rules.average(stars, people),
        "rating_score": rules.score(stars, people),
        "name_folded": rules.fold(name),
        "search_text": rules.search_text(name, description, tags),
        "created_at": moment,
        "updated_at": moment,
    }


@cache
def _same_for_all() -> Row:
    return {
        "opening_line": "Sit down; we have time.",
        "persona": "Somebody who has been at this for a while and still likes it. " * 4,
        "system_prompt": "Speak plainly, stay kind, and end with a small question of your own. " * 6,
        "traits": {"warm": 0.7, "formal": 0.2, "curious": 0.9},
        "avatar": {},
        "sample_messages": ["Good that you ask: nobody ever does."],
        "sample_conversations": [
            [{"role": "user", "content": "Who are you?"}, {"role": "assistant", "content": "A regular here."}]
        ],
        "sample_replies": {"greeting": ["Hello there."]},
        "compatibility": {"permissions": ["SEND_MESSAGES"], "languages": ["en"]},
        "model_options": {},
        "requirements": None,
        "version": 1,
        "content_hash": "",
        "is_public": True,
        "is_featured": False,
        "archived_at": None,
        "created_by": None,
        "trend_score": 0.0,
        "licence": "",
        "source": "",
        "credit": "",
        "seed_hash": "",
        "extensions": {},
        "publish_at": None,
    }


def _fame(dice: random.Random) -> tuple[int, int, int]:
    """(sum of stars, raters, deployments): most have none, a few have very many."""
    deployed = min(int(dice.paretovariate(0.8)) - 1, 250_000)
    people = int(deployed * dice.random() * 0.2)
    return sum(min(5, max(1, round(dice.gauss(4, 1)))) for _ in range(min(people, 9))) * people // 9, people, deployed


def _id(dice: random.Random, moment: datetime) -> str:
    """A UUIDv7 of that moment."""
    digits = f"{int(moment.timestamp() * 1000):012x}{dice.getrandbits(76):019x}"
    return f"{digits[:8]}-{digits[8:12]}-7{digits[12:15]}-8{digits[15:18]}-{digits[18:30]}"


@cache
def _snapshot() -> str:
    """What an agent would need; for all the same, since nobody talks to a crowd."""
    names = ("persona", "system_prompt", "opening_line", "traits", "sample_conversations", "sample_replies")
    return msgspec.json.encode({name: _same_for_all()[name] for name in names}).decode()


def _batches(count: int, seed: int) -> Iterator[tuple[list[Row], list[tuple[str, str]]]]:
    """Entries and their (id, folded tag), a batch at a time."""
    stream = entries(count, seed)
    while batch := list(islice(stream, BATCH)):
        yield batch, [(row["id"], tag) for row in batch for tag in {rules.fold(each) for each in row["tags"]}]


def _fill_sqlite(path: str, count: int, seed: int) -> None:
    columns = [column.name for column in PersonalityTemplate.__table__.columns]
    marks = ", ".join(f":{name}" for name in columns)
    with sqlite3.connect(path, isolation_level=None) as connection:
        for pragma in ("synchronous = off", "cache_size = -400000"):
            connection.execute(f"pragma {pragma}")
        connection.execute("begin immediate")
        indexes = _drop_indexes(connection)
        for batch, tags in _batches(count, seed):
            connection.executemany(
                f"insert into personality_templates ({', '.join(columns)}) values ({marks})",
                ({name: _plain(value) for name, value in row.items()} for row in batch),
            )
            connection.executemany("insert into personality_tags (personality_id, tag) values (?, ?)", tags)
            connection.executemany(
                "insert into personality_versions (personality_id, version, snapshot, changelog, created_at) "
                "values (?, 1, ?, 'First edition.', ?)",
                ((row["id"], _snapshot(), _plain(row["created_at"])) for row in batch),
            )
        for statement in indexes:
            connection.execute(statement)
        connection.execute("commit")
    connection.close()


def _drop_indexes(connection: sqlite3.Connection) -> list[str]:
    """A sorted index is built much faster than it grows; answers how to make them again."""
    known = connection.execute(
        "select name, sql from sqlite_master where type = 'index' and sql is not null "
        "and tbl_name in ('personality_templates', 'personality_tags')"
    ).fetchall()
    for name, _ in known:
        connection.execute(f"drop index {name}")
    return [sql for _, sql in known]


def _plain(value: Any) -> Any:
    """As our column types store it on SQLite."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(" ", "microseconds")
    return msgspec.json.encode(value).decode() if isinstance(value, (dict, list)) else value


async def _fill_postgres(url: str, count: int, seed: int) -> None:
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            indexes = await _drop_postgres_indexes(connection)
            for batch, tags in _batches(count, seed):
                await _copy(connection, PersonalityTemplate, [_jsonb(row) for row in batch])
                keys = [{"personality_id": row_id, "tag": tag} for row_id, tag in tags]
                await _copy(connection, PersonalityTag, keys)
                await _copy(connection, PersonalityVersion, [_version(row) for row in batch])
            for statement in indexes:
                await connection.execute(statement)
    finally:
        await connection.close()


async def _drop_postgres_indexes(connection: Any) -> list[str]:
    known = await connection.fetch(
        "select indexname, indexdef from pg_indexes where schemaname = current_schema() and indexname like 'ix_%' "
        "and tablename in ('personality_templates', 'personality_tags')"
    )
    for name, _ in known:
        await connection.execute(f"drop index {name}")
    return [definition for _, definition in known]


async def _copy(connection: Any, model: Any, rows: list[Row]) -> None:
    columns = [column.name for column in model.__table__.columns]
    records = [tuple(row[name] for name in columns) for row in rows]
    await connection.copy_records_to_table(model.__tablename__, columns=columns, records=records)


def _jsonb(row: Row) -> Row:
    return {
        name: msgspec.json.encode(value).decode() if isinstance(value, (dict, list)) else value
        for name, value in row.items()
    }


def _version(row: Row) -> Row:
    return {
        "personality_id": row["id"],
        "version": 1,
        "snapshot": _snapshot(),
        "changelog": "First edition.",
        "actor_id": None,
        "created_at": row["created_at"],
    }


async def _vacuum(url: str) -> None:
    """As the server's own autovacuum does it some minutes later."""
    connection = await asyncpg.connect(url)
    try:
        for table in ("personality_templates", "personality_tags", "search_words", "search_word_trigrams"):
            await connection.execute(f"vacuum analyze {table}")
    finally:
        await connection.close()
