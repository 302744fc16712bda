"""When a certificate expires, from its file. Reads nothing else of it.

The standard library shows a certificate's dates only after a handshake with it.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import structlog

from telemetry.catalogue import CERTIFICATE
from telemetry.metrics import Reading

_SEQUENCE: Final = 0x30
_VERSION: Final = 0xA0
_UTC_TIME: Final = 0x17
_GENERALIZED_TIME: Final = 0x18
_PEM_END: Final = "-----END CERTIFICATE-----"

_log = structlog.get_logger(__name__)


class CertificateUnreadable(Exception):
    """The file is missing or holds no certificate."""


class _Element(NamedTuple):
    tag: int
    content: bytes


def expires_at(path: Path) -> datetime:
    """When the first certificate of a PEM file expires. Raises CertificateUnreadable."""
    try:
        text = path.read_text(encoding="ascii")
        begin = text.index("-----BEGIN CERTIFICATE-----")
        first = text[begin : text.index(_PEM_END, begin) + len(_PEM_END)]
        return not_after(ssl.PEM_cert_to_DER_cert(first))
    except (OSError, ValueError, IndexError) as error:
        raise CertificateUnreadable(
            f"{path}: expected a file with a certificate in PEM form: {error}"
        ) from error


def readings(files: Mapping[str, Path | None]) -> Iterator[Reading]:
    """For Prometheus, by the name of each; of a file that cannot be read only the log tells."""
    for name, file in files.items():
        if file is None:
            continue
        try:
            yield CERTIFICATE.of(expires_at(file).timestamp(), name)
        except CertificateUnreadable as error:
            _log.warning("a certificate's end is not known", certificate=name, reason=str(error))


def not_after(certificate: bytes) -> datetime:
    """`notAfter` of a certificate in DER (RFC 5280, section 4.1).

    Raises ValueError or IndexError.
    """
    (whole,) = _elements(certificate)
    body = _elements(_elements(whole.content)[0].content)
    fields = [element for element in body if element.tag != _VERSION]
    validity = fields[3]  # after serial number, algorithm and issuer
    if validity.tag != _SEQUENCE:
        raise ValueError("no validity where RFC 5280 has it")
    end = _elements(validity.content)[1]
    text = end.content.decode("ascii")
    if end.tag == _UTC_TIME:
        # Two digits from 50 on are of the last century (RFC 5280, section 4.1.2.5.1).
        text = ("19" if text >= "50" else "20") + text
    elif end.tag != _GENERALIZED_TIME:
        raise ValueError(f"no time: {end.tag:#x}")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _elements(content: bytes) -> list[_Element]:
    """The elements of DER that follow one another (ITU-T X.690, section 8.1)."""
    found, at = [], 0
    while at < len(content):
        tag, size, at = content[at], content[at + 1], at + 2
        if size & 0x80:
            width = size & 0x7F
            size, at = int.from_bytes(content[at : at + width]), at + width
        if at + size > len(content):
            raise ValueError("the certificate is cut short")
        found.append(_Element(tag, content[at : at + size]))
        at += size
    return found
