CREATE TABLE settings (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    revision BIGINT NOT NULL,
    document TEXT NOT NULL
);
INSERT INTO settings (id, revision, document) VALUES (1, 0, '');
