"""What crosses the wire about deployments."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from botbot.errors import ApiError

Snowflake = Annotated[str, Meta(pattern=r"^[0-9]{1,19}$")]

MOST_CHANNELS = 50


class Customizations(msgspec.Struct, rename="camel"):
    """A `name` or `language` of null takes an earlier one back; one that isn't there leaves it as it is. `traits` takes
    the place of all traits chosen before. With `greeting` false it moves in without a word."""

    name: str | msgspec.UnsetType | None = msgspec.UNSET
    traits: dict[str, Any] | None = None
    greeting: bool | None = None
    language: str | msgspec.UnsetType | None = msgspec.UNSET


class DeploymentRequest(msgspec.Struct, rename="camel"):
    discord_guild_id: Snowflake
    channel_ids: Annotated[list[Snowflake], Meta(max_length=MOST_CHANNELS)] = []
    customizations: Customizations | None = None
    replace: bool = False


class DeploymentChange(msgspec.Struct, rename="camel"):
    customizations: Customizations | None = None
    channel_ids: Annotated[list[Snowflake], Meta(max_length=MOST_CHANNELS)] | None = None
    version: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None


class ResumeRequest(msgspec.Struct, rename="camel"):
    replace: bool = False


class PersonalityRef(msgspec.Struct, rename="camel"):
    id: str
    slug: str
    name: str


class StepOut(msgspec.Struct, rename="camel"):
    """`status`: pending, running, waiting (with `retryAt`), done, skipped, failed, undone."""

    name: str
    status: str
    at: datetime | None
    retry_at: datetime | None = None
    note: str | None = None


class DeploymentOut(msgspec.Struct, rename="camel"):
    id: str
    template_id: str
    personality: PersonalityRef
    discord_guild_id: str
    agent_id: str | None
    status: str
    customizations: dict[str, Any]
    channel_ids: list[str]
    version: int
    steps: list[StepOut]
    failure: ApiError | None
    install_url: str | None
    next_steps: list[str]
    replaced_by: str | None
    deployed_at: datetime | None
    created_at: datetime
    updated_at: datetime


class DeploymentPagination(msgspec.Struct, rename="camel"):
    page: int
    limit: int
    total_count: int
    total_pages: int
    has_next_page: bool
    has_previous_page: bool


class DeploymentList(msgspec.Struct, rename="camel"):
    deployments: list[DeploymentOut]
    pagination: DeploymentPagination
