"""Identifiers: UUIDv7 text for our rows (sortable by creation), random secrets, and their hashes."""

import hashlib
import secrets
import time
import uuid

_newest = 0


def new_id() -> str:
    """A UUIDv7 (RFC 9562): 48 bits of Unix milliseconds, 74 random bits. The standard library gains it in 3.14.

    Each is greater than the one before in this process, also within a millisecond and when the clock is set back."""
    global _newest
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | (0x7 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    _newest = max(value, _newest + 1)
    return str(uuid.UUID(int=_newest))


def new_secret() -> str:
    """256 random bits, URL-safe (43 characters)."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    """SHA-256 in hex. Our secrets have 256 random bits, so a slow hash would protect nothing more."""
    return hashlib.sha256(secret.encode()).hexdigest()
