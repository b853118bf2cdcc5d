-- Grows whenever somebody may have lost the right to read a repository. One row.
CREATE TABLE repository_readers (
    id BIGINT NOT NULL PRIMARY KEY,
    revision BIGINT NOT NULL
);
INSERT INTO repository_readers (id, revision) VALUES (1, 0);

-- Signed bytes of a collection that was deleted are spent: nobody brings them back.
ALTER TABLE collection_signed ADD COLUMN spent BIGINT NOT NULL DEFAULT 0;

-- Which pinned image was allowed, under which revision of the policy, and when last.
CREATE TABLE trust_proven (
    image TEXT NOT NULL PRIMARY KEY,
    gun TEXT NOT NULL,
    policy BIGINT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX trust_proven_by_gun ON trust_proven (gun);
