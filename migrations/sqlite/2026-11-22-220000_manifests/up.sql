-- The C2PA manifest repository. A label is given once: to one store, told by its digest and its signer's certificate.
-- What was deleted keeps label, digest and certificate, so that nobody else takes the label.
CREATE TABLE manifests (
    label TEXT NOT NULL PRIMARY KEY,
    store_digest BLOB NOT NULL CHECK (length(store_digest) = 32),
    certificate BLOB NOT NULL CHECK (length(certificate) = 32),
    owner TEXT NOT NULL REFERENCES organisations (id),
    -- Brought by itself, not with a registered picture: it stays until its owner deletes it.
    alone INTEGER NOT NULL CHECK (alone IN (0, 1)),
    -- The log entry that names it.
    anchor_idx INTEGER NOT NULL REFERENCES entries (idx),
    created_at INTEGER NOT NULL CHECK (created_at >= 0),
    deleted_at INTEGER CHECK (deleted_at >= 0),
    -- SHA-256 of the picture's file without the manifest.
    content_digest BLOB CHECK (length(content_digest) = 32),
    bytes BLOB CHECK (length(bytes) >= 1),
    CHECK ((bytes IS NULL) = (deleted_at IS NOT NULL)),
    CHECK (bytes IS NOT NULL OR content_digest IS NULL)
) STRICT;
CREATE INDEX manifests_content ON manifests (content_digest);

-- Registered pictures that carry a manifest.
CREATE TABLE manifest_pictures (
    idx INTEGER NOT NULL PRIMARY KEY REFERENCES entries (idx),
    label TEXT NOT NULL REFERENCES manifests (label)
) STRICT;
CREATE INDEX manifest_pictures_of ON manifest_pictures (label);

CREATE TABLE soft_bindings (
    alg TEXT NOT NULL,
    value BLOB NOT NULL CHECK (length(value) BETWEEN 1 AND 2000),
    label TEXT NOT NULL REFERENCES manifests (label),
    PRIMARY KEY (alg, value, label)
) STRICT, WITHOUT ROWID;
CREATE INDEX soft_bindings_of ON soft_bindings (label);

-- The parts of each ISCC Image-Code: codes that differ in less bits than there are parts share one.
CREATE TABLE iscc_parts (
    part INTEGER NOT NULL,
    code BLOB NOT NULL CHECK (length(code) = 32),
    PRIMARY KEY (part, code)
) STRICT, WITHOUT ROWID;
