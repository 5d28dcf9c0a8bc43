-- What the queue decided and people said: lanes, signs of life, marks, the work list.

ALTER TABLE incident ADD COLUMN lane TEXT NOT NULL DEFAULT 'usual';
ALTER TABLE incident ADD COLUMN lane_why TEXT;          -- of the lane it stands in, when one was said
ALTER TABLE incident ADD COLUMN wants TEXT;             -- skills that were asked for: mad:3 islands:2
ALTER TABLE incident ADD COLUMN heard TEXT;             -- voice, tap, noise, key: in the order heard
ALTER TABLE incident ADD COLUMN disposition TEXT;
ALTER TABLE incident ADD COLUMN disposed_by TEXT;
ALTER TABLE incident ADD COLUMN disposed_at INTEGER;

CREATE TABLE link (
    seq     INTEGER PRIMARY KEY,
    call    TEXT    NOT NULL,          -- the later call
    earlier TEXT    NOT NULL,
    why     TEXT    NOT NULL
) STRICT;
CREATE INDEX link_call ON link (call);
CREATE INDEX link_earlier ON link (earlier);

CREATE TABLE mark (                    -- the last one of each number; a row goes when it is taken back
    number  TEXT    PRIMARY KEY,
    call    TEXT    NOT NULL,          -- the call that it was set for
    at      INTEGER NOT NULL,
    until   INTEGER NOT NULL,
    by      TEXT    NOT NULL,
    times   INTEGER NOT NULL           -- set so often while it stood
) STRICT;

CREATE TABLE work (
    work        TEXT    PRIMARY KEY,
    call        TEXT    NOT NULL,      -- the first call that was lost
    incident    TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    number      TEXT,
    at          INTEGER NOT NULL,
    closed_at   INTEGER,
    why         TEXT,
    by_call     TEXT,                  -- the call that closed it
    by          TEXT
) STRICT;
CREATE INDEX work_open ON work (at) WHERE closed_at IS NULL;
CREATE INDEX work_at ON work (at);

CREATE TABLE work_call (               -- every lost call that an entry stands for
    call    TEXT NOT NULL,
    work    TEXT NOT NULL,
    PRIMARY KEY (call, work)
) STRICT, WITHOUT ROWID;

CREATE TABLE work_attempt (
    attempt     TEXT    PRIMARY KEY,   -- its call
    work        TEXT    NOT NULL,
    seat        TEXT    NOT NULL,
    by          TEXT    NOT NULL,
    at          INTEGER NOT NULL,
    ended_at    INTEGER,
    outcome     TEXT
) STRICT;
CREATE INDEX work_attempt_work ON work_attempt (work);

CREATE TABLE seat_log (                -- what a seat was by itself, for the time it was signed in
    seq     INTEGER PRIMARY KEY,
    seat    TEXT    NOT NULL,          -- empty: every seat, when the program started or stopped
    at      INTEGER NOT NULL,
    state   TEXT    NOT NULL
) STRICT;
CREATE INDEX seat_log_at ON seat_log (at);
CREATE INDEX seat_log_seat ON seat_log (seat, seq);
