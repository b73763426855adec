"""What crosses the wire about people in the panel."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from botbot.accounts.people import LONGEST_REASON, Person
from botbot.accounts.rules import Role
from botbot.admin.paging import PanelPagination


class PersonOut(msgspec.Struct, rename="camel"):
    """`role` is what holds. `tokens` and `sessions` are how many API tokens and signed-in browsers they have."""

    id: str
    discord_id: str
    username: str
    display_name: str | None
    role: str
    created_at: datetime
    signed_in_at: datetime | None
    banned_at: datetime | None
    ban_reason: str | None
    tokens: int
    sessions: int


class PeopleOut(msgspec.Struct, rename="camel"):
    people: list[PersonOut]
    pagination: PanelPagination


class RoleIn(msgspec.Struct, rename="camel"):
    role: Role


class BanIn(msgspec.Struct, rename="camel"):
    """`reason` is for the other admins; the banned person isn't shown it."""

    reason: Annotated[str, Meta(max_length=LONGEST_REASON)] = ""


class TokenOut(msgspec.Struct, rename="camel"):
    id: str
    name: str
    created_at: datetime


class TokensOut(msgspec.Struct, rename="camel"):
    tokens: list[TokenOut]


def person_out(person: Person) -> PersonOut:
    fields = {name: getattr(person, name) for name in Person._fields if name not in {"discord_id", "is_named"}}
    return PersonOut(discord_id=str(person.discord_id), **fields)


def tokens_out(rows: list[Any]) -> TokensOut:
    return TokensOut([TokenOut(row.id, row.name, row.created_at) for row in rows])
