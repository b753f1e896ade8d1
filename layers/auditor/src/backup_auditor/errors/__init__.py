"""Every error of the project.

BackupAuditorError
├── UsageError              the command line, a setting or a file is not what it should be
│   ├── SettingsError       the environment
│   ├── PolicyError         the policy file
│   ├── RegistryError       the list of projects
│   ├── DocumentError       a registry or a policy that cannot be fetched
│   ├── RequestError        an event, or the payload of a function
│   ├── PlanError           a plan of remediation
│   ├── InventoryFileError  a saved inventory
│   ├── OtherProjectError   a state that belongs to another Pinecone project
│   └── StateError          what remembers audits
│       └── FutureAuditError    the last recorded audit lies in the future of this machine's clock
├── EvidenceError           where reports are kept
│   ├── EvidenceGoneError   a report is not where it was kept
│   └── ReportAlteredError  a report is not what was kept
├── SecretError             a key or a webhook that is missing, empty, or not what it should be
├── DeliveryError           a channel did not accept a message
│   ├── ChannelRefusedError     and will not, until somebody changes something
│   └── AcceptanceUnknownError  or did, and the answer was lost
├── ConflictingRecordError  another audit was recorded meanwhile
└── PineconeError           an answer, or the lack of one
    ├── BadKeyError         401: the key is not accepted
    ├── ForbiddenError      403: the key may not do this; 402: nobody may until the bill is paid
    ├── PlanForbidsError    403 that speaks of the plan: it does not include this
    ├── UnsupportedError    400 or 422: this index, or this request, is not one the service can serve
    ├── NotFoundError       404
    ├── ConflictError       409 or 412
    ├── QuotaError          403 or 429 that speaks of a quota: no room for another backup or schedule
    ├── ThrottledError      429 to the end
    ├── UnavailableError    no answer, or 408 and 5xx to the end
    │   ├── UnreachableError  the host cannot be resolved, reached or trusted
    │   ├── DeadlineError     the time for the whole audit is over
    │   └── OutcomeUnknownError  a write whose answer was lost and could not be settled by reading
    └── NotUnderstoodError  an answer of a shape that cannot be read
"""

from backup_auditor.errors.application import (
    AcceptanceUnknownError,
    ChannelRefusedError,
    ConflictingRecordError,
    DeliveryError,
    EvidenceError,
    EvidenceGoneError,
    ReportAlteredError,
    SecretError,
)
from backup_auditor.errors.base import BackupAuditorError
from backup_auditor.errors.pinecone import (
    BadKeyError,
    ConflictError,
    DeadlineError,
    ForbiddenError,
    NotFoundError,
    NotUnderstoodError,
    OutcomeUnknownError,
    PineconeError,
    PlanForbidsError,
    QuotaError,
    ThrottledError,
    UnavailableError,
    UnreachableError,
    UnsupportedError,
)
from backup_auditor.errors.usage import (
    DocumentError,
    FutureAuditError,
    InventoryFileError,
    OtherProjectError,
    PlanError,
    PolicyError,
    RegistryError,
    RequestError,
    SettingsError,
    StateError,
    UsageError,
)

__all__ = [
    "AcceptanceUnknownError",
    "BackupAuditorError",
    "BadKeyError",
    "ChannelRefusedError",
    "ConflictError",
    "ConflictingRecordError",
    "DeadlineError",
    "DeliveryError",
    "DocumentError",
    "EvidenceError",
    "EvidenceGoneError",
    "ForbiddenError",
    "FutureAuditError",
    "InventoryFileError",
    "NotFoundError",
    "NotUnderstoodError",
    "OtherProjectError",
    "OutcomeUnknownError",
    "PineconeError",
    "PlanError",
    "PlanForbidsError",
    "PolicyError",
    "QuotaError",
    "RegistryError",
    "ReportAlteredError",
    "RequestError",
    "SecretError",
    "SettingsError",
    "StateError",
    "ThrottledError",
    "UnavailableError",
    "UnreachableError",
    "UnsupportedError",
    "UsageError",
]
