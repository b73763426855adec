"""The tests' hand inside the sandbox. Everything here is also reachable over HTTP, see `control`."""

from typing import Any, TypeVar

from botbot.sandbox import membership, people, sight
from botbot.sandbox.calls import Recorded, Violation
from botbot.sandbox.core import Core, Switches
from botbot.sandbox.faults import Fault
from botbot.sandbox.gateway.hub import Hub, Moods
from botbot.sandbox.limits import Limits
from botbot.sandbox.oauth import consent
from botbot.sandbox.world import Channel, Guild, Message, User

Id = int | str
T = TypeVar("T")


class DiscordHandle:
    """What was called, what there is, and trouble on demand."""

    def __init__(self, core: Core) -> None:
        self._core = core

    @property
    def calls(self) -> list[Recorded]:
        """Every API call so far, oldest first."""
        return list(self._core.calls)

    def calls_to(self, method: str, path: str) -> list[Recorded]:
        """The calls that a `fail(method, path)` would have met."""
        fault = Fault(method, path)
        return [call for call in self._core.calls if fault.matches(call.method, call.path)]

    @property
    def violations(self) -> list[Violation]:
        """Requests that broke Discord's description, or what a careful bot owes it."""
        return self._core.violations

    @property
    def guilds(self) -> dict[int, Guild]:
        return self._core.world.state.guilds

    @property
    def users(self) -> dict[int, User]:
        return self._core.world.state.users

    @property
    def switches(self) -> Switches:
        return self._core.switches

    @property
    def limits(self) -> Limits:
        return self._core.limits

    @property
    def gateway(self) -> Hub:
        """`drop()`, `close(code)`, `ask_to_reconnect()`, `invalidate(is_resumable=)`, `set_outage(guild, is_down=)`,
        `moods` (copies, refuse_connect, refuse_resume_url, silent) and `starts` (the identify limit)."""
        return self._core.hub

    @property
    def moods(self) -> Moods:
        return self._core.hub.moods

    def fail(
        self,
        method: str,
        path: str,
        *,
        before_effect: bool = True,
        after_effect: bool = False,
        **how: Any,
    ) -> Fault:
        """Spoil the next matching calls; see `Fault` for all the ways. Without any other way it is a 500."""
        late = after_effect or not before_effect
        ways = {"status", "delay", "hang", "reset", "truncate", "retry_after", "body"}
        if not ways & how.keys():
            how["status"] = 500
        return self._core.faults.add(Fault(method, path, after_effect=late, **how))

    def clear_failures(self) -> None:
        self._core.faults.clear()

    def clear_calls(self) -> None:
        self._core.calls.clear()
        self._core.violations.clear()

    def reset(self) -> None:
        """Everything as on the first day. Gateway sessions end, for their servers are other ones now."""
        self._core.hub.invalidate(is_resumable=False)
        self._core.world.reset()
        self._core.world.save()
        self._core.faults.clear()
        self._core.limits.clear()
        self.clear_calls()

    def messages(self, channel_id: Id) -> list[Message]:
        """Oldest first, ephemeral ones included."""
        return list(self._core.world.state.messages.get(int(channel_id), []))

    def message_json(self, message: Message) -> dict[str, Any]:
        """A message as Discord's API shows it to someone who sees all."""
        return sight.message(self._core.world, message, self._core.url, sees_all=True)

    def channel(self, guild_id: Id, name: str) -> Channel:
        return next(each for each in self.guilds[int(guild_id)].channels if each.name == name)

    def post_message(
        self,
        user: Id,
        channel: Id,
        content: str,
        *,
        mention_bot: bool = False,
        reply_to: Id | None = None,
        ping: bool = True,
    ) -> Message:
        """Somebody says something; literal `@BotBot` becomes a mention."""
        found = self._core.world.find_channel(int(channel))
        if found is None:
            raise LookupError(f"no channel {channel}")
        target = int(reply_to) if reply_to else None
        message = people.speak(
            self._core, int(user), found, content, mention_bot=mention_bot, reply_to=target, ping=ping
        )
        self._core.world.save()
        return message

    def run_command(self, user: Id, channel: Id, name: str, text: str = "", *, target: Id | None = None) -> str:
        """Use a slash command (`text` fills its first option) or, with `target`, a message menu command.

        Returns the interaction's id."""
        found = self._core.world.find_channel(int(channel))
        if found is None:
            raise LookupError(f"no channel {channel}")
        asked = people.use_command(self._core, int(user), found, name, text, int(target) if target else None)
        self._core.world.save()
        return str(asked.id)

    def consent(self, authorize_url: str, *, user: Id, guild: Id | None = None, cancel: bool = False) -> str:
        """Press the button for somebody; the address their browser would be sent to."""
        from yarl import URL

        ask = consent.read(self._core, URL(authorize_url).query)
        if cancel:
            return consent.refuse(ask)
        chosen = int(guild) if guild else ask.guild_id
        address = consent.approve(self._core, ask, int(user), chosen)
        self._core.world.save()
        return address

    def take_bot_out(self, guild: Id) -> None:
        """Kick the bot."""
        membership.leave(self._core.world, self.guilds[int(guild)])
        self._core.world.save()

    def change_member_roles(self, guild: Id, user: Id, role_ids: list[int]) -> None:
        """Promote or demote somebody; takes effect with the next request."""
        self.guilds[int(guild)].members[int(user)].role_ids = role_ids
        self._core.world.touch()
        self._core.world.save()
