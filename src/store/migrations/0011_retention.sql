-- What is held, what was erased, and who looked at what.

ALTER TABLE incident ADD COLUMN record_erased_at INTEGER; -- what was personal in it is gone since
ALTER TABLE incident ADD COLUMN trace_erased_at INTEGER;  -- its SIP messages are gone since

CREATE TABLE hold (                    -- incidents that must be kept whatever their age
    incident TEXT   PRIMARY KEY,
    at      INTEGER NOT NULL,
    by      TEXT    NOT NULL,
    why     TEXT    NOT NULL,
    until   INTEGER                    -- none: until somebody takes it back
) STRICT;

CREATE TABLE retention (               -- what each round of deletion did
    node    INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    audio   INTEGER NOT NULL,
    audio_bytes INTEGER NOT NULL,
    records INTEGER NOT NULL,
    traces  INTEGER NOT NULL,
    held    INTEGER NOT NULL,
    failed  INTEGER NOT NULL,
    PRIMARY KEY (node, seq)
) STRICT;

CREATE TABLE access (                  -- who looked at what, and why
    node    INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    by      TEXT    NOT NULL,
    what    TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    reason  TEXT    NOT NULL,
    PRIMARY KEY (node, seq)
) STRICT;
CREATE INDEX access_at ON access (at);
CREATE INDEX access_subject ON access (subject);
