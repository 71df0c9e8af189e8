package dev.gatehouse.http;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Locale;

/// Decides whether a decoded head can be read in one way only (RFC 9112 sections 3, 6 and 11.2).
///
/// What cannot is refused with a [Refusal] and its connection must be closed, since nobody knows
/// where the next request begins. Anything that passes has one length, one host and one target.
final class Framing {
  private Framing() {}

  /// The head of a request, or a [Refusal].
  static RequestHead check(HttpRequest request, HttpLimits limits) {
    if (request.decoderResult().isFailure()) {
      throw undecodable(request.decoderResult().cause(), limits);
    }
    var headers = request.headers();
    if (headers.size() > limits.headerLines()) {
      throw new Problem(
              431,
              "headers-too-large",
              "Request header fields too large",
              "A request has at most " + limits.headerLines() + " header lines.")
          .refusal();
    }
    var version = request.protocolVersion();
    boolean http11 = version.equals(HttpVersion.HTTP_1_1);
    if (!http11 && !version.equals(HttpVersion.HTTP_1_0)) {
      throw new Problem(
              505,
              "version-not-supported",
              "HTTP version not supported",
              "This port speaks HTTP/1.1 and HTTP/1.0.")
          .refusal();
    }
    boolean hasBody = checkLength(headers, http11);
    var expect = headers.get(HttpHeaderNames.EXPECT);
    if (expect != null && !expect.equalsIgnoreCase("100-continue")) {
      throw new Problem(
              417, "expectation-failed", "Expectation failed", "Only 100-continue can be expected.")
          .refusal();
    }
    var method = request.method().name();
    if (method.equals("CONNECT") || method.equals("TRACE")) {
      throw Problem.methodNotAllowed("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS").refusal();
    }
    var host = host(headers, http11);
    var uri = request.uri();
    if (!uri.startsWith("/") && uri.indexOf("://") > 0) {
      // Absolute form: its authority replaces Host (RFC 9112 section 3.2.2).
      var absolute = absolute(uri);
      host = absolute.getRawAuthority();
      int path = uri.indexOf('/', uri.indexOf("://") + 3);
      int query = uri.indexOf('?');
      if (path >= 0 && (query < 0 || path < query)) {
        uri = uri.substring(path);
      } else {
        uri = query < 0 ? "/" : "/" + uri.substring(query);
      }
    }
    return new RequestHead(method, Target.parse(uri), host, headers, hasBody);
  }

  private static boolean checkLength(HttpHeaders headers, boolean http11) {
    var encodings = headers.getAll(HttpHeaderNames.TRANSFER_ENCODING);
    if (!encodings.isEmpty()) {
      if (!http11) {
        throw framing("Transfer-Encoding does not exist in HTTP/1.0.");
      }
      if (encodings.size() > 1 || !encodings.getFirst().equalsIgnoreCase("chunked")) {
        throw framing("The only Transfer-Encoding taken is 'chunked'.");
      }
      return true;
    }
    var length = headers.get(HttpHeaderNames.CONTENT_LENGTH);
    if (length == null) {
      return false;
    }
    for (int i = 0; i < length.length(); i++) {
      if (length.charAt(i) < '0' || length.charAt(i) > '9') {
        throw framing("Content-Length is not a number.");
      }
    }
    return !length.equals("0");
  }

  private static String host(HttpHeaders headers, boolean http11) {
    var hosts = headers.getAll(HttpHeaderNames.HOST);
    if (hosts.size() > 1) {
      throw framing("There is more than one Host.");
    }
    if (hosts.isEmpty()) {
      if (http11) {
        throw framing("Host is missing.");
      }
      return "";
    }
    var host = hosts.getFirst();
    for (int i = 0; i < host.length(); i++) {
      char c = host.charAt(i);
      boolean good =
          (c >= 'a' && c <= 'z')
              || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9')
              || "-._~:[]%!$&'()*+,;=".indexOf(c) >= 0;
      if (!good) {
        throw framing("Host is not a host and port.");
      }
    }
    return host;
  }

  private static URI absolute(String uri) {
    try {
      var absolute = new URI(uri);
      var scheme =
          absolute.getScheme() == null ? "" : absolute.getScheme().toLowerCase(Locale.ROOT);
      if ((scheme.equals("http") || scheme.equals("https"))
          && absolute.getHost() != null
          && absolute.getRawUserInfo() == null) {
        return absolute;
      }
    } catch (URISyntaxException e) {
      // told below
    }
    throw new Problem(400, "bad-target", "Bad request target", "The absolute target is not usable.")
        .refusal();
  }

  private static Refusal undecodable(Throwable cause, HttpLimits limits) {
    if (cause instanceof TooLongHttpLineException) {
      return new Problem(
              414,
              "line-too-long",
              "URI too long",
              "A request line has at most " + limits.line() + " bytes.")
          .refusal();
    }
    if (cause instanceof TooLongHttpHeaderException) {
      return new Problem(
              431,
              "headers-too-large",
              "Request header fields too large",
              "The header lines have at most " + limits.headers() + " bytes.")
          .refusal();
    }
    return framing("The request is not HTTP/1.1 that can be read in one way only.");
  }

  private static Refusal framing(String detail) {
    return new Problem(400, "bad-framing", "Bad request", detail).refusal();
  }
}
