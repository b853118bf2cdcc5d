-- What a team may read, asked from the team's side.
CREATE INDEX repository_team_access_team ON repository_team_access (team, repository);
CREATE INDEX namespace_team_access_team ON namespace_team_access (team, namespace);

-- Users and organizations in order of their names, however many there are of the others.
CREATE INDEX accounts_kind ON accounts (is_org, name);

-- Who published or deleted, as they were called then. NULL: the server itself, or somebody from before this was kept.
ALTER TABLE collection_changes ADD COLUMN publisher TEXT;
ALTER TABLE collection_changes ADD COLUMN publisher_id TEXT;
-- The files of one publication were stored at the same moment.
CREATE INDEX collection_files_published ON collection_files (gun, stored_at);

-- Each thing that entries are looked for by: a log of millions answers about what is rare in it, too.
CREATE INDEX audit_actor ON audit (actor, id);
CREATE INDEX audit_action ON audit (action, id);
CREATE INDEX audit_object ON audit (object, id);
CREATE INDEX audit_outcome ON audit (outcome, id);
