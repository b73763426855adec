"""Who and what the sandbox starts with. The ids never change, so that tests and bookmarks may name them.

Ada owns two servers and manages a third; Ben is only a member, everywhere; Cleo owns one (the marketplace's admin
is configured by her id). Edda owns the rest and never signs in. The bot is at home in the Tea House with every
permission it could want, in the Night Owls with too few, and nowhere else."""

from datetime import UTC, datetime

from botbot.kit import clock
from botbot.sandbox import permissions as may
from botbot.sandbox.world import Channel, Guild, Member, Message, Overwrite, Role, State, User

ADA, BEN, CLEO, EDDA = (200_000_000_000_000_000 + number for number in (1, 2, 3, 4))
BOT = APPLICATION = 300_000_000_000_000_001

_OPENED = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
_EVERYONE = may.TALK | may.EMBED_LINKS | may.ATTACH_FILES | may.ADD_REACTIONS | may.USE_APPLICATION_COMMANDS


def _guild_id(number: int) -> int:
    """Far enough apart that shards, which go by `id >> 22`, get different servers."""
    return 400_000_000_000_000_000 + (number << 22)


TEA_HOUSE, CLOCKWORK_GARDEN, NIGHT_OWLS, OBSERVATORY, BOARD_GAMES, HARBOUR_RADIO = map(_guild_id, range(1, 7))


def channel_id(guild_id: int, number: int) -> int:
    """The id of a server's channel, counted from 1 in the order of the channel list."""
    return guild_id + 100 + number


def fresh_state() -> State:
    state = State(users={user.id: user for user in _users()}, guilds={g.id: g for g in _guilds()})
    state.last_id = max(max(state.guilds) + 1000, *(c.id for g in state.guilds.values() for c in g.channels))
    for guild_id, number, author_id, content in _OLD_MESSAGES:
        _say(state, guild_id, number, author_id, content)
    return state


def _users() -> list[User]:
    return [
        User(ADA, "ada", "Ada", hue=330, about="owns two servers and helps to run a third"),
        User(BEN, "ben", "Ben", hue=150, about="a member everywhere, a manager nowhere"),
        User(CLEO, "cleo", "Cleo", hue=40, about="owns the Observatory"),
        User(EDDA, "edda", "Edda", hue=200, is_playable=False),
        User(BOT, "botbot", "BotBot", is_bot=True, hue=260),
    ]


def _guilds() -> list[Guild]:
    guilds = [
        _guild(TEA_HOUSE, "Ada's Tea House", ADA, 330, [BEN, CLEO], "Warm cups, slow talk.", "parlour", "kitchen"),
        _guild(
            CLOCKWORK_GARDEN, "The Clockwork Garden", ADA, 140, [BEN], "Things that tick.", "greenhouse", "workshop"
        ),
        _guild(NIGHT_OWLS, "Night Owls Book Club", EDDA, 260, [ADA, BEN, CLEO], "One chapter more.", "reading-room"),
        _guild(OBSERVATORY, "Cleo's Observatory", CLEO, 210, [ADA, BEN], "Look up.", "dome", "star-charts"),
        _guild(BOARD_GAMES, "Sunday Board Games", EDDA, 30, [ADA, BEN, CLEO], "Bring snacks.", "table-talk"),
        _guild(HARBOUR_RADIO, "Harbour Radio", EDDA, 180, [BEN, CLEO], "On air at dusk.", "on-air", "request-line"),
    ]
    _give_role(guilds[2], ADA, "Librarian", may.MANAGE_GUILD | may.MANAGE_MESSAGES)
    _give_role(guilds[5], CLEO, "Sound desk", may.MANAGE_MESSAGES)
    _install_bot(guilds[0], may.CHANNEL_MODE | may.EMBED_LINKS | may.ATTACH_FILES)
    _install_bot(guilds[2], may.VIEW_CHANNEL)
    guilds[2].roles[0].permissions = may.VIEW_CHANNEL | may.SEND_MESSAGES
    return guilds


def _guild(guild_id: int, name: str, owner: int, hue: int, members: list[int], about: str, *talking: str) -> Guild:
    people = [owner, *members]
    return Guild(
        guild_id,
        name,
        owner,
        about,
        hue,
        roles=[Role(guild_id, "@everyone", _EVERYONE, position=0)],
        channels=_channels(guild_id, talking),
        members={user_id: Member(user_id, _OPENED) for user_id in people},
    )


def _channels(guild_id: int, talking: tuple[str, ...]) -> list[Channel]:
    """Talking rooms first, then news, rules (only people with a role of their own may write) and an nsfw room."""
    quiet = [Overwrite(guild_id, deny=may.SEND_MESSAGES | may.MANAGE_WEBHOOKS)]
    channels = [Channel(0, guild_id, name) for name in talking]
    channels.append(Channel(0, guild_id, "notice-board", 5, "News from the house."))
    channels.append(Channel(0, guild_id, "house-rules", 0, "To read, not to answer.", overwrites=quiet))
    channels.append(Channel(0, guild_id, "after-dark", 0, "Grown-ups only.", is_nsfw=True))
    for number, channel in enumerate(channels, 1):
        channel.id = channel_id(guild_id, number)
    return channels


def _give_role(guild: Guild, user_id: int, name: str, permissions: int, bot_id: int | None = None) -> None:
    role = Role(guild.id + 10 + len(guild.roles), name, permissions, len(guild.roles), 0x8A7CFF, bot_id)
    guild.roles.append(role)
    guild.members[user_id].role_ids.append(role.id)


def _install_bot(guild: Guild, permissions: int) -> None:
    guild.members[BOT] = Member(BOT, _OPENED)
    _give_role(guild, BOT, "BotBot", permissions, BOT)
    quiet = next(channel for channel in guild.channels if channel.name == "house-rules")
    quiet.overwrites.append(Overwrite(guild.roles[-1].id, deny=may.SEND_MESSAGES | may.MANAGE_WEBHOOKS))


_OLD_MESSAGES = [
    (TEA_HOUSE, 1, BEN, "The kettle is on. Who is coming?"),
    (TEA_HOUSE, 1, ADA, "Me! And I hear we may get a new guest who talks back."),
    (TEA_HOUSE, 4, ADA, "Be kind. Wash your own cup."),
    (CLOCKWORK_GARDEN, 1, ADA, "The brass sunflower turned all by itself today."),
    (NIGHT_OWLS, 1, CLEO, "Chapter nine. No spoilers, please."),
    (OBSERVATORY, 1, CLEO, "Clear sky tonight. Saturn is up by ten."),
    (BOARD_GAMES, 1, BEN, "I bring the snacks if somebody brings the rules."),
    (HARBOUR_RADIO, 1, CLEO, "Sound check, one, two."),
]


def _say(state: State, guild_id: int, number: int, author_id: int, content: str) -> None:
    state.last_id += 1
    where = channel_id(guild_id, number)
    message = Message(state.last_id, where, guild_id, author_id, content, clock.now())
    state.messages.setdefault(where, []).append(message)
