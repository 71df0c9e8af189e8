package dev.gatehouse.state;

/// Which database, with how many connections at most, and under which name this process shows in
/// `pg_stat_activity`.
///
/// `url` is `postgres://user:password@host:port/database?parameters`, as libpq takes it; several
/// hosts may stand with commas between them. It holds a password, so `toString` leaves that out.
public record DatabaseSettings(String url, int poolSize, String applicationName) {

  public DatabaseSettings {
    PostgresUrl.parse(url);
    if (poolSize < 1) {
      throw new IllegalArgumentException("A connection pool needs at least one connection.");
    }
  }

  @Override
  public String toString() {
    return "DatabaseSettings["
        + PostgresUrl.parse(url).shown()
        + ", poolSize="
        + poolSize
        + ", applicationName="
        + applicationName
        + "]";
  }
}
