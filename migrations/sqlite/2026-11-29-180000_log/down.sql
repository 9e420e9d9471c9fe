DROP TABLE checkpoints;
ALTER TABLE log_state DROP COLUMN halted;
ALTER TABLE log_state DROP COLUMN signed_root;
ALTER TABLE log_state DROP COLUMN signed_size;
ALTER TABLE log_state DROP COLUMN epoch;
ALTER TABLE log_state DROP COLUMN published_size;
ALTER TABLE log_state DROP COLUMN frontier;
