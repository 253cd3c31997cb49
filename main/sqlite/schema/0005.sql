-- When a message goes by itself, in milliseconds since 1970; most have none.
ALTER TABLE entries ADD COLUMN expires INTEGER;
CREATE INDEX entries_expires ON entries (expires) WHERE expires IS NOT NULL;
