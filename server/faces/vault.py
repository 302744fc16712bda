"""Encrypts enrolment pictures at rest where a key is configured, and opens them again.

AES-256-GCM (NIST SP 800-38D) with a fresh nonce each. A sealed picture begins with a mark and the
number of its key, so that keys can be changed one picture at a time; what has no mark is plain.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from server.errors import ConfigInvalid, PictureLocked

KEY_BYTES: Final = 32
_MARK: Final = b"SPK1"
_NUMBER_BYTES: Final = 4
_NONCE_BYTES: Final = 12
_HEAD_BYTES: Final = len(_MARK) + _NUMBER_BYTES + _NONCE_BYTES


class PictureVault:
    """`keys` are of KEY_BYTES each: the first seals, all open. Without any, pictures stay plain.

    `name` is the SHA-256 of the file that a picture was cut from: sealed under one, it opens under
    no other. Thread-safe.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = {number_of(key): AESGCM(key) for key in keys}
        self._current = number_of(keys[0]) if keys else None

    @property
    def current(self) -> str | None:
        """The number of the key that seals, as messages name it; None: there is none."""
        return None if self._current is None else self._current.hex()

    def sealed(self, content: bytes, *, name: str) -> bytes:
        """As it is to be kept."""
        if self._current is None:
            return content
        nonce = os.urandom(_NONCE_BYTES)
        head = _MARK + self._current
        box = self._keys[self._current].encrypt(nonce, content, head + name.encode())
        return head + nonce + box

    def opened(self, kept: bytes, *, name: str) -> bytes:
        """The picture itself. Raises PictureLocked."""
        number = key_number(kept)
        if number is None:
            return kept
        key = self._keys.get(number)
        if key is None:
            raise PictureLocked(
                f"an enrolment picture is encrypted with key {number.hex()}, which is not in "
                "SERVER_FACE_KEY_FILE: put that key's line back, below the newer ones; nothing "
                "is lost"
            )
        head, nonce = kept[: len(_MARK) + _NUMBER_BYTES], kept[_HEAD_BYTES - _NONCE_BYTES :]
        try:
            return key.decrypt(nonce[:_NONCE_BYTES], kept[_HEAD_BYTES:], head + name.encode())
        except InvalidTag:
            raise PictureLocked(
                f"an enrolment picture cannot be decrypted with key {number.hex()}: it was changed "
                "on the disk, or belongs to another file; restore it from a backup"
            ) from None

    def is_current(self, kept: bytes) -> bool:
        """Whether it is kept as `sealed` would keep it now."""
        return key_number(kept) == self._current


def key_number(kept: bytes) -> bytes | None:
    """Of the key that sealed it; None: it is plain."""
    if not kept.startswith(_MARK) or len(kept) <= _HEAD_BYTES:
        return None
    return kept[len(_MARK) : len(_MARK) + _NUMBER_BYTES]


def number_of(key: bytes) -> bytes:
    """Tells keys apart and nothing about them."""
    return hashlib.sha256(b"sightpost face key " + key).digest()[:_NUMBER_BYTES]


def read_keys(path: Path) -> tuple[bytes, ...]:
    """A file of one key a line, the newest first; `#` begins a comment. Raises ConfigInvalid."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigInvalid(
            f"SERVER_FACE_KEY_FILE={path} cannot be read ({error}); make one with: "
            f"python -m server faces new-key"
        ) from error
    stripped = [line.partition("#")[0].strip() for line in lines]
    keys = tuple(_key(text, path, line) for line, text in enumerate(stripped, 1) if text)
    if not keys:
        raise ConfigInvalid(
            f"SERVER_FACE_KEY_FILE={path} holds no key; make one with: "
            "python -m server faces new-key"
        )
    return keys


def add_key(path: Path) -> str:
    """Writes a new key above those of the file, which nobody but its owner may read then; the
    key's number. Raises ConfigInvalid where the file is none of keys, OSError."""
    older = ""
    if path.exists():
        read_keys(path)
        older = path.read_text(encoding="ascii")
    key = secrets.token_bytes(KEY_BYTES)
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{base64.b64encode(key).decode()}  # {number_of(key).hex()}\n{older}")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    return number_of(key).hex()


def _key(text: str, path: Path, line: int) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigInvalid(
            f"SERVER_FACE_KEY_FILE={path}, line {line}: expected {KEY_BYTES} bytes in Base64, as "
            "python -m server faces new-key writes them"
        )
    return key
