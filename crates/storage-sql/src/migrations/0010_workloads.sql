-- When the record of what ran before the policy was taken; one row, or none.
CREATE TABLE census (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    taken BIGINT NOT NULL
);

CREATE TABLE workloads (
    kind TEXT NOT NULL CHECK (kind IN ('container', 'service')),
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    image TEXT NOT NULL,
    pinned TEXT,
    PRIMARY KEY (kind, id)
);
