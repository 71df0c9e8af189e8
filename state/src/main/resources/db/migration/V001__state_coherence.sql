-- What was changed, by which transaction: how a replica learns of a write that nobody told it of.
-- Logged, like the leases: after a crash of the server a replica may still hold what it cached, and
-- a writer must know that it has to wait for it.
CREATE TABLE state_changes (
  xid     xid8 NOT NULL DEFAULT pg_current_xact_id(),
  space   text NOT NULL,
  key     text NOT NULL,
  version bigint NOT NULL
);

CREATE INDEX state_changes_by_xid ON state_changes (xid);

-- Who may answer from a cache. `counter` grows with every renewal; `seen` is a snapshot whose
-- visible changes the replica has applied.
CREATE TABLE state_leases (
  replica  uuid PRIMARY KEY,
  name     text NOT NULL,
  address  text NOT NULL,
  lasts_ms integer NOT NULL,
  counter  bigint NOT NULL,
  seen     pg_snapshot NOT NULL
) WITH (fillfactor = 50);

-- Notes a change inside the transaction that makes it, and says which transaction that is. A
-- function and not a statement, so that any module can note a change within its own single
-- statement and save the round trips of an explicit transaction.
CREATE FUNCTION state_note(changed_space text, changed_key text, changed_version bigint)
RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  INSERT INTO state_changes (space, key, version)
  VALUES (changed_space, changed_key, changed_version);
  RETURN pg_current_xact_id()::text::bigint;
END
$$;
