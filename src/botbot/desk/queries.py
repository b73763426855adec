"""Reads of the desk: what is open, one subject with everything about it, what was decided, and one's own notices."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from botbot.accounts.models import User
from botbot.catalog.models import PersonalityTemplate as P
from botbot.desk.models import Decision, Notice
from botbot.desk.rules import REASONS, VERDICTS, flag_words, told
from botbot.errors import NotFound
from botbot.reviews.models import PersonalityRating as R
from botbot.reviews.models import Report

Reader = AsyncSession | AsyncConnection
MOST_NOTICES = 100


class Subject(msgspec.Struct, rename="camel"):
    """What a case is about. `state` is `shown`, `waiting`, `hidden`, `removed`, `private`, `archived`, or `gone`;
    `text` is a review's words, or how a personality introduces itself."""

    type: str
    id: str
    state: str
    title: str
    text: str = ""
    rating: int | None = None
    author_id: str | None = None
    author: str | None = None
    personality_id: str | None = None
    slug: str | None = None

    @property
    def url(self) -> str:
        return f"/admin/desk/{self.type}/{self.id}"

    @property
    def link(self) -> str:
        """Where everybody finds it."""
        return f"/personalities/{self.slug}" if self.slug else ""


class ReportOut(msgspec.Struct, rename="camel"):
    """A person's report, or (`source` is `screen`) a flag of the house's own rules."""

    id: str
    reason: str
    said: str
    words: str
    source: str
    state: str
    reporter_id: str | None
    reporter: str | None
    created_at: datetime


class DecisionOut(msgspec.Struct, rename="camel"):
    id: str
    subject_type: str
    subject_id: str
    verdict: str
    reason: str
    words: str
    decided_by: str | None
    decider: str | None
    decided_at: datetime
    undone_at: datetime | None

    @property
    def said(self) -> str:
        return VERDICTS.get(self.subject_type, {}).get(self.verdict, self.verdict)

    @property
    def why(self) -> str:
        return REASONS.get(self.reason, self.reason)


class Case(msgspec.Struct, rename="camel"):
    """A subject with what is open about it."""

    subject: Subject
    reports: int
    flags: list[str]
    oldest_at: datetime


class File(msgspec.Struct, rename="camel"):
    """Everything about one subject, the newest first."""

    subject: Subject
    reports: list[ReportOut]
    decisions: list[DecisionOut]


class NoticeOut(msgspec.Struct, rename="camel"):
    """What one person is told of a decision. `undone` when it was taken back meanwhile."""

    id: str
    message: str
    why: str
    words: str
    link: str
    undone: bool
    created_at: datetime
    is_read: bool


async def list_cases(reader: Reader, kind: str | None, page: int, limit: int) -> tuple[list[Case], int]:
    """Subjects with something open, the longest waiting first; reviews that nobody can read yet come before."""
    waits = func.max(case((R.state == "waiting", 1), else_=0))
    wanted = [Report.state == "open", *([Report.subject_type == kind] if kind else [])]
    of_persons = func.sum(case((Report.source == "person", 1), else_=0))
    grouped = (
        select(
            Report.subject_type,
            Report.subject_id,
            of_persons.label("people"),
            func.min(Report.created_at).label("oldest"),
        )
        .outerjoin(R, (R.id == Report.subject_id) & (Report.subject_type == "review"))
        .where(*wanted)
        .group_by(Report.subject_type, Report.subject_id)
    )
    total = await reader.scalar(select(func.count()).select_from(grouped.subquery()))
    ordered = grouped.order_by(waits.desc(), func.min(Report.created_at), Report.subject_id)
    rows = (await reader.execute(ordered.offset((page - 1) * limit).limit(limit))).all()
    subjects = await subjects_of(reader, [(row.subject_type, row.subject_id) for row in rows])
    flags = await _flags_of(reader, [row.subject_id for row in rows])
    return [
        Case(subjects[row.subject_type, row.subject_id], row.people, flags.get(row.subject_id, []), row.oldest)
        for row in rows
    ], total or 0


async def _flags_of(reader: Reader, ids: Sequence[str]) -> dict[str, list[str]]:
    asked = select(Report.subject_id, Report.reason, Report.source).where(
        Report.subject_id.in_(ids), Report.state == "open"
    )
    found: dict[str, list[str]] = {}
    for row in await reader.execute(asked.order_by(Report.created_at, Report.id)):
        words = flag_words(row.reason, row.source)
        if words not in (kept := found.setdefault(row.subject_id, [])):
            kept.append(words)
    return found


async def subjects_of(reader: Reader, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Subject]:
    """Each subject by (type, id), also those that are gone."""
    wanted = list(keys)
    found = {key: Subject(*key, state="gone", title="Something that is gone") for key in wanted}
    reviews = [each for kind, each in wanted if kind == "review"]
    personalities = [each for kind, each in wanted if kind == "personality"]
    for subject in [*await _reviews(reader, reviews), *await _personalities(reader, personalities)]:
        found[subject.type, subject.id] = subject
    return found


