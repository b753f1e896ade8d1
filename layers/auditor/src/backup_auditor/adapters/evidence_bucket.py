"""Keeps reports in a bucket of S3, `PROJECT/DATE/AUDIT_ID/report.json`: written once, and never written over."""

import hashlib
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote

from backup_auditor.adapters.aws_answers import code_of, text_of
from backup_auditor.domain.audit_record import KeptReport
from backup_auditor.domain.report import Report
from backup_auditor.errors import EvidenceError, EvidenceGoneError
from backup_auditor.rendering.as_json import render_json
from backup_auditor.rendering.encoding import encoded

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_IN_MEMORY = 4 << 20
_TRIES = 20
"""How many names are looked at, and how often one that is written at this very moment is asked for again."""
_SCHEME = "s3://"


class EvidenceBucket:
    """An `Evidence` over one bucket. Safe to use from many threads."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        """Take the client and the bucket's name."""
        self._client: Any = client
        self._bucket = bucket

    def keep(self, report: Report) -> KeptReport:
        """Write a report under its audit's id; another one of the same audit, judged anew, beside the first."""
        with SpooledTemporaryFile(_IN_MEMORY) as file:
            digest = hashlib.sha256()
            for piece in encoded(render_json(report)):
                digest.update(piece)
                file.write(piece)
            for number in range(1, _TRIES + 1):
                name = _name(report, number)
                if self._put(name, file, digest.digest(), report):
                    return KeptReport(f"{_SCHEME}{self._bucket}/{name}", digest.hexdigest())
        place = f"{_SCHEME}{self._bucket}/{_folder(report)}"
        raise EvidenceError(f"{place} holds {_TRIES} other reports of this audit; run the audit again")

    def read(self, kept: KeptReport) -> bytes:
        """Return the bytes of a report. Raises `EvidenceGoneError` where it is gone, `EvidenceError` otherwise."""
        bucket, _, name = kept.location.removeprefix(_SCHEME).partition("/")
        if not kept.location.startswith(_SCHEME) or not name:
            raise EvidenceError(f"{kept.location} is no address in a bucket")

        def answer() -> bytes:
            return bytes(self._client.get_object(Bucket=bucket, Key=name)["Body"].read())

        return _told(kept.location, answer)

    def _put(self, name: str, file: IO[bytes], digest: bytes, report: Report) -> bool:
        """Write a report unless something stands there; return whether this very report does now."""
        location = f"{_SCHEME}{self._bucket}/{name}"
        for _ in range(_TRIES):
            file.seek(0)
            try:
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=name,
                    Body=file,
                    ContentType="application/json",
                    ChecksumSHA256=b64encode(digest).decode(),
                    IfNoneMatch="*",
                    Metadata={
                        "project": quote(report.project),
                        "audit_id": report.audit_id,
                        "compliance": report.compliance,
                        "sha256": digest.hex(),
                    },
                )
            except Exception as error:  # noqa: BLE001  what it was is found out here
                code = code_of(error)
                if code == "PreconditionFailed":
                    return self._stands(name, digest)
                if code != "ConditionalRequestConflict":  # it is being written at this moment
                    raise _failure(location, error) from None
            else:
                return True
        raise EvidenceError(f"{location} is written by others again and again; run the audit again")

    def _stands(self, name: str, digest: bytes) -> bool:
        """Tell whether what stands there is a report with this hash, as when the answer to its writing was lost."""
        location = f"{_SCHEME}{self._bucket}/{name}"
        there = _told(location, lambda: self._client.head_object(Bucket=self._bucket, Key=name))
        return bool(there.get("Metadata", {}).get("sha256") == digest.hex())


def _folder(report: Report) -> str:
    """Return where everything lies that is kept of an audit."""
    return f"{report.project}/{report.observed_at.astimezone(UTC).date().isoformat()}/{report.audit_id}"


def _name(report: Report, number: int) -> str:
    return f"{_folder(report)}/report.json" if number == 1 else f"{_folder(report)}/report.{number}.json"


def _told[Answer](location: str, call: Callable[[], Answer]) -> Answer:
    try:
        return call()
    except Exception as error:  # noqa: BLE001  what it was is found out there
        raise _failure(location, error) from None


def _failure(location: str, error: Exception) -> Exception:
    """Return what is said of a call that failed; an exception that is no answer of AWS stays as it is."""
    from botocore import exceptions as told  # noqa: PLC0415  it is there once a call has failed

    if not isinstance(error, told.ClientError | told.BotoCoreError):
        return error
    if code_of(error) in {"NoSuchKey", "404"}:
        return EvidenceGoneError(f"{location} is gone; restore an earlier version of it from the bucket")
    return EvidenceError(f"{location} cannot be used: {text_of(error)}; look at the bucket and at who may use it")
