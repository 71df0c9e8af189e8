/// The program: from a command line to a running assembly.
///
/// `Main` is the door. `cli` reads the command line, `config` the file, `supervisor` runs
/// processes, `roles` is what one of those processes does. Everything else of Gatehouse knows
/// nothing of this room.
@NullMarked
package dev.gatehouse.app;

import org.jspecify.annotations.NullMarked;
