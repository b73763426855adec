"""The curated entries: one TOML file each under `curated/`, read strictly. The format is documented in
`docs/guide/entries.md`; every rule it states is checked here."""

import sys
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from botbot.catalog.rules import MAX, SCALES
from botbot.errors import ValidationFailed
from botbot.kit.avatars import AvatarChoices

CURATED = Path(__file__).with_name("curated")
SCHEMA = CURATED / "entry.schema.json"
KINDS = (
    "greeting", "farewell", "thanks", "how_are_you", "who_are_you", "are_you_human", "question", "opinion", "help",
    "joke", "story", "compliment", "complaint", "sad", "refusal", "unclear",
)  # fmt: skip
"""The kinds of message a cached sample reply answers."""

Tag = Annotated[str, Meta(min_length=1, max_length=MAX["tag"])]


class Turn(msgspec.Struct, forbid_unknown_fields=True):
    role: Literal["user", "assistant"]
    content: Annotated[str, Meta(min_length=1, max_length=2000)]


class Conversation(msgspec.Struct, forbid_unknown_fields=True):
    turns: Annotated[list[Turn], Meta(min_length=2, max_length=12)]


class ModelOptions(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """How the model is asked for this character. Left out, the server's temperature and our usual length hold."""

    temperature: Annotated[float, Meta(ge=0, le=1.5)] | None = None
    max_tokens: Annotated[int, Meta(ge=50, le=600)] | None = None


class Entry(msgspec.Struct, forbid_unknown_fields=True):
    """A file's content, as written."""

    slug: Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,60}$")]
    name: Annotated[str, Meta(min_length=1, max_length=MAX["name"])]
    description: Annotated[str, Meta(min_length=20, max_length=160)]
    category: Annotated[str, Meta(min_length=1, max_length=MAX["category"])]
    tags: Annotated[list[Tag], Meta(min_length=1, max_length=12)]
    opening_line: Annotated[str, Meta(min_length=1, max_length=300)]
    persona: Annotated[str, Meta(min_length=100, max_length=8000)]
    system_prompt: Annotated[str, Meta(min_length=400, max_length=MAX["system_prompt"])]
    sample_messages: Annotated[list[str], Meta(min_length=3, max_length=8)]
    sample_conversations: Annotated[list[Conversation], Meta(min_length=3, max_length=8)]
    sample_replies: dict[str, Annotated[list[str], Meta(min_length=1, max_length=6)]]
    traits: dict[str, float | str | bool]
    avatar: AvatarChoices
    language: str = "en"
    content_rating: Literal["everyone", "teen", "mature"] = "everyone"
    hue: Annotated[int, Meta(ge=0, lt=360)] = 0
    featured: bool = False
    requirements: str | None = None
    changelog: str = "First edition."
    compatibility: dict[str, Any] = {}
    model: ModelOptions = msgspec.field(default_factory=ModelOptions)

    def content(self) -> dict[str, Any]:
        """The columns of `PersonalityTemplate` that this entry decides."""
        return {
            "name": self.name,
            "description": self.description.strip(),
            "opening_line": self.opening_line.strip(),
            "persona": self.persona.strip(),
            "system_prompt": self.system_prompt.strip(),
            "category": self.category,
            "tags": self.tags,
            "traits": self.traits,
            "language": self.language,
            "content_rating": self.content_rating,
            "hue": self.hue,
            "avatar": msgspec.to_builtins(self.avatar),
            "sample_messages": self.sample_messages,
            "sample_conversations": [msgspec.to_builtins(each.turns) for each in self.sample_conversations],
            "sample_replies": self.sample_replies,
            "compatibility": {_camel(name): value for name, value in self.compatibility.items()},
            "requirements": self.requirements,
            "model_options": msgspec.to_builtins(self.model),
            "is_featured": self.featured,
        }


def read_entry(path: Path) -> Entry:
    """Raises `ValidationFailed` naming the file and what is wrong in it."""
    try:
        with path.open("rb") as file:
            entry = msgspec.convert(tomllib.load(file), Entry)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ValidationFailed(fields={path.name: str(error)}) from error
    if problems := _problems(path, entry):
        raise ValidationFailed(fields={path.name: "; ".join(problems)})
    return entry


def _problems(path: Path, entry: Entry) -> list[str]:
    """What the types can't say."""
    words = len(entry.system_prompt.split())
    missing = [kind for kind in KINDS if kind not in entry.sample_replies]
    unknown = [kind for kind in entry.sample_replies if kind not in KINDS]
    drawn = [name for name, value in entry.traits.items() if isinstance(value, float)]
    return [
        *([f"the file must be named {entry.slug}.toml"] if path.stem != entry.slug else []),
        *([f"system_prompt has {words} words, not 150 to 500"] if not 150 <= words <= 500 else []),
        *([f"sample_replies lacks {', '.join(missing)}"] if missing else []),
        *([f"sample_replies has unknown {', '.join(unknown)}"] if unknown else []),
        *(f"trait {name} is no scale we can draw" for name in drawn if name not in SCALES),
    ]


def read_curated() -> list[Entry]:
    """Every curated entry, by file name."""
    return [read_entry(path) for path in sorted(CURATED.glob("*.toml"))]


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def schema() -> dict[str, Any]:
    """The format as a JSON Schema, for editors; `curated/entry.schema.json` holds it."""
    return msgspec.json.schema(Entry)


def check() -> int:
    """`./dev check`: every curated file is well-formed and the schema beside them is today's; answers how many."""
    entries = read_curated()
    if msgspec.json.decode(SCHEMA.read_bytes()) != schema():
        raise ValidationFailed(fields={SCHEMA.name: "is not what the code says; run this module with --write"})
    return len(entries)


if __name__ == "__main__":
    if "--write" in sys.argv:
        SCHEMA.write_bytes(msgspec.json.format(msgspec.json.encode(schema(), order="deterministic")) + b"\n")
    print(f"{check()} curated entries are well-formed")
