"""Store reports and the documents of restore drills in an S3 bucket; never overwrite one.

A report is `PROJECT/DATE/AUDIT_ID/report.json` or `.html`, a document `PROJECT/drills/DRILL_ID/REVISION.json`.
"""

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from backup_auditor.adapters.aws.session import describe_error, get_error_code
from backup_auditor.domain.audit_record import StoredFile, StoredReport
from backup_auditor.domain.outbox import FLEET
from backup_auditor.domain.reporting.report import Report
from backup_auditor.errors import EvidenceError, EvidenceMissingError, EvidenceRefusedError
from backup_auditor.rendering.formats.json import render_json
from backup_auditor.rendering.text import encode_pieces

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from backup_auditor.domain.drills.drill import DrillRecord

_MEMORY_LIMIT_BYTES = 4 << 20
_MAX_ATTEMPTS = 20
"""How many names are tried, and how often a name is retried that another process is writing to."""
_SCHEME = "s3://"
_CHECK_FOLDER, _REFUSED_NAME = "check", "refused"
_DRILL_FOLDER = "drills"
"""The folder of the documents of a project's drills. The other folders of a project are dates."""
DRILL_CHECK_FOLDER = f"{_CHECK_FOLDER}/{_DRILL_FOLDER}"
"""The folder for `check_store` of a role that stores only documents of drills."""
FLEET_CHECK_FOLDER = f"{FLEET}/{_CHECK_FOLDER}"
"""The folder for `check_store` of a role that stores only pages of the fleet."""
_CHECKSUM_REFUSALS = frozenset({"BadDigest", "XAmzContentChecksumMismatch"})
_JSON, _PAGE = "application/json", "text/html; charset=utf-8"


