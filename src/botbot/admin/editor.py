"""What the editor shows: the form as it was filled in, what is wrong with it, what its prompt costs, how it looks."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from botbot.admin import entry_forms, entry_rows
from botbot.admin.entry_rows import LOOKS, Filled
from botbot.agents.rules import example_turns, system_message
from botbot.catalog import backroom, editing, entry_rules
from botbot.catalog.entries import KINDS
from botbot.catalog.entry_schemas import EntryIn
from botbot.catalog.models import PersonalityTemplate
from botbot.catalog.rules import CONTENT_RATINGS, MAX, MOST, SCALES
from botbot.catalog.service import SNAPSHOT
from botbot.errors import BotBotError, EditConflict, ValidationFailed
from botbot.exchange.exporting import FORMATS
from botbot.house import House
from botbot.kit.languages import LANGUAGES
from botbot.peers.llm import Message, estimate_usage
from botbot.preview.drafts import Heard
from botbot.usage.rules import micro_dollars, price_of

SPARE = {"trait": 2, "message": 1, "turn": 2, "talk": 1, "reply": 1}
"""Blank rows at the end of each list, for whoever has no script; a script asks for none and adds them itself."""
MORE = {"trait": 6, "message": 4, "turn": 6, "talk": 2, "reply": 6}
"""How many blank rows the button for more adds."""
NEEDED = "is needed"
GUESSED_REPLY_TOKENS = 150
_ONE_PLACE = re.compile(r"(?:compatibility\.)?(tags|permissions|intents|languages|avatarChoices|sampleReplies)[.\[]")
NOTHING = EntryIn(name="", description="", persona="", system_prompt="", category="", is_public=False)


@dataclass
class Tried:
    """What was said to the draft beside the form, and what it answered last."""

    turns: list[Heard]
    message: str = ""
    problem: BotBotError | None = None


def present_of(row: PersonalityTemplate | None) -> EntryIn:
    return NOTHING if row is None else editing.entry_in(row)


async def find_problems(session: AsyncSession, form: Filled, row: PersonalityTemplate | None) -> dict[str, str]:
    """Everything that would keep the form from being saved, by JSON name."""
    _, said, wrong = entry_forms.drafted(form, present_of(row))
    slug = said.get("slug")
    if row is not None and slug and slug != row.slug and await editing.is_slug_taken(session, slug):
        wrong.setdefault("slug", editing.TAKEN)
    return wrong


def costs(house: House, form: Filled, present: EntryIn) -> dict[str, Any]:
    """Tokens of its instructions and of all that goes with every message, by our own guess, and dollars for a thousand
    answers of a usual length; `None` without a price."""
    snapshot = columns_of(form, present)
    whole = [
        system_message(snapshot, snapshot["name"], {}),
        *example_turns(snapshot["sample_conversations"], snapshot["name"]),
    ]
    every = estimate_usage(whole, 0).prompt_tokens
    prices, model = house.settings.openai_prices, house.settings.openai_model
    micro = micro_dollars(prices, model, every * 1000, GUESSED_REPLY_TOKENS * 1000)
    return {
        "prompt": estimate_usage([Message(role="system", content=snapshot["system_prompt"])], 0).prompt_tokens,
        "every": every,
        "dollars": micro / 1_000_000 if price_of(prices, model) is not None else None,
    }


def columns_of(form: Filled, present: EntryIn) -> dict[str, Any]:
    """What an agent would be made of, as far as it can be read."""
    entry, _, _ = entry_forms.drafted(form, present)
    columns = entry_rules.inspected(entry)[0]
    return {name: columns[name] for name in SNAPSHOT}


def require_speakable(form: Filled, present: EntryIn) -> None:
    """A draft may lack much, but not its instructions, and nothing in it may be beyond its bounds. Raises
    `ValidationFailed`."""
    _, _, wrong = entry_forms.drafted(form, present)
    stops = {name: why for name, why in wrong.items() if why != NEEDED or name in {"systemPrompt", "name"}}
    if stops:
        raise ValidationFailed("It can’t answer yet. What stands beside its fields says why.", fields=stops)


def beside_fields(wrong: Mapping[str, str]) -> dict[str, str]:
    """With what is wrong with one of a field's many (`tags[3]`, `compatibility.intents[0]`) also said by the field's
    own name, where it has one place for all of them."""
    found = dict(wrong)
    for name, why in wrong.items():
        if of_it := _ONE_PLACE.match(name):
            found.setdefault(of_it[1], why)
    return found


def wrong_in_rows(wrong: Mapping[str, str], field: str) -> dict[str, str]:
    """What is wrong within a list, by what follows its name: `[0]`, `[0][1].content`, `.shy`; "" for all of it."""
    return {name.removeprefix(field): why for name, why in wrong.items() if name.startswith(field)}


def spare_rows(form: Filled, kind: str) -> int:
    return form.spare.get(kind, 0) + SPARE[kind]


async def context(
    session: AsyncSession,
    house: House,
    form: Filled,
    row: PersonalityTemplate | None,
    problem: BotBotError | None,
    tried: Tried | None,
) -> dict[str, Any]:
    present = present_of(row)
    now = entry_rows.shown(present)
    form.texts = now.texts | form.texts
    wrong = beside_fields(problem.details.get("fields") or {} if problem else {})
    return {
        "form": form,
        "wrong": wrong,
        "wrong_in": lambda field: wrong_in_rows(wrong, field),
        "spare": lambda kind: spare_rows(form, kind),
        "is_conflict": isinstance(problem, EditConflict),
        "now": entry_rows.in_words(now) if row is not None else {},
        "typed": entry_rows.in_words(form),
        "etag": "" if row is None else editing.etag_of(row),
        "categories": await backroom.category_names(session),
        "languages": LANGUAGES,
        "ratings": CONTENT_RATINGS,
        "longest": MAX,
        "most": MOST,
        "kinds": KINDS,
        "scales": SCALES,
        "looks": LOOKS,
        "choices": entry_rules.CHOICES,
        "formats": FORMATS,
        "costs": costs(house, form, present),
        "tried": tried or Tried([]),
        "extensions": None if row is None else sorted(present.extensions),
        "has_extensions_field": entry_rows.extensions_text(present) is not None,
    }
