/// How this program logs: INFO and above, to standard error, readable on a terminal and as JSON
/// lines otherwise.
@NullMarked
package dev.gatehouse.app.logs;

import org.jspecify.annotations.NullMarked;
