/// Who asked for what, how often, and how it went: counted on the event loops, kept in PostgreSQL
/// by the minute and by the hour.
///
/// The way of a count, which is the order to read in: [Tally] on its event loop, [Pending] in the
/// process, [UsageSql] in the database, and [Question], [ReportSql] and [Report] back to whoever
/// asks. [Usage] is all of them, running; only it, its settings, the question and the report are
/// seen from outside.
@NullMarked
package dev.gatehouse.edge.usage;

import org.jspecify.annotations.NullMarked;
