package dev.gatehouse.edge.filter;

import dev.gatehouse.edge.route.HeaderEdits;
import dev.gatehouse.edge.route.Rewrite;
import dev.gatehouse.edge.route.Route;
import dev.gatehouse.edge.upstream.HopHeaders;
import dev.gatehouse.http.Refusal;
import dev.gatehouse.http.RequestHead;
import io.netty.handler.codec.http.HttpHeaderNames;
import java.util.Optional;

/// Makes of the client's request the one that the destination gets: another path, other header
/// fields.
///
/// What `Connection` names is removed before the fields are edited. Otherwise a client could name
/// there what the route adds, and the field would stay behind.
public final class ChangeRequest implements Filter {
  private final Optional<Rewrite> rewrite;
  private final HeaderEdits edits;

  public ChangeRequest(Route.Changes changes) {
    rewrite = changes.rewrite();
    edits = changes.request();
  }

  @Override
  public Verdict apply(Visit visit) {
    try {
      var head = visit.head();
      if (rewrite.isPresent()) {
        rewrite.get().host(head).ifPresent(visit::originHost);
        head = rewrite.get().apply(head);
      }
      visit.head(edits.isEmpty() ? head : edited(head));
      return Verdict.PROCEED;
    } catch (Refusal refusal) {
      return new Verdict.Answer(refusal.problem());
    }
  }

  private RequestHead edited(RequestHead head) {
    var headers = head.headers().copy();
    HopHeaders.removeNamed(headers, head.headers());
    headers.remove(HttpHeaderNames.CONNECTION);
    edits.apply(headers);
    return new RequestHead(head.method(), head.target(), head.host(), headers, head.hasBody());
  }
}
