-- Small records of chat/ by kind and key.
CREATE TABLE documents (
  kind  TEXT NOT NULL,
  key   TEXT NOT NULL,
  bytes BLOB NOT NULL,
  PRIMARY KEY (kind, key)
) STRICT;

-- A group's state lies apart by how often it changes (RFC 9420 §8 the epoch, §7 the tree, §9 the secret tree): a message
-- rewrites one ratchet, a commit the path that it touched, never the whole tree.
CREATE TABLE groups (
  number INTEGER PRIMARY KEY,
  id     TEXT NOT NULL UNIQUE,
  head   BLOB NOT NULL
) STRICT;

CREATE TABLE nodes (
  group_number INTEGER NOT NULL REFERENCES groups (number) ON DELETE CASCADE,
  node         INTEGER NOT NULL,
  bytes        BLOB NOT NULL,
  PRIMARY KEY (group_number, node)
) STRICT, WITHOUT ROWID;

CREATE TABLE ratchets (
  group_number INTEGER NOT NULL REFERENCES groups (number) ON DELETE CASCADE,
  name         TEXT NOT NULL,
  bytes        BLOB NOT NULL,
  PRIMARY KEY (group_number, name)
) STRICT, WITHOUT ROWID;

-- The timeline. `json` is the whole StoredEntry; the columns are what is asked for. Pages end at a position, so no two
-- entries of a conversation may share one.
CREATE TABLE entries (
  id           TEXT NOT NULL PRIMARY KEY,
  conversation TEXT NOT NULL,
  position     INTEGER NOT NULL,
  received     INTEGER NOT NULL CHECK (received IN (0, 1)),
  json         TEXT NOT NULL,
  UNIQUE (conversation, position)
) STRICT;
CREATE INDEX entries_received ON entries (conversation, position) WHERE received = 1;

CREATE TABLE cursors (
  log TEXT NOT NULL PRIMARY KEY,
  seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
