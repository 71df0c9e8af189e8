-- Sessions end when they are not used for a while; a changed password ends its user's sessions.

-- Moved on now and then, not with every request. A constant default rewrites no table: sessions
-- that were there count as used now.
ALTER TABLE account_sessions ADD COLUMN used_at timestamptz NOT NULL DEFAULT now();

-- Counts the changes of the password by its owner. A sign-in that checked the one before starts no
-- session; the same password hashed anew does not count.
ALTER TABLE account_users ADD COLUMN password_changes bigint NOT NULL DEFAULT 0;
