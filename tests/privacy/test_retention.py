"""What has had its time goes, and only that."""

from collections.abc import Awaitable, Callable

from sqlalchemy import func, select, update
from tests.privacy.conftest import WORDS, Past
from tests.support.people import Person
from tests.support.serving import Site

from botbot.accounts import barring
from botbot.accounts.models import NOBODY, UsedOAuthState
from botbot.deployments.models import PersonalityDeployment
from botbot.desk.models import Notice
from botbot.kit import clock
from botbot.kit.cipher import Cipher
from botbot.privacy import retention
from botbot.privacy.models import Erasure
from botbot.reviews.models import Report


async def forget(site: Site) -> None:
    async with site.house.db.write() as session:
        await retention.forget_old(session)


async def count(site: Site, model: type) -> int:
    async with site.house.db.read() as session:
        return int(await session.scalar(select(func.count()).select_from(model)) or 0)


async def test_periods_hold_to_the_day(site: Site, ada: Person, past: Past, tick: Callable[..., None]) -> None:
    await ada.delete(f"/api/marketplace/deployments/{past.deployment_id}")
    await site.drain()
    async with site.house.db.write() as session:
        await session.execute(update(Report).values(handled_at=clock.now(), state="handled"))
    tick(days=399)
    await forget(site)
    assert (await count(site, Report), await count(site, Notice)) == (1, 1)
    assert await count(site, UsedOAuthState) == 0
    async with site.house.db.read() as session:
        row = await session.get_one(PersonalityDeployment, past.deployment_id)
        assert (row.user_id, row.customizations["name"]) == (past.user_id, f"Dot {WORDS}")
    tick(days=2)
    await forget(site)
    assert (await count(site, Report), await count(site, Notice)) == (0, 0)
    async with site.house.db.read() as session:
        row = await session.get_one(PersonalityDeployment, past.deployment_id)
        assert (row.user_id, row.customizations, row.guild_name) == (NOBODY, {}, "")


async def test_a_receipt_goes_ninety_days_after_it_is_done(
    site: Site, ada: Person, past: Past, settle: Callable[[], Awaitable[None]], tick: Callable[..., None]
) -> None:
    await ada.delete("/api/account")
    tick(days=100)
    await forget(site)
    assert await count(site, Erasure) == 1  # not done yet, so it stays
    await settle()
    tick(days=91)
    await forget(site)
    assert await count(site, Erasure) == 0


async def test_a_lost_key_locks_nobody_out_and_the_next_ban_holds_again(site: Site) -> None:
    later = Cipher(["a-key-that-came-later-and-fits-nothing"])
    async with site.house.db.write() as session:
        await barring.bar(session, site.house.cipher, 7)
        assert await barring.is_barred(session, site.house.cipher, 7)
        assert not await barring.is_barred(session, later, 7)
        await barring.bar(session, later, 8)
        assert await barring.is_barred(session, later, 8)
        assert not await barring.is_barred(session, later, 7)
        assert await barring.pardon(session, later, 8)
        assert not await barring.is_barred(session, later, 8)
        assert not await barring.pardon(session, later, 8)
