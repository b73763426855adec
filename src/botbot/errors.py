"""The error tree. Every expected failure is one of these classes; `security/boundary.py` is their single
translation into HTTP, so that clients meet exactly one shape: `{"error", "message", "code", "details"}`.

`error` is a stable snake_case name for programs, `message` one sentence for a person (what happened, what to do
next), `code` a peer's finer code when there is one, `details` plain JSON data."""

from typing import Any, ClassVar

import msgspec


class ApiError(msgspec.Struct, omit_defaults=False):
    """The wire shape of every failure."""

    error: str
    message: str
    code: str | None = None
    details: dict[str, Any] = {}


class BotBotError(Exception):
    """Base of all expected failures. Subclasses set `status` (HTTP) and `error` (the stable name)."""

    status: ClassVar[int] = 500
    error: ClassVar[str] = "internal_error"
    default_message: ClassVar[str] = "Something went wrong on our side. Please try again."

    def __init__(self, message: str = "", *, code: str | None = None, **details: Any) -> None:
        self.message = message or self.default_message
        self.code = code
        self.details = details
        super().__init__(self.message)

    def to_api_error(self) -> ApiError:
        return ApiError(self.error, self.message, self.code, self.details)

    @property
    def retry_after_seconds(self) -> float | None:
        """What becomes the `Retry-After` header; `None` sends none."""
        return None


class ValidationFailed(BotBotError):
    """Bad input. `details.fields` maps each field's JSON name to what it must be."""

    status, error = 400, "validation_failed"
    default_message = "Some of what was sent can't be used. See the fields."

    def __init__(self, message: str = "", *, fields: dict[str, str] | None = None, **details: Any) -> None:
        super().__init__(message, **details)
        if fields:
            self.details["fields"] = fields


class AuthenticationRequired(BotBotError):
    status, error = 401, "authentication_required"
    default_message = "Please sign in with Discord first."


class PermissionDenied(BotBotError):
    status, error = 403, "permission_denied"
    default_message = "You may see this, but you may not change it."


class AccountBanned(PermissionDenied):
    """Somebody whom an admin sent away wants to sign in."""

    error = "account_banned"
    default_message = (
        "An admin of this marketplace has closed your account here, so you can't sign in. "
        "If you think that is a mistake, please write to the people who run it."
    )


class CrossSiteRequest(BotBotError):
    status, error = 403, "cross_site_request"
    default_message = "This request came from another site. Please repeat it on our own pages."


class NotFound(BotBotError):
    status, error = 404, "not_found"
    default_message = "There is nothing here, or you may not see it."


class MethodNotAllowed(BotBotError):
    status, error = 405, "method_not_allowed"
    default_message = "This address does not take that method."


class Conflict(BotBotError):
    status, error = 409, "conflict"


class AlreadyDeployed(Conflict):
    """Another personality lives in this server; `details.deploymentId` names it."""

    error = "already_deployed"
    default_message = "A personality already lives in this server. Replace it, or remove it first."


class DeploymentBusy(Conflict):
    """The verb does not fit the deployment's present state; `details.status` says which that is."""

    error = "deployment_busy"
    default_message = "This deployment is not in a state that allows that. Look at its status and try again."


class BotRemoved(Conflict):
    """Why a deployment ended by itself."""

    error = "bot_removed"
    default_message = "BotBot was taken out of this server, so its personality moved out. Deploy it to come back."


class EditConflict(BotBotError):
    status, error = 412, "edit_conflict"
    default_message = "Somebody changed this in the meantime. Load it again, then repeat your change."


class BodyTooLarge(BotBotError):
    status, error = 413, "body_too_large"
    default_message = "That is more than we accept at once."


class HeadersTooLarge(BotBotError):
    status, error = 431, "headers_too_large"
    default_message = "The request's head is larger than we accept."


class UnsupportedMediaType(BotBotError):
    status, error = 415, "unsupported_media_type"
    default_message = "Please send the body as application/json."


class IdempotencyKeyReused(BotBotError):
    status, error = 422, "idempotency_key_reused"
    default_message = "This Idempotency-Key was used with another request. Choose a new one."


