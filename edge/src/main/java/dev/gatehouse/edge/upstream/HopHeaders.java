package dev.gatehouse.edge.upstream;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.util.AsciiString;

/// Header fields that concern one connection only and are never passed on (RFC 9110 section 7.6.1).
public final class HopHeaders {
  private HopHeaders() {}

  /// Whether a field of this name stays behind; `connection` are the values of the message's own
  /// `Connection` fields.
  static boolean isHop(CharSequence name) {
    return switch (name.length()) {
      case 2 -> is(name, HttpHeaderNames.TE);
      case 7 -> is(name, HttpHeaderNames.TRAILER) || is(name, HttpHeaderNames.UPGRADE);
      case 10 -> is(name, HttpHeaderNames.CONNECTION) || is(name, "keep-alive");
      case 16 -> is(name, "proxy-connection");
      // Meant for the proxy the client speaks to (RFC 9110 section 11.7.2), which is us.
      case 19 -> is(name, HttpHeaderNames.PROXY_AUTHORIZATION);
      case 17 -> is(name, HttpHeaderNames.TRANSFER_ENCODING);
      default -> false;
    };
  }

  /// Removes what `Connection` names, but never what gives a message its framing or its host.
  public static void removeNamed(HttpHeaders from, HttpHeaders source) {
    for (var line : source.getAll(HttpHeaderNames.CONNECTION)) {
      if (line.equalsIgnoreCase("keep-alive") || line.equalsIgnoreCase("close")) {
        continue;
      }
      for (var name : line.split(",")) {
        var field = name.trim();
        if (!field.isEmpty()
            && !field.equalsIgnoreCase("content-length")
            && !field.equalsIgnoreCase("host")) {
          from.remove(field);
        }
      }
    }
  }

  static boolean is(CharSequence name, CharSequence other) {
    return AsciiString.contentEqualsIgnoreCase(name, other);
  }
}