async def _reviews(reader: Reader, ids: list[str]) -> list[Subject]:
    if not ids:
        return []
    columns = (R.id, R.state, R.rating, R.review, R.user_id, User.username, User.display_name, P.id.label("of"), P.slug,
               P.name)  # fmt: skip
    joined = select(*columns).join(User, User.id == R.user_id).join(P, P.id == R.template_id).where(R.id.in_(ids))
    return [
        Subject("review", row.id, row.state, f"Review of {row.name}", row.review or "", row.rating, row.user_id,
                row.display_name or row.username or "Somebody", row.of, row.slug)
        for row in await reader.execute(joined)
    ]  # fmt: skip


async def _personalities(reader: Reader, ids: list[str]) -> list[Subject]:
    if not ids:
        return []
    columns = (P.id, P.slug, P.name, P.description, P.opening_line, P.is_public, P.archived_at, P.created_by, User.id,
               User.username, User.display_name)  # fmt: skip
    rows = await reader.execute(select(*columns).outerjoin(User, User.id == P.created_by).where(P.id.in_(ids)))
    return [
        Subject("personality", row[0], _standing(row), row.name, f"{row.description}\n\n{row.opening_line}".strip(),
                None, row[8], (row.display_name or row.username or "Somebody") if row[8] else row.created_by, row[0],
                row.slug)
        for row in rows
    ]  # fmt: skip


def _standing(row: Any) -> str:
    return "archived" if row.archived_at is not None else "shown" if row.is_public else "private"


async def get_file(reader: Reader, kind: str, subject_id: str) -> File:
    """Raises `NotFound` when there is no such thing, and nothing was ever said about it."""
    subject = (await subjects_of(reader, [(kind, subject_id)]))[kind, subject_id]
    reports, decisions = await _reports(reader, kind, subject_id), await _decisions_of(reader, kind, subject_id)
    if subject.state == "gone" and not reports and not decisions:
        raise NotFound("Nobody has said anything about that.")
    return File(subject, reports, decisions)


async def _reports(reader: Reader, kind: str, subject_id: str) -> list[ReportOut]:
    columns = (Report.id, Report.reason, Report.words, Report.source, Report.state, Report.reporter_id,
               Report.created_at, User.username, User.display_name)  # fmt: skip
    joined = select(*columns).outerjoin(User, User.id == Report.reporter_id)
    rows = await reader.execute(
        joined.where(Report.subject_type == kind, Report.subject_id == subject_id).order_by(
            (Report.state == "open").desc(), Report.created_at.desc(), Report.id
        )
    )
    return [
        ReportOut(row.id, row.reason, flag_words(row.reason, row.source), row.words, row.source, row.state,
                  row.reporter_id, row.display_name or row.username, row.created_at)
        for row in rows
    ]  # fmt: skip


_DECISIONS = select(
    Decision.id, Decision.subject_type, Decision.subject_id, Decision.verdict, Decision.reason, Decision.words,
    Decision.decided_by, Decision.decided_at, Decision.undone_at, User.username, User.display_name,
).outerjoin(User, User.id == Decision.decided_by)  # fmt: skip


async def _decisions_of(reader: Reader, kind: str, subject_id: str) -> list[DecisionOut]:
    mine = (Decision.subject_type == kind, Decision.subject_id == subject_id)
    rows = await reader.execute(_DECISIONS.where(*mine).order_by(Decision.decided_at.desc(), Decision.id.desc()))
    return [_decision(row) for row in rows]


async def list_decisions(reader: Reader, page: int, limit: int) -> tuple[list[tuple[DecisionOut, Subject]], int]:
    """What was decided about what, the newest first; and how often anything was."""
    total = await reader.scalar(select(func.count()).select_from(Decision))
    newest = _DECISIONS.order_by(Decision.decided_at.desc(), Decision.id.desc())
    found = [_decision(row) for row in await reader.execute(newest.offset((page - 1) * limit).limit(limit))]
    subjects = await subjects_of(reader, [(each.subject_type, each.subject_id) for each in found])
    return [(each, subjects[each.subject_type, each.subject_id]) for each in found], total or 0


def _decision(row: Any) -> DecisionOut:
    names = ("id", "subject_type", "subject_id", "verdict", "reason", "words", "decided_by", "decided_at", "undone_at")
    return DecisionOut(decider=row.display_name or row.username, **{name: getattr(row, name) for name in names})


async def list_notices(reader: Reader, user_id: str) -> list[NoticeOut]:
    """One's own, the newest first."""
    columns = (Notice.id, Notice.kind, Notice.about, Notice.link, Notice.created_at, Notice.read_at, Decision.verdict,
               Decision.reason, Decision.words, Decision.subject_type, Decision.undone_at)  # fmt: skip
    mine = select(*columns).join(Decision, Decision.id == Notice.decision_id).where(Notice.user_id == user_id)
    rows = await reader.execute(mine.order_by(Notice.created_at.desc(), Notice.id.desc()).limit(MOST_NOTICES))
    return [
        NoticeOut(
            id=row.id,
            message=told(row.kind, row.verdict, row.subject_type, row.about),
            why="" if row.reason == "fine" or row.kind == "reporter" else REASONS.get(row.reason, row.reason),
            words="" if row.kind == "reporter" else row.words,
            link=row.link,
            undone=row.undone_at is not None,
            created_at=row.created_at,
            is_read=row.read_at is not None,
        )
        for row in rows
    ]


async def count_unread(reader: Reader, user_id: str) -> int:
    asked = select(func.count()).select_from(Notice).where(Notice.user_id == user_id, Notice.read_at.is_(None))
    return await reader.scalar(asked) or 0
