-- Whose file this is: "HOLD", so that another program's database is never taken for a store.
PRAGMA application_id = 0x484f4c44;

-- The journal is what happened, append-only and hash-chained; the other tables are projections of it.
CREATE TABLE journal (
    seq         INTEGER PRIMARY KEY,
    at          TEXT NOT NULL,
    entry       TEXT NOT NULL,
    session_id  TEXT,
    approval_id TEXT,
    body        TEXT NOT NULL,
    hash        TEXT NOT NULL
) STRICT;

CREATE TRIGGER journal_never_changes BEFORE UPDATE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;

CREATE TRIGGER journal_never_shrinks BEFORE DELETE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;

-- One row: the newest entry of the journal, so that a missing tail shows.
CREATE TABLE head (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    seq  INTEGER NOT NULL,
    hash TEXT NOT NULL
) STRICT;

-- Every approval as its newest entry left it. `kept` is all a restart needs, as JSON.
CREATE TABLE approvals (
    id         TEXT PRIMARY KEY,
    session_id TEXT NOT NULL,
    seq        INTEGER NOT NULL REFERENCES journal (seq),
    outcome    TEXT,
    delivery   TEXT,
    live       INTEGER NOT NULL,
    kept       TEXT NOT NULL
) STRICT;

CREATE INDEX approvals_live ON approvals (live) WHERE live = 1;

-- How far each session's events were evaluated.
CREATE TABLE cursors (
    session_id TEXT PRIMARY KEY,
    message_id INTEGER NOT NULL,
    at         TEXT NOT NULL
) STRICT;
