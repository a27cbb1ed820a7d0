-- Events as they were evaluated, for trying other rules on them. Not part of the chain: old ones are deleted.
CREATE TABLE event_sessions (
    id         INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL UNIQUE,
    agent      TEXT,
    goal       TEXT
) STRICT;

-- `at` is when it was evaluated, in milliseconds since 1970; `sent` the provider's own time. `bytes` is what it counts for.
CREATE TABLE events (
    id         INTEGER PRIMARY KEY,
    at         INTEGER NOT NULL,
    session    INTEGER NOT NULL REFERENCES event_sessions (id),
    bytes      INTEGER NOT NULL,
    effect     TEXT NOT NULL,
    kind       TEXT NOT NULL,
    message_id INTEGER,
    sent       TEXT,
    truncated  INTEGER NOT NULL,
    url        TEXT,
    title      TEXT,
    text       TEXT NOT NULL
) STRICT;

CREATE INDEX events_session ON events (session);

-- One row: what all events count for together.
CREATE TABLE event_totals (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    bytes INTEGER NOT NULL
) STRICT;

INSERT INTO event_totals (id, bytes) VALUES (1, 0);
