"""What crosses the wire about people and servers."""

import msgspec

from botbot.accounts.rules import Viewer


class UserOut(msgspec.Struct, rename="camel"):
    id: str
    discord_id: str
    username: str
    avatar: str | None
    role: str


class SessionOut(msgspec.Struct, rename="camel"):
    user: UserOut | None


class GuildOut(msgspec.Struct, rename="camel"):
    """A server the caller may manage. `missing_permissions` is what the bot lacks there; everything when absent.
    `member_count` is Discord's own guess, null where it makes none."""

    id: str
    name: str
    icon: str | None
    bot_present: bool
    missing_permissions: list[str]
    member_count: int | None = None


def user_out(viewer: Viewer | None) -> SessionOut:
    if viewer is None:
        return SessionOut(user=None)
    return SessionOut(
        user=UserOut(
            id=viewer.user_id,
            discord_id=str(viewer.discord_id),
            username=viewer.username,
            avatar=viewer.avatar_url,
            role=viewer.role,
        )
    )
