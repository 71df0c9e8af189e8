#!/bin/sh
# Makes the role and the database that Gatehouse uses: one that owns its database and nothing else. Waits for the server.
set -eu

until said=$(psql -Xqc "" 2>&1); do
  echo "waiting for PostgreSQL: $said"
  sleep 0.5
done

psql -Xq -v ON_ERROR_STOP=1 -v password="$DATABASE_PASSWORD" <<'SQL'
SELECT 'CREATE ROLE gatehouse LOGIN'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'gatehouse') \gexec
-- A password that is new in .env counts from now on.
SELECT format('ALTER ROLE gatehouse PASSWORD %L', :'password') \gexec
SELECT 'CREATE DATABASE gatehouse OWNER gatehouse'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'gatehouse') \gexec
REVOKE ALL ON DATABASE gatehouse FROM PUBLIC;
SQL
echo "the role and the database are there"
