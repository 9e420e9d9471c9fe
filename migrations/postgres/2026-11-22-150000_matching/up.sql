-- The gradient hash beside PDQ; pictures registered before have none.
ALTER TABLE fingerprints ADD COLUMN dhash BYTEA CHECK (octet_length(dhash) = 32);

-- The detail reference of a picture, a JPEG of at most 1,024 pixels a side. Goes with its record.
CREATE TABLE details (
    idx BIGINT NOT NULL CONSTRAINT "details.idx" PRIMARY KEY REFERENCES records (idx),
    jpeg BYTEA NOT NULL
);

-- What a check drew: the photo with its altered regions, and the mask. Goes with its check.
CREATE TABLE check_pictures (
    id TEXT NOT NULL CONSTRAINT "check_pictures.id" PRIMARY KEY REFERENCES checks (id) ON DELETE CASCADE,
    overlay BYTEA NOT NULL,
    mask BYTEA NOT NULL
);
