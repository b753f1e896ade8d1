"""Keeps reports in a bucket of S3, `PROJECT/DATE/AUDIT_ID/report.json` and `.html`: written once, and never over."""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote

from backup_auditor.adapters.aws.session import describe_error, get_error_code
from backup_auditor.domain.audit_record import StoredFile, StoredReport
from backup_auditor.domain.reporting.report import Report
from backup_auditor.errors import EvidenceError, EvidenceMissingError
from backup_auditor.rendering.formats.json import render_json
from backup_auditor.rendering.text import encode_pieces

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_MEMORY_LIMIT_BYTES = 4 << 20
_MAX_ATTEMPTS = 20
"""How many names are looked at, and how often one that is written at this very moment is asked for again."""
_SCHEME = "s3://"
_JSON, _PAGE = "application/json", "text/html; charset=utf-8"


class EvidenceBucket:
    """An `Evidence` over one bucket. Safe to use from many threads."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        """Take the client and the bucket's name."""
        self._client: Any = client
        self._bucket = bucket

    def store_report(self, report: Report) -> StoredReport:
        """Write a report under its audit's id; another one of the same audit, judged anew, beside the first."""
        with _spool_content(render_json(report), _JSON) as content:
            for number in range(1, _MAX_ATTEMPTS + 1):
                name = _build_name(report, number)
                if self._put(name, content, report):
                    return StoredReport(f"{_SCHEME}{self._bucket}/{name}", content.digest.hex())
        location = f"{_SCHEME}{self._bucket}/{_build_folder(report)}"
        raise EvidenceError(f"{location} holds {_MAX_ATTEMPTS} other reports of this audit; run the audit again")

    def store_page(self, report: Report, stored_report: StoredReport) -> StoredFile:
        """Write the page of a report under the name that the report has, its ending apart."""
        from backup_auditor.rendering.html.page import render_html  # noqa: PLC0415  what is not recorded has none

        location = f"{stored_report.location.removesuffix('json')}html"
        with _spool_content(render_html([report]), _PAGE) as content:
            if self._put(location.removeprefix(f"{_SCHEME}{self._bucket}/"), content, report):
                return StoredFile(location, content.digest.hex())
        raise EvidenceError(f"{location} is another page; it stays as it is, and the next audit writes its own")

    def read(self, file: StoredFile) -> bytes:
        """Return the bytes of a file. Raises `EvidenceGoneError` where it is gone, `EvidenceError` otherwise."""
        bucket, _, name = file.location.removeprefix(_SCHEME).partition("/")
        if not file.location.startswith(_SCHEME) or not name:
            raise EvidenceError(f"{file.location} is no address in a bucket")

        def read_body() -> bytes:
            return bytes(self._client.get_object(Bucket=bucket, Key=name)["Body"].read())

        return _call_bucket(file.location, read_body)

    def _put(self, name: str, content: "_Content", report: Report) -> bool:
        """Write a file unless something stands there; return whether this very file does now."""
        location = f"{_SCHEME}{self._bucket}/{name}"
        for _ in range(_MAX_ATTEMPTS):
            content.file.seek(0)
            try:
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=name,
                    Body=content.file,
                    ContentType=content.content_type,
                    ChecksumSHA256=b64encode(content.digest).decode(),
                    IfNoneMatch="*",
                    Metadata={
                        "project": quote(report.project),
                        "audit_id": report.audit_id,
                        "compliance": report.compliance,
                        "sha256": content.digest.hex(),
                    },
                )
            except Exception as error:  # noqa: BLE001  what it was is found out here
                code = get_error_code(error)
                if code == "PreconditionFailed":
                    return self._is_stored(name, content.digest)
                if code != "ConditionalRequestConflict":  # it is being written at this moment
                    raise _translate_error(location, error) from None
            else:
                return True
        raise EvidenceError(f"{location} is written by others again and again; run the audit again")

    def _is_stored(self, name: str, digest: bytes) -> bool:
        """Tell whether what stands there is a file with this hash, as when the answer to its writing was lost."""
        location = f"{_SCHEME}{self._bucket}/{name}"
        object_head = _call_bucket(location, lambda: self._client.head_object(Bucket=self._bucket, Key=name))
        return bool(object_head.get("Metadata", {}).get("sha256") == digest.hex())


@dataclass(frozen=True, slots=True)
class _Content:
    """What is to be written, and its SHA-256."""

    file: IO[bytes]
    digest: bytes
    content_type: str


@contextmanager
def _spool_content(text: Iterable[str], content_type: str) -> Iterator[_Content]:
    """Write a text to a file that is gone afterwards; a small one stays in memory."""
    with SpooledTemporaryFile(_MEMORY_LIMIT_BYTES) as file:
        digest = hashlib.sha256()
        for piece in encode_pieces(text):
            digest.update(piece)
            file.write(piece)
        yield _Content(file, digest.digest(), content_type)


def _build_folder(report: Report) -> str:
    """Return where everything lies that is kept of an audit."""
    return f"{report.project}/{report.observed_at.astimezone(UTC).date().isoformat()}/{report.audit_id}"


def _build_name(report: Report, number: int) -> str:
    return f"{_build_folder(report)}/report.json" if number == 1 else f"{_build_folder(report)}/report.{number}.json"


def _call_bucket[Answer](location: str, call: Callable[[], Answer]) -> Answer:
    try:
        return call()
    except Exception as error:  # noqa: BLE001  what it was is found out there
        raise _translate_error(location, error) from None


def _translate_error(location: str, error: Exception) -> Exception:
    """Return what is said of a call that failed; an exception that is no answer of AWS stays as it is."""
    from botocore import exceptions as told  # noqa: PLC0415  it is there once a call has failed

    if not isinstance(error, told.ClientError | told.BotoCoreError):
        return error
    if get_error_code(error) in {"NoSuchKey", "404"}:
        return EvidenceMissingError(f"{location} is gone; restore an earlier version of it from the bucket")
    return EvidenceError(
        f"{location} cannot be used: {describe_error(error)}; look whether it is there, and who may use it"
    )
