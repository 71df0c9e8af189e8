package dev.gatehouse.state;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.gatehouse.http.Problem;
import dev.gatehouse.http.Spans;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.jdbi.v3.core.ConnectionException;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.statement.StatementExceptions;
import org.jdbi.v3.core.statement.StatementExceptions.MessageRendering;
import org.postgresql.Driver;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The process's way to Postgres: a connection pool with Jdbi on top.
///
/// Opening never fails because Postgres is down, and a pool that lost its server finds it again by
/// itself. While the server cannot be reached, [#with] and [#inTransaction] throw a
/// [dev.gatehouse.http.Refusal] with status 503 (`database-unavailable`), which any service may let
/// pass to its client. Every other [SQLException] stays what it is, wrapped by Jdbi. After a 503
/// from [#inTransaction] the transaction may have been committed all the same: the connection can
/// be lost after COMMIT was sent.
public final class Database implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Database.class);
  private static final Duration CONNECTION_TIMEOUT = Duration.ofSeconds(3);
  private static final Duration IDLE_TIMEOUT = Duration.ofMinutes(1);
  private static final int CONNECT_TIMEOUT_SECONDS = 3;

  /// Longer than any statement a service runs; a server that vanished without a word is noticed.
  private static final int SOCKET_TIMEOUT_SECONDS = 30;

  private final PostgresUrl url;
  private final Properties connectionProperties;
  private final HikariDataSource pool;
  private final Jdbi jdbi;

  /// Whether the last that was heard of the server is that it cannot be reached.
  private final AtomicBoolean away = new AtomicBoolean();

  private Database(PostgresUrl url, Properties connectionProperties, HikariDataSource pool) {
    this.url = url;
    this.connectionProperties = connectionProperties;
    this.pool = pool;
    this.jdbi = discreet(Jdbi.create(pool));
  }

  /// Jdbi as we use it: failures do not name the arguments of a statement, which they do by default
  /// and would take into a log, and statements are spans of sampled traces.
  static Jdbi discreet(Jdbi jdbi) {
    jdbi.getConfig(StatementExceptions.class).setMessageRendering(MessageRendering.NONE);
    return jdbi.setSqlLogger(new SqlSpans());
  }

  public static Database open(DatabaseSettings settings) {
    var url = PostgresUrl.parse(settings.url());
    var properties = new Properties();
    properties.setProperty("ApplicationName", settings.applicationName());
    properties.setProperty("connectTimeout", Integer.toString(CONNECT_TIMEOUT_SECONDS));
    properties.setProperty("socketTimeout", Integer.toString(SOCKET_TIMEOUT_SECONDS));
    properties.setProperty("tcpKeepAlive", "true");
    // Saves a round trip a connection; 15 is the oldest server we run on.
    properties.setProperty("assumeMinServerVersion", "15");
    // The server's own details quote the values it did not like.
    properties.setProperty("logServerErrorDetail", "false");
    properties.putAll(url.properties());

    var config = new HikariConfig();
    config.setPoolName(settings.applicationName());
    config.setJdbcUrl(url.jdbc());
    config.setDriverClassName(Driver.class.getName());
    config.setDataSourceProperties(properties);
    config.setMaximumPoolSize(settings.poolSize());
    config.setMinimumIdle(1);
    config.setInitializationFailTimeout(-1);
    config.setConnectionTimeout(CONNECTION_TIMEOUT.toMillis());
    if (settings.poolSize() > 1) {
      config.setIdleTimeout(IDLE_TIMEOUT.toMillis());
    }
    // Set once a connection: asking Jdbi for it would cost two round trips a transaction.
    config.setTransactionIsolation("TRANSACTION_READ_COMMITTED");
    return new Database(url, properties, new HikariDataSource(config));
  }

  /// How many connections the server at `url` has for users that are no superusers; asked without a
  /// pool, which a supervisor has no memory to spare for.
  ///
  /// @throws IllegalStateException with one sentence when it does not answer
  public static int connectionsAllowed(String url) {
    var server = PostgresUrl.parse(url);
    try (var connection = DriverManager.getConnection(server.jdbc(), server.properties());
        var statement = connection.createStatement();
        var row =
            statement.executeQuery(
                """
                SELECT current_setting('max_connections')::int
                     - current_setting('superuser_reserved_connections')::int
                """)) {
      row.next();
      return row.getInt(1);
    } catch (SQLException failure) {
      throw new IllegalStateException(
          "PostgreSQL at %s did not say how many connections it has: %s"
              .formatted(server.shown(), sentence(failure)),
          failure);
    }
  }

  /// Jdbi itself, for what [#with] and [#inTransaction] do not cover; failures to connect are not
  /// translated here.
  public Jdbi jdbi() {
    return jdbi;
  }

  /// Runs `work` with one connection; every statement is its own transaction.
  public <T> T with(Function<Handle, T> work) {
    try {
      T result = jdbi.withHandle(work::apply);
      answered();
      return result;
    } catch (RuntimeException failure) {
      throw translated(failure);
    }
  }

  /// Works with a statement that is prepared already.
  @FunctionalInterface
  public interface Statement<T> {
    T run(PreparedStatement statement) throws SQLException;
  }

  /// Runs one statement, its own transaction, with nothing between it and the driver; its
  /// parameters have numbers. For what a busy path asks with every request: what Jdbi does for a
  /// statement costs about as much as the driver (bench/storage).
  public <T> T statement(String sql, Statement<T> work) {
    try (var connection = pool.getConnection()) {
      T result = run(connection, sql, work);
      answered();
      return result;
    } catch (SQLException failure) {
      throw translated(new StatementFailed(failure));
    }
  }

  static <T> T run(Connection connection, String sql, Statement<T> work) throws SQLException {
    var span = SqlSpans.begin(sql, 0);
    try (var statement = connection.prepareStatement(sql)) {
      T result = work.run(statement);
      span.ifPresent(Spans.Open::end);
      return result;
    } catch (SQLException failure) {
      span.ifPresent(open -> SqlSpans.failed(open, failure));
      throw failure;
    }
  }

  static final class StatementFailed extends RuntimeException {
    private static final long serialVersionUID = 1;

    StatementFailed(SQLException cause) {
      super(cause);
    }
  }

  /// Runs `work` in one transaction at READ COMMITTED; it is rolled back when `work` throws.
  public <T> T inTransaction(Function<Handle, T> work) {
    try {
      T result = jdbi.inTransaction(work::apply);
      answered();
      return result;
    } catch (RuntimeException failure) {
      throw translated(failure);
    }
  }

  /// The pool, and what was last heard of the server.
  ///
  /// @param active connections that somebody uses
  /// @param idle connections that nobody uses
  /// @param most connections there may be
  /// @param waiting who waits for one
  /// @param answers whether the last that was heard of the server is that it answers
  public record Figures(int active, int idle, int most, int waiting, boolean answers) {}

  /// Asks nobody.
  public Figures figures() {
    var now = pool.getHikariPoolMXBean();
    return new Figures(
        now.getActiveConnections(),
        now.getIdleConnections(),
        pool.getMaximumPoolSize(),
        now.getThreadsAwaitingConnection(),
        !away.get());
  }

  /// Whether Postgres answers now; says no after three seconds without a connection.
  public boolean reachable() {
    try (Connection connection = pool.getConnection()) {
      return connection.isValid(CONNECT_TIMEOUT_SECONDS);
    } catch (SQLException down) {
      return false;
    }
  }

  /// Returns once Postgres answers. It is asked over connections of their own, since the pool backs
  /// off for seconds between its tries.
  ///
  /// @throws IllegalStateException with one sentence when it does not answer within `patience`, and
  ///   at once when waiting cannot help: wrong password, no such database
  public void awaitReachable(Duration patience) {
    var last = new SQLException[1];
    boolean reached =
        Waiting.until(
            patience,
            Duration.ofMillis(100),
            () -> {
              try (Connection connection = line(CONNECTION_TIMEOUT)) {
                return connection.isValid(CONNECT_TIMEOUT_SECONDS);
              } catch (SQLException failure) {
                if (!isConnectionFailure(failure)) {
                  throw new IllegalStateException(refused(failure), failure);
                }
                last[0] = failure;
                return false;
              }
            });
    if (!reached) {
      var failure = Optional.ofNullable(last[0]);
      throw new IllegalStateException(
          "PostgreSQL at %s did not answer within %d s: %s"
              .formatted(
                  url.shown(),
                  patience.toSeconds(),
                  failure.map(Database::sentence).orElse("no answer.")),
          failure.orElse(null));
    }
  }

  private String refused(SQLException failure) {
    return "PostgreSQL at " + url.shown() + " refuses Gatehouse: " + sentence(failure);
  }

  /// A connection outside the pool, without a limit on how long a statement runs. The caller closes
  /// it.
  Connection connect() throws SQLException {
    return alone(Duration.ZERO, Map.of());
  }

  /// A connection outside the pool, for LISTEN. The caller closes it.
  public Connection listening() throws SQLException {
    return alone(Duration.ZERO, Map.of("socketFactory", ListeningSockets.class.getName()));
  }

  /// A connection outside the pool, for one thread that must never wait for those of requests;
  /// every statement has to answer within `patience`. The caller closes it.
  Connection line(Duration patience) throws SQLException {
    return alone(Duration.ofSeconds(Math.max(1, patience.toSeconds())), Map.of());
  }

  /// @param patience 0: without end
  private Connection alone(Duration patience, Map<String, String> more) throws SQLException {
    var properties = new Properties();
    properties.putAll(connectionProperties);
    properties.setProperty("socketTimeout", Long.toString(patience.toSeconds()));
    properties.putAll(more);
    return DriverManager.getConnection(url.jdbc(), properties);
  }

  /// The address of this machine that the server is reached from: loopback when it is here.
  ///
  /// @throws UncheckedIOException when the server's name is not known
  public InetAddress localAddress() {
    // "Connecting" a datagram socket asks the routing table and sends nothing.
    try (var socket = new DatagramSocket()) {
      var server = url.first();
      socket.connect(new InetSocketAddress(InetAddress.getByName(server.host()), server.port()));
      return socket.getLocalAddress();
    } catch (IOException failure) {
      throw new UncheckedIOException(
          "The way to PostgreSQL at " + url.shown() + " is not known: " + failure.getMessage(),
          failure);
    }
  }

  String shown() {
    return url.shown();
  }

  @Override
  public void close() {
    pool.close();
  }

  /// One line when the database goes and one when it is back, however many requests meet it.
  RuntimeException translated(RuntimeException failure) {
    if (isFull(failure)) {
      LOG.error(
          "the database at {} has no room left ({}); what needs to write is answered 503 until it has",
          url.shown(),
          sentence(rootOf(failure)));
      return new Problem(
              503,
              "database-full",
              "Database full",
              "The database has no room left to store this; nothing was changed.")
          .hint("Make room on the disk the database lies on; nothing needs to be restarted.")
          .header("Retry-After", "10")
          .refusal();
    }
    if (!isConnectionFailure(failure)) {
      return failure;
    }
    if (away.compareAndSet(false, true)) {
      LOG.warn(
          "the database at {} cannot be reached ({}); what needs it is answered 503 until it is back",
          url.shown(),
          sentence(rootOf(failure)));
    }
    return new Problem(
            503,
            "database-unavailable",
            "Database unavailable",
            "The database cannot be reached right now.")
        .hint("Try again in a moment; a write that was under way may or may not be stored.")
        .header("Retry-After", "1")
        .refusal();
  }

  void answered() {
    if (away.get() && away.compareAndSet(true, false)) {
      LOG.info("the database at {} answers again", url.shown());
    }
  }

  private static Throwable rootOf(Throwable failure) {
    Throwable root = failure;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return root;
  }

  /// Whether the server had no room on its disk: SQLSTATE 53100.
  private static boolean isFull(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof SQLException sql && "53100".equals(sql.getSQLState())) {
        return true;
      }
    }
    return false;
  }

  /// Whether the server could not be reached or went away, as opposed to refusing a statement:
  /// SQLSTATE 08 (connection), 57P (shutting down, crashed, starting), 53300 (too many
  /// connections), or no connection from the pool in time.
  static boolean isConnectionFailure(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof ConnectionException
          || cause instanceof SQLTransientConnectionException) {
        return true;
      }
      if (cause instanceof SQLException sql && sql.getSQLState() != null) {
        String state = sql.getSQLState();
        if (state.startsWith("08") || state.startsWith("57P") || state.equals("53300")) {
          return true;
        }
      }
    }
    return false;
  }

  private static String sentence(Throwable failure) {
    String message = String.valueOf(failure.getMessage()).lines().findFirst().orElse("no reason");
    return message.endsWith(".") ? message : message + ".";
  }
}
