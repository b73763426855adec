"""Every column of the database, and what it has to do with people.

This is the one place that says so: the export hands out what `Trace.shows` names, the erasure does what `Trace.erasure`
says, `rotate-keys` seals `sealed` anew, and `/privacy` prints `what`, `why` and `how_long`. A test walks through all
models and fails for a column that isn't here: put it under `personal` with what it tells about somebody, or into
`plain` when it tells nothing about anybody."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Whose = Literal["user", "discord"]
"""What the tracing column holds: a person's number here (`users.id`), or their Discord id."""
DELETE: Literal["delete"] = "delete"
BY_HAND: Literal["by hand"] = "by hand"
"""Done by a verb of the room that owns the table, because more than the row has to change."""


@dataclass(frozen=True)
class Trace:
    """How a row leads to a person: `column` holds them. `erasure` deletes the row, or says what its columns become.

    `shows` are the columns handed out to that person; `table.column` is one of a table that a foreign key leads to.
    `only` narrows the rows. With `begins` the column holds more than the person: it begins so, `{}` being them."""

    column: str
    whose: Whose = "user"
    erasure: Mapping[str, Any] | Literal["delete", "by hand"] = DELETE
    shows: tuple[str, ...] = ()
    only: Mapping[str, str] = field(default_factory=dict)
    begins: str = ""


@dataclass(frozen=True)
class Kept:
    """One table. `what`, `why` and `how_long` are for the people concerned; `{retention_days}` and `{session_days}` in
    the last are filled from the settings. Empty where the table tells nothing about anybody."""

    table: str
    plain: str = ""
    personal: Mapping[str, str] = field(default_factory=dict)
    traces: tuple[Trace, ...] = ()
    what: str = ""
    why: str = ""
    how_long: str = ""
    sealed: tuple[str, ...] = ()

    @property
    def columns(self) -> set[str]:
        return {*self.plain.split(), *self.personal}


NAME = "personality_templates.name"

