-- Whether everything is stopped is what the newest of these entries says: found without reading the whole journal.
CREATE INDEX journal_halts ON journal (seq) WHERE entry IN ('halted', 'halt_ended');
