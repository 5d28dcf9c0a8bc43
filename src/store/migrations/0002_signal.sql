-- The SIP messages of each call, in the order of `id`.

CREATE TABLE signal (
    id          INTEGER PRIMARY KEY,
    call        TEXT    NOT NULL,
    at          INTEGER NOT NULL,
    direction   TEXT    NOT NULL,      -- in or out; cut: no later message was kept
    peer        TEXT    NOT NULL,      -- the far end: trunk NAME, or the name of a seat
    transport   TEXT    NOT NULL,
    local       TEXT    NOT NULL,
    remote      TEXT    NOT NULL,
    message     BLOB    NOT NULL
) STRICT;
CREATE INDEX signal_call ON signal (call);
