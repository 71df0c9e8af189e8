-- A key itself is never stored. It is 256 random bits, so one round of SHA-256 is enough; it is written in hex.
CREATE TABLE edge_api_keys (
  id uuid PRIMARY KEY,
  hash text NOT NULL UNIQUE,
  name text NOT NULL,
  plan text,
  created_at timestamptz NOT NULL DEFAULT now(),
  used_at timestamptz,
  revoked_at timestamptz
);

CREATE UNIQUE INDEX edge_api_keys_live_names ON edge_api_keys (name) WHERE revoked_at IS NULL;
