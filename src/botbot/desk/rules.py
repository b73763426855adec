"""Pure decisions of the desk: which verdicts there are, why, and what those concerned are told."""

from botbot.errors import PermissionDenied, ValidationFailed
from botbot.reviews.rules import REASONS as REPORT_REASONS

LONGEST_WORDS = 500
KINDS = ("review", "personality")
VERDICTS: dict[str, dict[str, str]] = {
    "review": {
        "keep": "Keep it: it shows",
        "warn": "Keep it, and tell its author",
        "hide": "Hide the words; the stars still count",
        "remove": "Remove it: neither words nor stars count",
    },
    "personality": {
        "keep": "Keep it as it is",
        "warn": "Keep it, and tell its author",
        "hide": "Hide it from the marketplace",
        "takedown": "Take it down for good (admins)",
    },
}
REASONS: dict[str, str] = {
    "fine": "There is nothing wrong with it",
    **{name: words for name, words in REPORT_REASONS.items() if name != "other"},
    "self_harm": "It speaks of harming oneself",
    "minors": "It sexualises minors",
    "injection": "It tries to manipulate a model",
    "off_topic": "It is not about the personality",
    "content_rating": "Its age rating doesn’t fit",
    "law": "The law asks for it",
    "other": "Something else",
}
"""The codes of a decision; each decision has one, and those concerned are told it in these words."""
FLAGS: dict[str, str] = {
    "link": "A link or an address",
    "rating_mismatch": "The words deny the stars",
    "content_rating": "Its words may be too much for its age rating",
    "prompt_injection": "It speaks to a model about its instructions",
    "again": "New words where a moderator took earlier ones away",
}
OPENERS: dict[tuple[str, str], str] = {
    ("author", "keep"): "A moderator has looked at your {kind} {about}, and it shows.",
    ("author", "warn"): "A moderator has looked at your {kind} {about} and asks you to mind our rules. It stays.",
    ("author", "hide"): "A moderator has hidden your {kind} {about}.",
    ("author", "remove"): "A moderator has removed your {kind} {about}.",
    ("author", "takedown"): "An admin has taken your {kind} {about} down.",
    ("reporter", "keep"): "Thank you for your report about {about}. We looked at it, and left it as it is.",
    ("reporter", "warn"): "Thank you for your report about {about}. We looked at it, and spoke to its author.",
    ("reporter", "hide"): "Thank you for your report about {about}. It doesn’t show any more.",
    ("reporter", "remove"): "Thank you for your report about {about}. It is gone.",
    ("reporter", "takedown"): "Thank you for your report about {about}. It is gone.",
    ("owner", "takedown"): "{about} was taken down by an admin of this marketplace, so it leaves your server.",
}


def check_decision(kind: str, verdict: str, reason: str, words: str, *, is_admin: bool) -> None:
    """Raises `ValidationFailed` by field, and `PermissionDenied` for a moderator who would take something down."""
    wrong = {}
    if verdict not in VERDICTS.get(kind, {}):
        wrong["verdict"] = f"must be one of {', '.join(VERDICTS.get(kind, {}))}"
    if reason not in REASONS:
        wrong["reason"] = f"must be one of {', '.join(REASONS)}"
    elif reason == "fine" and verdict != "keep":
        wrong["reason"] = "must say what is wrong with it, unless it is kept"
    if len(words) > LONGEST_WORDS:
        wrong["words"] = f"must have at most {LONGEST_WORDS} characters"
    if wrong:
        raise ValidationFailed(fields=wrong)
    if verdict == "takedown" and not is_admin:
        raise PermissionDenied("Only an admin may take a personality down. You can hide it.", required="admin")


def flag_words(reason: str, source: str) -> str:
    """What a report or a flag says, for the desk."""
    if source == "screen":
        return FLAGS.get(reason, f"Broke the rule “{reason.replace('_', ' ')}”")
    return REPORT_REASONS.get(reason, reason)


def told(kind: str, verdict: str, subject_type: str, about: str) -> str:
    """The first sentence of a notice. `kind` says as what it reaches somebody."""
    words = OPENERS.get((kind, verdict), "A moderator has looked at {about}.")
    return words.replace("{kind}", subject_type + (" of" if subject_type == "review" else "")).replace("{about}", about)
