/// Finds the route of a request: patterns over decoded path segments, host, listener and method;
/// the most specific wins.
@NullMarked
package dev.gatehouse.edge.route;

import org.jspecify.annotations.NullMarked;
