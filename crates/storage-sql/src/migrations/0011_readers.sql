-- What somebody may read is found by these, however many repositories there are that they may not.
CREATE INDEX repositories_visibility ON repositories (visibility, name);
CREATE INDEX repositories_owner ON repositories (owner, name);
