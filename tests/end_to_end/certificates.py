"""A private authority and certificates of it, made by the openssl program."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """PEM files of a certificate and its private key."""

    certificate: Path
    key: Path


def authority_in(folder: Path, name: str) -> Certificate:
    """A self-signed authority; skips the test where there is no openssl."""
    if shutil.which("openssl") is None:
        pytest.skip("the openssl program, which makes the certificates, is not installed")
    made = Certificate(certificate=folder / f"{name}.pem", key=folder / f"{name}.key")
    _openssl(
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-days", "2", "-subj", f"/CN={name}", "-keyout", str(made.key), "-out",
        str(made.certificate),
    )  # fmt: skip
    return made


def signed_by(authority: Certificate, folder: Path, name: str) -> Certificate:
    """A certificate for 127.0.0.1 that the authority signed."""
    made = Certificate(certificate=folder / f"{name}.pem", key=folder / f"{name}.key")
    _openssl(
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1",
        "-addext", "basicConstraints=critical,CA:FALSE", "-CA", str(authority.certificate),
        "-CAkey", str(authority.key), "-keyout", str(made.key), "-out", str(made.certificate),
    )  # fmt: skip
    return made


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=30)
