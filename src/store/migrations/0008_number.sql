-- Earlier calls of a number are asked for while it rings.

CREATE INDEX incident_e164 ON incident (caller_e164, received_at);
CREATE INDEX incident_raw ON incident (caller_raw, received_at);
