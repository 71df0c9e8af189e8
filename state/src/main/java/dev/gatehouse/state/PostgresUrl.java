package dev.gatehouse.state;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import org.postgresql.PGProperty;

/// A `postgres://` URL taken apart.
///
/// pgjdbc knows only its own `jdbc:` dialect, in which the password is a query parameter that ends
/// up in logs; so the parts are kept here, and the password goes to the driver as a property only.
/// No message of this class repeats the URL, for the same reason.
record PostgresUrl(String hosts, String database, Properties properties) {

  /// libpq's names for what pgjdbc calls otherwise.
  private static final Map<String, String> LIBPQ_NAMES =
      Map.of("connect_timeout", "connectTimeout", "application_name", "ApplicationName");

  static PostgresUrl parse(String url) {
    String rest;
    if (url.startsWith("postgres://")) {
      rest = url.substring("postgres://".length());
    } else if (url.startsWith("postgresql://")) {
      rest = url.substring("postgresql://".length());
    } else {
      throw wrong("it does not start with `postgres://`");
    }
    var properties = new Properties();
    int question = rest.indexOf('?');
    if (question >= 0) {
      for (String pair : rest.substring(question + 1).split("&")) {
        parameter(pair, properties);
      }
      rest = rest.substring(0, question);
    }
    int slash = rest.indexOf('/');
    String authority = slash < 0 ? rest : rest.substring(0, slash);
    String database = slash < 0 ? "" : decoded(rest.substring(slash + 1));
    int at = authority.lastIndexOf('@');
    if (at < 0 || at == 0) {
      throw wrong("it names no user");
    }
    String userInfo = authority.substring(0, at);
    int colon = userInfo.indexOf(':');
    String user = decoded(colon < 0 ? userInfo : userInfo.substring(0, colon));
    properties.setProperty(PGProperty.USER.getName(), user);
    if (colon >= 0) {
      properties.setProperty(PGProperty.PASSWORD.getName(), decoded(userInfo.substring(colon + 1)));
    }
    String hosts = authority.substring(at + 1);
    if (hosts.isEmpty()) {
      throw wrong("it names no host");
    }
    for (String host : hosts.split(",", -1)) {
      checkHost(host);
    }
    if (database.contains("/")) {
      throw wrong("the database's name holds a slash");
    }
    return new PostgresUrl(hosts, database.isEmpty() ? user : database, properties);
  }

  private static void checkHost(String host) {
    int bracket = host.lastIndexOf(']');
    int colon = host.indexOf(':', Math.max(bracket, 0));
    boolean named = colon < 0 ? !host.isEmpty() : colon > 0;
    if (!named || (host.startsWith("[") != (bracket > 0))) {
      throw wrong("a host is missing or malformed");
    }
    if (colon >= 0 && port(host.substring(colon + 1)).isEmpty()) {
      throw wrong("a port is not a number from 1 to 65535");
    }
  }

  private static Optional<Integer> port(String text) {
    if (!text.matches("[0-9]{1,5}")) {
      return Optional.empty();
    }
    int port = Integer.parseInt(text);
    return port >= 1 && port <= 65535 ? Optional.of(port) : Optional.empty();
  }

  private static void parameter(String pair, Properties into) {
    int equals = pair.indexOf('=');
    if (equals < 1) {
      throw wrong("a parameter has no value");
    }
    String name = decoded(pair.substring(0, equals));
    String value = decoded(pair.substring(equals + 1));
    if (name.equals("target_session_attrs")) {
      into.setProperty(
          "targetServerType",
          switch (value) {
            case "read-write", "primary" -> "primary";
            case "any" -> "any";
            default ->
                throw wrong("Gatehouse writes, so `target_session_attrs` must be read-write");
          });
      return;
    }
    String ours = LIBPQ_NAMES.getOrDefault(name, name);
    if (PGProperty.forName(ours) == null) {
      throw wrong("nothing is known of its parameter `" + name + "`");
    }
    into.setProperty(ours, value);
  }

  private static String decoded(String text) {
    try {
      // A plus sign stands for itself here, in form encoding it would be a space.
      return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException malformed) {
      throw new IllegalArgumentException(
          wrong("a percent escape is broken").getMessage(), malformed);
    }
  }

  private static IllegalArgumentException wrong(String why) {
    return new IllegalArgumentException(
        "The database URL is not usable: "
            + why
            + "; write it as postgres://user:password@host:port/database.");
  }

  /// What the driver is given; user and password are in [#properties].
  String jdbc() {
    return "jdbc:postgresql://"
        + hosts
        + "/"
        + java.net.URLEncoder.encode(database, StandardCharsets.UTF_8).replace("+", "%20");
  }

  /// One server's name or address literal, and its port.
  record Server(String host, int port) {}

  /// The first server that is named.
  Server first() {
    String first = hosts.split(",", 2)[0];
    int bracket = first.lastIndexOf(']');
    int colon = first.indexOf(':', Math.max(bracket, 0));
    String host = colon < 0 ? first : first.substring(0, colon);
    int port = colon < 0 ? 5432 : Integer.parseInt(first.substring(colon + 1));
    return new Server(bracket > 0 ? host.substring(1, host.length() - 1) : host, port);
  }

  /// How logs and errors name this database: no user, no password.
  String shown() {
    return hosts + "/" + database;
  }

  @Override
  public String toString() {
    return shown();
  }
}
