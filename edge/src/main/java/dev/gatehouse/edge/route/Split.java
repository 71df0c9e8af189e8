package dev.gatehouse.edge.route;

import java.util.List;
import java.util.stream.Collectors;

/// Requests of one route, shared out among several destinations by weight: a canary and the rest.
///
/// @param sticky how a request's share is found
public record Split(List<Share> shares, Sticky sticky) {
  /// One destination and its weight; the sum of all weights is the whole.
  public record Share(Route.Destination to, int weight) {}

  /// What decides which share a request falls into.
  public enum Sticky {
    /// Chance, for every request anew.
    NONE,
    /// The client's address: a client stays where it is, as long as the weights stay.
    CLIENT
  }

  public Split {
    shares = List.copyOf(shares);
    if (shares.stream().mapToInt(Share::weight).sum() <= 0) {
      throw new IllegalArgumentException("at least one weight must be more than 0");
    }
  }

  /// All weights together.
  public int whole() {
    int whole = 0;
    for (var share : shares) {
      whole += share.weight();
    }
    return whole;
  }

  /// The index of the share in which a number from 0 to below [#whole] lies. Shares lie in order,
  /// so one that grows at the expense of its neighbour keeps whom it had.
  public int pick(int drawn) {
    int left = drawn;
    for (int i = 0; i < shares.size(); i++) {
      left -= shares.get(i).weight();
      if (left < 0) {
        return i;
      }
    }
    throw new IllegalArgumentException(drawn + " is not below " + whole());
  }

  /// The number of a client: always the same, and spread evenly over all clients.
  public int number(String client) {
    // The finalizer of MurmurHash3: neighbouring addresses differ in few bits of their hash.
    int hash = client.hashCode();
    hash = (hash ^ (hash >>> 16)) * 0x85ebca6b;
    hash = (hash ^ (hash >>> 13)) * 0xc2b2ae35;
    return Math.floorMod(hash ^ (hash >>> 16), whole());
  }

  @Override
  public String toString() {
    return shares.stream()
        .map(share -> share.to().name() + " " + share.weight())
        .collect(Collectors.joining(", "));
  }
}
