package dev.gatehouse.edge.auth;

import dev.gatehouse.edge.filter.Filter;
import dev.gatehouse.edge.filter.Verdict;
import dev.gatehouse.edge.filter.Visit;
import dev.gatehouse.edge.route.Route;
import dev.gatehouse.http.Problem;
import dev.gatehouse.http.RequestHead;
import io.netty.handler.codec.http.HttpHeaderNames;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/// Lets in only who can say in one of the route's ways who they are, and notes who it is.
///
/// The first way that a request presents decides. A credential that does not count is refused and
/// not passed to the next way: else a client with a revoked key would silently become somebody
/// else, or nobody. The credential stays behind, whatever the destination, unless the route passes
/// it on.
public final class Authenticate implements Filter {
  private final List<Authenticator> ways;
  private final boolean anonymous;
  private final boolean pass;

  /// @param ways in the order they are looked for
  public Authenticate(List<Authenticator> ways, Route.Authentication how) {
    this.ways = List.copyOf(ways);
    this.anonymous = how.anonymous();
    this.pass = how.pass();
  }

  @Override
  public Verdict apply(Visit visit) {
    // Two of them could be read in two ways, here and behind us.
    if (visit.head().headers().getAll(HttpHeaderNames.AUTHORIZATION).size() > 1) {
      return new Verdict.Answer(
          Problem.badRequest("There is more than one Authorization field; send one."));
    }
    for (var way : ways) {
      var claim = way.claim(visit);
      if (!(claim instanceof Claim.Absent)) {
        return verdict(visit, way, claim);
      }
    }
    return anonymous
        ? Verdict.PROCEED
        : new Verdict.Answer(
            challenged(Problem.unauthorized("This path needs a credential."), Optional.empty()));
  }

  private Verdict verdict(Visit visit, Authenticator way, Claim claim) {
    return switch (claim) {
      case Claim.Absent() -> throw new IllegalStateException("a credential that went away");
      case Claim.Known(var identity) -> {
        visit.identity(identity);
        if (!pass) {
          way.field(visit).ifPresent(field -> leave(visit, field));
        }
        yield Verdict.PROCEED;
      }
      case Claim.Refused(var problem) ->
          new Verdict.Answer(
              problem.status() == 401 ? challenged(problem, Optional.of(way)) : problem);
      case Claim.Pending(var later) ->
          new Verdict.Await(
              later.thenApplyAsync(found -> verdict(visit, way, found), visit.exchange().loop()));
    };
  }

  private static void leave(Visit visit, String field) {
    var head = visit.head();
    var headers = head.headers().copy();
    headers.remove(field);
    visit.head(new RequestHead(head.method(), head.target(), head.host(), headers, head.hasBody()));
  }

  private Problem challenged(Problem problem, Optional<Authenticator> refusing) {
    var challenges =
        ways.stream()
            .flatMap(way -> way.challenge(refusing.filter(way::equals).isPresent()).stream())
            .distinct()
            .collect(Collectors.joining(", "));
    return challenges.isEmpty() ? problem : problem.header("WWW-Authenticate", challenges);
  }
}
