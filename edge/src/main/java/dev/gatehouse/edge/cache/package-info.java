/// Answers that are kept: a shared HTTP cache (RFC 9111, 5861, 9211, 9213).
///
/// The life of a lookup: [CachedRoute] is the door. [Lookup] takes the [Entry] under the request's
/// [Key], selects the answer whose [Vary] matches, and judges it by its [Freshness] and the
/// [CacheControl] of both sides. What may be given, [Serving] gives: whole, in part, or as a 304.
/// Else the origin is asked, with the [Conditions] of what is stored, by one request of those that
/// want the same ([Flights]). Its answer passes through a [Fill] to the client and, where it is
/// [Storable], into the [Cache]. What succeeded and was not safe makes answers obsolete
/// ([Invalidation]). [CacheStatus] says on every answer what was done.
@NullMarked
package dev.gatehouse.edge.cache;

import org.jspecify.annotations.NullMarked;
