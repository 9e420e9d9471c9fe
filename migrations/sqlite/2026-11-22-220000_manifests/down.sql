DROP TABLE iscc_parts;
DROP TABLE soft_bindings;
DROP TABLE manifest_pictures;
DROP TABLE manifests;
