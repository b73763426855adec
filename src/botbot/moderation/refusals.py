"""What is said in place of what can't be said: clear, short, in the visitor's language, fit for any character."""

import tomllib
from functools import cache
from importlib.resources import files

HELP = "self_harm"
DEFAULT = "default"


def refusal(name: str, language: str, category: str) -> str:
    """One or two sentences; for self-harm, words of help with numbers to call. `language` is a BCP 47 tag; English
    stands in for those we have no words in."""
    given = _texts()
    texts = given.get(language.replace("_", "-").partition("-")[0].casefold(), given["en"])
    return texts.get(category, texts[DEFAULT]).replace("{name}", " ".join(name.split()) or "BotBot")


@cache
def _texts() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = tomllib.loads((files(__package__) / "refusals.toml").read_text(encoding="utf-8"))
    return found
