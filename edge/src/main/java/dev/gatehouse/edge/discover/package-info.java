/// Finds replicas by DNS, again and again.
///
/// [Names] asks one question and reads the answer; [Discovery] knows when to ask, and what to do
/// while nobody answers. What they find goes to the gateway, which swaps the list of an upstream.
@NullMarked
package dev.gatehouse.edge.discover;

import org.jspecify.annotations.NullMarked;
