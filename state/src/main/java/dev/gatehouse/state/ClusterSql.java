package dev.gatehouse.state;

/// What is said to a new cluster before anybody can connect to it.
final class ClusterSql {
  private ClusterSql() {}

  /// One statement a line, as the server without a socket reads them. The passwords are of base64's
  /// URL alphabet, so they need no quoting.
  ///
  /// Concurrency: none, this server has a single session.
  static String setup(Passwords passwords) {
    return """
    ALTER ROLE %s PASSWORD '%s';
    CREATE ROLE %s LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD '%s';
    CREATE DATABASE %s OWNER %s;
    REVOKE ALL ON DATABASE %s FROM PUBLIC;
    """
        .formatted(
            Cluster.SUPERUSER,
            passwords.superuser(),
            Cluster.ROLE,
            passwords.application(),
            Cluster.DATABASE,
            Cluster.ROLE,
            Cluster.DATABASE);
  }
}
