/// How often who may come in: limits, compiled so that a request meets only those that concern it,
/// and the buckets that count for them.
///
/// [Limit] is what somebody wrote down; [Rules] is all of them made ready; [Buckets] holds the
/// state of every key in bounded memory. [Limits] is the door, [LimitRequests] the filter. What an
/// edge knows of the others comes through [Exchange], which is the only class here that waits for
/// Postgres, on a thread of its own; no request ever does.
@NullMarked
package dev.gatehouse.edge.limit;

import org.jspecify.annotations.NullMarked;
