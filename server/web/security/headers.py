"""What browsers are told to refuse: the headers of every answer. Pure."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from collections.abc import Iterable
from typing import Final

API_POLICY: Final = (
    "default-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)
"""What is no page loads and runs nothing."""
FORM_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""Of the plain pages for people who have not signed in."""
REFERENCE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
"""Of /docs, which sets styles by script."""
_PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self' 'unsafe-eval'{hashes}; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self'; worker-src 'self'; manifest-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
"""NiceGUI's templates are compiled in the browser (`unsafe-eval`), and its page brings scripts in
itself: those are allowed one by one, by what they say, so that no other inline script and no
`onerror=` in a text that got in unescaped ever runs."""

_INLINE: Final = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)
_FEATURES: Final = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"

COMMON: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", _FEATURES.encode()),
)


def page_policy(body: bytes, *, is_gzipped: bool) -> str:
    """The policy of a NiceGUI page, from the scripts that stand in it."""
    text = gzip.decompress(body) if is_gzipped else body
    digests = (hashlib.sha256(script).digest() for script in _INLINE.findall(text))
    hashes = "".join(f" 'sha256-{base64.b64encode(each).decode()}'" for each in digests)
    return _PAGE_POLICY.format(hashes=hashes)


def added_to(
    present: Iterable[tuple[bytes, bytes]], *, path: str, policy: str
) -> list[tuple[bytes, bytes]]:
    """The headers of an answer with ours; those that it sets itself stay."""
    kept = [(name.lower(), value) for name, value in present]
    names = {name for name, _ in kept}
    ours = [*COMMON, (b"content-security-policy", policy.encode("ascii"))]
    if not path.startswith(("/static/", "/_nicegui/")):
        ours.append((b"cache-control", b"no-store"))
    return [*kept, *((name, value) for name, value in ours if name not in names)]
