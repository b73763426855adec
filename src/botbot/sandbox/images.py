"""Uploaded pictures: data URIs in, bytes under a content hash out. Source: Discord docs, reference#image-data."""

import base64
import binascii
import hashlib
import re

from botbot.sandbox.refusals import invalid
from botbot.sandbox.world import Image, World

_DATA_URI = re.compile(r"data:(image/[a-z]+);base64,([A-Za-z0-9+/=\s]*)")
_SIGNATURES = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
    "image/webp": b"RIFF",
}
LARGEST_BYTES = 10_240 * 1024


def keep(world: World, uri: str | None, field: str) -> str | None:
    """Store the picture of a data URI; return its hash, as Discord shows it. `None` stays `None`."""
    if uri is None:
        return None
    match = _DATA_URI.fullmatch(uri)
    if not match or match[1] not in _SIGNATURES:
        raise invalid(field, "IMAGE_INVALID", "Invalid image")
    data = _decoded(match[2], field)
    if not data.startswith(_SIGNATURES[match[1]]):
        raise invalid(field, "IMAGE_INVALID", "Invalid image")
    if len(data) > LARGEST_BYTES:
        raise invalid(field, "BINARY_TYPE_MAX_SIZE", "File cannot be larger than 10240.0 kb.")
    return keep_bytes(world, match[1], data)


def keep_bytes(world: World, content_type: str, data: bytes) -> str:
    prefix = "a_" if content_type == "image/gif" else ""
    name = prefix + hashlib.sha256(data).hexdigest()[:32]
    world.state.images[name] = Image(content_type, data)
    _drop_unused(world, keeping=name)
    return name


def _decoded(text: str, field: str) -> bytes:
    try:
        return base64.b64decode(text, validate=False)
    except binascii.Error as error:
        raise invalid(field, "IMAGE_INVALID", "Invalid image") from error


def _drop_unused(world: World, keeping: str) -> None:
    """A profile changed a hundred times should not keep a hundred pictures in the state file."""
    state = world.state
    used = {keeping}
    for guild in state.guilds.values():
        for member in guild.members.values():
            used |= {member.avatar or "", member.banner or ""}
    used |= {webhook.avatar or "" for webhook in state.webhooks.values()}
    for kept in state.messages.values():
        used |= {message.face_avatar or "" for message in kept}
        used |= {file.image for message in kept for file in message.attachments}
    state.images = {name: image for name, image in state.images.items() if name in used}
