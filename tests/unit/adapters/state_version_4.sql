-- The tables of version 4, as they were made then.
CREATE TABLE project (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    revision INTEGER NOT NULL,
    audit_id TEXT NOT NULL,
    observed_at INTEGER NOT NULL,
    complete_at INTEGER,
    policy_sha256 TEXT,
    drift TEXT NOT NULL,
    history TEXT NOT NULL DEFAULT '[]',
    pinecone_project_id TEXT
) STRICT;

CREATE TABLE finding (
    project INTEGER NOT NULL REFERENCES project,
    fingerprint TEXT NOT NULL,
    control TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    resource_name TEXT NOT NULL,
    resource_id TEXT,
    severity TEXT NOT NULL,
    state TEXT NOT NULL,
    first_seen INTEGER NOT NULL,
    times INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    changed_by TEXT NOT NULL,
    PRIMARY KEY (project, fingerprint)
) STRICT, WITHOUT ROWID;

CREATE TABLE backup (
    project INTEGER NOT NULL REFERENCES project,
    backup_id TEXT NOT NULL,
    index_id TEXT NOT NULL,
    index_name TEXT NOT NULL,
    name TEXT,
    schedule_id TEXT,
    captured_at INTEGER,
    expires INTEGER,
    expires_at INTEGER,
    known_since INTEGER NOT NULL,
    missed_at INTEGER,
    PRIMARY KEY (project, backup_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE schedule (
    project INTEGER NOT NULL REFERENCES project,
    schedule_id TEXT NOT NULL,
    index_name TEXT NOT NULL,
    name TEXT,
    frequency TEXT,
    retention INTEGER,
    enabled INTEGER,
    since INTEGER,
    seen_at INTEGER,
    earlier TEXT,
    PRIMARY KEY (project, schedule_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE live_index (
    project INTEGER NOT NULL REFERENCES project,
    name TEXT NOT NULL,
    index_id TEXT,
    first_seen INTEGER NOT NULL,
    deletion_protection INTEGER,
    PRIMARY KEY (project, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    project INTEGER NOT NULL REFERENCES project,
    audit_id TEXT NOT NULL,
    observed_at INTEGER NOT NULL,
    complete INTEGER NOT NULL,
    compliance TEXT NOT NULL,
    location TEXT,
    sha256 TEXT,
    PRIMARY KEY (project, observed_at, audit_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE plan (
    project TEXT NOT NULL,
    plan_id TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (project, plan_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE action (
    project TEXT NOT NULL,
    key TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    plan_id TEXT NOT NULL,
    who TEXT NOT NULL,
    began_at INTEGER NOT NULL,
    call TEXT NOT NULL,
    before TEXT NOT NULL,
    state TEXT NOT NULL,
    detail TEXT NOT NULL,
    made_id TEXT,
    after TEXT NOT NULL,
    ended_at INTEGER,
    PRIMARY KEY (project, key, attempt)
) STRICT, WITHOUT ROWID;

PRAGMA application_id = 1111581779;
PRAGMA user_version = 4;
