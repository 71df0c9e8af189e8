/// Postgres for every service: the way to it, its schema, and the server we bring along.
///
/// [Database] is a connection pool that outlives its server's absences, [Migrations] brings the
/// schema of all modules up to date, and [EmbeddedPostgres] runs a server of our own where nobody
/// names one. Nothing here knows what a service stores: each keeps its tables, its SQL and its
/// migrations (`db/migration` on its class path) to itself.
@NullMarked
package dev.gatehouse.state;

import org.jspecify.annotations.NullMarked;
