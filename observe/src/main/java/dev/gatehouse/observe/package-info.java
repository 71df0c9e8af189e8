/// The eyes: metrics of this process, and the admin port with its door.
///
/// [Metrics] is written to by whoever handles requests and read by Prometheus. [AdminDoor] lets in
/// probes, scrapers and whoever holds the admin token; [AdminRoutes] is what they find. What they
/// show comes in as suppliers, so that nothing here knows the edge or a service.
@NullMarked
package dev.gatehouse.observe;

import org.jspecify.annotations.NullMarked;
