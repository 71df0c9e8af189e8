package dev.gatehouse.edge.limit;

import dev.gatehouse.edge.filter.Visit;
import dev.gatehouse.edge.route.Identity;
import dev.gatehouse.http.RequestHead;
import java.util.Optional;

/// A request as limits see it. What they decide is a function of this and of what was counted.
///
/// @param high the first 64 bits of the client's address, see [AddressBlock]
/// @param low the last 64 bits
/// @param head as the client sent it
/// @param route the name of the route that takes it
/// @param user who is signed in, where that is known
/// @param plan the plan that this user is on, where that is known
public record Subject(
    long high,
    long low,
    RequestHead head,
    String route,
    Optional<String> user,
    Optional<String> plan) {

  static Subject of(Visit visit) {
    var address = visit.client().getAddress();
    boolean known = address != null;
    return new Subject(
        known ? AddressBlock.high(address) : 0,
        known ? AddressBlock.low(address) : 0,
        visit.exchange().head(),
        visit.route().name(),
        visit.user(),
        visit.identity().flatMap(Identity::plan));
  }
}
