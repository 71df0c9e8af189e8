package dev.gatehouse.app.config;

/// Where state is kept: in the PostgreSQL that comes with Gatehouse, or in one that is given.
public sealed interface DatabaseChoice {
  /// The PostgreSQL that Gatehouse starts itself, with its files under `data`.
  record Embedded() implements DatabaseChoice {}

  /// @param url `postgres://user:password@host:port/database?parameters`; it may hold a password
  record Given(String url) implements DatabaseChoice {
    @Override
    public String toString() {
      return "Given[url=" + Secrets.mask(url) + "]";
    }
  }
}
