/// Bytes to messages and back, on Netty: the server, the client pools, and what a service is made
/// of.
///
/// A service is a [Routes] table of [Handler]s (blocking Java on virtual threads) or
/// [InlineHandler]s (on the event loop, never blocking). The same table is served by an
/// [HttpServer] in a process of its own or called directly by the edge. The edge alone speaks the
/// streaming side, [Exchange] and [Origin]. Nothing here knows a database, a route of the edge or a
/// particular service.
@NullMarked
package dev.gatehouse.http;

import org.jspecify.annotations.NullMarked;
