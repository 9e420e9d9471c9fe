-- Times are microseconds since 1970-01-01T00:00:00Z. "idx" is an index of the log; other *_idx columns point at it.

-- One row: the end of the log. Only the sequencing transaction changes it.
CREATE TABLE log_state (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    size INTEGER NOT NULL CHECK (size >= 0),
    last_accepted_at INTEGER NOT NULL CHECK (last_accepted_at >= 0)
) STRICT;
INSERT INTO log_state (id, size, last_accepted_at) VALUES (1, 0, 0);

-- The leaf stands last: what precedes it is read without touching a long leaf's overflow pages.
CREATE TABLE entries (
    idx INTEGER NOT NULL PRIMARY KEY CHECK (idx >= 0),
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    issuer TEXT NOT NULL,
    signer_key BLOB NOT NULL CHECK (length(signer_key) = 32),
    deduplication_key BLOB NOT NULL UNIQUE CHECK (length(deduplication_key) = 32),
    accepted_at INTEGER NOT NULL CHECK (accepted_at >= 0),
    withdrawn_idx INTEGER CHECK (withdrawn_idx > idx),
    corrected_idx INTEGER CHECK (corrected_idx > idx),
    observed_idx INTEGER CHECK (observed_idx > idx),
    leaf_hash BLOB NOT NULL CHECK (length(leaf_hash) = 32),
    leaf BLOB NOT NULL CHECK (length(leaf) BETWEEN 1 AND 65535)
) STRICT;

CREATE TABLE contents (
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    idx INTEGER NOT NULL REFERENCES entries (idx),
    whole_file INTEGER NOT NULL CHECK (whole_file IN (0, 1)),
    PRIMARY KEY (digest, idx, whole_file)
) STRICT, WITHOUT ROWID;

CREATE TABLE labels (
    producer TEXT NOT NULL,
    content_id TEXT NOT NULL,
    idx INTEGER NOT NULL REFERENCES entries (idx),
    PRIMARY KEY (producer, content_id, idx)
) STRICT, WITHOUT ROWID;

-- A deleted record keeps its digest and the index of its tombstone, nothing else.
CREATE TABLE records (
    idx INTEGER NOT NULL PRIMARY KEY REFERENCES entries (idx),
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    observed INTEGER NOT NULL CHECK (observed IN (0, 1)),
    file_name TEXT,
    deleted_idx INTEGER CHECK (deleted_idx > idx),
    bytes BLOB,
    CHECK ((bytes IS NULL) = (deleted_idx IS NOT NULL)),
    CHECK (deleted_idx IS NULL OR file_name IS NULL)
) STRICT;

CREATE TABLE fingerprints (
    idx INTEGER NOT NULL PRIMARY KEY REFERENCES records (idx),
    pdq BLOB NOT NULL CHECK (length(pdq) = 32),
    quality INTEGER NOT NULL CHECK (quality BETWEEN 0 AND 100)
) STRICT;

CREATE TABLE organisations (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    admitted_at INTEGER NOT NULL CHECK (admitted_at >= 0),
    admitted_idx INTEGER NOT NULL REFERENCES entries (idx),
    suspended_idx INTEGER REFERENCES entries (idx)
) STRICT;

CREATE TABLE organisation_keys (
    id TEXT NOT NULL PRIMARY KEY,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    public_key BLOB NOT NULL UNIQUE CHECK (length(public_key) = 32),
    purpose TEXT NOT NULL CHECK (purpose IN ('signing', 'recovery')),
    valid_from_idx INTEGER NOT NULL CHECK (valid_from_idx >= 0),
    revoked_idx INTEGER CHECK (revoked_idx >= 0),
    suspect_from_idx INTEGER CHECK (suspect_from_idx >= 0),
    CHECK (suspect_from_idx IS NULL OR revoked_idx IS NOT NULL)
) STRICT;
CREATE INDEX organisation_keys_of ON organisation_keys (organisation);

CREATE TABLE provider_codes (
    code TEXT NOT NULL PRIMARY KEY,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    idx INTEGER NOT NULL REFERENCES entries (idx)
) STRICT;
CREATE INDEX provider_codes_of ON provider_codes (organisation);

-- No organisation: the operator.
CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    organisation TEXT REFERENCES organisations (id),
    name TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL CHECK (created_at >= 0)
) STRICT;

CREATE TABLE tokens (
    id TEXT NOT NULL PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    organisation TEXT REFERENCES organisations (id),
    user_id TEXT REFERENCES users (id),
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL CHECK (created_at >= 0),
    expires_at INTEGER NOT NULL CHECK (expires_at >= 0),
    revoked_at INTEGER CHECK (revoked_at >= 0)
) STRICT;
CREATE INDEX tokens_of ON tokens (organisation);

CREATE TABLE checks (
    id TEXT NOT NULL PRIMARY KEY,
    organisation TEXT REFERENCES organisations (id),
    checked_at INTEGER NOT NULL CHECK (checked_at >= 0),
    expires_at INTEGER NOT NULL CHECK (expires_at >= 0),
    envelope BLOB NOT NULL
) STRICT;
CREATE INDEX checks_expiry ON checks (expires_at);

CREATE TABLE registry_state (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE registry_keys (
    purpose TEXT NOT NULL PRIMARY KEY,
    public_key BLOB NOT NULL UNIQUE CHECK (length(public_key) = 32),
    sealed BLOB NOT NULL
) STRICT;
