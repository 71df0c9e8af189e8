/// Runs processes: one per replica, restarted when they end, stopped in order, told by hand through
/// a socket in the data directory.
///
/// It knows nothing of what a replica does: a child gets settings and messages as JSON lines on its
/// standard input, answers with events as JSON lines on its standard output, and takes the end of
/// its input as the end of the assembly.
@NullMarked
package dev.gatehouse.app.supervisor;

import org.jspecify.annotations.NullMarked;
