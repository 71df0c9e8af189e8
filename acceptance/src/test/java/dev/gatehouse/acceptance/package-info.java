/// The packaged program held to its contracts from outside: one class a promise or a section of
/// them.
///
/// Nothing of the program is on the class path. What these tests know is the launcher, ports, bytes
/// and exit codes. One assembly ([Shared]) serves every class that leaves it as it was; a class
/// that kills something starts its own.
@NullMarked
package dev.gatehouse.acceptance;

import org.jspecify.annotations.NullMarked;