class Retryable(BotBotError):
    """A failure that may pass by itself; `retry_after` is in seconds and becomes the `Retry-After` header."""

    def __init__(
        self, message: str = "", *, retry_after: float | None = None, code: str | None = None, **details: Any
    ) -> None:
        super().__init__(message, code=code, **details)
        self.retry_after = retry_after

    @property
    def retry_after_seconds(self) -> float | None:
        return self.retry_after


class RateLimited(Retryable):
    status, error = 429, "rate_limited"
    default_message = "That was a lot at once. Please wait a moment."


class Overloaded(Retryable):
    """More people ask at this moment than can be answered soon; turned away before anything was done."""

    status, error = 503, "overloaded"
    default_message = "So many people are here that we can't answer everybody. Please try again in a moment."


class StorageUnavailable(Retryable):
    """A write that could not be stored. Nothing was changed."""

    status, error = 503, "storage_unavailable"
    default_message = "We could not save that just now. Nothing was changed; please try again."


class StorageFull(StorageUnavailable):
    status, error = 507, "storage_full"
    default_message = "Our disk is full, so nothing was saved. Please try again later."


class PeerError(Retryable):
    """A failure of something that isn't ours. `permanent` says that repeating the same call cannot help;
    `is_invalid` that Discord counts its answer (401, 403, 429) towards barring our address."""

    def __init__(self, message: str = "", *, permanent: bool = False, **rest: Any) -> None:
        super().__init__(message, **rest)
        self.permanent = permanent
        self.is_invalid = False


class DiscordUnavailable(PeerError):
    """Discord did not answer, or not with sense. `maybe_happened` is true when the call may have had its effect."""

    status, error = 503, "discord_unavailable"
    default_message = "Discord isn't answering right now. Please try again in a moment."

    def __init__(self, message: str = "", *, maybe_happened: bool = False, **rest: Any) -> None:
        super().__init__(message, **rest)
        self.maybe_happened = maybe_happened


class DiscordBusy(DiscordUnavailable):
    """Discord's rate limit (429, or an avatar quota); repeat after `retry_after` seconds."""

    default_message = "Discord asks us to slow down. It goes on by itself in a moment."


class DiscordRefused(PeerError):
    """Discord said no, for good: a 4xx that repeating does not change. `code` is Discord's own code."""

    status, error = 502, "discord_refused"
    default_message = "Discord refused that."

    def __init__(self, message: str = "", *, http_status: int = 400, **rest: Any) -> None:
        super().__init__(message, permanent=True, **rest)
        self.http_status = http_status


class GuildPermissionMissing(DiscordRefused):
    """A permission is missing in the server; `details.missing` holds Discord's names, such as MANAGE_GUILD."""

    status, error = 403, "discord_permission_missing"
    default_message = "A permission is missing in that server. Ask a server admin to allow it."


class DiscordUnknown(DiscordRefused):
    """The guild, channel, message or webhook is gone, or the bot is not there (404, or 10004 and its like)."""

    status, error = 404, "discord_not_found"
    default_message = "Discord does not know that server or channel, or BotBot isn't there."


class DiscordSignInExpired(PeerError):
    """The user's token was refused: they have to sign in again."""

    status, error = 401, "authentication_required"
    default_message = "Your Discord sign-in has expired. Please sign in again."


class ModelUnavailable(PeerError):
    """The model failed. `started` is true when part of the reply had already arrived."""

    status, error = 503, "model_unavailable"
    default_message = "The model isn't answering right now. Please try again in a moment."

    def __init__(self, message: str = "", *, started: bool = False, **rest: Any) -> None:
        super().__init__(message, **rest)
        self.started = started


class BackupRefused(BotBotError):
    """A backup or a restore that can't be done; said on the command line only."""

    error = "backup_refused"


class MoveRefused(BotBotError):
    """A move to another database that can't be done, or was undone; said on the command line only."""

    error = "move_refused"


class NotConfigured(BotBotError):
    """A setting is missing; `details.settings` names it and `message` says where to get it."""

    status, error = 503, "not_configured"
    default_message = "This marketplace isn't connected to Discord yet."
