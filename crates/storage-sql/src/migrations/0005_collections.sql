CREATE TABLE collection_files (
    gun TEXT NOT NULL,
    role TEXT NOT NULL,
    version BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    bytes BLOB NOT NULL,
    stored_at BIGINT NOT NULL,
    PRIMARY KEY (gun, role, version)
);
CREATE INDEX collection_files_by_hash ON collection_files (gun, role, sha256);

CREATE TABLE collection_heads (
    gun TEXT NOT NULL PRIMARY KEY,
    timestamp_sha256 TEXT NOT NULL,
    snapshot_sha256 TEXT NOT NULL,
    resign_at BIGINT NOT NULL
);
CREATE INDEX collection_heads_due ON collection_heads (resign_at);

-- Where signed bytes were seen first. Survives the deletion of a collection: that is when replaying them pays.
CREATE TABLE collection_signed (
    signed_sha256 TEXT NOT NULL,
    gun TEXT NOT NULL,
    role TEXT NOT NULL,
    PRIMARY KEY (signed_sha256, gun, role)
);

CREATE TABLE collection_keys (
    key_id TEXT NOT NULL,
    gun TEXT NOT NULL,
    role TEXT NOT NULL,
    public BLOB NOT NULL,
    sealed_private BLOB NOT NULL,
    pending INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (gun, role, key_id)
);
CREATE UNIQUE INDEX collection_keys_pending ON collection_keys (gun, role) WHERE pending = 1;

CREATE TABLE collection_changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at BIGINT NOT NULL,
    gun TEXT NOT NULL,
    version BIGINT,
    sha256 TEXT
);
CREATE INDEX collection_changes_by_gun ON collection_changes (gun, id);
