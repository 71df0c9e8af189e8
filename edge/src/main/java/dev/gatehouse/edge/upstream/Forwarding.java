package dev.gatehouse.edge.upstream;

import dev.gatehouse.edge.filter.Visit;
import dev.gatehouse.http.Origin;
import io.netty.handler.codec.http.DefaultHttpHeadersFactory;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import java.util.Locale;
import java.util.Set;
import java.util.StringJoiner;
import java.util.concurrent.ThreadLocalRandom;

/// Rewrites header fields between the two sides of the edge: what stays behind, and what we vouch
/// for.
///
/// Towards one's own replicas the edge adds who the user is, with the assembly's secret as proof,
/// and keeps `Host`. Towards an external origin it removes our own cookies and sets `Host` to the
/// origin's. A client's own `X-Forwarded-*`, `Forwarded`, `traceparent` and `X-Gatehouse-*` are not
/// believed; a trusted proxy's are, but for the last ([Vouched]).
public final class Forwarding {
  /// Cookies of ours, which are nobody else's business.
  private static final Set<String> OWN_COOKIES =
      Set.of("session", "__Host-session", "device", "__Host-device");

  private static final char[] HEX = "0123456789abcdef".toCharArray();

  private final String secret;

  /// @param secret proves to replicas that a header comes from this assembly's edge
  public Forwarding(String secret) {
    this.secret = secret;
  }

  HttpHeaders toOrigin(Visit visit, Upstream upstream, Origin origin) {
    var head = visit.head();
    var from = head.headers();
    var to = DefaultHttpHeadersFactory.headersFactory().withValidation(false).newHeaders();
    var all = from.iteratorCharSequence();
    while (all.hasNext()) {
      var field = all.next();
      var name = field.getKey();
      if (!HopHeaders.isHop(name) && !claimsOurs(name)) {
        to.add(name, field.getValue());
      }
    }
    if (from.contains(HttpHeaderNames.CONNECTION)) {
      HopHeaders.removeNamed(to, from);
    }
    if (head.hasBody() && !from.contains(HttpHeaderNames.CONTENT_LENGTH)) {
      to.set(HttpHeaderNames.TRANSFER_ENCODING, HttpHeaderValues.CHUNKED);
    }
    if (upstream.own()) {
      to.set("X-Gatehouse-Secret", secret);
      visit.user().ifPresent(user -> to.set("X-Gatehouse-User", user));
      to.set("X-Gatehouse-Client", address(visit));
      if (!to.contains(HttpHeaderNames.HOST)) {
        to.set(HttpHeaderNames.HOST, origin.authority());
      }
    } else {
      if (visit.route().authenticate().pass()) {
        visit.user().ifPresent(user -> to.set("X-Gatehouse-User", user));
      }
      to.set(HttpHeaderNames.HOST, host(visit, upstream, origin));
      withoutOwnCookies(
          to, upstream.settings().balance() instanceof Balance.Sticky(var cookie) ? cookie : "");
    }
    to.set("X-Request-Id", visit.exchange().requestId());
    // A client's own fields of these names stayed behind above, so adding is enough.
    if (visit.vouched()) {
      Vouched.add(to, visit, from);
    } else {
      var client = visit.clientText();
      var asked = visit.forwardedHost();
      to.add("X-Forwarded-For", client);
      to.add("X-Forwarded-Proto", visit.proto());
      if (!asked.isEmpty()) {
        to.add("X-Forwarded-Host", asked);
      }
      to.add("Forwarded", forwarded(client, asked, visit.proto()));
      to.add("traceparent", traceparent());
    }
    to.add(HttpHeaderNames.VIA, "1.1 gatehouse");
    return to;
  }

  /// What the route says; else the client's where the upstream is to see it; else the origin's.
  private static String host(Visit visit, Upstream upstream, Origin origin) {
    var rewritten = visit.originHost();
    if (rewritten.isPresent()) {
      return rewritten.get();
    }
    var clients = visit.exchange().head().host();
    return upstream.settings().outgoing().preserveHost() && !clients.isEmpty()
        ? clients
        : origin.authority();
  }

  static HttpHeaders toClient(HttpHeaders from) {
    var to = DefaultHttpHeadersFactory.headersFactory().withValidation(false).newHeaders();
    var all = from.iteratorCharSequence();
    while (all.hasNext()) {
      var field = all.next();
      if (!HopHeaders.isHop(field.getKey())) {
        to.add(field.getKey(), field.getValue());
      }
    }
    if (from.contains(HttpHeaderNames.CONNECTION)) {
      HopHeaders.removeNamed(to, from);
    }
    return to;
  }

  private static boolean claimsOurs(CharSequence name) {
    return switch (name.length() == 0 ? ' ' : name.charAt(0) | 0x20) {
      case 'x' ->
          name.length() > 12
              && (startsWith(name, "x-gatehouse-")
                  || HopHeaders.is(name, "x-forwarded-for")
                  || HopHeaders.is(name, "x-forwarded-proto")
                  || HopHeaders.is(name, "x-forwarded-host"));
      case 'f' -> HopHeaders.is(name, "forwarded");
      case 't' -> HopHeaders.is(name, "traceparent") || HopHeaders.is(name, "tracestate");
      default -> false;
    };
  }

  private static boolean startsWith(CharSequence name, String prefix) {
    return name.length() >= prefix.length()
        && name.toString().toLowerCase(Locale.ROOT).startsWith(prefix);
  }

  private static String address(Visit visit) {
    return visit.clientText() + " " + visit.client().getPort();
  }

  /// RFC 7239: an IPv6 address is quoted and bracketed; the host is quoted because of its colon.
  static String forwarded(String client, String host, String proto) {
    var by = client.indexOf(':') >= 0 ? "for=\"[" + client + "]\"" : "for=" + client;
    return host.isEmpty() ? by + ";proto=" + proto : by + ";host=\"" + host + "\";proto=" + proto;
  }

  private static void withoutOwnCookies(HttpHeaders headers, String sticky) {
    if (!headers.contains(HttpHeaderNames.COOKIE)) {
      return;
    }
    var lines = headers.getAll(HttpHeaderNames.COOKIE);
    headers.remove(HttpHeaderNames.COOKIE);
    for (var line : lines) {
      boolean ours = false;
      var kept = new StringJoiner("; ");
      for (var pair : line.split(";")) {
        int equals = pair.indexOf('=');
        var name = (equals < 0 ? pair : pair.substring(0, equals)).trim();
        if (OWN_COOKIES.contains(name) || name.equals(sticky)) {
          ours = true;
        } else {
          kept.add(pair.trim());
        }
      }
      // Untouched lines go on byte for byte.
      if (!ours) {
        headers.add(HttpHeaderNames.COOKIE, line);
      } else if (kept.length() > 0) {
        headers.add(HttpHeaderNames.COOKIE, kept.toString());
      }
    }
  }

  /// A new trace, not sampled (W3C Trace Context section 3.2).
  static String traceparent() {
    var random = ThreadLocalRandom.current();
    var chars = new char[55];
    chars[0] = '0';
    chars[1] = '0';
    chars[2] = '-';
    hex(chars, 3, random.nextLong() | 1);
    hex(chars, 19, random.nextLong());
    chars[35] = '-';
    hex(chars, 36, random.nextLong() | 1);
    chars[52] = '-';
    chars[53] = '0';
    chars[54] = '0';
    return new String(chars);
  }

  private static void hex(char[] chars, int from, long bits) {
    for (int i = 0; i < 16; i++) {
      chars[from + i] = HEX[(int) (bits >>> (60 - 4 * i)) & 0xf];
    }
  }
}
