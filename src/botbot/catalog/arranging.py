"""Arranging the front page's shelves: the whole arrangement is read, changed and stored as one, under a version."""

import hashlib
from collections.abc import Sequence

import msgspec
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.audit import service as audit
from botbot.catalog import shelves
from botbot.catalog.models import PersonalityTemplate as P
from botbot.catalog.models import Shelf, ShelfItem
from botbot.catalog.queries import get_personality
from botbot.catalog.shelves import KINDS, MOST_SHELVES, Plan
from botbot.errors import EditConflict, ValidationFailed
from botbot.kit import ids

LONGEST_TITLE = 60
MOST_PICKED = 24
"""Twelve are shown; the rest stand by for those that leave the marketplace."""


def version_of(plans: Sequence[Plan]) -> str:
    """Changes with anything in the arrangement: what an `ETag` and a form's hidden field carry."""
    return hashlib.blake2b(msgspec.json.encode([list(plan) for plan in plans]), digest_size=12).hexdigest()


async def arrange(session: AsyncSession, actor_id: str, plans: Sequence[Plan], *, version: str | None) -> list[Plan]:
    """Store the arrangement in place of the present one; without any shelf, the default ones are back.

    `version` is the one that was changed, `None` to overwrite whatever there is. Raises `EditConflict` when it isn't
    the present one, `ValidationFailed` with fields such as `shelves[2].title`."""
    await _take_turns(session)
    before = await shelves.list_plans(session)
    if version is not None and version != version_of(before):
        raise EditConflict
    arranged = _tidied(plans, {plan.id for plan in before})
    await _check(session, arranged)
    if arranged != before:
        await _store(session, arranged)
        audit.record(session, actor_id, "shelves.arrange", ("shelves", "front"), shelves=[_noted(p) for p in arranged])
    return await shelves.list_plans(session)


async def feature(session: AsyncSession, actor_id: str, id_or_slug: str, is_featured: bool) -> None:
    """Put a personality on the featured shelf, or take it off; safe to repeat. It is no new version of it."""
    personality = await get_personality(session, id_or_slug, on_shelf_only=is_featured)
    if personality.is_featured == is_featured:
        return
    await session.execute(update(P).where(P.id == personality.id).values(is_featured=is_featured))
    verb = "personality.feature" if is_featured else "personality.unfeature"
    audit.record(session, actor_id, verb, ("personality", personality.id))


def _tidied(plans: Sequence[Plan], known: set[str]) -> list[Plan]:
    """Titles without stray blanks; ids that are ours, each once."""
    tidied = []
    for plan in plans:
        kept = plan.id if plan.id in known else ids.new_id()
        known = known - {kept}
        slug = plan.category_slug if plan.kind == "category" else None
        tidied.append(plan._replace(id=kept, title=" ".join(plan.title.split()), category_slug=slug))
    return tidied


async def _take_turns(session: AsyncSession) -> None:
    """Two admins store one after the other. SQLite's write transactions do so anyway."""
    if session.get_bind().dialect.name != "sqlite":
        await session.execute(text("lock table shelves in share row exclusive mode"))


async def _store(session: AsyncSession, plans: Sequence[Plan]) -> None:
    await session.execute(delete(ShelfItem))
    await session.execute(delete(Shelf))
    for position, plan in enumerate(plans):
        session.add(
            Shelf(position=position, **{name: getattr(plan, name) for name in Plan._fields if name != "picked"})
        )
    await session.flush()
    session.add_all(
        ShelfItem(shelf_id=plan.id, personality_id=each, position=position)
        for plan in plans
        for position, each in enumerate(plan.picked)
    )
    await session.flush()


def _noted(plan: Plan) -> dict[str, object]:
    return {**plan._asdict(), "picked": list(plan.picked)}


async def _check(session: AsyncSession, plans: Sequence[Plan]) -> None:
    wrong: dict[str, str] = {}
    if len(plans) > MOST_SHELVES:
        wrong["shelves"] = f"must be at most {MOST_SHELVES}"
    seen: set[tuple[str, str | None]] = set()
    for n, plan in enumerate(plans[:MOST_SHELVES]):
        wrong |= {f"shelves[{n}].{name}": problem for name, problem in (await _problems(session, plan)).items()}
        subject = (plan.kind, plan.category_slug)
        if plan.kind != "picked" and subject in seen:
            wrong[f"shelves[{n}].kind"] = "is on another shelf already"
        seen.add(subject)
    if wrong:
        raise ValidationFailed(fields=wrong)


async def _problems(session: AsyncSession, plan: Plan) -> dict[str, str]:
    """What is wrong with one shelf, by field."""
    wrong = {}
    if plan.kind not in KINDS:
        wrong["kind"] = f"must be one of {', '.join(KINDS)}"
    if not 1 <= len(plan.title) <= LONGEST_TITLE or not plan.title.isprintable():
        wrong["title"] = f"must have 1 to {LONGEST_TITLE} characters"
    if plan.kind == "category" and not await _is_category(session, plan.category_slug):
        wrong["category"] = "must be a category of the marketplace"
    if plan.picked and plan.kind != "picked":
        wrong["personalities"] = "can be chosen for a hand-picked shelf only"
    elif problem := await _problem_of_picks(session, plan):
        wrong["personalities"] = problem
    return wrong


async def _is_category(session: AsyncSession, slug: str | None) -> bool:
    return bool(slug) and await session.scalar(select(P.id).where(P.category_slug == slug).limit(1)) is not None


async def _problem_of_picks(session: AsyncSession, plan: Plan) -> str | None:
    if len(plan.picked) > MOST_PICKED:
        return f"must be at most {MOST_PICKED}"
    if len(set(plan.picked)) < len(plan.picked):
        return "must not name one twice"
    known = await session.scalar(select(func.count()).select_from(P).where(P.id.in_(plan.picked)))
    return None if known == len(plan.picked) else "must all be known here"
