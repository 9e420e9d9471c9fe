-- SHA-256 of the manifest's claim and of its signature: what nobody but its signer can repeat. NULL where it is not known.
ALTER TABLE credentials ADD COLUMN claim BYTEA CHECK (octet_length(claim) = 32);

-- A list of trust anchors vouched for the signer when the store came: such a store is not shut out by another one.
ALTER TABLE manifests ADD COLUMN trusted BOOLEAN NOT NULL DEFAULT FALSE;

-- The registry computed the value from a picture that carries the manifest; otherwise somebody claims it.
ALTER TABLE soft_bindings ADD COLUMN observed BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE soft_bindings SET observed = TRUE
WHERE alg = 'io.iscc.v0' AND label IN (SELECT label FROM manifest_pictures);
