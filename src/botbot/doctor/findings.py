"""Everything the doctor may find, by name. Names are stable, so that a script can wait for one; `docs/guide/doctor.md`
says of each what it means and how to mend it.

A thing is `wrong` when something doesn't work or isn't safe (exit code 1), a `warning` when it will hurt later, and a
`note` when it may well be meant so. What is in order is said too, under the name of its part."""

from typing import Literal

import msgspec

Severity = Literal["ok", "note", "warning", "wrong"]

FINDINGS: dict[str, Severity] = {
    # Settings
    "base_url_missing": "warning",
    "base_url_not_https": "wrong",
    "base_url_with_path": "wrong",
    "discord_is_a_stand_in": "wrong",
    "discord_not_configured": "wrong",
    "model_is_off": "note",
    "model_not_sealed": "warning",
    "moderation_rules_broken": "wrong",
    "previews_are_off": "note",
    "proxies_missing": "warning",
    "proxy_is_everyone": "wrong",
    "redis_not_set": "note",
    "replies_are_off": "note",
    "secret_key_not_shared": "warning",
    "secret_key_short": "warning",
    "setting_unknown": "warning",
    # The machine
    "data_dir_open": "warning",
    "data_dir_unusable": "wrong",
    "database_on_network_drive": "wrong",
    "disk_full": "wrong",
    "disk_nearly_full": "warning",
    "files_limited": "warning",
    "runs_as_root": "warning",
    "secret_key_open": "wrong",
    "settings_file_open": "wrong",
    # The database
    "catalogue_empty": "note",
    "clock_differs": "warning",
    "database_damaged": "wrong",
    "database_empty": "note",
    "database_newer": "warning",
    "database_not_checked": "note",
    "database_outdated": "wrong",
    "database_unreachable": "wrong",
    "deployments_need_attention": "warning",
    "news_waits": "warning",
    "nobody_is_admin": "warning",
    "postgres_connections_few": "warning",
    "postgres_encoding": "wrong",
    "postgres_no_news": "wrong",
    "postgres_not_synced": "warning",
    "postgres_old": "wrong",
    "postgres_superuser": "warning",
    "preview_budget_spent": "note",
    "search_index_missing": "warning",
    "search_index_pending": "note",
    "secret_key_old_rows": "warning",
    "secret_key_unfit": "wrong",
    "work_waits": "wrong",
    # Peers
    "discord_bot_private": "warning",
    "discord_code_grant_off": "wrong",
    "discord_intent_refused": "wrong",
    "discord_interactions_elsewhere": "wrong",
    "discord_other_application": "wrong",
    "discord_pages_missing": "note",
    "discord_redirect_missing": "wrong",
    "discord_refuses_token": "wrong",
    "discord_shards_many": "warning",
    "discord_starts_few": "warning",
    "discord_unreachable": "wrong",
    "model_fails": "wrong",
    "model_fallback_fails": "warning",
    "model_has_no_price": "note",
    "redis_unreachable": "wrong",
}


class Finding(msgspec.Struct, frozen=True):
    name: str
    severity: Severity
    text: str

    @property
    def is_wrong(self) -> bool:
        return self.severity == "wrong"

    def __str__(self) -> str:
        return f"{self.severity.upper() if self.is_wrong else self.severity:7}  {self.name}: {self.text}"


def found(name: str, text: str) -> Finding:
    """One of `FINDINGS`; `text` says what is the case here and how to mend it."""
    return Finding(name, FINDINGS[name], text)


def fine(part: str, text: str) -> Finding:
    return Finding(part, "ok", text)
