package dev.gatehouse.edge.filter;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// The `Forwarded` field (RFC 7239): a list of hops, each some pairs.
///
/// It is read as a whole: commas and semicolons in quotes separate nothing, or a client could write
/// what looks like a hop of ours. What cannot be read is a hop that says nothing, so that nobody
/// looks further left for the client.
final class ForwardedField {
  /// One hop; empty for what it does not say.
  ///
  /// @param address as in `for`, without its port; no address if it is hidden or unknown
  record Hop(String address, String proto, String host) {
    private static final Hop SILENT = new Hop("", "", "");
  }

  private ForwardedField() {}

  static List<Hop> read(List<String> lines) {
    var hops = new ArrayList<Hop>();
    for (var line : lines) {
      for (var element : split(line, ',')) {
        hops.add(hop(element));
      }
    }
    return hops;
  }

  private static Hop hop(String element) {
    var hop = Hop.SILENT;
    for (var pair : split(element, ';')) {
      int equals = pair.indexOf('=');
      if (equals < 0) {
        return Hop.SILENT;
      }
      var value = unquoted(pair.substring(equals + 1).trim());
      hop =
          switch (pair.substring(0, equals).trim().toLowerCase(Locale.ROOT)) {
            case "for" -> new Hop(withoutPort(value), hop.proto, hop.host);
            case "proto" -> new Hop(hop.address, value.toLowerCase(Locale.ROOT), hop.host);
            case "host" -> new Hop(hop.address, hop.proto, value);
            default -> hop;
          };
    }
    return hop;
  }

  /// `192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]`, `[2001:db8::1]:80`.
  private static String withoutPort(String node) {
    int end = node.startsWith("[") ? node.indexOf(']') + 1 : node.indexOf(':');
    return end <= 0 ? node : node.substring(0, end);
  }

  private static String unquoted(String value) {
    if (value.length() < 2 || !value.startsWith("\"") || !value.endsWith("\"")) {
      return value;
    }
    return value.substring(1, value.length() - 1).replaceAll("\\\\(.)", "$1");
  }

  private static List<String> split(String text, char at) {
    var parts = new ArrayList<String>();
    boolean quoted = false;
    int from = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (quoted && c == '\\') {
        i++;
      } else if (c == '"') {
        quoted = !quoted;
      } else if (c == at && !quoted) {
        parts.add(text.substring(from, i));
        from = i + 1;
      }
    }
    parts.add(text.substring(from));
    return parts;
  }
}
