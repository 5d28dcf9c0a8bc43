-- Everything here can be built anew from the journal. Times are microseconds since 1970, UTC.

CREATE TABLE applied (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    seq     INTEGER NOT NULL,          -- last journal line that is in these tables
    link    TEXT    NOT NULL           -- its hash: another journal is noticed by it
) STRICT;
INSERT INTO applied (id, seq, link) VALUES (1, 0, '');

CREATE TABLE incident (
    call                TEXT PRIMARY KEY,
    id                  TEXT    NOT NULL,
    trunk               TEXT    NOT NULL,
    source              TEXT    NOT NULL,
    dialled             TEXT    NOT NULL,
    service             TEXT    NOT NULL,
    category            TEXT,
    kecamatan           TEXT,
    caller_raw          TEXT    NOT NULL,
    caller_e164         TEXT,
    queue               TEXT,
    rule                TEXT,
    priority            INTEGER,
    seat                TEXT,
    operator            TEXT,
    answer_mode         TEXT,
    received_at         INTEGER NOT NULL,
    queued_at           INTEGER,
    caller_answered_at  INTEGER,       -- 200 to the caller, when that was before a seat answered
    answered_at         INTEGER,
    ended_at            INTEGER,
    answer_ms           INTEGER,       -- from the INVITE to the answer
    duration_ms         INTEGER,       -- from the INVITE to the end
    stage               TEXT    NOT NULL,
    ended_by            TEXT,
    cause               TEXT,
    q850                INTEGER,
    outcome             TEXT,
    caller_packets      INTEGER,
    seat_packets        INTEGER,
    facts               TEXT    NOT NULL  -- the whole arrival as JSON
) STRICT;
CREATE INDEX incident_id ON incident (id);
CREATE INDEX incident_received ON incident (received_at);

CREATE TABLE offer (
    seq         INTEGER PRIMARY KEY,   -- of the entry that began it
    call        TEXT    NOT NULL,
    offer       INTEGER NOT NULL,
    seat        TEXT    NOT NULL,
    operator    TEXT,
    at          INTEGER NOT NULL,
    ended_at    INTEGER,
    outcome     TEXT,
    status      INTEGER
) STRICT;
CREATE INDEX offer_call ON offer (call);

CREATE TABLE step (
    seq     INTEGER PRIMARY KEY,
    call    TEXT    NOT NULL,
    entry   TEXT    NOT NULL           -- the entry as JSON; an arrival without what is in incident.facts
) STRICT;
CREATE INDEX step_call ON step (call);

CREATE TABLE recording (
    call    TEXT PRIMARY KEY,
    file    TEXT    NOT NULL,
    state   TEXT    NOT NULL,          -- recording, sealed or failed
    sha256  TEXT,
    millis  INTEGER,
    bytes   INTEGER,
    why     TEXT
) STRICT;
