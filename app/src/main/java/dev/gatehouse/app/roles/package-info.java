/// What one process of an assembly does: `gatehouse run storage`, `counters`, `worker` or `edge`.
///
/// A role opens the database, builds its service, serves it and drains it. It does not care whether
/// a supervisor started it (then its orders come through its standard input) or a container.
@NullMarked
package dev.gatehouse.app.roles;

import org.jspecify.annotations.NullMarked;
