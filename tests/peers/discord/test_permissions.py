"""Discord's permission arithmetic, against hand-made cases and a slow second opinion."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botbot.peers.discord.permissions import (
    ALL,
    CHANNEL_MODE,
    PROFILE_MODE,
    Permission,
    base_permissions,
    channel_permissions,
    is_manageable,
    missing_names,
)
from botbot.peers.discord.wire import Channel, DiscordUser, Guild, Member, Overwrite, Role

VIEW, SEND, THREADS = (
    int(Permission.VIEW_CHANNEL),
    int(Permission.SEND_MESSAGES),
    int(Permission.SEND_MESSAGES_IN_THREADS),
)
OWNER, BEN, EVERYONE = 1, 2, 100


def guild(**roles: int) -> Guild:
    made = [Role(id=int(name.removeprefix("r")), permissions=bits) for name, bits in roles.items()]
    return Guild(id=EVERYONE, name="Ada's", owner_id=OWNER, roles=made)


def member(user_id: int = BEN, *roles: int) -> Member:
    return Member(user=DiscordUser(id=user_id, username="x"), roles=list(roles))


def channel(*overwrites: tuple[int, int, int, int], kind: int = 0) -> Channel:
    made = [Overwrite(id=i, type=t, allow=allow, deny=deny) for i, t, allow, deny in overwrites]
    return Channel(id=5, type=kind, permission_overwrites=made)


def test_the_modes_are_the_documented_numbers() -> None:
    assert (PROFILE_MODE, CHANNEL_MODE) == (274945084416, 275481955328)


def test_no_bit_is_named_twice() -> None:
    assert all(int(each).bit_count() == 1 for each in Permission)
    assert len(Permission.__members__) == ALL.bit_count()


def test_base_is_everyone_and_the_members_own_roles() -> None:
    place = guild(r100=VIEW, r7=SEND, r8=int(Permission.BAN_MEMBERS))
    assert base_permissions(place, member(BEN, 7, 999)) == VIEW | SEND


@pytest.mark.parametrize("who", [member(OWNER), member(BEN, 7)])
def test_owners_and_administrators_have_everything_whatever_the_overwrites(who: Member) -> None:
    place = guild(r100=0, r7=int(Permission.ADMINISTRATOR))
    assert base_permissions(place, who) == ALL
    assert (
        channel_permissions(place, who, channel((EVERYONE, 0, 0, ALL), (who.user.id if who.user else 0, 1, 0, ALL)))
        == ALL
    )


def test_overwrites_apply_from_everyone_to_roles_to_the_member() -> None:
    place, ben = guild(r100=VIEW | SEND, r7=0, r8=0), member(BEN, 7, 8)
    assert channel_permissions(place, ben, channel((EVERYONE, 0, 0, SEND))) == VIEW
    assert channel_permissions(place, ben, channel((EVERYONE, 0, 0, SEND), (7, 0, SEND, 0))) == VIEW | SEND
    assert channel_permissions(place, ben, channel((7, 0, SEND, 0), (8, 0, 0, SEND))) == VIEW | SEND
    assert channel_permissions(place, ben, channel((7, 0, SEND, 0), (BEN, 1, 0, SEND))) == VIEW
    assert channel_permissions(place, ben, channel((999, 0, 0, SEND), (999, 1, 0, SEND))) == VIEW | SEND


def test_a_role_and_a_member_of_the_same_number_are_not_confused() -> None:
    place = guild(r100=VIEW | SEND)
    assert channel_permissions(place, member(BEN), channel((BEN, 0, 0, SEND), (EVERYONE, 1, 0, SEND))) == VIEW | SEND


def test_who_cannot_see_can_do_nothing() -> None:
    assert channel_permissions(guild(r100=VIEW | SEND), member(), channel((EVERYONE, 0, 0, VIEW))) == 0


def test_who_cannot_send_cannot_attach() -> None:
    files = int(Permission.ATTACH_FILES)
    assert channel_permissions(guild(r100=VIEW | SEND | files), member(), channel()) == VIEW | SEND | files
    assert channel_permissions(guild(r100=VIEW | files), member(), channel()) == VIEW


@pytest.mark.parametrize(("bits", "can_send"), [(VIEW | THREADS, True), (VIEW | SEND, False)])
def test_threads_ask_for_their_own_permission(bits: int, can_send: bool) -> None:
    have = channel_permissions(guild(r100=bits), member(), channel(kind=11), parent=channel())
    assert bool(have & SEND) is can_send


def test_threads_inherit_their_parents_overwrites() -> None:
    place = guild(r100=VIEW | SEND | THREADS)
    parent = channel((EVERYONE, 0, 0, THREADS))
    assert not channel_permissions(place, member(), channel(kind=11), parent=parent) & SEND
    assert channel_permissions(place, member(), channel(kind=0), parent=parent) & SEND


def test_missing_permissions_have_discords_names() -> None:
    assert missing_names(PROFILE_MODE, PROFILE_MODE) == []
    assert missing_names(PROFILE_MODE & ~int(Permission.CHANGE_NICKNAME), PROFILE_MODE) == ["CHANGE_NICKNAME"]
    assert missing_names(0, VIEW | int(Permission.MANAGE_WEBHOOKS)) == ["VIEW_CHANNEL", "MANAGE_WEBHOOKS"]
    assert missing_names(int(Permission.ADMINISTRATOR), ALL) == []
    assert missing_names(0, 1 << 60) == ["BIT_60"]


@pytest.mark.parametrize(
    ("owner", "bits", "may"), [(True, 0, True), (False, 8, True), (False, 32, True), (False, ALL & ~40, False)]
)
def test_who_may_manage(owner: bool, bits: int, may: bool) -> None:
    assert is_manageable(owner, bits) is may


BITS = st.integers(0, ALL).map(lambda bits: bits & ~int(Permission.ADMINISTRATOR))
OVERWRITES = st.lists(st.tuples(st.sampled_from([EVERYONE, 7, 8, 9]), st.just(0), BITS, BITS), max_size=5)


@given(everyone=BITS, seven=BITS, eight=BITS, overwrites=OVERWRITES, own=st.tuples(BITS, BITS))
def test_each_bit_follows_the_documented_order(
    everyone: int, seven: int, eight: int, overwrites: list[tuple[int, int, int, int]], own: tuple[int, int]
) -> None:
    """Bit by bit: the last level that says something decides; within a level an allow beats a deny."""
    have = channel_permissions(
        guild(r100=everyone, r7=seven, r8=eight), member(BEN, 7), channel(*overwrites, (BEN, 1, *own))
    )

    def decided(bit: int) -> bool:
        levels = [
            [(allow, deny) for i, _, allow, deny in overwrites if i == EVERYONE],
            [(allow, deny) for i, _, allow, deny in overwrites if i == 7],
            [own],
        ]
        value = bool((everyone | seven) & bit)
        for level in levels:
            if any(allow & bit for allow, _ in level):
                value = True
            elif any(deny & bit for _, deny in level):
                value = False
        return value

    expected = sum(1 << n for n in range(ALL.bit_length()) if decided(1 << n))
    if not expected & VIEW:
        expected = 0
    elif not expected & SEND:
        silent = Permission.MENTION_EVERYONE | Permission.SEND_TTS_MESSAGES
        expected &= ~int(silent | Permission.ATTACH_FILES | Permission.EMBED_LINKS)
    assert have == expected
