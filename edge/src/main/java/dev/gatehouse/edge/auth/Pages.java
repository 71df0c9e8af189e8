package dev.gatehouse.edge.auth;

import dev.gatehouse.http.CrossSite;
import dev.gatehouse.http.Problem;
import dev.gatehouse.http.RequestHead;
import io.netty.handler.codec.http.HttpHeaderNames;

/// Tells requests that another site's page makes with what the browser knows: a cookie, or a
/// password it was once told.
final class Pages {
  private Pages() {}

  /// Whether a page of another site made this state-changing request. A client that is no browser
  /// says nothing of pages and has nothing that one could borrow.
  static boolean fromElsewhere(RequestHead head) {
    return !head.method().equals("GET")
        && !head.method().equals("HEAD")
        && CrossSite.isForeign(
            head.headers().getAll("Sec-Fetch-Site"),
            head.headers().getAll(HttpHeaderNames.ORIGIN),
            head.host());
  }

  static Claim refusal() {
    return new Claim.Refused(
        Problem.forbidden("A page of another site must not act with this site's credentials."));
  }
}
