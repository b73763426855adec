"""Encryption at rest: Fernet (AES-128-CBC with HMAC-SHA256) over several keys, the first of which encrypts."""

import base64
import hashlib
import hmac
import zlib
from collections.abc import Sequence
from typing import TypeVar

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

T = TypeVar("T")


class Cipher:
    """`keys` may be any texts; each is stretched to a Fernet key by SHA-256 (they are random, so that is enough)."""

    def __init__(self, keys: Sequence[str]) -> None:
        each = [Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest())) for key in keys]
        self._fernet, self._first = MultiFernet(each), each[0]
        self._signing_key = hashlib.sha256(b"signing/" + keys[0].encode()).digest()

    def encrypt(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode()

    def decrypt(self, sealed: str) -> str:
        """Raises `ValueError` when no key fits or the text was changed."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except (InvalidToken, UnicodeError) as error:
            raise ValueError("not sealed by us") from error

    def is_newest(self, sealed: str) -> bool:
        """Whether the first key sealed it."""
        try:
            self._first.decrypt(sealed.encode())
        except InvalidToken:
            return False
        return True

    def sign(self, text: str) -> str:
        """A keyed hash (43 URL-safe characters): the same for the same text, and nobody without the key can tell it."""
        digest = hmac.new(self._signing_key, text.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def seal(self, value: msgspec.Struct) -> str:
        """A struct as an opaque, tamper-proof, URL-safe text."""
        return self.encrypt(msgspec.json.encode(value).decode())

    def open(self, sealed: str, kind: type[T]) -> T:
        """Raises `ValueError` when it was not sealed by us as that kind."""
        try:
            return msgspec.json.decode(self.decrypt(sealed), type=kind)
        except msgspec.MsgspecError as error:
            raise ValueError("sealed as something else") from error

    def pack(self, value: msgspec.Struct) -> str:
        """As `seal`, but compressed first: for what must fit into a cookie."""
        return self._fernet.encrypt(zlib.compress(msgspec.json.encode(value), 9)).decode()

    def unpack(self, packed: str, kind: type[T]) -> T:
        """Raises `ValueError` when it was not packed by us as that kind."""
        try:
            return msgspec.json.decode(zlib.decompress(self._fernet.decrypt(packed.encode())), type=kind)
        except (InvalidToken, UnicodeError, zlib.error, msgspec.MsgspecError) as error:
            raise ValueError("not packed by us") from error
