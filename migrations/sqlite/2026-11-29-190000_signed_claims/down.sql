ALTER TABLE soft_bindings DROP COLUMN observed;
ALTER TABLE manifests DROP COLUMN trusted;
ALTER TABLE credentials DROP COLUMN claim;
