/// The asker: data come in by a form, wait in the queue, are processed by worker processes, and the
/// first one processed is the answer for ever.
///
/// What may come in: what MultiVAC's users see ([dev.gatehouse.multivac.Multivac], the HTTP side)
/// and what its jobs do ([dev.gatehouse.multivac.MultivacWorker], in a process of its own). The
/// queue itself is `dev.gatehouse.jobs`.
@NullMarked
package dev.gatehouse.multivac;

import org.jspecify.annotations.NullMarked;
