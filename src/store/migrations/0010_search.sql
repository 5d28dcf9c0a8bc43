-- What records are found by: numbers from either end, places, and words that somebody wrote.
-- Lines after "--! NAME" are for that database, after "--! both" for both again.

CREATE TABLE number_key (
    key     TEXT    NOT NULL,          -- letters and digits of a number; "<" and the same backwards
    call    TEXT    NOT NULL,
    PRIMARY KEY (key, call)
) STRICT, WITHOUT ROWID;
-- Of calls from before, the beginnings only: SQL cannot turn a text round.
INSERT INTO number_key (key, call)
    SELECT DISTINCT substr(lower(replace(caller_e164, '+', '')), 1, 40), call FROM incident
    WHERE caller_e164 IS NOT NULL AND caller_e164 <> '';

-- What strangers send may be too long for an index of PostgreSQL.
DROP INDEX incident_raw;
CREATE INDEX incident_raw ON incident (substr(caller_raw, 1, 64), received_at);

-- Newest first within each value: a page is read without sorting.
CREATE INDEX incident_trunk ON incident (trunk, call);
CREATE INDEX incident_queue ON incident (queue, call);
CREATE INDEX incident_operator ON incident (operator, call);
CREATE INDEX incident_seat ON incident (seat, call);
CREATE INDEX incident_lane ON incident (lane, call);
CREATE INDEX incident_outcome ON incident (outcome, call);
CREATE INDEX incident_disposition ON incident (disposition, call);
CREATE INDEX incident_category ON incident (category, call);
CREATE INDEX incident_kecamatan ON incident (kecamatan, call);
CREATE INDEX offer_seat ON offer (seat, call);
CREATE INDEX form_kecamatan ON form (kecamatan);
CREATE INDEX form_desa ON form (lower(desa));

--! sqlite
CREATE TABLE words (
    nr          INTEGER PRIMARY KEY,
    incident    TEXT    NOT NULL UNIQUE,
    said        TEXT    NOT NULL DEFAULT '',   -- what came with its calls and in them
    form        TEXT    NOT NULL DEFAULT ''    -- what people wrote
) STRICT;
CREATE VIRTUAL TABLE words_index USING fts5 (
    said, form, content = 'words', content_rowid = 'nr', tokenize = 'unicode61 remove_diacritics 0'
);
-- What is deleted leaves nothing in the index.
INSERT INTO words_index (words_index, rank) VALUES ('secure-delete', 1);
CREATE TRIGGER words_new AFTER INSERT ON words BEGIN
    INSERT INTO words_index (rowid, said, form) VALUES (new.nr, new.said, new.form);
END;
CREATE TRIGGER words_gone AFTER DELETE ON words BEGIN
    INSERT INTO words_index (words_index, rowid, said, form)
        VALUES ('delete', old.nr, old.said, old.form);
END;
CREATE TRIGGER words_changed AFTER UPDATE ON words BEGIN
    INSERT INTO words_index (words_index, rowid, said, form)
        VALUES ('delete', old.nr, old.said, old.form);
    INSERT INTO words_index (rowid, said, form) VALUES (new.nr, new.said, new.form);
END;
--! postgres
CREATE TABLE words (
    incident    TEXT    PRIMARY KEY,
    said        TEXT    NOT NULL DEFAULT '',
    form        TEXT    NOT NULL DEFAULT '',
    found       TSVECTOR GENERATED ALWAYS AS (to_tsvector('simple', said || ' ' || form)) STORED
);
CREATE INDEX words_found ON words USING gin (found);
--! both
