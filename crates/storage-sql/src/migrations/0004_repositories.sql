-- Times are nanoseconds since 1970. Names are compared byte by byte.
CREATE TABLE repositories (
    name              TEXT   NOT NULL PRIMARY KEY,
    namespace         TEXT   NOT NULL,
    owner             TEXT,
    visibility        TEXT   NOT NULL,
    short_description TEXT   NOT NULL,
    long_description  TEXT   NOT NULL,
    immutable_tags    BIGINT NOT NULL,
    created_at        BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL
);
CREATE INDEX repositories_namespace ON repositories (namespace, name);

CREATE TABLE repository_team_access (
    repository TEXT NOT NULL REFERENCES repositories (name) ON DELETE CASCADE,
    team       TEXT NOT NULL,
    level      TEXT NOT NULL,
    PRIMARY KEY (repository, team)
);

CREATE TABLE namespace_team_access (
    namespace TEXT NOT NULL,
    team      TEXT NOT NULL,
    level     TEXT NOT NULL,
    PRIMARY KEY (namespace, team)
);

CREATE TABLE blob_links (
    repository TEXT   NOT NULL REFERENCES repositories (name) ON DELETE CASCADE,
    digest     TEXT   NOT NULL,
    size       BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (repository, digest)
);
CREATE INDEX blob_links_digest ON blob_links (digest);

CREATE TABLE manifests (
    repository TEXT   NOT NULL REFERENCES repositories (name) ON DELETE CASCADE,
    digest     TEXT   NOT NULL,
    media_type TEXT   NOT NULL,
    content    BLOB   NOT NULL,
    subject    TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (repository, digest)
);
CREATE INDEX manifests_subject ON manifests (repository, subject);

-- What a manifest needs: kind is `blob` or `manifest`.
CREATE TABLE manifest_needs (
    repository TEXT NOT NULL,
    manifest   TEXT NOT NULL,
    kind       TEXT NOT NULL,
    digest     TEXT NOT NULL,
    PRIMARY KEY (repository, manifest, kind, digest),
    FOREIGN KEY (repository, manifest) REFERENCES manifests (repository, digest) ON DELETE CASCADE
);
CREATE INDEX manifest_needs_digest ON manifest_needs (repository, kind, digest);

CREATE TABLE tags (
    repository TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    digest     TEXT   NOT NULL,
    author     TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (repository, name),
    FOREIGN KEY (repository, digest) REFERENCES manifests (repository, digest) ON DELETE CASCADE
);
CREATE INDEX tags_digest ON tags (repository, digest);

CREATE TABLE uploads (
    id         TEXT   NOT NULL PRIMARY KEY,
    repository TEXT   NOT NULL REFERENCES repositories (name) ON DELETE CASCADE,
    account    TEXT   NOT NULL,
    started_at BIGINT NOT NULL
);
CREATE INDEX uploads_repository ON uploads (repository);
CREATE INDEX uploads_started_at ON uploads (started_at);
