/// A journal of one process: what was acknowledged and is not in Postgres yet, in files that
/// survive the process.
///
/// [JournalHome] is the locked directory, [Journal] appends records to preallocated, memory-mapped
/// segments and replays them, [GroupCommit] waits for the disk where that was asked for. What may
/// come in is what any journal needs; what the records mean is their owner's business, except that
/// each belongs to an *epoch*, a number by which the owner says up to where it needs them no more.
@NullMarked
package dev.gatehouse.state.journal;

import org.jspecify.annotations.NullMarked;
