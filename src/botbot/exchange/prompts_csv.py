"""Collections of prompts as CSV: `act,prompt` and, in newer ones, `for_devs,type,contributor`."""

import csv
import io
import re
from collections.abc import Iterator

from botbot.errors import ApiError
from botbot.exchange.bounds import DOCUMENT_BYTES, MOST_ENTRIES, refused
from botbot.exchange.drafts import Broken, Draft
from botbot.exchange.fields import line_of, set_line, set_persona

FORMAT = "prompts-csv"
CATEGORY = "Prompts"
NO_PERSONALITY = {"IMAGE", "VIDEO", "AUDIO", "MUSIC"}
_VARIABLE = re.compile(r"\$\{[^}]{1,80}\}")
csv.field_size_limit(DOCUMENT_BYTES)  # Real collections have fields above Python's 131,072.


def fits(text: str) -> bool:
    header = text.partition("\n")[0].casefold().replace('"', "").replace(" ", "")
    return {"act", "prompt"} <= set(header.strip().split(","))


def read(text: str) -> Iterator[Draft | Broken]:
    """Row by row; one that is no personality is said to be none. Raises `ValidationFailed`."""
    try:
        rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        names = {name: name.strip().casefold() for name in rows.fieldnames or []}
        for number, row in enumerate(rows, 2):
            if number > MOST_ENTRIES:
                raise refused(f"it has more than {MOST_ENTRIES:,} rows")
            yield _read({names[name]: value for name, value in row.items() if name in names}, number)
    except csv.Error as error:
        raise refused(f"its CSV is damaged ({error})") from error


def _read(row: dict[str, str | None], number: int) -> Draft | Broken:
    act, prompt, label = line_of(row.get("act")), (row.get("prompt") or "").strip(), f"row {number}"
    kind = line_of(row.get("type")).upper()
    if kind in NO_PERSONALITY:
        why = f"This is a prompt for making {kind.lower()}, not a personality."
        return Broken(label, ApiError("validation_failed", why, None, {"fields": {"type": f"must not be {kind}"}}), act)
    draft = Draft(FORMAT, {}, label=label)
    set_line(draft, "name", act, "act")
    about = f"{act}: made from a prompt."  # The prompt itself is nobody's to read but the model's.
    set_persona(draft, about, prompt)
    set_line(draft, "description", about, "act")
    set_line(draft, "credit", row.get("contributor"), "contributor")
    draft.entry["category"] = CATEGORY
    draft.note("mapped", "description", "and persona are only its name: write better ones before you publish it")
    if variables := sorted(set(_VARIABLE.findall(prompt))):
        draft.note("kept", "prompt", f"{len(variables)} variables such as {variables[0]} stay as they are")
    return draft
