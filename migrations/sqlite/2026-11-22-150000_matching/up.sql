-- The gradient hash beside PDQ; pictures registered before have none.
ALTER TABLE fingerprints ADD COLUMN dhash BLOB CHECK (length(dhash) = 32);

-- The detail reference of a picture, a JPEG of at most 1,024 pixels a side. Goes with its record.
CREATE TABLE details (
    idx INTEGER NOT NULL PRIMARY KEY REFERENCES records (idx),
    jpeg BLOB NOT NULL
) STRICT;

-- What a check drew: the photo with its altered regions, and the mask. Goes with its check.
CREATE TABLE check_pictures (
    id TEXT NOT NULL PRIMARY KEY REFERENCES checks (id) ON DELETE CASCADE,
    overlay BLOB NOT NULL,
    mask BLOB NOT NULL
) STRICT;
