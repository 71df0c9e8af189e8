package dev.gatehouse.app.config;

import dev.gatehouse.edge.route.HeaderEdits;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/// The kinds of text that settings are written as.
final class Texts {
  private static final Pattern DURATION = Pattern.compile("(\\d{1,9})(ms|s|m|h|d)");
  private static final Pattern SIZE = Pattern.compile("(\\d{1,9})(B|KiB|MiB|GiB)");
  private static final Pattern LOOSE_SIZE = Pattern.compile("(?i)(\\d{1,9}) ?([kmg])i?b?");
  private static final Pattern ADDRESS =
      Pattern.compile("(?:\\[([^\\]]*)]|([^:\\[\\]]*)):(\\d{1,5})");
  private static final String LABEL = "[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?";

  /// Underscores are no part of host names, but of names that containers get.
  static final Pattern HOST_NAME = Pattern.compile(LABEL + "(?:\\." + LABEL + ")*\\.?");

  private Texts() {}

  static Shape.Scalar<String> text(String expects, String pattern) {
    var compiled = Pattern.compile(pattern);
    return new Shape.Scalar<>(
        expects,
        (text, _) -> {
          if (!compiled.matcher(text).matches()) {
            throw new Wrong("'" + text + "' is not " + expects);
          }
          return text;
        },
        Map.of("type", "string", "pattern", "^(" + pattern + ")$"));
  }

  /// The name of a host, in lower case.
  static Shape.Scalar<String> hostName() {
    var expects = "the name of a host, without a port";
    return new Shape.Scalar<>(
        expects,
        (text, _) -> {
          if (!HOST_NAME.matcher(text).matches()) {
            throw new Wrong("'" + text + "' is not " + expects);
          }
          return text.toLowerCase(Locale.ROOT);
        },
        Map.of("type", "string", "pattern", "^" + HOST_NAME.pattern() + "$"));
  }

  /// Any text with something in it.
  static Shape.Scalar<String> anyText(String expects) {
    return new Shape.Scalar<>(
        expects,
        (text, _) -> {
          if (text.isBlank()) {
            throw new Wrong("this is empty; it must be " + expects);
          }
          return text;
        },
        Map.of("type", List.of("string", "number", "boolean")));
  }

  /// The name of a header field, whose case does not matter.
  static String headerName(String text, Reading reading) throws Wrong {
    return token(text).toLowerCase(Locale.ROOT);
  }

  /// A header field that a route may change.
  static String editableHeader(String text, Reading reading) throws Wrong {
    var name = token(text);
    var refused = HeaderEdits.refused(name);
    if (refused.isPresent()) {
      throw new Wrong("'" + name + "' cannot be changed: " + refused.get());
    }
    return name;
  }

  /// A name in which case matters: of a cookie, of a parameter.
  static String name(String text, Reading reading) throws Wrong {
    if (text.isBlank()) {
      throw new Wrong("a name must not be empty");
    }
    return text;
  }

  static Shape.Scalar<String> fieldValue() {
    return new Shape.Scalar<>(
        "the value of a header field",
        (text, _) -> {
          if (!text.matches("[\\x20-\\x7e\\t]*") || !text.equals(text.strip())) {
            throw new Wrong("this is not the value of a header field: plain ASCII on one line");
          }
          return text;
        },
        Map.of("type", List.of("string", "number", "boolean")));
  }

  private static String token(String text) throws Wrong {
    if (!text.matches("[A-Za-z0-9!#$%&'*+.^_`|~-]+")) {
      throw new Wrong("'" + text + "' is not the name of a header field");
    }
    return text;
  }

  /// The text of a file of PEM certificates.
  static Shape<String> certificates() {
    var expects = "a file of PEM certificates";
    return new Shape.Scalar<>(
        expects,
        (text, _) -> {
          String pem;
          try {
            pem = Files.readString(Path.of(text));
          } catch (IOException | InvalidPathException e) {
            throw new Wrong("'" + text + "' cannot be read; it must be " + expects);
          }
          try {
            var found =
                CertificateFactory.getInstance("X.509")
                    .generateCertificates(
                        new ByteArrayInputStream(pem.getBytes(StandardCharsets.UTF_8)));
            if (!found.isEmpty()) {
              return pem;
            }
          } catch (CertificateException e) {
            throw new Wrong("'" + text + "' has a certificate that cannot be read");
          }
          throw new Wrong("'" + text + "' has no certificate; it must be " + expects);
        },
        Map.of("type", "string", "minLength", 1));
  }

  static Shape<Path> path(String expects) {
    return new Shape.Scalar<>(
        expects,
        (text, _) -> {
          if (text.isBlank()) {
            throw new Wrong("this is empty; it must be " + expects);
          }
          try {
            return Path.of(text);
          } catch (InvalidPathException e) {
            throw new Wrong("'" + text + "' cannot be " + expects);
          }
        },
        Map.of("type", List.of("string", "number", "boolean"), "minLength", 1));
  }

