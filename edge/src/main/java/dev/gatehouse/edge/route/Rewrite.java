package dev.gatehouse.edge.route;

import dev.gatehouse.http.Problem;
import dev.gatehouse.http.RequestHead;
import dev.gatehouse.http.Target;
import java.util.Optional;

/// What the destination is asked for instead of what the client asked for. The query always stays.
///
/// The new target is read as strictly as one that came from a client: whatever could be read in two
/// ways is 400, and so is a path that begins with two slashes, which some origins take for a host.
///
/// @param strip how many first segments are taken away
/// @param prefix put before what is left; empty or `/a/b`
/// @param path instead of both
/// @param host what an origin that is not ours gets as `Host`; its own address if empty
public record Rewrite(int strip, String prefix, Optional<Template> path, Optional<Template> host) {

  /// The `Host` for an origin that is not ours, if it is another one than its own address.
  ///
  /// @throws dev.gatehouse.http.Refusal 400 when the client's host is asked for and is none
  public Optional<String> host(RequestHead head) {
    return host.map(template -> template.expand(head));
  }

  /// @throws dev.gatehouse.http.Refusal 400
  public RequestHead apply(RequestHead head) {
    var target = head.target();
    if (strip == 0 && prefix.isEmpty() && path.isEmpty()) {
      return head;
    }
    var rewritten =
        path.isPresent()
            ? path.get().expand(head)
            : prefix + Template.rest(target.rawPath(), strip);
    var whole = rewritten.isEmpty() ? "/" : rewritten;
    if (whole.startsWith("//")) {
      throw Problem.badRequest("The path would begin with two slashes once rewritten.").refusal();
    }
    return new RequestHead(
        head.method(),
        Target.parse(whole + target.rawQuery().map(query -> "?" + query).orElse("")),
        head.host(),
        head.headers(),
        head.hasBody());
  }

  @Override
  public String toString() {
    var text = new StringBuilder();
    if (strip > 0) {
      text.append("strip ").append(strip).append(strip == 1 ? " segment" : " segments");
    }
    if (!prefix.isEmpty()) {
      text.append(text.isEmpty() ? "" : ", ").append("prefix ").append(prefix);
    }
    path.ifPresent(to -> text.append(text.isEmpty() ? "" : ", ").append("path ").append(to));
    host.ifPresent(to -> text.append(text.isEmpty() ? "" : ", ").append("host ").append(to));
    return text.toString();
  }
}
