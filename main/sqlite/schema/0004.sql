-- What a backup has to look at again: the entries of a conversation by the thousand of their positions. `stamp` is
-- another one after each change, and never one that was there before, also not in a copy of this file. `size` is what is
-- sealed of them, in bytes.
CREATE TABLE segments (
  conversation TEXT NOT NULL,
  segment      INTEGER NOT NULL,
  stamp        BLOB NOT NULL,
  size         INTEGER NOT NULL,
  PRIMARY KEY (conversation, segment)
) STRICT, WITHOUT ROWID;

INSERT INTO segments (conversation, segment, stamp, size)
SELECT conversation, position / 1000, randomblob(8), sum(length(sealed)) FROM entries GROUP BY conversation, position / 1000;

CREATE TRIGGER segments_added AFTER INSERT ON entries
BEGIN
  INSERT INTO segments (conversation, segment, stamp, size)
  VALUES (NEW.conversation, NEW.position / 1000, randomblob(8), length(NEW.sealed))
  ON CONFLICT (conversation, segment) DO UPDATE SET stamp = excluded.stamp, size = size + excluded.size;
END;
CREATE TRIGGER segments_changed AFTER UPDATE ON entries
BEGIN
  UPDATE segments SET stamp = randomblob(8), size = size - length(OLD.sealed)
  WHERE conversation = OLD.conversation AND segment = OLD.position / 1000;
  INSERT INTO segments (conversation, segment, stamp, size)
  VALUES (NEW.conversation, NEW.position / 1000, randomblob(8), length(NEW.sealed))
  ON CONFLICT (conversation, segment) DO UPDATE SET stamp = excluded.stamp, size = size + excluded.size;
  DELETE FROM segments WHERE conversation = OLD.conversation AND segment = OLD.position / 1000 AND size <= 0;
END;
CREATE TRIGGER segments_removed AFTER DELETE ON entries
BEGIN
  UPDATE segments SET stamp = randomblob(8), size = size - length(OLD.sealed)
  WHERE conversation = OLD.conversation AND segment = OLD.position / 1000;
  DELETE FROM segments WHERE conversation = OLD.conversation AND segment = OLD.position / 1000 AND size <= 0;
END;
