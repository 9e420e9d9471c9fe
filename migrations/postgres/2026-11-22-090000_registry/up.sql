-- Times are microseconds since 1970-01-01T00:00:00Z. "idx" is an index of the log; other *_idx columns point at it.
-- Unique constraints bear the names that SQLite reports, table.column, so that both engines name a violation alike.
-- Identifiers and names sort by bytes (COLLATE "C"), as they do in SQLite, whatever the database's locale is.

-- One row: the end of the log. Its row lock serialises the writers.
CREATE TABLE log_state (
    id BIGINT NOT NULL CONSTRAINT "log_state.id" PRIMARY KEY CHECK (id = 1),
    size BIGINT NOT NULL CHECK (size >= 0),
    last_accepted_at BIGINT NOT NULL CHECK (last_accepted_at >= 0)
);
INSERT INTO log_state (id, size, last_accepted_at) VALUES (1, 0, 0);

-- The index is given by the sequencer, never by a sequence: those leave gaps.
CREATE TABLE entries (
    idx BIGINT NOT NULL CONSTRAINT "entries.idx" PRIMARY KEY CHECK (idx >= 0),
    id TEXT COLLATE "C" NOT NULL CONSTRAINT "entries.id" UNIQUE,
    kind TEXT COLLATE "C" NOT NULL,
    issuer TEXT COLLATE "C" NOT NULL,
    signer_key BYTEA NOT NULL CHECK (octet_length(signer_key) = 32),
    deduplication_key BYTEA NOT NULL CONSTRAINT "entries.deduplication_key" UNIQUE
        CHECK (octet_length(deduplication_key) = 32),
    accepted_at BIGINT NOT NULL CHECK (accepted_at >= 0),
    withdrawn_idx BIGINT CHECK (withdrawn_idx > idx),
    corrected_idx BIGINT CHECK (corrected_idx > idx),
    observed_idx BIGINT CHECK (observed_idx > idx),
    leaf_hash BYTEA NOT NULL CHECK (octet_length(leaf_hash) = 32),
    leaf BYTEA NOT NULL CHECK (octet_length(leaf) BETWEEN 1 AND 65535)
);

CREATE TABLE contents (
    digest BYTEA NOT NULL CHECK (octet_length(digest) = 32),
    idx BIGINT NOT NULL REFERENCES entries (idx),
    whole_file BOOLEAN NOT NULL,
    PRIMARY KEY (digest, idx, whole_file)
);

CREATE TABLE labels (
    producer TEXT COLLATE "C" NOT NULL,
    content_id TEXT COLLATE "C" NOT NULL,
    idx BIGINT NOT NULL REFERENCES entries (idx),
    PRIMARY KEY (producer, content_id, idx)
);

-- A deleted record keeps its digest and the index of its tombstone, nothing else.
CREATE TABLE records (
    idx BIGINT NOT NULL CONSTRAINT "records.idx" PRIMARY KEY REFERENCES entries (idx),
    digest BYTEA NOT NULL CHECK (octet_length(digest) = 32),
    observed BOOLEAN NOT NULL,
    file_name TEXT COLLATE "C",
    deleted_idx BIGINT CHECK (deleted_idx > idx),
    bytes BYTEA,
    CHECK ((bytes IS NULL) = (deleted_idx IS NOT NULL)),
    CHECK (deleted_idx IS NULL OR file_name IS NULL)
);

CREATE TABLE fingerprints (
    idx BIGINT NOT NULL CONSTRAINT "fingerprints.idx" PRIMARY KEY REFERENCES records (idx),
    pdq BYTEA NOT NULL CHECK (octet_length(pdq) = 32),
    quality BIGINT NOT NULL CHECK (quality BETWEEN 0 AND 100)
);

CREATE TABLE organisations (
    id TEXT COLLATE "C" NOT NULL CONSTRAINT "organisations.id" PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL CONSTRAINT "organisations.name" UNIQUE,
    role TEXT COLLATE "C" NOT NULL,
    admitted_at BIGINT NOT NULL CHECK (admitted_at >= 0),
    admitted_idx BIGINT NOT NULL REFERENCES entries (idx),
    suspended_idx BIGINT REFERENCES entries (idx)
);

CREATE TABLE organisation_keys (
    id TEXT COLLATE "C" NOT NULL CONSTRAINT "organisation_keys.id" PRIMARY KEY,
    organisation TEXT COLLATE "C" NOT NULL REFERENCES organisations (id),
    public_key BYTEA NOT NULL CONSTRAINT "organisation_keys.public_key" UNIQUE CHECK (octet_length(public_key) = 32),
    purpose TEXT COLLATE "C" NOT NULL CHECK (purpose IN ('signing', 'recovery')),
    valid_from_idx BIGINT NOT NULL CHECK (valid_from_idx >= 0),
    revoked_idx BIGINT CHECK (revoked_idx >= 0),
    suspect_from_idx BIGINT CHECK (suspect_from_idx >= 0),
    CHECK (suspect_from_idx IS NULL OR revoked_idx IS NOT NULL)
);
CREATE INDEX organisation_keys_of ON organisation_keys (organisation);

CREATE TABLE provider_codes (
    code TEXT COLLATE "C" NOT NULL CONSTRAINT "provider_codes.code" PRIMARY KEY,
    organisation TEXT COLLATE "C" NOT NULL REFERENCES organisations (id),
    idx BIGINT NOT NULL REFERENCES entries (idx)
);
CREATE INDEX provider_codes_of ON provider_codes (organisation);

-- No organisation: the operator.
CREATE TABLE users (
    id TEXT COLLATE "C" NOT NULL CONSTRAINT "users.id" PRIMARY KEY,
    organisation TEXT COLLATE "C" REFERENCES organisations (id),
    name TEXT COLLATE "C" NOT NULL CONSTRAINT "users.name" UNIQUE,
    password_hash TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL CHECK (created_at >= 0)
);

CREATE TABLE tokens (
    id TEXT COLLATE "C" NOT NULL CONSTRAINT "tokens.id" PRIMARY KEY,
    hash BYTEA NOT NULL CONSTRAINT "tokens.hash" UNIQUE CHECK (octet_length(hash) = 32),
    organisation TEXT COLLATE "C" REFERENCES organisations (id),
    user_id TEXT COLLATE "C" REFERENCES users (id),
    name TEXT COLLATE "C" NOT NULL,
    scopes TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL CHECK (created_at >= 0),
    expires_at BIGINT NOT NULL CHECK (expires_at >= 0),
    revoked_at BIGINT CHECK (revoked_at >= 0)
);
CREATE INDEX tokens_of ON tokens (organisation);

CREATE TABLE checks (
    id TEXT COLLATE "C" NOT NULL CONSTRAINT "checks.id" PRIMARY KEY,
    organisation TEXT COLLATE "C" REFERENCES organisations (id),
    checked_at BIGINT NOT NULL CHECK (checked_at >= 0),
    expires_at BIGINT NOT NULL CHECK (expires_at >= 0),
    envelope BYTEA NOT NULL
);
CREATE INDEX checks_expiry ON checks (expires_at);

CREATE TABLE registry_state (
    name TEXT COLLATE "C" NOT NULL CONSTRAINT "registry_state.name" PRIMARY KEY,
    value TEXT COLLATE "C" NOT NULL
);

CREATE TABLE registry_keys (
    purpose TEXT COLLATE "C" NOT NULL CONSTRAINT "registry_keys.purpose" PRIMARY KEY,
    public_key BYTEA NOT NULL CONSTRAINT "registry_keys.public_key" UNIQUE CHECK (octet_length(public_key) = 32),
    sealed BYTEA NOT NULL
);