  static Shape.Scalar<Integer> number(int least, int most) {
    var expects = "a whole number from " + least + " to " + most;
    return new Shape.Scalar<>(
        expects,
        (text, _) -> {
          if (!text.matches("-?\\d{1,18}")) {
            throw new Wrong("'" + text + "' is not " + expects);
          }
          long value = Long.parseLong(text);
          if (value < least || value > most) {
            throw new Wrong(text + " is out of range; it must be " + expects);
          }
          return (int) value;
        },
        Map.of("type", "integer", "minimum", least, "maximum", most));
  }

  static Shape<Boolean> flag() {
    return new Shape.Scalar<>(
        "true or false",
        (text, _) -> {
          if (!text.equals("true") && !text.equals("false")) {
            throw new Wrong("'" + text + "' is not true or false");
          }
          return Boolean.valueOf(text);
        },
        Map.of("type", "boolean"));
  }

  /// From 1% to 100%.
  static Shape<Integer> percent() {
    var expects = "a share from 1% to 100%";
    return new Shape.Scalar<>(
        expects,
        (text, _) -> {
          if (!text.matches("([1-9]\\d?|100)%")) {
            throw new Wrong("'" + text + "' is not " + expects);
          }
          return Integer.valueOf(text.substring(0, text.length() - 1));
        },
        Map.of("type", "string", "pattern", "^([1-9][0-9]?|100)%$"));
  }

  /// From 0 to 1.
  static Shape<Double> share() {
    var expects = "a share from 0 to 1, such as 0.01";
    return new Shape.Scalar<>(
        expects,
        (text, _) -> {
          if (!text.matches("0|1|1\\.0|0\\.\\d{1,6}")) {
            throw new Wrong("'" + text + "' is not " + expects);
          }
          return Double.valueOf(text);
        },
        Map.of("type", "number", "minimum", 0, "maximum", 1));
  }

  static <E extends Enum<E>> Shape.Scalar<E> oneOf(Class<E> type) {
    var words = new ArrayList<String>();
    for (var constant : type.getEnumConstants()) {
      words.add(constant.name().toLowerCase(Locale.ROOT).replace('_', '-'));
    }
    return new Shape.Scalar<>(
        "one of " + String.join(", ", words),
        (text, _) -> {
          if (!words.contains(text)) {
            throw new Wrong("'" + text + "' is unknown" + Suggest.among(text, words));
          }
          return Enum.valueOf(type, text.toUpperCase(Locale.ROOT).replace('-', '_'));
        },
        Map.of("enum", words));
  }

  static Shape.Scalar<Duration> duration(Duration least, Duration most) {
    var expects = "a duration such as 50ms, 1s or 2m";
    return new Shape.Scalar<>(
        expects,
        (text, _) -> {
          var parts = DURATION.matcher(text);
          if (!parts.matches()) {
            throw new Wrong("'" + text + "' is not " + expects);
          }
          long amount = Long.parseLong(parts.group(1));
          var value =
              switch (parts.group(2)) {
                case "ms" -> Duration.ofMillis(amount);
                case "s" -> Duration.ofSeconds(amount);
                case "m" -> Duration.ofMinutes(amount);
                case "h" -> Duration.ofHours(amount);
                default -> Duration.ofDays(amount);
              };
          if (value.compareTo(least) < 0 || value.compareTo(most) > 0) {
            throw new Wrong(
                text + " is out of range; it must be from " + shown(least) + " to " + shown(most));
          }
          return value;
        },
        Map.of("type", "string", "pattern", "^" + DURATION + "$"));
  }

  /// A duration, or none.
  static Shape<Optional<Duration>> durationOrOff(Duration least, Duration most) {
    var duration = duration(least, most);
    var expects = duration.expects() + ", or off";
    return new Shape.Scalar<>(
        expects,
        (text, reading) -> {
          if (text.equals("off")) {
            return Optional.empty();
          }
          if (!DURATION.matcher(text).matches()) {
            throw new Wrong("'" + text + "' is not " + expects);
          }
          return Optional.of(duration.parser().parse(text, reading));
        },
        Map.of("type", "string", "pattern", "^(off|" + DURATION + ")$"));
  }

  private static String shown(Duration duration) {
    return duration.toMillis() % 1000 != 0
        ? duration.toMillis() + "ms"
        : duration.toSeconds() % 3600 != 0 ? duration.toSeconds() + "s" : duration.toHours() + "h";
  }

