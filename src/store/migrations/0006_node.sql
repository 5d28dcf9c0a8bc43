-- Several nodes may share a database: what is numbered by the lines of a journal is numbered by node
-- and line. What an INVITE said stands beside its record, so that walking through many is cheap.

CREATE TABLE node (
    id      INTEGER PRIMARY KEY,
    name    TEXT    NOT NULL UNIQUE,   -- empty: made before nodes had names
    seq     INTEGER NOT NULL,          -- last line of its journal that is in these tables
    link    TEXT    NOT NULL           -- its hash: another journal is noticed by it
) STRICT;
INSERT INTO node (id, name, seq, link) SELECT 1, '', seq, link FROM applied;
DROP TABLE applied;

CREATE TABLE arrival (
    call    TEXT    PRIMARY KEY,
    facts   TEXT    NOT NULL           -- the whole arrival as JSON
) STRICT;
INSERT INTO arrival (call, facts) SELECT call, facts FROM incident;
ALTER TABLE incident DROP COLUMN facts;
ALTER TABLE incident ADD COLUMN node INTEGER NOT NULL DEFAULT 1;
ALTER TABLE recording ADD COLUMN node INTEGER NOT NULL DEFAULT 1;  -- whose disk has the file
ALTER TABLE work ADD COLUMN node INTEGER NOT NULL DEFAULT 1;       -- whose list it is on

CREATE TABLE offer_of (
    node        INTEGER NOT NULL,
    seq         INTEGER NOT NULL,      -- of the entry that began it
    call        TEXT    NOT NULL,
    offer       INTEGER NOT NULL,
    seat        TEXT    NOT NULL,
    operator    TEXT,
    at          INTEGER NOT NULL,
    ended_at    INTEGER,
    outcome     TEXT,
    status      INTEGER
) STRICT;
INSERT INTO offer_of (node, seq, call, offer, seat, operator, at, ended_at, outcome, status)
    SELECT 1, seq, call, offer, seat, operator, at, ended_at, outcome, status FROM offer;
DROP TABLE offer;
ALTER TABLE offer_of RENAME TO offer;
CREATE INDEX offer_call ON offer (call, node, seq);

CREATE TABLE step_of (
    node    INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    call    TEXT    NOT NULL,
    entry   TEXT    NOT NULL           -- the entry as JSON; an arrival without what is in arrival.facts
) STRICT;
INSERT INTO step_of (node, seq, call, entry) SELECT 1, seq, call, entry FROM step;
DROP TABLE step;
ALTER TABLE step_of RENAME TO step;
CREATE INDEX step_call ON step (call, node, seq);

CREATE TABLE signal_of (
    node        INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    part        INTEGER NOT NULL,      -- messages of one line, in their order
    call        TEXT    NOT NULL,
    at          INTEGER NOT NULL,
    direction   TEXT    NOT NULL,      -- in or out; cut: no later message was kept
    peer        TEXT    NOT NULL,      -- the far end: trunk NAME, or the name of a seat
    transport   TEXT    NOT NULL,
    local       TEXT    NOT NULL,
    remote      TEXT    NOT NULL,
    message     BLOB    NOT NULL
) STRICT;
INSERT INTO signal_of
    (node, seq, part, call, at, direction, peer, transport, local, remote, message)
    SELECT 1, id, 0, call, at, direction, peer, transport, local, remote, message FROM signal;
DROP TABLE signal;
ALTER TABLE signal_of RENAME TO signal;
CREATE INDEX signal_call ON signal (call, node, seq, part);

CREATE TABLE link_of (
    node    INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    call    TEXT    NOT NULL,          -- the later call
    earlier TEXT    NOT NULL,
    why     TEXT    NOT NULL
) STRICT;
INSERT INTO link_of (node, seq, call, earlier, why) SELECT 1, seq, call, earlier, why FROM link;
DROP TABLE link;
ALTER TABLE link_of RENAME TO link;
CREATE INDEX link_call ON link (call);
CREATE INDEX link_earlier ON link (earlier);

CREATE TABLE seat_log_of (             -- what a seat was by itself, for the time it was signed in
    node    INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    seat    TEXT    NOT NULL,          -- empty: every seat, when the program started or stopped
    at      INTEGER NOT NULL,
    state   TEXT    NOT NULL
) STRICT;
INSERT INTO seat_log_of (node, seq, seat, at, state) SELECT 1, seq, seat, at, state FROM seat_log;
DROP TABLE seat_log;
ALTER TABLE seat_log_of RENAME TO seat_log;
CREATE INDEX seat_log_at ON seat_log (at);
CREATE INDEX seat_log_seat ON seat_log (node, seat, seq);

CREATE TABLE record_step_of (
    incident    TEXT    NOT NULL,
    node        INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    at          INTEGER NOT NULL,      -- 0: made before nodes had names
    entry       TEXT    NOT NULL,      -- the entry as JSON
    PRIMARY KEY (incident, node, seq)
) STRICT;
INSERT INTO record_step_of (incident, node, seq, at, entry)
    SELECT incident, 1, seq, 0, entry FROM record_step;
DROP TABLE record_step;
ALTER TABLE record_step_of RENAME TO record_step;
