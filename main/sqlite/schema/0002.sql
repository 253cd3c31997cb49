-- What is searched: the words of messages, block by block, each block sealed under a key of its own as every value is.
-- Not FTS5: tried, with its option secure-delete: of 28,710 words that had been deleted, 363 were still in the file,
-- because SQLite leaves copies behind when it moves rows (0001.sql). A block is read and matched whole.
CREATE TABLE words (
  conversation TEXT NOT NULL,
  -- The first position in it; it ends before the next one's.
  first        INTEGER NOT NULL,
  -- The newest time in it.
  at           INTEGER NOT NULL,
  key_number   INTEGER NOT NULL,
  sealed       BLOB NOT NULL,
  PRIMARY KEY (conversation, first)
) STRICT;
CREATE INDEX words_by_time ON words (at);

CREATE TRIGGER words_deleted AFTER DELETE ON words
BEGIN UPDATE keys SET used = 0, key = zeroblob(32) WHERE number = OLD.key_number; END;
CREATE TRIGGER words_changed AFTER UPDATE OF key_number ON words
BEGIN UPDATE keys SET used = 0, key = zeroblob(32) WHERE number = OLD.key_number; END;
