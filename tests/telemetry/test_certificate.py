"""When real certificates expire, made by the openssl program."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from telemetry.certificate import CertificateUnreadable, expires_at, not_after

OPENSSL = shutil.which("openssl")


@pytest.mark.system
@pytest.mark.skipif(OPENSSL is None, reason="needs the Debian package openssl")
@pytest.mark.parametrize(
    "days",
    [
        pytest.param(30, id="a UTCTime"),
        pytest.param(20_000, id="a GeneralizedTime: from 2050 on"),
    ],
)
def test_end_is_that_which_openssl_wrote(days: int, tmp_path: Path) -> None:
    path = tmp_path / "both.pem"
    subprocess.run(
        [
            str(OPENSSL), "req", "-x509", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:prime256v1", "-nodes", "-days", str(days), "-subj", "/CN=x",
            "-keyout", str(tmp_path / "key.pem"), "-out", str(path),
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    path.write_text((tmp_path / "key.pem").read_text() + path.read_text())
    expected = datetime.now(UTC) + timedelta(days=days)
    assert abs(expires_at(path) - expected) < timedelta(minutes=2)


@pytest.mark.parametrize(
    "text",
    [
        "nothing",
        "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nMIIBszCC\n-----END CERTIFICATE-----\n",
    ],
)
def test_what_is_no_certificate_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "file.pem").write_text(text)
    with pytest.raises(CertificateUnreadable, match=r"file\.pem"):
        expires_at(tmp_path / "file.pem")
    with pytest.raises(CertificateUnreadable, match=r"gone\.pem"):
        expires_at(tmp_path / "gone.pem")


def test_two_digits_from_50_on_are_of_the_last_century() -> None:
    def element(tag: int, content: bytes) -> bytes:
        return bytes([tag, len(content)]) + content

    times = element(0x17, b"490101000000Z") + element(0x17, b"500101000000Z")
    body = b"".join(
        [element(0x02, b"\x01"), element(0x30, b""), element(0x30, b""), element(0x30, times)]
    )
    certificate = element(0x30, element(0x30, body))
    assert not_after(certificate) == datetime(1950, 1, 1, tzinfo=UTC)
