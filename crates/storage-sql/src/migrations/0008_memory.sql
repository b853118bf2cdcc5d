-- The files of the last walk that was accepted.
CREATE TABLE trust_files (
    gun TEXT NOT NULL,
    role TEXT NOT NULL,
    version BIGINT NOT NULL,
    statement BLOB NOT NULL,
    bytes BLOB NOT NULL,
    etag TEXT,
    PRIMARY KEY (gun, role)
);

-- The highest version ever accepted.
CREATE TABLE trust_versions (
    gun TEXT NOT NULL,
    role TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (gun, role)
);

-- Which key signed a signer's role, at which version, until when.
CREATE TABLE trust_signings (
    gun TEXT NOT NULL,
    role TEXT NOT NULL,
    key_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    PRIMARY KEY (gun, role, key_id)
);

-- Where a statement was seen first, under each name of that walk. Survives the forgetting of a GUN: that is when replaying it pays.
CREATE TABLE trust_statements (
    statement BLOB NOT NULL,
    gun TEXT NOT NULL,
    role TEXT NOT NULL,
    PRIMARY KEY (statement, gun, role)
);
