-- The C2PA manifest repository. A label is given once: to one store, told by its digest and its signer's certificate.
-- What was deleted keeps label, digest and certificate, so that nobody else takes the label.
CREATE TABLE manifests (
    label TEXT COLLATE "C" NOT NULL CONSTRAINT "manifests.label" PRIMARY KEY,
    store_digest BYTEA NOT NULL CHECK (octet_length(store_digest) = 32),
    certificate BYTEA NOT NULL CHECK (octet_length(certificate) = 32),
    owner TEXT COLLATE "C" NOT NULL REFERENCES organisations (id),
    -- Brought by itself, not with a registered picture: it stays until its owner deletes it.
    alone BOOLEAN NOT NULL,
    -- The log entry that names it.
    anchor_idx BIGINT NOT NULL REFERENCES entries (idx),
    created_at BIGINT NOT NULL CHECK (created_at >= 0),
    deleted_at BIGINT CHECK (deleted_at >= 0),
    -- SHA-256 of the picture's file without the manifest.
    content_digest BYTEA CHECK (octet_length(content_digest) = 32),
    bytes BYTEA CHECK (octet_length(bytes) >= 1),
    CHECK ((bytes IS NULL) = (deleted_at IS NOT NULL)),
    CHECK (bytes IS NOT NULL OR content_digest IS NULL)
);
CREATE INDEX manifests_content ON manifests (content_digest);

-- Registered pictures that carry a manifest.
CREATE TABLE manifest_pictures (
    idx BIGINT NOT NULL CONSTRAINT "manifest_pictures.idx" PRIMARY KEY REFERENCES entries (idx),
    label TEXT COLLATE "C" NOT NULL REFERENCES manifests (label)
);
CREATE INDEX manifest_pictures_of ON manifest_pictures (label);

CREATE TABLE soft_bindings (
    alg TEXT COLLATE "C" NOT NULL,
    value BYTEA NOT NULL CHECK (octet_length(value) BETWEEN 1 AND 2000),
    label TEXT COLLATE "C" NOT NULL REFERENCES manifests (label),
    PRIMARY KEY (alg, value, label)
);
CREATE INDEX soft_bindings_of ON soft_bindings (label);

-- The parts of each ISCC Image-Code: codes that differ in less bits than there are parts share one.
CREATE TABLE iscc_parts (
    part BIGINT NOT NULL,
    code BYTEA NOT NULL CHECK (octet_length(code) = 32),
    PRIMARY KEY (part, code)
);
