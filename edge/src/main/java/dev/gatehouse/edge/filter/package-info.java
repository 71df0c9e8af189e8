/// One step around the destination each: a filter proceeds, answers, or waits, and never blocks the
/// event loop.
@NullMarked
package dev.gatehouse.edge.filter;

import org.jspecify.annotations.NullMarked;