class EvidenceBucket:
    """An `EvidenceStore` and a `DrillArchive` in one bucket. Safe to use from many threads."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        """Take the client and the bucket's name."""
        self._client: Any = client
        self._bucket = bucket

    def store_report(self, report: Report) -> StoredReport:
        """Store a report under its audit id; a different report of the same audit gets the next number."""
        folder = f"{report.project}/{report.observed_at.astimezone(UTC).date().isoformat()}/{report.audit_id}"
        with _spool_content(encode_pieces(render_json(report)), _JSON) as content:
            for number in range(1, _MAX_ATTEMPTS + 1):
                name = f"{folder}/report.json" if number == 1 else f"{folder}/report.{number}.json"
                if self._put(name, content, _describe_report(report)):
                    return StoredReport(f"{_SCHEME}{self._bucket}/{name}", content.digest.hex())
        location = f"{_SCHEME}{self._bucket}/{folder}"
        raise EvidenceError(f"{location} has {_MAX_ATTEMPTS} other reports of this audit (the limit); run a new audit")

    def store_page(self, report: Report, stored_report: StoredReport) -> StoredFile:
        """Store the page of a report under the name of the report, with another suffix."""
        from backup_auditor.rendering.html.page import render_html  # noqa: PLC0415  only recorded audits have a page

        return self._store_page(stored_report, render_html([report]), _describe_report(report))

    def store_drill(self, record: "DrillRecord", document: bytes) -> StoredFile:
        """Store the document of a drill under its id and revision, or confirm that it is stored."""
        name = f"{record.project}/{_DRILL_FOLDER}/{record.drill_id}/{record.revision}.json"
        location = f"{_SCHEME}{self._bucket}/{name}"
        description = {"project": quote(record.project), "drill_id": record.drill_id, "result": str(record.result)}
        with _spool_content([document], _JSON) as content:
            if self._put(name, content, description):
                return StoredFile(location, content.digest.hex())
        raise EvidenceError(
            f"{location} is a different document and is not overwritten; find out who wrote it, and delete it if it is"
            " not of this drill"
        )

    def store_fleet(self, night: datetime, revision: int, document: Iterable[str]) -> StoredFile | None:
        """Store a page of the fleet under its night and revision; `None` if another page has this name."""
        moment = night.astimezone(UTC)
        name = f"{FLEET}/{moment.date().isoformat()}/{moment:%H%M%SZ}/fleet.{revision}.json"
        with _spool_content(encode_pieces(document), _JSON) as content:
            if self._put(name, content, {"night": moment.isoformat()}):
                return StoredFile(f"{_SCHEME}{self._bucket}/{name}", content.digest.hex())
        return None

    def store_fleet_page(self, document: StoredFile, page: Iterable[str]) -> StoredFile:
        """Store a page of the fleet as HTML under the name of its document, with another suffix."""
        return self._store_page(document, page, {})

    def _store_page(self, document: StoredFile, page: Iterable[str], description: Mapping[str, str]) -> StoredFile:
        location = f"{document.location.removesuffix('json')}html"
        with _spool_content(encode_pieces(page), _PAGE) as content:
            if self._put(location.removeprefix(f"{_SCHEME}{self._bucket}/"), content, description):
                return StoredFile(location, content.digest.hex())
        raise EvidenceError(
            f"{location} is a different page and is not overwritten; the next one has a name of its own"
        )

    def read(self, file: StoredFile) -> bytes:
        """Return the bytes of a file.

        Raises `EvidenceMissingError` if it is missing, `EvidenceRefusedError` if access is denied, else
        `EvidenceError`.
        """
        bucket, _, name = file.location.removeprefix(_SCHEME).partition("/")
        if not file.location.startswith(_SCHEME) or not name:
            raise EvidenceError(f"{file.location} is not an address in a bucket")
        with _translate_errors(file.location):
            return bytes(self._client.get_object(Bucket=bucket, Key=name)["Body"].read())

    def check_object(self, location: str) -> None:
        """Raise `EvidenceError` unless a stored file can be read."""
        bucket, _, name = location.removeprefix(_SCHEME).partition("/")
        with _translate_errors(location):
            self._client.head_object(Bucket=bucket, Key=name)

    def check_store(self, folder: str = _CHECK_FOLDER) -> None:
        """Raise `EvidenceError` unless the role may store files in a folder.

        The checksum of the sent file is of another one: S3 checks the permission and refuses the file.
        """
        name = f"{folder}/{_REFUSED_NAME}"
        location = f"{_SCHEME}{self._bucket}/{name}"
        checksum = b64encode(hashlib.sha256(b"another file").digest()).decode()
        try:
            self._client.put_object(Bucket=self._bucket, Key=name, Body=b"", ChecksumSHA256=checksum, IfNoneMatch="*")
        except Exception as error:
            if get_error_code(error) in _CHECKSUM_REFUSALS:
                return
            with _translate_errors(location):
                raise
        raise EvidenceError(f"{location} was stored with a wrong checksum; check that the bucket is one of S3")

    def _put(self, name: str, content: "_Content", description: Mapping[str, str]) -> bool:
        """Store a file unless the name is taken. Return whether this file is now stored under the name."""
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
                    Metadata={**description, "sha256": content.digest.hex()},
                )
            except Exception as error:
                code = get_error_code(error)
                if code == "PreconditionFailed":
                    return self._is_stored(name, content.digest)
                if code != "ConditionalRequestConflict":  # another process is writing to it
                    with _translate_errors(location):
                        raise
            else:
                return True
        raise EvidenceError(f"{location} is being written by other processes; try again later")

    def _is_stored(self, name: str, digest: bytes) -> bool:
        """Return whether the stored file has this hash: the answer to an earlier write may have been lost."""
        location = f"{_SCHEME}{self._bucket}/{name}"
        with _translate_errors(location):
            object_head = self._client.head_object(Bucket=self._bucket, Key=name)
        return bool(object_head.get("Metadata", {}).get("sha256") == digest.hex())


def _describe_report(report: Report) -> dict[str, str]:
    return {"project": quote(report.project), "audit_id": report.audit_id, "compliance": report.compliance}


class _Content(NamedTuple):
    """The content to store, and its SHA-256."""

    file: IO[bytes]
    digest: bytes
    content_type: str


@contextmanager
def _spool_content(pieces: Iterable[bytes], content_type: str) -> Iterator[_Content]:
    """Write pieces to a temporary file; a small file stays in memory."""
    with SpooledTemporaryFile(_MEMORY_LIMIT_BYTES) as file:
        digest = hashlib.sha256()
        for piece in pieces:
            digest.update(piece)
            file.write(piece)
        yield _Content(file, digest.digest(), content_type)


@contextmanager
def _translate_errors(location: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        from botocore import exceptions  # noqa: PLC0415  imported once a call has failed

        if not isinstance(error, exceptions.ClientError | exceptions.BotoCoreError):
            raise
        if get_error_code(error) in {"NoSuchKey", "404"}:
            raise EvidenceMissingError(
                f"{location} is missing; restore an earlier version of it from the bucket"
            ) from None
        reason = f"{describe_error(error)}; check that it exists and that the role may use it"
        error_type = EvidenceRefusedError if get_error_code(error) in {"AccessDenied", "403"} else EvidenceError
        raise error_type(f"{location} cannot be used: {reason}") from None
