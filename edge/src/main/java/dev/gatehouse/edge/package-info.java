/// The gateway: from a request's head to its answer, on one event loop.
///
/// Read the rooms in the order a request walks them: the server in `http` listens, `route` finds
/// where it goes, `filter` decides whether it may, `upstream` carries it there and back. [Gateway]
/// is the door; [EdgeHandler] is the walk. The edge knows services only as a table of routes in
/// this process or a list of replicas elsewhere.
@NullMarked
package dev.gatehouse.edge;

import org.jspecify.annotations.NullMarked;
