package dev.gatehouse.edge;

/// Hears of every exchange when it is over, on its event loop.
@FunctionalInterface
public interface Records {
  void accept(ExchangeRecord done);

  /// Who hears of the exchanges of one route; asked once for each when a configuration comes into
  /// force, so that whoever keeps something per route need not look it up per request. Names that
  /// no route has: `gatehouse` for what the edge answers itself, `-` where nothing matched.
  default Records of(String route) {
    return this;
  }
}
