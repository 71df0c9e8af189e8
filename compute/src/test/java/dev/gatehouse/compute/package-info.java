/// Holds compute to its contract, with real threads and real processes.
@NullMarked
package dev.gatehouse.compute;

import org.jspecify.annotations.NullMarked;
