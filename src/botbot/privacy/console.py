"""What an operator does about people's data from the command line."""

import sys

from botbot.accounts import barring
from botbot.house import House
from botbot.privacy import rotation, service


async def rotate_keys(house: House) -> int:
    """Seal everything under the first key of `BOTBOT_SECRET_KEY`; 1 when some rows open with none of the keys."""
    if len(house.settings.secret_keys()) < 2:
        print("Only one key is set, so nothing is under an older one. To change it, put the new one in front:")
        print("BOTBOT_SECRET_KEY=new,old, restart everything, and call this again.")
    found = rotation.Standing()
    async for found in rotation.rotate(house.db, house.cipher):
        print(f"\r{found.looked_at} rows looked at, {found.old} sealed anew", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    print(
        f"{found.old} rows were sealed anew under the first key, {found.looked_at - found.old} were left as they are."
    )
    for table, count in found.unreadable.items():
        print(f"{count} rows of {table} open with none of these keys: the key that sealed them is missing.")
    if not found.unreadable:
        print("The older keys may be dropped once every process runs with the new one in front.")
    return 1 if found.unreadable else 0


async def erase(house: House, discord_id: int) -> int:
    """Erase somebody who can't do it themselves: without an account, banned, or asking by mail."""
    async with house.db.write() as session:
        secret = await service.erase_by_discord_id(session, house.cipher, discord_id)
    if secret is None:
        print("They have no account here. What they said to personalities, and that they ever did, is deleted.")
        return 0
    print("Erased. Their receipt, which nobody else can find:")
    print(f"{house.settings.public_url}/account/receipts/{secret}")
    return 0


async def pardon(house: House, discord_id: int) -> int:
    """Lift the ban of somebody whose account is erased."""
    async with house.db.write() as session:
        was_out = await barring.pardon(session, house.cipher, discord_id)
    print("They may come in again." if was_out else "Nobody keeps them out under an erased account.")
    return 0
