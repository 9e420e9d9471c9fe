-- Which entries bind a C2PA manifest of this label (URN). Labels can be squatted: several entries may name one.
CREATE TABLE credentials (
    manifest TEXT NOT NULL,
    idx INTEGER NOT NULL REFERENCES entries (idx),
    PRIMARY KEY (manifest, idx)
) STRICT, WITHOUT ROWID;
