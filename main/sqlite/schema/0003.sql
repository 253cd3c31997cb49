-- Attachments: by the hash of their bytes, in pieces that are each sealed under a key of their own, as every value is
-- (0001.sql). One that several entries name is kept once.
CREATE TABLE attachments (
  number INTEGER PRIMARY KEY,
  hash   TEXT NOT NULL UNIQUE,
  -- In bytes; it has size / 262144 pieces, rounded up, and at least one.
  size   INTEGER NOT NULL
) STRICT;

CREATE TABLE blobs (
  attachment INTEGER NOT NULL REFERENCES attachments (number) ON DELETE CASCADE,
  piece      INTEGER NOT NULL,
  key_number INTEGER NOT NULL,
  sealed     BLOB NOT NULL,
  PRIMARY KEY (attachment, piece)
) STRICT;

-- Which entries name which attachments, whether these are here or not.
CREATE TABLE named (
  entry TEXT NOT NULL,
  hash  TEXT NOT NULL,
  PRIMARY KEY (entry, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX named_by_hash ON named (hash);

CREATE TRIGGER blobs_deleted AFTER DELETE ON blobs
BEGIN UPDATE keys SET used = 0, key = zeroblob(32) WHERE number = OLD.key_number; END;
CREATE TRIGGER blobs_changed AFTER UPDATE OF key_number ON blobs
BEGIN UPDATE keys SET used = 0, key = zeroblob(32) WHERE number = OLD.key_number; END;

-- The names go with their entry, and an attachment with the last entry that names it.
CREATE TRIGGER entries_named AFTER DELETE ON entries
BEGIN DELETE FROM named WHERE entry = OLD.id; END;
CREATE TRIGGER named_deleted AFTER DELETE ON named
WHEN NOT EXISTS (SELECT 1 FROM named WHERE hash = OLD.hash)
BEGIN DELETE FROM attachments WHERE hash = OLD.hash; END;
