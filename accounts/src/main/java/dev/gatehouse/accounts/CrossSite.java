package dev.gatehouse.accounts;

import dev.gatehouse.http.Problem;
import dev.gatehouse.http.Request;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/// Refuses what another site's page makes a signed-in browser do (CSRF).
///
/// `SameSite=Lax` holds back most of it; this also stops other ports and subdomains, which count as
/// the same site, and browsers that do not know the attribute.
final class CrossSite {
  private static final String HOST = "(\\[[0-9a-f:.]+]|[^/:?#@\\s\\[\\]]+)(?::(\\d{1,5}))?";
  private static final Pattern ORIGIN = Pattern.compile("(https?)://" + HOST);
  private static final Pattern AUTHORITY = Pattern.compile(HOST);

  private CrossSite() {}

  /// @throws dev.gatehouse.http.Refusal 403 when the request carries a cookie of ours and comes
  ///   from elsewhere
  static void refuse(Request request) {
    if (Cookies.any(request) && isForeign(request)) {
      throw Problem.forbidden("This request comes from a page of another site.")
          .hint("Send it from a page of this host, or without the cookie.")
          .refusal();
    }
  }

  static boolean isForeign(Request request) {
    var site = request.headers().getOrDefault("sec-fetch-site", List.of());
    if (site.stream().anyMatch(value -> value.trim().equalsIgnoreCase("cross-site"))) {
      return true;
    }
    var host = request.header("host").orElse("");
    return request.headers().getOrDefault("origin", List.of()).stream()
        .anyMatch(origin -> !isSame(origin, host));
  }

  /// `Origin: null` and anything else that is no http origin is foreign.
  private static boolean isSame(String origin, String host) {
    var from = ORIGIN.matcher(origin.trim().toLowerCase(Locale.ROOT));
    var to = AUTHORITY.matcher(host.trim().toLowerCase(Locale.ROOT));
    if (!from.matches() || !to.matches()) {
      return false;
    }
    // Behind a proxy that ends TLS only the browser knows the scheme, hence the default port.
    var standard = from.group(1).equals("https") ? "443" : "80";
    return from.group(2).equals(to.group(1))
        && Optional.ofNullable(from.group(3))
            .orElse(standard)
            .equals(Optional.ofNullable(to.group(2)).orElse(standard));
  }
}
