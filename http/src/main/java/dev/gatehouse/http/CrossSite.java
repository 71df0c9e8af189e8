package dev.gatehouse.http;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/// Tells what another site's page makes a signed-in browser do (CSRF) from what our own page does.
///
/// `SameSite=Lax` on a cookie holds back most of it; this also stops other ports and subdomains,
/// which count as the same site, and browsers that do not know the attribute. Only browsers borrow
/// cookies, and every one of today sends `Origin` with what changes state, or `Sec-Fetch-Site`; a
/// request with neither is no page's. A token in every form was refused: it needs pages of ours to
/// put it there, and there are none.
public final class CrossSite {
  private static final String HOST = "(\\[[0-9a-f:.]+]|[^/:?#@\\s\\[\\]]+)(?::(\\d{1,5}))?";
  private static final Pattern ORIGIN = Pattern.compile("(https?)://" + HOST);
  private static final Pattern AUTHORITY = Pattern.compile(HOST);

  private CrossSite() {}

  /// Whether a page from elsewhere made this request.
  ///
  /// @param fetchSite the values of `Sec-Fetch-Site`; all but `same-origin` and `none` (a bookmark,
  ///   a typed address) are elsewhere, a sister subdomain (`same-site`) too
  /// @param origins the values of `Origin`
  /// @param host of the request, with its port if it has one
  public static boolean isForeign(List<String> fetchSite, List<String> origins, String host) {
    return fetchSite.stream().anyMatch(site -> !isOwn(site.trim()))
        || origins.stream().anyMatch(origin -> !isSame(origin, host));
  }

  private static boolean isOwn(String site) {
    return site.equalsIgnoreCase("same-origin") || site.equalsIgnoreCase("none");
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
