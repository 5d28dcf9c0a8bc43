-- A recording may have several files: a further one after each failure.

CREATE TABLE recording_file (
    call    TEXT    NOT NULL,
    part    INTEGER NOT NULL,          -- 1 and up, in their order
    file    TEXT    NOT NULL,          -- empty while none could be made
    state   TEXT    NOT NULL,          -- recording, sealed, failed or deleted
    sha256  TEXT,
    millis  INTEGER,
    bytes   INTEGER,
    held    INTEGER NOT NULL DEFAULT 0, -- 1 while nobody may delete it
    missed  INTEGER,                   -- milliseconds of the call before it that are in no file
    sealed_at INTEGER,
    why     TEXT,                      -- why it broke off or was deleted
    PRIMARY KEY (call, part)
) STRICT;
CREATE INDEX recording_sealed ON recording_file (sealed_at) WHERE state = 'sealed';

INSERT INTO recording_file (call, part, file, state, sha256, millis, bytes, why)
    SELECT call, 1, file, state, sha256, millis, bytes, why FROM recording;
UPDATE recording_file SET sealed_at =
    coalesce((SELECT ended_at FROM incident WHERE incident.call = recording_file.call), 0)
    WHERE state = 'sealed';

DROP TABLE recording;
ALTER TABLE recording_file RENAME TO recording;
