-- What people write of an incident: every step as the journal has it, and the form as it stands.

ALTER TABLE incident ADD COLUMN origin TEXT NOT NULL DEFAULT 'call';  -- any other: a record without a call

CREATE TABLE record_step (
    incident    TEXT    NOT NULL,
    seq         INTEGER NOT NULL,
    entry       TEXT    NOT NULL,      -- the entry as JSON
    PRIMARY KEY (incident, seq)
) STRICT;

CREATE TABLE form (                    -- made anew from the steps at each of them
    incident            TEXT PRIMARY KEY,
    version             INTEGER NOT NULL,
    state               TEXT    NOT NULL,   -- open, closed or merged
    changed_at          INTEGER NOT NULL,
    changed_by          TEXT    NOT NULL,
    closed_at           INTEGER,
    closed_by           TEXT,
    merged_into         TEXT,
    caller_name         TEXT,
    caller_number       TEXT,
    category            TEXT,
    sub_category        TEXT,
    text                TEXT,
    address             TEXT,
    desa                TEXT,
    kecamatan           TEXT,
    landmark            TEXT,
    latitude            TEXT,
    longitude           TEXT,
    victims_dead        INTEGER,
    victims_severe      INTEGER,
    victims_minor       INTEGER,
    victims_missing     INTEGER,
    victims_displaced   INTEGER,
    disposition         TEXT,
    field_report        TEXT,
    result              TEXT,
    agencies            TEXT               -- all notices in one text, for lists
) STRICT;
CREATE INDEX form_merged ON form (merged_into);

CREATE TABLE agency_notice (           -- an agency that was told of an incident, and how far it has come
    incident    TEXT    NOT NULL,
    agency      TEXT    NOT NULL,
    notified_at INTEGER,
    accepted_at INTEGER,
    arrived_at  INTEGER,
    done_at     INTEGER,
    note        TEXT,
    PRIMARY KEY (incident, agency)
) STRICT;
