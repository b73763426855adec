"""Who was sent away and then erased stays out, though nothing but a keyed hash of their Discord id is kept.

The hash's key is a random secret of this house, stored encrypted: whoever has the database alone can't try out ids, and
a change of `BOTBOT_SECRET_KEY` doesn't let anybody back in."""

import hashlib
import hmac
import logging

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.accounts.models import BarredPerson, HouseSecret
from botbot.kit import clock, ids
from botbot.kit.cipher import Cipher

log = logging.getLogger("botbot.accounts")

PEPPER = "barring"


async def bar(session: AsyncSession, cipher: Cipher, discord_id: int) -> None:
    """Keep that person out from now on."""
    secret = await _secret(session, cipher) or await _make_secret(session, cipher)
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    barred = insert(BarredPerson).values(id=_sign(secret, discord_id), barred_at=clock.now())
    await session.execute(barred.on_conflict_do_nothing())


async def is_barred(session: AsyncSession, cipher: Cipher, discord_id: int) -> bool:
    """Whether they were sent away under an account that is erased since.

    Where the house's secret can't be read any more, nobody can say who it was, and everybody may come in."""
    if await session.scalar(select(BarredPerson.id).limit(1)) is None:
        return False
    secret = await _secret(session, cipher)
    if secret is None:
        log.warning("the key to who was sent away is missing, so nobody is kept out; see `botbot doctor`")
        return False
    sign = _sign(secret, discord_id)
    return await session.scalar(select(BarredPerson.id).where(BarredPerson.id == sign)) is not None


async def pardon(session: AsyncSession, cipher: Cipher, discord_id: int) -> bool:
    """Let them in again; false when they weren't kept out."""
    if not await is_barred(session, cipher, discord_id):
        return False
    secret = await _secret(session, cipher)
    assert secret is not None
    await session.execute(delete(BarredPerson).where(BarredPerson.id == _sign(secret, discord_id)))
    return True


async def _secret(session: AsyncSession, cipher: Cipher) -> str | None:
    """`None` where there is none yet, and where its key is gone."""
    sealed = await session.scalar(select(HouseSecret.sealed).where(HouseSecret.name == PEPPER))
    try:
        return cipher.decrypt(sealed) if sealed else None
    except ValueError:
        return None


async def _make_secret(session: AsyncSession, cipher: Cipher) -> str:
    """A new one, in place of one that nobody can read; what was hashed with that can't match any more, so it goes."""
    await session.execute(delete(HouseSecret).where(HouseSecret.name == PEPPER))
    await session.execute(delete(BarredPerson))
    secret = ids.new_secret()
    session.add(HouseSecret(name=PEPPER, sealed=cipher.encrypt(secret)))
    await session.flush()
    return secret


def _sign(secret: str, discord_id: int) -> str:
    return hmac.new(secret.encode(), str(discord_id).encode(), hashlib.sha256).hexdigest()
