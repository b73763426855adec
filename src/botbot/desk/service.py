"""Deciding about a subject, undoing that, and telling those concerned. One verb a function, in the caller's
transaction; what a decision takes along is written with it."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.accounts.models import User
from botbot.accounts.rules import Viewer
from botbot.audit import service as audit
from botbot.catalog import editing
from botbot.catalog.models import PersonalityTemplate as P
from botbot.desk import queries, rules
from botbot.desk.models import Decision, Notice
from botbot.desk.queries import Subject
from botbot.errors import Conflict, NotFound
from botbot.kit import clock, ids
from botbot.reviews import service as reviews
from botbot.reviews.models import PersonalityRating, Report

_REVIEW_STATES = {"keep": "shown", "warn": "shown", "hide": "hidden", "remove": "removed"}


async def decide(
    session: AsyncSession, viewer: Viewer, kind: str, subject_id: str, verdict: str, reason: str, words: str = ""
) -> Decision:
    """Do what the verdict says, close what was open, and note the notices.

    Raises `ValidationFailed`, `PermissionDenied`, `NotFound`, and `Conflict` when somebody just decided the same."""
    words = words.strip()
    rules.check_decision(kind, verdict, reason, words, is_admin=viewer.is_admin)
    await _lock(session, kind, subject_id)
    subject = (await queries.get_file(session, kind, subject_id)).subject
    await _refuse_twice(session, kind, subject_id, verdict, reason)
    before = await _apply(session, viewer, subject, verdict)
    closed, reporters = await _close_reports(session, viewer, subject)
    decision = Decision(
        id=ids.new_id(), subject_type=kind, subject_id=subject_id, verdict=verdict, reason=reason, words=words,
        state_before={**before, "reports": closed}, decided_by=viewer.user_id, decided_at=clock.now(),
    )  # fmt: skip
    session.add(decision)
    await session.flush()
    await _tell(session, decision, subject, reporters)
    audit.record(session, viewer.user_id, f"desk.{verdict}", (kind, subject_id), reason=reason, decision=decision.id,
                 before={"state": subject.state}, after={"state": await _state_of(session, subject)})  # fmt: skip
    return decision


async def undo(session: AsyncSession, viewer: Viewer, decision_id: str) -> Decision:
    """Bring back what was before, and open again what was closed. Who was told sees that it was taken back.

    Deployments that a takedown stopped stay stopped. Raises `NotFound`, and `Conflict` unless it is the last decision
    about its subject and stands."""
    decision = await session.get(Decision, decision_id)
    if decision is None:
        raise NotFound("There is no such decision.")
    await _lock(session, decision.subject_type, decision.subject_id)
    await session.refresh(decision, with_for_update=True)
    if decision.undone_at is not None:
        raise Conflict("That decision was taken back before.")
    if await _last(session, decision.subject_type, decision.subject_id) != decision.id:
        raise Conflict("Something else was decided about it since. Take that back first.")
    if decision.verdict == "takedown":
        rules.check_decision("personality", "takedown", decision.reason, "", is_admin=viewer.is_admin)
    subject = (await queries.get_file(session, decision.subject_type, decision.subject_id)).subject
    await _restore(session, viewer, subject, decision.state_before)
    decision.undone_at = clock.now()
    await _reopen(session, decision.state_before.get("reports", []))
    news = update(Notice).where(Notice.decision_id == decision.id, Notice.kind != "reporter")
    await session.execute(news.values(read_at=None))
    await session.execute(delete(Notice).where(Notice.decision_id == decision.id, Notice.kind == "reporter"))
    audit.record(session, viewer.user_id, "desk.undo", (subject.type, subject.id), decision=decision.id,
                 before={"state": subject.state}, after={"state": await _state_of(session, subject)})  # fmt: skip
    return decision


async def tell_owners(session: AsyncSession, decision: Decision, owners: Iterable[tuple[str, str, str]]) -> None:
    """(user's id, what it was about, a path of ours): for those whose servers a decision reaches."""
    session.add_all(
        Notice(user_id=user_id, decision_id=decision.id, kind="owner", about=about, link=link)
        for user_id, about, link in owners
    )
    await session.flush()


async def mark_read(session: AsyncSession, user_id: str) -> None:
    """All of one's own."""
    unread = update(Notice).where(Notice.user_id == user_id, Notice.read_at.is_(None))
    await session.execute(unread.values(read_at=clock.now()))


async def _lock(session: AsyncSession, kind: str, subject_id: str) -> None:
    """Those who decide about one personality, or about its reviews, take turns. Raises `NotFound` for another kind."""
    if kind not in rules.KINDS:
        raise NotFound
    of = select(PersonalityRating.template_id).where(PersonalityRating.id == subject_id).scalar_subquery()
    await session.execute(select(P.id).where(P.id == (of if kind == "review" else subject_id)).with_for_update())


async def _refuse_twice(session: AsyncSession, kind: str, subject_id: str, verdict: str, reason: str) -> None:
    """A second click, or a second moderator, with the same words about what nobody has said anything new of."""
    last = await _last(session, kind, subject_id)
    found = await session.get(Decision, last) if last else None
    is_open = await session.scalar(select(Report.id).where(*_open(kind, subject_id)).limit(1)) is not None
    if found and not is_open and found.undone_at is None and (found.verdict, found.reason) == (verdict, reason):
        raise Conflict("That was decided already. There is nothing new about it.")


def _open(kind: str, subject_id: str) -> tuple[Any, ...]:
    return (Report.subject_type == kind, Report.subject_id == subject_id, Report.state == "open")


async def _last(session: AsyncSession, kind: str, subject_id: str) -> str | None:
    about = (Decision.subject_type == kind, Decision.subject_id == subject_id, Decision.undone_at.is_(None))
    newest = select(Decision.id).where(*about).order_by(Decision.decided_at.desc(), Decision.id.desc()).limit(1)
    found: str | None = await session.scalar(newest)
    return found


async def _apply(session: AsyncSession, viewer: Viewer, subject: Subject, verdict: str) -> dict[str, Any]:
    """Answers what undoing it needs. What is gone can only be kept: that closes its reports."""
    if subject.state == "gone":
        if verdict != "keep":
            raise NotFound("It is gone already. Keep it to close what was reported.")
        return {}
    if subject.type == "review":
        censure_id, censure = await reviews.censure_of(session, subject.id)
        await reviews.set_state(session, subject.id, _REVIEW_STATES[verdict])
        return {"state": subject.state, "censure": {"id": censure_id, "state": censure}}
    row = await editing.find_for_change(session, subject.id)
    changes, before = _changes(verdict, row)
    if changes:
        await editing.change_personality(session, viewer.user_id, row.id, changes, action=f"personality.{verdict}")
    return before


def _changes(verdict: str, row: P) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a verdict changes, and what undoing it puts back: that alone, whatever else was decided since."""
    if verdict == "hide" and (row.is_public or row.publish_at):
        waits = clock.iso(row.publish_at) if row.publish_at else None
        return {"isPublic": False, "publishAt": None}, {"isPublic": row.is_public, "publishAt": waits}
    if verdict == "takedown" and row.archived_at is None:
        return {"archivedAt": clock.now()}, {"archivedAt": None}
    return {}, {}


async def _restore(session: AsyncSession, viewer: Viewer, subject: Subject, before: dict[str, Any]) -> None:
    if subject.type == "review":
        await _restore_review(session, subject, before)
        return
    if subject.state == "gone":
        return
    changes: dict[str, Any] = {name: before[name] for name in ("isPublic", "publishAt", "archivedAt") if name in before}
    if not changes:
        return
    await editing.change_personality(session, viewer.user_id, subject.id, changes, action="personality.restore")


async def _restore_review(session: AsyncSession, subject: Subject, before: dict[str, Any]) -> None:
    """What moderators hold of its author's words comes back also when the review is gone."""
    if subject.state != "gone":
        is_edited = subject.state == "waiting"  # Words that nobody has looked at yet: undoing must not show them.
        await reviews.set_state(session, subject.id, "waiting" if is_edited else before["state"])
    if "censure" in before:
        await reviews.restore_censure(session, before["censure"]["id"], before["censure"]["state"])


async def _state_of(session: AsyncSession, subject: Subject) -> str:
    await session.flush()
    return (await queries.subjects_of(session, [(subject.type, subject.id)]))[subject.type, subject.id].state


async def _close_reports(session: AsyncSession, viewer: Viewer, subject: Subject) -> tuple[list[str], list[str]]:
    """(the reports' ids, who sent them)."""
    closing = update(Report).where(*_open(subject.type, subject.id))
    rows = await session.execute(
        closing.values(state="handled", handled_at=clock.now(), handled_by=viewer.user_id).returning(
            Report.id, Report.reporter_id
        )
    )
    found = rows.all()
    return [row[0] for row in found], sorted({row[1] for row in found if row[1]})


async def _reopen(session: AsyncSession, report_ids: list[str]) -> None:
    opened = update(Report).where(Report.id.in_(report_ids), Report.state == "handled")
    await session.execute(opened.values(state="open", handled_at=None, handled_by=None))


async def _tell(session: AsyncSession, decision: Decision, subject: Subject, reporters: list[str]) -> None:
    """Its author, unless it just stays as it was; and those who reported it."""
    told = [(each, "reporter") for each in reporters if each != subject.author_id]
    is_news = decision.verdict != "keep" or subject.state in {"waiting", "hidden", "removed"}
    if is_news and subject.author_id and await session.get(User, subject.author_id) is not None:
        told.append((subject.author_id, "author"))
    about = subject.title.removeprefix("Review of ") if subject.type == "review" else subject.title
    session.add_all(
        Notice(
            user_id=user_id,
            decision_id=decision.id,
            kind=kind,
            about=about if kind == "author" or subject.type == "personality" else f"a review of {about}",
            link=subject.link if subject.type == "review" or decision.verdict in {"keep", "warn"} else "",
        )
        for user_id, kind in told
    )
    await session.flush()
