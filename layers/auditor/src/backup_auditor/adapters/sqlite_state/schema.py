"""The tables of a state. Moments and lengths are whole microseconds, moments since 1970 in UTC."""

APPLICATION_ID = 0x42416453
"""What the head of the file says whose it is."""
VERSION = 4
"""Grows when the tables change; a state of a newer version is refused."""

_AUDIT = """
    CREATE TABLE audit (
        project INTEGER NOT NULL REFERENCES project,
        audit_id TEXT NOT NULL,
        observed_at INTEGER NOT NULL,
        complete INTEGER NOT NULL,
        compliance TEXT NOT NULL,
        location TEXT,
        sha256 TEXT,
        PRIMARY KEY (project, observed_at, audit_id)
    ) STRICT, WITHOUT ROWID
    """
_PLAN = """
    CREATE TABLE plan (
        project TEXT NOT NULL,
        plan_id TEXT NOT NULL,
        made_at INTEGER NOT NULL,
        text TEXT NOT NULL,
        PRIMARY KEY (project, plan_id)
    ) STRICT, WITHOUT ROWID
    """
_ACTION = """
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
    ) STRICT, WITHOUT ROWID
    """
_AUDITS_AND_REMEDIES = (_AUDIT, _PLAN, _ACTION)
_HISTORY = "ALTER TABLE project ADD COLUMN history TEXT NOT NULL DEFAULT '[]'"
_SETTINGS_HISTORY_AND_PROJECT_ID = (
    "ALTER TABLE project ADD COLUMN pinecone_project_id TEXT",
    "ALTER TABLE backup ADD COLUMN missed_at INTEGER",
    "ALTER TABLE schedule ADD COLUMN since INTEGER",
    "ALTER TABLE schedule ADD COLUMN seen_at INTEGER",
    "ALTER TABLE schedule ADD COLUMN earlier TEXT",
)

SCHEMA = (
    """
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
    ) STRICT
    """,
    """
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
    ) STRICT, WITHOUT ROWID
    """,
    """
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
    ) STRICT, WITHOUT ROWID
    """,
    """
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
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE live_index (
        project INTEGER NOT NULL REFERENCES project,
        name TEXT NOT NULL,
        index_id TEXT,
        first_seen INTEGER NOT NULL,
        deletion_protection INTEGER,
        PRIMARY KEY (project, name)
    ) STRICT, WITHOUT ROWID
    """,
    *_AUDITS_AND_REMEDIES,
)
UPGRADES = {1: _AUDITS_AND_REMEDIES, 2: (_HISTORY,), 3: _SETTINGS_HISTORY_AND_PROJECT_ID}
"""What takes the tables of an older version to the next."""
