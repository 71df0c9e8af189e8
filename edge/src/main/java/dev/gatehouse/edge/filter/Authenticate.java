package dev.gatehouse.edge.filter;

import dev.gatehouse.edge.route.Identity;
import dev.gatehouse.http.Cookies;
import dev.gatehouse.http.CrossSite;
import dev.gatehouse.http.Problem;
import dev.gatehouse.http.Refusal;
import dev.gatehouse.http.RequestHead;
import io.netty.handler.codec.http.HttpHeaderNames;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Lets in only who has a live session, and notes whose it is.
///
/// The session is looked up on a virtual thread, since it is a row in Postgres; the verdict is
/// awaited meanwhile.
public final class Authenticate implements Filter {
  private static final Logger LOG = LoggerFactory.getLogger(Authenticate.class);

  private final Function<String, Optional<String>> userOf;
  private final Executor threads;

  /// @param userOf the user of a session's token; blocking
  public Authenticate(Function<String, Optional<String>> userOf, Executor threads) {
    this.userOf = userOf;
    this.threads = threads;
  }

  @Override
  public Verdict apply(Visit visit) {
    var token = token(visit);
    if (token.isEmpty()) {
      return new Verdict.Answer(Problem.unauthorized("This path needs a session."));
    }
    if (fromElsewhere(visit.exchange().head())) {
      return new Verdict.Answer(
          Problem.forbidden("A page of another site must not act with this site's cookie."));
    }
    var loop = visit.exchange().loop();
    return new Verdict.Await(
        CompletableFuture.supplyAsync(() -> lookUp(token.get()), threads)
            .thenApplyAsync(
                found -> {
                  if (found.user().isPresent()) {
                    visit.identity(
                        new Identity(
                            found.user().get(), Optional.empty(), Identity.Scheme.SESSION));
                  }
                  return found.verdict();
                },
                loop));
  }

  /// Whether a page of another site made this state-changing request.
  private static boolean fromElsewhere(RequestHead head) {
    return !head.method().equals("GET")
        && !head.method().equals("HEAD")
        && CrossSite.isForeign(
            head.headers().getAll("Sec-Fetch-Site"),
            head.headers().getAll(HttpHeaderNames.ORIGIN),
            head.host());
  }

  private record Found(Optional<String> user, Verdict verdict) {}

  private Found lookUp(String token) {
    try {
      var user = userOf.apply(token);
      return user.isPresent()
          ? new Found(user, Verdict.PROCEED)
          : new Found(
              user, new Verdict.Answer(Problem.unauthorized("The session is unknown or over.")));
    } catch (Refusal refusal) {
      return new Found(Optional.empty(), new Verdict.Answer(refusal.problem()));
    } catch (RuntimeException e) {
      LOG.error("a session could not be looked up; the request is refused with 500", e);
      return new Found(Optional.empty(), new Verdict.Answer(Problem.internal()));
    }
  }

  private static Optional<String> token(Visit visit) {
    return Cookies.find(
        visit.exchange().head().headers().getAll(HttpHeaderNames.COOKIE), "session");
  }
}
