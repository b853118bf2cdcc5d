CREATE TABLE directory (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    revision BIGINT NOT NULL
);
INSERT INTO directory (id, revision) VALUES (1, 0);

CREATE TABLE accounts (
    id         TEXT    PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    full_name  TEXT    NOT NULL,
    is_org     INTEGER NOT NULL,
    is_admin   INTEGER NOT NULL,
    is_active  INTEGER NOT NULL,
    role       TEXT    NOT NULL,
    password   TEXT,
    created_at BIGINT  NOT NULL
);

CREATE TABLE members (
    org_id   TEXT    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    user_id  TEXT    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    is_admin INTEGER NOT NULL,
    PRIMARY KEY (org_id, user_id)
);
CREATE INDEX members_by_user ON members (user_id);

CREATE TABLE teams (
    id          TEXT PRIMARY KEY,
    org_id      TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    UNIQUE (org_id, name)
);
CREATE INDEX teams_by_name ON teams (name);

CREATE TABLE team_members (
    team_id TEXT NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    PRIMARY KEY (team_id, user_id)
);
CREATE INDEX team_members_by_user ON team_members (user_id);

CREATE TABLE public_keys (
    id           TEXT    PRIMARY KEY,
    account_id   TEXT    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    spki         BLOB    NOT NULL UNIQUE,
    label        TEXT    NOT NULL,
    certificates TEXT    NOT NULL,
    login        INTEGER NOT NULL,
    created_at   BIGINT  NOT NULL
);
CREATE INDEX public_keys_by_account ON public_keys (account_id, id);
