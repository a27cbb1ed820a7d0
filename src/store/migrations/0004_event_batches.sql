-- Recorded events as they are written: many at once, and not a row for each. `body` has a line for each event:
-- [session, at, effect, kind, text, message id, sent, truncated, url, title], where `session` is a row of event_sessions, `at` is when
-- it was evaluated, in milliseconds since 1970, and `sent` the provider's own time. `first_at` and `last_at` are the least and the
-- greatest `at`. A batch's `span` is not less than those of the batches before it.
CREATE TABLE event_batches (
    id       INTEGER PRIMARY KEY,
    span     INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at  INTEGER NOT NULL,
    events   INTEGER NOT NULL,
    bytes    INTEGER NOT NULL GENERATED ALWAYS AS (100 + length(CAST(body AS BLOB))) STORED,
    body     TEXT NOT NULL
) STRICT;

-- A session's `span` is not less than those of the batches that have events of it: one whose span is less than that of the oldest
-- batch has no events left.
ALTER TABLE event_sessions ADD COLUMN span INTEGER NOT NULL DEFAULT 0;
ALTER TABLE event_sessions ADD COLUMN bytes INTEGER NOT NULL GENERATED ALWAYS AS (
    100 + length(CAST(session_id AS BLOB)) + ifnull(length(CAST(agent AS BLOB)), 0) + ifnull(length(CAST(goal AS BLOB)), 0)
) VIRTUAL;

-- What there is becomes batches of about 64 KiB and ten minutes, each in the place of its events, so that the file does not grow. Its
-- first event's id is a batch's span, and its last one's its own id.
PRAGMA secure_delete = ON;

UPDATE event_sessions SET span = ifnull((SELECT max(id) FROM events WHERE session = event_sessions.id), 0);
DROP INDEX events_session;

CREATE TABLE event_parts AS
    WITH marked AS (
        SELECT id, at, bytes, at / 600000 <> lag(at / 600000, 1, -1) OVER (ORDER BY id) AS turned FROM events
    ),
    numbered AS (
        SELECT id, at, sum(turned) OVER (ORDER BY id) AS time, sum(bytes) OVER (ORDER BY id) / 65536 AS size FROM marked
    )
    SELECT min(id) AS first, max(id) AS last, min(at) AS first_at, max(at) AS last_at, count(*) AS events
    FROM numbered GROUP BY time, size;

CREATE TRIGGER event_parts_become_batches AFTER DELETE ON event_parts
BEGIN
    INSERT INTO event_batches (id, span, first_at, last_at, events, body)
    SELECT old.last, old.first, old.first_at, old.last_at, old.events, group_concat(
        json_array(session, at, effect, kind, text, message_id, sent, json(iif(truncated, 'true', 'false')), url, title) || char(10),
        '' ORDER BY id
    ) FROM events WHERE id BETWEEN old.first AND old.last;
    DELETE FROM events WHERE id BETWEEN old.first AND old.last;
END;

DELETE FROM event_parts;
DROP TABLE event_parts;
DROP TABLE events;
PRAGMA secure_delete = OFF;

-- The total keeps itself.
UPDATE event_totals SET bytes =
    (SELECT ifnull(sum(bytes), 0) FROM event_batches) + (SELECT ifnull(sum(bytes), 0) FROM event_sessions);

CREATE INDEX event_sessions_span ON event_sessions (span);

CREATE TRIGGER event_batches_count AFTER INSERT ON event_batches
BEGIN UPDATE event_totals SET bytes = bytes + new.bytes; END;

CREATE TRIGGER event_batches_count_less AFTER DELETE ON event_batches
BEGIN UPDATE event_totals SET bytes = bytes - old.bytes; END;

CREATE TRIGGER event_sessions_count AFTER INSERT ON event_sessions
BEGIN UPDATE event_totals SET bytes = bytes + new.bytes; END;

CREATE TRIGGER event_sessions_count_anew AFTER UPDATE OF agent, goal ON event_sessions
BEGIN UPDATE event_totals SET bytes = bytes + new.bytes - old.bytes; END;

CREATE TRIGGER event_sessions_count_less AFTER DELETE ON event_sessions
BEGIN UPDATE event_totals SET bytes = bytes - old.bytes; END;
