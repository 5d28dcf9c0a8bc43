-- Which incidents a hold covers, and calls that seats dialled, so that they are deleted by rule as well.

CREATE TABLE hold_cover (
    hold     TEXT NOT NULL,            -- the incident that it was said of
    incident TEXT NOT NULL,
    PRIMARY KEY (hold, incident)
) STRICT, WITHOUT ROWID;
CREATE INDEX hold_cover_incident ON hold_cover (incident);
-- Of holds from before: the incident, what is part of it, and what it is part of.
INSERT INTO hold_cover (hold, incident)
    SELECT incident, incident FROM hold
    UNION SELECT hold.incident, form.incident FROM hold JOIN form ON form.merged_into = hold.incident
    UNION SELECT hold.incident, form.merged_into FROM hold JOIN form ON form.incident = hold.incident
        WHERE form.merged_into IS NOT NULL
    UNION SELECT hold.incident, other.incident FROM hold JOIN form ON form.incident = hold.incident
        JOIN form AS other ON other.merged_into = form.merged_into;

CREATE TABLE seat_call (               -- a call that a seat dialled, or that was made for it
    call    TEXT    PRIMARY KEY,
    node    INTEGER NOT NULL,
    during  TEXT,                      -- the emergency call that it belonged to
    record_erased_at INTEGER,
    trace_erased_at  INTEGER
) STRICT;
--! sqlite
INSERT INTO seat_call (call, node, during)
    SELECT json_extract(entry, '$.call'), min(node), max(json_extract(entry, '$.during')) FROM step
    WHERE json_extract(entry, '$.fact') = 'seat-dialled' GROUP BY 1;
--! postgres
INSERT INTO seat_call (call, node, during)
    SELECT entry::json ->> 'call', min(node), max(entry::json ->> 'during') FROM step
    WHERE entry::json ->> 'fact' = 'seat-dialled' GROUP BY 1;
--! both
-- What is left of calls whose steps are erased by now.
INSERT INTO seat_call (call, node)
    SELECT work_attempt.attempt, min(work.node) FROM work_attempt JOIN work ON work.work = work_attempt.work
    WHERE work_attempt.attempt NOT IN (SELECT call FROM seat_call) GROUP BY 1;
INSERT INTO seat_call (call, node)
    SELECT call, min(node) FROM signal WHERE call NOT IN (SELECT call FROM incident)
    AND call NOT IN (SELECT call FROM seat_call) GROUP BY 1;
INSERT INTO seat_call (call, node)
    SELECT call, min(node) FROM recording WHERE call NOT IN (SELECT call FROM incident)
    AND call NOT IN (SELECT call FROM seat_call) GROUP BY 1;
