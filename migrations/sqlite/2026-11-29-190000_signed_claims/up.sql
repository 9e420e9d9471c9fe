-- SHA-256 of the manifest's claim and of its signature: what nobody but its signer can repeat. NULL where it is not known.
ALTER TABLE credentials ADD COLUMN claim BLOB CHECK (length(claim) = 32);

-- A list of trust anchors vouched for the signer when the store came: such a store is not shut out by another one.
ALTER TABLE manifests ADD COLUMN trusted INTEGER NOT NULL DEFAULT 0 CHECK (trusted IN (0, 1));

-- The registry computed the value from a picture that carries the manifest; otherwise somebody claims it.
ALTER TABLE soft_bindings ADD COLUMN observed INTEGER NOT NULL DEFAULT 0 CHECK (observed IN (0, 1));
UPDATE soft_bindings SET observed = 1
WHERE alg = 'io.iscc.v0' AND label IN (SELECT label FROM manifest_pictures);