  static Shape.Scalar<Long> size(long least, long most) {
    var expects = "a size such as 512B, 64KiB or 1MiB";
    return new Shape.Scalar<>(
        expects,
        (text, _) -> {
          var parts = SIZE.matcher(text);
          if (!parts.matches()) {
            var loose = LOOSE_SIZE.matcher(text);
            var meant =
                loose.matches()
                    ? "; did you mean '"
                        + loose.group(1)
                        + loose.group(2).toUpperCase(Locale.ROOT)
                        + "iB'?"
                    : "";
            throw new Wrong("'" + text + "' is not " + expects + meant);
          }
          int shift =
              switch (parts.group(2)) {
                case "B" -> 0;
                case "KiB" -> 10;
                case "MiB" -> 20;
                default -> 30;
              };
          long value = Long.parseLong(parts.group(1)) << shift;
          if (value < least || value > most) {
            throw new Wrong(
                text + " is out of range; it must be from " + shown(least) + " to " + shown(most));
          }
          return value;
        },
        Map.of("type", "string", "pattern", "^" + SIZE + "$"));
  }

  private static String shown(long size) {
    int shift = size == 0 ? 0 : Math.min(30, Long.numberOfTrailingZeros(size) / 10 * 10);
    return (size >> shift) + List.of("B", "KiB", "MiB", "GiB").get(shift / 10);
  }

  /// A size, or `off` for none.
  static Shape<Optional<Long>> sizeOrOff(long least, long most) {
    var size = size(least, most);
    var expects = size.expects() + ", or off";
    return new Shape.Scalar<>(
        expects,
        (text, reading) -> {
          if (text.equals("off")) {
            return Optional.empty();
          }
          if (!LOOSE_SIZE.matcher(text).matches()) {
            throw new Wrong("'" + text + "' is not " + expects);
          }
          return Optional.of(size.parser().parse(text, reading));
        },
        Map.of("type", "string", "pattern", "^(off|" + SIZE + ")$"));
  }

  static Shape<Address> address() {
    var expects = "an address such as 127.0.0.1:9000, [::1]:9000, or :8080 for every interface";
    return new Shape.Scalar<>(
        expects,
        (text, _) -> {
          var parts = ADDRESS.matcher(text);
          if (!parts.matches()) {
            var meant = text.matches("\\d{1,5}") ? "; did you mean ':" + text + "'?" : "";
            throw new Wrong("'" + text + "' is not " + expects + meant);
          }
          int port = port(text, parts.group(3), 0);
          if (parts.group(1) != null) {
            return new Address(literal(text, parts.group(1)), port);
          }
          var host = parts.group(2);
          if (host.isEmpty() || host.equals("*")) {
            return new Address("*", port);
          }
          return new Address(host(text, host), port);
        },
        Map.of("type", "string", "pattern", "^" + ADDRESS + "$"));
  }

  static Shape.Scalar<Network> network() {
    var expects = "a network such as 10.0.0.0/8, or one address";
    return new Shape.Scalar<>(
        expects,
        (text, _) -> {
          int slash = text.indexOf('/');
          try {
            var base = InetAddress.ofLiteral(slash < 0 ? text : text.substring(0, slash));
            int bits = base.getAddress().length * 8;
            int prefix = slash < 0 ? bits : Integer.parseInt(text.substring(slash + 1));
            if (prefix >= 0 && prefix <= bits) {
              return new Network(base, prefix);
            }
          } catch (IllegalArgumentException e) {
            throw new Wrong("'" + text + "' is not " + expects);
          }
          throw new Wrong("'" + text + "' is not " + expects);
        },
        Map.of("type", "string"));
  }

  static Shape<UpstreamConfig.Server> server() {
    return new Shape.Scalar<>(
        "a URL such as http://127.0.0.1:5000",
        (text, _) -> parseServer(text),
        Map.of("type", "string", "pattern", "^https?://"));
  }

  /// `http://host:port` or `https://host:port`.
  static UpstreamConfig.Server parseServer(String text) throws Wrong {
    var lower = text.toLowerCase(Locale.ROOT);
    boolean tls = lower.startsWith("https://");
    if (!tls && !lower.startsWith("http://")) {
      throw new Wrong("'" + text + "' is not a URL such as http://127.0.0.1:5000");
    }
    var rest = text.substring(tls ? 8 : 7);
    if (rest.contains("@")) {
      throw new Wrong(
          "'" + text + "' holds credentials, which Gatehouse does not send; leave them out");
    }
    if (rest.endsWith("/")) {
      rest = rest.substring(0, rest.length() - 1);
    }
    if (rest.matches(".*[/?#].*")) {
      throw new Wrong(
          "'"
              + text
              + "' has a path; paths are passed on as they come, so name only scheme, host and port");
    }
    boolean hasPort = rest.matches(".*[^:]:\\d+|\\[.*]:\\d+");
    var parts = ADDRESS.matcher(hasPort ? rest : rest + ":" + (tls ? 443 : 80));
    if (!parts.matches()) {
      throw new Wrong("'" + text + "' is not a URL such as http://127.0.0.1:5000");
    }
    int port = port(text, parts.group(3), 1);
    var host = Optional.ofNullable(parts.group(1));
    return new UpstreamConfig.Server(
        tls, host.isPresent() ? literal(text, host.get()) : host(text, parts.group(2)), port);
  }

