-- Users, their sessions and the browsers they have signed in with.

CREATE TABLE account_users (
  id         uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
  email      text        NOT NULL,                 -- as it was given
  email_key  text        NOT NULL UNIQUE,          -- what emails are compared by
  password   text        NOT NULL,                 -- a PHC string, Argon2id
  created_at timestamptz NOT NULL DEFAULT now()
);

-- Only the SHA-256 of a token is kept: who reads this table can sign in as nobody.
CREATE TABLE account_sessions (
  token_hash bytea       PRIMARY KEY,
  user_id    uuid        NOT NULL REFERENCES account_users ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL
);
CREATE INDEX account_sessions_by_user ON account_sessions (user_id);
CREATE INDEX account_sessions_by_expiry ON account_sessions (expires_at);

-- One browser may know several users, each in a row of its own.
CREATE TABLE account_devices (
  token_hash bytea       NOT NULL,
  user_id    uuid        NOT NULL REFERENCES account_users ON DELETE CASCADE,
  used_at    timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (token_hash, user_id)
);
CREATE INDEX account_devices_by_user ON account_devices (user_id, used_at);
CREATE INDEX account_devices_by_expiry ON account_devices (expires_at);