TABLES: tuple[Kept, ...] = (
    Kept(
        "users",
        personal={
            "id": "your number in this shop",
            "discord_id": "your Discord id",
            "username": "your Discord name",
            "display_name": "the name you show at Discord",
            "avatar_hash": "which picture you have at Discord",
            "role": "whether you help to run this shop",
            "created_at": "when we first met you",
            "signed_in_at": "when you last signed in",
            "banned_at": "since when you may not come in",
            "ban_reason": "why you may not come in",
        },
        traces=(
            Trace(
                "id",
                erasure=BY_HAND,
                shows=(
                    "id",
                    "discord_id",
                    "username",
                    "display_name",
                    "avatar_hash",
                    "role",
                    "created_at",
                    "signed_in_at",
                    "banned_at",
                    "ban_reason",
                ),
            ),
        ),
        what="Your account: Discord id, name, picture, role, when you came and when you last signed in",
        why="to know you again",
        how_long="until you delete your account",
    ),
    Kept(
        "sessions",
        personal={
            "id": "a hash of your cookie's secret",
            "user_id": "you",
            "created_at": "when you signed in",
            "last_seen_at": "when you were last here",
            "expires_at": "when the sign-in ends",
            "agent": "the kind of browser you use",
        },
        traces=(Trace("user_id", shows=("created_at", "last_seen_at", "expires_at", "agent")),),
        what="Your sign-ins: when they began, were last used, and in which browser",
        why="to keep you signed in, and so that you can recognise a sign-in that isn’t yours",
        how_long="until you sign out, {session_days} at the latest",
    ),
    Kept(
        "oauth_tokens",
        plain="refreshing_until updated_at",
        personal={
            "user_id": "you",
            "access_token": "Discord's key to your name and your list of servers, encrypted",
            "refresh_token": "what renews it, encrypted",
            "scopes": "what you allowed us to see",
            "expires_at": "until when it is good",
        },
        traces=(Trace("user_id", shows=("scopes", "expires_at")),),
        what="Discord’s tokens for you, encrypted",
        why="to read your list of servers when you choose one",
        how_long="until your last browser is signed out",
        sealed=("access_token", "refresh_token"),
    ),
    Kept(
        "api_tokens",
        personal={
            "id": "the number of a token of yours",
            "user_id": "you",
            "name": "what you called it",
            "token_hash": "a hash of it",
            "created_at": "when it was made",
            "last_used_at": "when it was last used",
        },
        traces=(Trace("user_id", shows=("id", "name", "created_at", "last_used_at")),),
        what="Your API tokens, as a hash, with their names",
        why="so that your scripts can act for you",
        how_long="until they are withdrawn",
    ),
    Kept("used_oauth_states", plain="nonce used_at"),
    Kept(
        "barred_people",
        plain="barred_at",
        personal={"id": "a keyed hash of a Discord id, from which the id can't be read"},
        what="Of somebody who was sent away and then erased: a keyed hash of the Discord id, nothing else",
        why="so that a ban outlives the account",
        how_long="as long as the ban",
    ),
    Kept("house_secrets", plain="name sealed", sealed=("sealed",)),
    Kept(
        "personality_ratings",
        plain="helpful_count",
        personal={
            "id": "the number of your review",
            "template_id": "what you rated",
            "user_id": "you",
            "rating": "your stars",
            "review": "your words",
            "state": "whether a moderator took it away",
            "created_at": "when you wrote it",
            "updated_at": "when you changed it",
        },
        traces=(
            Trace(
                "user_id",
                erasure=BY_HAND,
                shows=("id", NAME, "rating", "review", "state", "helpful_count", "created_at", "updated_at"),
            ),
        ),
        what="Your stars and reviews, shown with your name",
        why="so that others can choose",
        how_long="until you take them back",
    ),
    Kept(
        "review_votes",
        personal={"rating_id": "a review that helped you", "user_id": "you", "created_at": "when you said so"},
        traces=(Trace("user_id", erasure=BY_HAND, shows=("rating_id", "created_at")),),
        what="Which reviews you found helpful; only the count is shown",
        why="so that helpful ones stand first",
        how_long="until you take it back",
    ),
    Kept(
        "review_censures",
        plain="id",
        personal={
            "template_id": "what you reviewed",
            "user_id": "you",
            "state": "what moderators hold against it",
            "created_at": "when",
        },
        traces=(Trace("user_id", shows=(NAME, "template_id", "state", "created_at")),),
        what="What our moderators hold against your reviews",
        why="so that what was taken away doesn’t come back by being written again",
        how_long="until you delete your account",
    ),
    Kept(
        "personality_favourites",
        personal={"user_id": "you", "personality_id": "what you marked", "created_at": "when"},
        traces=(Trace("user_id", shows=(NAME, "personality_id", "created_at")),),
        what="Your favourites, which nobody else sees",
        why="so that you find them again",
        how_long="until you take the heart away",
    ),
    Kept(
        "personality_uses",
        personal={"personality_id": "what you talked to", "discord_user_id": "your Discord id"},
        traces=(Trace("discord_user_id", "discord", shows=(NAME, "personality_id")),),
        what="Which personalities you talked to or moved in, without when and where",
        why="to mark your review as by somebody who used it",
        how_long="until you delete your account, or ask for it with /forget in Discord",
    ),
    Kept(
        "channel_messages",
        plain="agent_id",
        personal={
            "id": "the number of a turn",
            "discord_channel_id": "in which channel you talked",
            "discord_user_id": "your Discord id",
            "role": "whether you said it or it was said to you",
            "content": "what was said, encrypted",
            "created_at": "when",
        },
        traces=(
            Trace(
                "discord_user_id",
                "discord",
                shows=("agents.discord_guild_id", "discord_channel_id", "agents.name", "role", "content", "created_at"),
            ),
        ),
        what="What you said to a personality in Discord and what it answered, encrypted",
        why="so that it can follow a thought",
        how_long="{retention_days}; at once when it leaves the server, and whenever you say /forget there",
        sealed=("content",),
    ),
    Kept(
        "handled_messages",
        plain="created_at",
        personal={"message_id": "the number of a message, without its text or who wrote it"},
        what="The numbers of messages that were answered, without their text or whose they were",
        why="so that none is answered twice",
        how_long="{retention_days}",
    ),
    Kept(
        "forgotten",
        plain="at",
        personal={"id": "a keyed hash of the Discord id of somebody who asked to be forgotten, and where"},
        what="That somebody asked to be forgotten, under a keyed hash of their Discord id",
        why="so that an answer that was still on its way is not kept either",
        how_long="a day",
    ),
    Kept(
        "personality_deployments",
        plain="install_permissions wants_replace failure previous_nick noticed previous_version agent_id saga_id",
        personal={
            "id": "the number of a deployment of yours",
            "template_id": "which personality you moved in",
            "user_id": "you",
            "discord_guild_id": "into which server",
            "guild_name": "what the server is called",
            "status": "what became of it",
            "customizations": "the name and traits you chose",
            "channel_ids": "the channels you chose",
            "version": "which version",
            "greeting": "how it said hello",
            "replaced_by": "what took its place",
            "idempotency_key": "a word your script chose",
            "request_hash": "a hash of what you asked for",
            "deployed_at": "when it moved in",
            "created_at": "when you asked",
            "updated_at": "when it last changed",
        },
        traces=(
            Trace(
                "user_id",
                erasure=BY_HAND,
                shows=(
                    "id",
                    NAME,
                    "discord_guild_id",
                    "guild_name",
                    "status",
                    "customizations",
                    "channel_ids",
                    "version",
                    "greeting",
                    "deployed_at",
                    "created_at",
                    "updated_at",
                ),
            ),
        ),
        what="Which personalities you moved into which servers, and what you chose there",
        why="to run them, and so that you and who manages the server can undo it",
        how_long="until you delete your account, or 400 days after it moved out; then nothing in it leads to you",
    ),
    Kept(
        "sagas",
        plain="id kind subject_id status trail error owner fence lease_until run_at created_at updated_at",
        personal={"payload": "while something is changed in a server: the Discord id of who asked for it"},
        what="The Discord id of who asked for a change in a server",
        why="to look at their rights again at the moment of the change",
        how_long="as the deployment it belongs to",
    ),
    Kept("saga_steps", plain="saga_id position name status result attempts undo_attempts error retry_at began_at at"),
    Kept(
        "agents",
        plain="id template_id version discord_guild_id channel_ids status created_at updated_at",
        personal={
            "name": "the name somebody chose for it there",
            "traits": "the traits somebody chose for it there",
            "language": "the language somebody chose for it there",
        },
        what="The name, traits and language a personality was given in a server",
        why="to speak as it was asked to",
        how_long="as the deployment it belongs to",
    ),
    Kept(
        "reports",
        plain="id subject_type subject_id reason state source handled_at",
        personal={
            "reporter_id": "you, who reported something",
            "words": "what you wrote about it",
            "created_at": "when",
            "handled_by": "you, the moderator who handled it",
        },
        traces=(
            Trace(
                "reporter_id",
                erasure={"words": "", "reporter_id": None},
                shows=("subject_type", "subject_id", "reason", "words", "state", "created_at", "handled_at"),
            ),
            Trace("handled_by", erasure={"handled_by": None}, shows=("id", "handled_at")),
        ),
        what="What you reported, why, and your words; for moderators, what they handled",
        why="to keep the shop decent",
        how_long="400 days after a moderator handled it",
    ),
    Kept(
        "desk_decisions",
        plain="id subject_type subject_id verdict reason state_before decided_at undone_at",
        personal={
            "decided_by": "you, the moderator who decided",
            "words": "what the moderator told those concerned",
        },
        traces=(
            Trace(
                "decided_by",
                erasure={"decided_by": None},
                shows=("subject_type", "subject_id", "verdict", "reason", "words", "decided_at"),
            ),
        ),
        what="What moderators decided, and their words for those concerned",
        why="so that decisions can be explained and undone",
        how_long="kept; without the moderator’s name once they deleted their account",
    ),
    Kept(
        "desk_notices",
        plain="id decision_id",
        personal={
            "user_id": "you, who was told",
            "kind": "why it concerned you",
            "about": "what it was about",
            "link": "where that is",
            "created_at": "when you were told",
            "read_at": "when you read it",
        },
        traces=(
            Trace(
                "user_id",
                shows=(
                    "kind",
                    "about",
                    "link",
                    "desk_decisions.verdict",
                    "desk_decisions.reason",
                    "desk_decisions.words",
                    "created_at",
                    "read_at",
                ),
            ),
        ),
        what="What our moderators told you, and whether you read it",
        why="so that you know what was decided about something of yours",
        how_long="400 days",
    ),
    Kept("desk_screened", plain="personality_id version at"),
    Kept(
        "audit_log",
        plain="id action subject_type",
        personal={
            "at": "when",
            "actor_id": "you, who did something",
            "subject_id": "you, to whose account something was done",
            "details": "what it was, in small",
            "before": "what it was before",
            "after": "what it became",
        },
        traces=(
            Trace("actor_id", erasure=BY_HAND, shows=("at", "action", "subject_type")),
            Trace(
                "subject_id",
                erasure=BY_HAND,
                shows=("at", "action", "details", "before", "after"),
                only={"subject_type": "user"},
            ),
        ),
        what="Who changed what here, and when; never what was said",
        why="so that mistakes and misuse can be found and undone",
        how_long="400 days; a pseudonym takes your place when you delete your account",
    ),
    Kept(
        "import_files",
        plain="id total at imported skipped problems",
        personal={
            "actor_id": "you, who sent the file",
            "name": "what it was called",
            "data": "what was in it",
            "created_at": "when",
        },
        traces=(Trace("actor_id", shows=("name", "total", "imported", "created_at")),),
        what="Files of personalities that somebody is just importing",
        why="to import them",
        how_long="a day",
    ),
    Kept(
        "personality_templates",
        plain="""id slug name description opening_line persona system_prompt category category_slug tags traits language
            content_rating hue avatar avatar_path sample_messages sample_conversations sample_replies compatibility
            requirements model_options licence source extensions version content_hash seed_hash is_public is_featured
            archived_at publish_at deploy_count rating_sum rating_count avg_rating rating_score trend_score name_folded
            search_text created_at updated_at""",
        personal={"created_by": "you, who wrote it", "credit": "whom the author wants to be named"},
        traces=(
            Trace(
                "created_by",
                erasure={"created_by": None},
                shows=("id", "slug", "name", "description", "persona", "credit", "created_at"),
            ),
        ),
        what="The personalities you wrote, and that it was you",
        why="so that you can go on writing them, and visitors know whose they are",
        how_long="the personality is kept; without your name once you deleted your account",
    ),
    Kept(
        "personality_versions",
        plain="personality_id version snapshot changelog created_at",
        personal={"actor_id": "you, who made this version"},
        traces=(
            Trace(
                "actor_id",
                erasure={"actor_id": None},
                shows=(NAME, "personality_id", "version", "changelog", "created_at"),
            ),
        ),
        what="Who made which version of a personality",
        why="to compare versions and to go back",
        how_long="the version is kept; without your name once you deleted your account",
    ),
    Kept("personality_tags", plain="personality_id tag"),
    Kept("personality_guilds", plain="personality_id discord_guild_id created_at"),
    Kept("personality_talks", plain="personality_id discord_guild_id day"),
    Kept("personality_originals", plain="personality_id format document"),
    Kept("pictures", plain="id png large small created_at"),
    Kept("shelves", plain="id kind title category_slug position is_visible"),
    Kept("shelf_items", plain="shelf_id personality_id position"),
    Kept(
        "budgets",
        plain="used created_at",
        personal={"key": "for previews a keyed hash of the day and your internet address; for moves your number here"},
        traces=(Trace("key", begins="moves/person/{}/", shows=("used", "created_at")),),
        what="How many previews an internet address used, under a keyed hash of day and address, and how often you"
        " moved personalities within an hour",
        why="so that nobody uses up what is there for everybody",
        how_long="a day",
    ),
    Kept(
        "usage_days",
        plain="""day personality_id discord_guild_id kind model live samples blocked failed prompt_tokens
            completion_tokens micro_dollars""",
    ),
    Kept("outbox", plain="id topic payload trail created_at handled_at"),
    Kept("gateway_starts", plain="id lane turn shard_id at"),
    Kept("presences", plain="process part state since seen_at"),
    Kept(
        "erasures",
        plain="id erased_at counts attempts problem run_at finished_at revocation",
        personal={
            "sealed_token": "Discord's token, encrypted, until Discord has taken it back",
            "deployment_ids": "which deployments were yours, until your receipt is gone",
        },
        what="Your receipt, after you deleted your account: what was erased and what is still under way",
        why="so that you can see that it happened",
        how_long="90 days after everything was done; only who has its address can read it",
        sealed=("sealed_token",),
    ),
)
