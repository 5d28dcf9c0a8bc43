-- Who did what: a row for each line of the journal that somebody caused.

CREATE TABLE audit (
    node        INTEGER NOT NULL,
    seq         INTEGER NOT NULL,      -- line of that node's journal
    at          INTEGER NOT NULL,
    who         TEXT    NOT NULL,
    what        TEXT    NOT NULL,
    subject     TEXT    NOT NULL,
    PRIMARY KEY (node, seq)
) STRICT;

CREATE INDEX audit_at ON audit (at, node, seq);
CREATE INDEX audit_who ON audit (who, at);
CREATE INDEX audit_subject ON audit (subject, at);
