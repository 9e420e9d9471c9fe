-- In which entries' files the registry saw a C2PA manifest of this label (URN). Labels can be squatted: several may have one.
CREATE TABLE credentials (
    manifest TEXT NOT NULL,
    idx INTEGER NOT NULL REFERENCES entries (idx),
    PRIMARY KEY (manifest, idx)
) STRICT, WITHOUT ROWID;