  /// `host:port`, which is plain HTTP, or the same with a scheme.
  static Shape<DiscoverConfig> discoveredHost() {
    var expects = "a name and a port such as storage.default.svc:9100";
    return new Shape.Scalar<>(
        expects,
        (text, reading) -> {
          boolean schemed = text.contains("://");
          if (!schemed && !text.matches(".*:\\d+")) {
            throw new Wrong("'" + text + "' is not " + expects);
          }
          var server = parseServer(schemed ? text : "http://" + text);
          if (server.host().contains(":") || server.host().matches("[0-9.]+")) {
            throw new Wrong("'" + text + "' is an address; give it as 'url'");
          }
          return new DiscoverConfig(
              new DiscoverConfig.Question.Addresses(server.host(), server.port()),
              server.tls(),
              Optional.empty());
        },
        Map.of("type", "string"));
  }

  /// The name of SRV records, with an optional scheme.
  static Shape<DiscoverConfig> discoveredService() {
    var expects = "a name such as _http._tcp.storage.default.svc";
    return new Shape.Scalar<>(
        expects,
        (text, _) -> {
          boolean tls = text.startsWith("https://");
          var name = text.replaceFirst("^https?://", "");
          if (name.length() > 253 || !HOST_NAME.matcher(name).matches()) {
            throw new Wrong("'" + text + "' is not " + expects);
          }
          return new DiscoverConfig(
              new DiscoverConfig.Question.Services(name.toLowerCase(Locale.ROOT)),
              tls,
              Optional.empty());
        },
        Map.of("type", "string"));
  }

  static Shape<DatabaseChoice> database() {
    var expects = "'embedded' or a URL such as postgres://user@host:5432/name";
    return new Shape.Scalar<>(
        expects,
        (text, _) -> {
          if (text.equals("embedded")) {
            return new DatabaseChoice.Embedded();
          }
          if (text.startsWith("jdbc:")) {
            throw new Wrong("'" + text + "' is not " + expects + "; leave out 'jdbc:'");
          }
          if (!text.matches("postgres(ql)?://([^@\\s]*@)?[^\\s/@?]+/[^\\s/?]+(\\?\\S*)?")) {
            var near = Suggest.nearest(text, List.of("embedded"));
            throw new Wrong(
                "'"
                    + text
                    + "' is not "
                    + expects
                    + near.map(w -> "; did you mean '" + w + "'?").orElse(""));
          }
          return new DatabaseChoice.Given(text);
        },
        Map.of("type", "string", "pattern", "^(embedded|postgres(ql)?://.+)$"));
  }

  static Shape<PathPattern> pathPattern() {
    return new Shape.Scalar<>(
        PathPattern.EXPECTS,
        (text, _) -> PathPattern.parse(text),
        Map.of("type", "string", "pattern", "^/"));
  }

  private static int port(String text, String digits, int least) throws Wrong {
    int port = Integer.parseInt(digits);
    if (port < least || port > 65_535) {
      throw new Wrong(
          "'" + text + "' has port " + digits + "; a port is from " + least + " to 65535");
    }
    return port;
  }

  private static String literal(String text, String address) throws Wrong {
    try {
      if (address.contains(":")) {
        InetAddress.ofLiteral(address);
        return address;
      }
    } catch (IllegalArgumentException e) {
      throw new Wrong("'" + text + "': '" + address + "' is not an IPv6 address");
    }
    throw new Wrong("'" + text + "': only IPv6 addresses stand in brackets");
  }

  private static String host(String text, String host) throws Wrong {
    if (host.matches("[0-9.]+")) {
      if (!host.matches("\\d{1,3}(\\.\\d{1,3}){3}")) {
        throw new Wrong("'" + text + "': '" + host + "' is not an IPv4 address");
      }
      for (var part : List.of(host.split("\\."))) {
        if (Integer.parseInt(part) > 255) {
          throw new Wrong("'" + text + "': '" + host + "' is not an IPv4 address");
        }
      }
      return host;
    }
    if (host.length() > 253 || !HOST_NAME.matcher(host).matches()) {
      throw new Wrong("'" + text + "': '" + host + "' is not the name of a host");
    }
    return host.toLowerCase(Locale.ROOT);
  }
}
