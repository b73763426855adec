"""Characters of our own in everybody's formats, each with the oddities that real files have."""

import base64
import io
import json
import struct
import zipfile
import zlib
from typing import Any

from PIL import Image

DATA: dict[str, Any] = {
    "name": "Wren of the Weir",
    "description": "{{char}} minds a weir and knows every otter by name. <USER> is a passer-by.",
    "personality": "patient, dry",
    "scenario": "A towpath at dusk.",
    "first_mes": "Mind the moss, {{user}}.",
    "mes_example": "<START>\n{{user}}: Hello\n{{char}}: Evening.\n<START>\n{{user}}: Otters?\nWren of the Weir: Four.",
    "creator_notes": "A quiet lock keeper. Do not put this into a prompt.",
    "system_prompt": "{{original}} Never leave the towpath.",
    "post_history_instructions": "Keep it under three sentences.",
    "alternate_greetings": "One text where a list belongs.",
    "tags": ["river", "calm", "river"],
    "creator": "a\nlock keeper",
    "character_version": "1.2",
    "character_book": {"entries": [{"keys": ["otter"], "content": "Four otters.", "use_regex": True}]},
    "extensions": {
        "depth_prompt": {"depth": 4},
        "regex_scripts": [{"find": "(a+)+$"}],
        "unknown/thing": [1, {"x": None}],
    },
}
V1 = {name: DATA[name] for name in ("name", "description", "personality", "scenario", "first_mes", "mes_example")}
V2 = {"spec": "chara_card_v2", "spec_version": "2.0", "data": DATA, "create_date": "2024"}
FLAT_V2 = DATA | {"create_date": "2024"}
V3 = {
    "spec": "chara_card_v3",
    "spec_version": "3.7",
    "data": DATA
    | {
        "nickname": "Wren",
        "group_only_greetings": [],
        "source": ["https://cards.example/1"],
        "creator_notes_multilingual": {"de": "Ein Schleusenwärter."},
        "assets": [
            {"type": "icon", "uri": "embeded://assets/icon.png", "name": "main", "ext": "png"},
            {"type": "background", "uri": "http://169.254.169.254/latest/meta-data", "name": "b", "ext": "png"},
        ],
    },
}
ELIZA = {
    "name": "Wren",
    "bio": ["Minds a weir.", "Counts otters."],
    "lore": "Was a ferryman once.",
    "messageExamples": [
        [{"user": "{{user1}}", "content": {"text": "Hello"}}, {"name": "Wren", "content": {"text": "Evening."}}]
    ],
    "postExamples": ["High water today."],
    "adjectives": ["patient", "dry"],
    "topics": ["rivers"],
    "style": {"all": ["short sentences"], "chat": [], "post": []},
    "settings": {"secrets": {"OPENAI_API_KEY": "sk-canary-1"}, "voice": {"apiKey": "sk-canary-2", "model": "x"}},
    "plugins": ["left-pad"],
}
LOBE = {
    "author": "ana",
    "config": {"systemRole": "You mind a weir.", "openingMessage": "Evening.", "plugins": ["web"]},
    "createAt": "2024-01-01",
    "createdAt": "2024-01-01",
    "homepage": "https://people.example/ana",
    "identifier": "weir-keeper",
    "meta": {
        "avatar": "🦦",
        "tags": ["river"],
        "title": "Weir Keeper",
        "description": "Minds a weir.",
        "category": "life",
    },
    "schemaVersion": 1,
}
CSV = """act,prompt,for_devs,type,contributor
"Weir Keeper","I want you to mind a weir for ${place:here}.",FALSE,TEXT,ana
Sunset,"A sunset, oil on canvas",FALSE,IMAGE,ana
"""
MARKDOWN = "---\nname: Weir Keeper\ndescription: Minds a weir.\nemoji: 🦦\nvibe: quiet\n---\n\nYou mind a weir.\n"
OURS = {
    "name": "Wren in our own words",
    "description": "A quiet lock keeper.",
    "persona": "Minds a weir.",
    "systemPrompt": "You are {{char}}.",
    "category": "Role-play & story",
}


def as_json(document: Any) -> bytes:
    return json.dumps(document).encode()


def picture(width: int = 40, height: int = 60) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), (30, 120, 90)).save(out, "PNG")
    return out.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*texts: tuple[bytes, Any], art: bytes | None = None) -> bytes:
    """A picture with text chunks, among others that nobody asked for."""
    art = art or picture()
    added = [chunk(b"tEXt", keyword + b"\0" + base64.b64encode(as_json(each))) for keyword, each in texts]
    noise = [chunk(b"tEXt", b"Software\0something"), chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"0" * 10_000_000))]
    return art[:-12] + b"".join([*noise, *added]) + art[-12:]


def charx(members: dict[str, bytes] | None = None, card: Any = V3) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in ({"card.json": as_json(card), "assets/icon.png": picture()} | (members or {})).items():
            archive.writestr(name, body)
    return out.getvalue()
