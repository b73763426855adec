"""Deployments of everyone, as the panel finds and shows them."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from botbot.accounts.models import User
from botbot.audit.rules import small
from botbot.catalog.models import PersonalityTemplate as P
from botbot.deployments import leftovers
from botbot.deployments.leftovers import left_behind
from botbot.deployments.models import AWAITING, LIVE, PersonalityDeployment
from botbot.errors import NotFound
from botbot.jobs.engine import PERHAPS
from botbot.jobs.models import Saga, SagaStep

D = PersonalityDeployment
ENDED = ("removed", "rolled_back", "expired")
STATES: dict[str, str] = {
    "live": "Live", "needs_attention": "Needs a look", "active": "At home", "paused": "Paused", "moving": "Moving",
    AWAITING: "Waiting for the invitation", "ended": "Ended", "all": "All",
}  # fmt: skip
_OF_STATE: dict[str, tuple[str, ...]] = {"live": LIVE, "moving": ("queued", "running", "rolling_back"), "ended": ENDED}
_COLUMNS = (
    D.id, D.status, D.discord_guild_id, D.guild_name, D.version, D.customizations, D.failure, D.agent_id, D.saga_id,
    D.replaced_by, D.created_at, D.updated_at, D.deployed_at, D.user_id, P.id.label("personality_id"), P.slug, P.name,
    P.avatar_path, P.hue, User.username, User.display_name, User.discord_id,
)  # fmt: skip
_FROM = select(*_COLUMNS).join(P, P.id == D.template_id).outerjoin(User, User.id == D.user_id)


class Leftover(msgspec.Struct, rename="camel"):
    """Something that a deployment which needs attention may have left behind: what it is (`kind` and `words`), its id
    where it has one, where to look for it, which step made it, and how far its undo came."""

    step: str
    kind: str
    words: str
    status: str
    id: str | None
    ids: dict[str, Any]


class HomeOut(msgspec.Struct, rename="camel"):
    """One deployment. `leftovers` are listed for one alone, and only while it needs attention."""

    id: str
    status: str
    discord_guild_id: str
    guild_name: str
    personality_id: str
    personality_slug: str
    personality_name: str
    worn_name: str
    user_id: str
    username: str
    version: int
    agent_id: str | None
    replaced_by: str | None
    failure: str | None
    created_at: datetime
    updated_at: datetime
    deployed_at: datetime | None
    avatar: str
    hue: int
    leftovers: list[Leftover] = []

    @property
    def can(self) -> set[str]:
        """Which buttons fit its state."""
        verbs = {"active": {"pause", "stop"}, "paused": {"resume", "stop"}, "needs_attention": {"retry", "stop"},
                 "rolled_back": {"retry"}, "queued": {"stop"}, "running": {"stop"}, AWAITING: {"stop"}}  # fmt: skip
        return verbs.get(self.status, set())


async def list_homes(
    connection: AsyncConnection, *, search: str, person: str, state: str, page: int, limit: int
) -> tuple[list[HomeOut], int]:
    """`search` is a part of the server's or the personality's name, or an id; `person` a user's id, or a part of their
    name. The newest first, and how many there are."""
    wanted = _wanted(search, person, state)
    counted = select(func.count()).select_from(D).join(P, P.id == D.template_id)
    total = await connection.scalar(counted.outerjoin(User, User.id == D.user_id).where(*wanted))
    statement = _FROM.where(*wanted).order_by(D.created_at.desc(), D.id.desc())
    rows = await connection.execute(statement.offset((page - 1) * limit).limit(limit))
    return [_home(row) for row in rows], total or 0


def _wanted(search: str, person: str, state: str) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [true()]
    if search:
        found.append(or_(D.id == search, P.slug == search, *_named(search, (D.guild_name, P.name), D.discord_guild_id)))
    if person:
        found.append(or_(D.user_id == person, *_named(person, (User.username, User.display_name), User.discord_id)))
    if state in _OF_STATE:
        found.append(D.status.in_(_OF_STATE[state]))
    elif state != "all":
        found.append(D.status == state)
    return found


def _named(text: str, names: tuple[Any, ...], snowflake: Any) -> list[ColumnElement[bool]]:
    found = [func.lower(column).contains(text.lower(), autoescape=True) for column in names]
    if text.isascii() and text.isdigit() and int(text) < 2**63:
        found.append(snowflake == int(text))
    return found


async def get_home(connection: AsyncConnection, deployment_id: str) -> HomeOut:
    """With what it may have left behind. Raises `NotFound`."""
    row = (await connection.execute(_one(deployment_id))).first()
    if row is None:
        raise NotFound("There is no such deployment.")
    home = _home(row)
    if home.status == "needs_attention":
        home.leftovers = await _leftovers(connection, row)
    return home


def _one(deployment_id: str) -> Select[Any]:
    return _FROM.where(D.id == deployment_id)


async def _leftovers(connection: AsyncConnection, row: Any) -> list[Leftover]:
    """`ids` are what the step noted for its undo: ids, and the names from before."""
    columns = (Saga.kind, SagaStep.name, SagaStep.status, SagaStep.attempts, SagaStep.result)
    found = select(*columns).join(Saga, Saga.id == SagaStep.saga_id).where(SagaStep.saga_id == row.saga_id)
    rows = (await connection.execute(found.order_by(SagaStep.position))).all()
    steps = {
        each.name: SagaStep(name=each.name, status=each.status, attempts=each.attempts, result=each.result)
        for each in rows
    }
    things = left_behind(rows[0].kind, list(steps.values()), row.discord_guild_id) if rows else []
    return [_leftover(thing, steps[thing.step]) for thing in things]


def _leftover(thing: leftovers.Leftover, step: SagaStep) -> Leftover:
    noted = {name: value for name, value in step.result.items() if name != PERHAPS}
    return Leftover(thing.step, thing.kind, leftovers.WORDS[thing.kind], step.status, thing.id, small(noted))


def _home(row: Any) -> HomeOut:
    return HomeOut(
        id=row.id,
        status=row.status,
        discord_guild_id=str(row.discord_guild_id),
        guild_name=row.guild_name or f"Server {row.discord_guild_id}",
        personality_id=row.personality_id,
        personality_slug=row.slug,
        personality_name=row.name,
        worn_name=str(row.customizations.get("name") or row.name),
        user_id=row.user_id,
        username=row.display_name or row.username or (f"User {row.discord_id}" if row.discord_id else "Somebody"),
        version=row.version,
        agent_id=row.agent_id,
        replaced_by=row.replaced_by,
        failure=(row.failure or {}).get("message"),
        created_at=row.created_at,
        updated_at=row.updated_at,
        deployed_at=row.deployed_at,
        avatar=row.avatar_path,
        hue=int(row.hue) // 10 * 10 % 360,
    )
