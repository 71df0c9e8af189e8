/// The counter service: increments are added up in memory and written behind to Postgres, exactly
/// once.
///
/// What may come in is what an increment meets on its way: the window that takes it ([Pending]),
/// the flush that adds windows to the totals ([FlushWindows]), the ledger that makes a repeated
/// flush change nothing ([CounterSql]), and the routes. The journal that makes an acknowledged
/// increment survive a crash stands between the route and [Pending#add] when it comes; batches and
/// idempotency keys enter at the same door. Only [Counters] and [CounterSettings] are seen from
/// outside.
@NullMarked
package dev.gatehouse.counters;

import org.jspecify.annotations.NullMarked;
