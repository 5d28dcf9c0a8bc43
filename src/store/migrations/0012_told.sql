-- What came with a call stands beside what the form says, so that a field that is cleared goes back to
-- it, and so that a report that comes late does not stand over a person's word.
-- Lines after "--! NAME" are for that database, after "--! both" for both again.

ALTER TABLE incident ADD COLUMN told_category TEXT;      -- by the service URN
ALTER TABLE incident ADD COLUMN told_kecamatan TEXT;     -- by the INVITE
ALTER TABLE incident ADD COLUMN placed_kecamatan TEXT;   -- by the last report that named one

--! sqlite
UPDATE incident SET
    told_category = (SELECT json_extract(facts, '$.category') FROM arrival WHERE arrival.call = incident.call),
    told_kecamatan = (SELECT json_extract(facts, '$.kecamatan') FROM arrival WHERE arrival.call = incident.call),
    placed_kecamatan = CASE WHEN EXISTS (SELECT 1 FROM location WHERE location.call = incident.call)
        THEN json_extract(place, '$.kecamatan.code') END;
--! postgres
UPDATE incident SET
    told_category = (SELECT facts::json ->> 'category' FROM arrival WHERE arrival.call = incident.call),
    told_kecamatan = (SELECT facts::json ->> 'kecamatan' FROM arrival WHERE arrival.call = incident.call),
    placed_kecamatan = CASE WHEN EXISTS (SELECT 1 FROM location WHERE location.call = incident.call)
        THEN place::json #>> '{kecamatan,code}' END;
--! both
-- Of what was erased nothing came that could be told any more; the rest is mended.
UPDATE incident SET told_category = category, told_kecamatan = kecamatan
    WHERE record_erased_at IS NOT NULL;
UPDATE incident SET
    category = coalesce((SELECT form.category FROM form WHERE form.incident = incident.id), told_category),
    kecamatan = coalesce((SELECT form.kecamatan FROM form WHERE form.incident = incident.id),
                         placed_kecamatan, told_kecamatan);
UPDATE incident SET disposition = NULL, disposed_by = NULL, disposed_at = NULL
    WHERE EXISTS (SELECT 1 FROM form WHERE form.incident = incident.id AND form.disposition IS NULL)
    AND EXISTS (SELECT 1 FROM record_step WHERE record_step.incident = incident.id
                AND record_step.entry LIKE '%"disposition":null%');

-- Calls are found by the number in their form as well; of those from before, by its beginning only.
INSERT INTO number_key (key, call)
    SELECT DISTINCT substr(lower(replace(replace(replace(replace(form.caller_number,
        '+', ''), ' ', ''), '-', ''), '.', '')), 1, 40), incident.call
    FROM form JOIN incident ON incident.id = form.incident
    WHERE form.caller_number IS NOT NULL AND form.caller_number <> ''
    ON CONFLICT DO NOTHING;

-- A record's version is a time now.
UPDATE form SET version = changed_at;
