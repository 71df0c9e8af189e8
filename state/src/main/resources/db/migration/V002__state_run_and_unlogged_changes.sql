-- Which run of the server this is: a crash empties what is unlogged, whether the server comes back by
-- itself, is started again, or a standby takes its place. Whoever finds no row begins a new run.
CREATE UNLOGGED TABLE state_run (
  one   boolean PRIMARY KEY DEFAULT true CHECK (one),
  id    uuid NOT NULL DEFAULT gen_random_uuid(),
  began timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Nobody reads changes from before a crash: whoever hears of another run forgets what it cached, and
-- writers wait until everyone must have. So the log of them goes with the run, and costs a write no
-- write-ahead log of an insertion and a deletion.
ALTER TABLE state_changes SET UNLOGGED;
