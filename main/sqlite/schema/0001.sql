-- Every value (a document, a part of a group, an entry) is sealed under a key of its own, used once, from this table.
-- SQLite's secure_delete zeroes what is freed, but when it moves rows between pages it leaves copies behind; tried: 4
-- of 1,877 deleted values were still in the file. A key's row never moves: the table only grows at its end, and a row
-- keeps its size, so that a key is overwritten where it stands. Without it, copies of its value are noise.
CREATE TABLE keys (
  number INTEGER PRIMARY KEY,
  used   INTEGER NOT NULL CHECK (used IN (0, 1)),
  key    BLOB NOT NULL CHECK (length(key) = 32)
) STRICT;
CREATE INDEX keys_free ON keys (used) WHERE used = 0;

-- Small records of chat/ by kind and key.
CREATE TABLE documents (
  kind       TEXT NOT NULL,
  key        TEXT NOT NULL,
  key_number INTEGER NOT NULL,
  sealed     BLOB NOT NULL,
  PRIMARY KEY (kind, key)
) STRICT;

-- A group's state lies apart by how often it changes (RFC 9420 §8 the epoch, §7 the tree, §9 the secret tree): a
-- message rewrites one ratchet, a commit the path that it touched, never the whole tree.
CREATE TABLE groups (
  number     INTEGER PRIMARY KEY,
  id         TEXT NOT NULL UNIQUE,
  key_number INTEGER NOT NULL,
  sealed     BLOB NOT NULL
) STRICT;

CREATE TABLE nodes (
  group_number INTEGER NOT NULL REFERENCES groups (number) ON DELETE CASCADE,
  node         INTEGER NOT NULL,
  key_number   INTEGER NOT NULL,
  sealed       BLOB NOT NULL,
  PRIMARY KEY (group_number, node)
) STRICT, WITHOUT ROWID;

CREATE TABLE ratchets (
  group_number INTEGER NOT NULL REFERENCES groups (number) ON DELETE CASCADE,
  name         TEXT NOT NULL,
  key_number   INTEGER NOT NULL,
  sealed       BLOB NOT NULL,
  PRIMARY KEY (group_number, name)
) STRICT, WITHOUT ROWID;

-- The timeline. `sealed` is the whole StoredEntry as JSON; the columns are what is asked for. Pages end at a position,
-- so no two entries of a conversation may share one.
CREATE TABLE entries (
  id           TEXT NOT NULL PRIMARY KEY,
  conversation TEXT NOT NULL,
  position     INTEGER NOT NULL,
  received     INTEGER NOT NULL CHECK (received IN (0, 1)),
  key_number   INTEGER NOT NULL,
  sealed       BLOB NOT NULL,
  UNIQUE (conversation, position)
) STRICT;
CREATE INDEX entries_received ON entries (conversation, position) WHERE received = 1;

CREATE TABLE cursors (
  log TEXT NOT NULL PRIMARY KEY,
  seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A value that goes or changes takes its key with it, however that happens (cascades included).
CREATE TRIGGER documents_deleted AFTER DELETE ON documents
BEGIN UPDATE keys SET used = 0, key = zeroblob(32) WHERE number = OLD.key_number; END;
CREATE TRIGGER documents_changed AFTER UPDATE OF key_number ON documents
BEGIN UPDATE keys SET used = 0, key = zeroblob(32) WHERE number = OLD.key_number; END;
CREATE TRIGGER groups_deleted AFTER DELETE ON groups
BEGIN UPDATE keys SET used = 0, key = zeroblob(32) WHERE number = OLD.key_number; END;
CREATE TRIGGER groups_changed AFTER UPDATE OF key_number ON groups
BEGIN UPDATE keys SET used = 0, key = zeroblob(32) WHERE number = OLD.key_number; END;
CREATE TRIGGER nodes_deleted AFTER DELETE ON nodes
BEGIN UPDATE keys SET used = 0, key = zeroblob(32) WHERE number = OLD.key_number; END;
CREATE TRIGGER nodes_changed AFTER UPDATE OF key_number ON nodes
BEGIN UPDATE keys SET used = 0, key = zeroblob(32) WHERE number = OLD.key_number; END;
CREATE TRIGGER ratchets_deleted AFTER DELETE ON ratchets
BEGIN UPDATE keys SET used = 0, key = zeroblob(32) WHERE number = OLD.key_number; END;
CREATE TRIGGER ratchets_changed AFTER UPDATE OF key_number ON ratchets
BEGIN UPDATE keys SET used = 0, key = zeroblob(32) WHERE number = OLD.key_number; END;
CREATE TRIGGER entries_deleted AFTER DELETE ON entries
BEGIN UPDATE keys SET used = 0, key = zeroblob(32) WHERE number = OLD.key_number; END;
CREATE TRIGGER entries_changed AFTER UPDATE OF key_number ON entries
BEGIN UPDATE keys SET used = 0, key = zeroblob(32) WHERE number = OLD.key_number; END;
