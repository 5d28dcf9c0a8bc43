-- Where callers are: what was told beside the INVITE or after it, and the best of all that is known.

ALTER TABLE incident ADD COLUMN place TEXT;     -- as JSON
ALTER TABLE incident ADD COLUMN cell TEXT;      -- 510-10-1a2b-c3d4e5
CREATE INDEX incident_cell ON incident (cell);

CREATE TABLE location (
    node    INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    id      TEXT    NOT NULL,          -- of the report: the same when its call came later
    call    TEXT,
    at      INTEGER NOT NULL,
    report  TEXT    NOT NULL           -- as JSON
) STRICT;
CREATE INDEX location_id ON location (id);
CREATE INDEX location_call ON location (call, node, seq);
