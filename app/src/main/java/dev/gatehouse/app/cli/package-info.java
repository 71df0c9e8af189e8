/// The command line: what can be typed, what it prints, and with which code it ends.
///
/// 0: it went well; 1: one sentence on standard error says what did not; 2: the command line itself
/// is wrong.
@NullMarked
package dev.gatehouse.app.cli;

import org.jspecify.annotations.NullMarked;
