import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.concurrent.Executors;
import java.util.regex.Pattern;

/// What one writes without Gatehouse: a virtual thread, a pooled connection and one statement for
/// each request, answered when it is committed. `POST /increment` is an upsert, `PUT /data/...` an
/// update of one of sixteen rows.
///
/// `java -cp HIKARI:POSTGRES PlainService.java PORT JDBC-URL CONNECTIONS`
final class PlainService {
  private static final Pattern BODY =
      Pattern.compile("\\{\"key\":\"([^\"\\\\]+)\",\"value\":(-?[0-9]+)}");
  private static final String UPSERT =
      """
      INSERT INTO plain_totals (key, value) VALUES (?, ?)
      ON CONFLICT (key) DO UPDATE SET value = plain_totals.value + excluded.value
      """;

  private static final String UPDATE = "UPDATE plain_documents SET body = ? WHERE id = ?";

  private final HikariDataSource pool;

  private PlainService(HikariDataSource pool) {
    this.pool = pool;
  }

  public static void main(String[] arguments) throws IOException, SQLException {
    var config = new HikariConfig();
    config.setJdbcUrl(arguments[1]);
    config.setMaximumPoolSize(Integer.parseInt(arguments[2]));
    var pool = new HikariDataSource(config);
    try (var connection = pool.getConnection();
        var statement = connection.createStatement()) {
      statement.execute(
          "CREATE TABLE IF NOT EXISTS plain_totals (key text PRIMARY KEY, value bigint NOT NULL)"
              + " WITH (fillfactor = 50)");
      statement.execute(
          "CREATE TABLE IF NOT EXISTS plain_documents (id text PRIMARY KEY, body text NOT NULL)");
      statement.execute(
          "INSERT INTO plain_documents SELECT '/data/bench/d' || n, '' FROM generate_series(0, 15) n"
              + " ON CONFLICT DO NOTHING");
    }
    var address =
        new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(arguments[0]));
    var server = HttpServer.create(address, 1000);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    var service = new PlainService(pool);
    server.createContext("/increment", service::increment);
    server.createContext("/data/", service::put);
    server.createContext("/healthz", exchange -> answer(exchange, 200, "{}"));
    server.start();
  }

  private void increment(HttpExchange exchange) throws IOException {
    var body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
    var increment = BODY.matcher(body);
    if (!increment.matches()) {
      answer(exchange, 400, "");
      return;
    }
    run(exchange, 202, UPSERT, increment.group(1), Long.parseLong(increment.group(2)));
  }

  private void put(HttpExchange exchange) throws IOException {
    var body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
    run(exchange, 200, UPDATE, body, exchange.getRequestURI().getPath());
  }

  private void run(HttpExchange exchange, int status, String sql, Object... parameters)
      throws IOException {
    try (var connection = pool.getConnection();
        var statement = connection.prepareStatement(sql)) {
      for (int i = 0; i < parameters.length; i++) {
        statement.setObject(i + 1, parameters[i]);
      }
      answer(exchange, statement.executeUpdate() == 1 ? status : 404, "");
    } catch (SQLException e) {
      answer(exchange, 503, "");
    }
  }

  private static void answer(HttpExchange exchange, int status, String body) throws IOException {
    try (exchange) {
      var bytes = body.getBytes(StandardCharsets.UTF_8);
      exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
      exchange.getResponseBody().write(bytes);
    }
  }
}
