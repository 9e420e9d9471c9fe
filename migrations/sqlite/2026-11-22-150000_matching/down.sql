DROP TABLE check_pictures;
DROP TABLE details;
ALTER TABLE fingerprints DROP COLUMN dhash;
