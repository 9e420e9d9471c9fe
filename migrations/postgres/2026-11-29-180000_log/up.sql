-- The Merkle tree's frontier: the roots of the perfect subtrees that make up the log, largest first. An empty one on a
-- log with entries is filled once by the program that applies this migration.
ALTER TABLE log_state ADD COLUMN frontier BYTEA NOT NULL DEFAULT ''::bytea CHECK (octet_length(frontier) % 32 = 0);
-- How many entries the published checkpoint covers.
ALTER TABLE log_state ADD COLUMN published_size BIGINT NOT NULL DEFAULT 0
    CHECK (published_size >= 0 AND published_size <= size);
-- The publisher's fencing number: who claims publication raises it, and who holds a lower one publishes no more.
ALTER TABLE log_state ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0 CHECK (epoch >= 0);
-- The largest tree whose checkpoint may have left the server, signed: written before it does, so that whatever a witness
-- knows is known here. The root is only needed while it is larger than what is published.
ALTER TABLE log_state ADD COLUMN signed_size BIGINT NOT NULL DEFAULT 0
    CHECK (signed_size >= published_size AND signed_size <= size);
ALTER TABLE log_state ADD COLUMN signed_root BYTEA NOT NULL DEFAULT ''::bytea CHECK (octet_length(signed_root) IN (0, 32));
-- Why no server goes on with this database, if none does: one of them knew more of the log than it holds.
ALTER TABLE log_state ADD COLUMN halted TEXT;

-- Every checkpoint that was published, as a signed note with the witnesses' cosignatures.
CREATE TABLE checkpoints (
    size BIGINT NOT NULL CONSTRAINT "checkpoints.size" PRIMARY KEY CHECK (size >= 0),
    root BYTEA NOT NULL CHECK (octet_length(root) = 32),
    published_at BIGINT NOT NULL CHECK (published_at >= 0),
    note TEXT NOT NULL
);
