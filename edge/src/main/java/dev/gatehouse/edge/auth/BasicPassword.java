package dev.gatehouse.edge.auth;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.gatehouse.edge.filter.Visit;
import dev.gatehouse.edge.route.Identity;
import dev.gatehouse.http.Guessing;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.Base64;
import java.util.Optional;
import java.util.function.LongSupplier;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// HTTP basic authentication (RFC 7617) against an htpasswd file.
///
/// A bcrypt hash keeps a processor busy for milliseconds up to a second, so hashes are computed on
/// a few threads of their own, and what was right is remembered for five minutes: not the password,
/// but a hash of it under a key of this process, together with the line of the file it was checked
/// against. So a line that changes, or goes, counts from the next request on.
///
/// Wrong passwords are throttled as at the sign-in. An address from which a user came in before has
/// a bucket of its own for that user, so that others who guess do not lock the user out.
final class BasicPassword implements Authenticator {
  private static final Logger LOG = LoggerFactory.getLogger(BasicPassword.class);
  private static final Duration REMEMBERED = Duration.ofMinutes(5);
  private static final Duration SEEN = Duration.ofDays(1);
  private static final int MOST = 10_000;

  private final Room room;
  private final Guessing guessing;
  private final WatchedFile file;
  private final Optional<String> plan;
  private final SecretKeySpec key;
  private final Cache<String, Identity> remembered;
  private final Cache<String, Boolean> seen;
  private volatile Htpasswd table = Htpasswd.EMPTY;

  /// @param plan of all its users
  BasicPassword(
      Path path,
      Optional<String> plan,
      Room room,
      Guessing guessing,
      byte[] secret,
      LongSupplier nanos) {
    this.room = room;
    this.guessing = guessing;
    this.plan = plan;
    this.key = new SecretKeySpec(secret, "HmacSHA256");
    this.file = new WatchedFile(path, bytes -> read(path, bytes));
    this.remembered = cache(REMEMBERED, nanos);
    this.seen = cache(SEEN, nanos);
    file.look();
  }

  private static <V> Cache<String, V> cache(Duration life, LongSupplier nanos) {
    return Caffeine.newBuilder()
        .maximumSize(MOST)
        .expireAfterWrite(life)
        .ticker(nanos::getAsLong)
        .executor(Runnable::run)
        .build();
  }

  /// Reads the file again if it has changed.
  void look() {
    file.look();
  }

  private void read(Path path, byte[] bytes) {
    table = Htpasswd.parse(bytes);
    if (!table.unreadable().isEmpty()) {
      LOG.warn(
          "{}: line {} cannot be read (a user that stands there already, or no bcrypt or apr1"
              + " hash); the other {} users can come in",
          path,
          String.join(", ", table.unreadable().stream().map(String::valueOf).toList()),
          table.hashes().size());
    }
  }

  private record Login(String user, String password) {}

  @Override
  public Claim claim(Visit visit) {
    var encoded = Credential.of(visit, "basic");
    if (encoded.isEmpty()) {
      return Claim.ABSENT;
    }
    if (Pages.fromElsewhere(visit.exchange().head())) {
      return Pages.refusal();
    }
    var login = parse(encoded.get());
    if (login.isEmpty()) {
      return Claim.refused("The Authorization field is no user and password in base64.");
    }
    var hash = table.hash(login.get().user);
    if (hash.isPresent()) {
      var known = remembered.getIfPresent(mark(login.get(), hash.get()));
      if (known != null) {
        return new Claim.Known(known);
      }
    }
    var client = visit.client();
    var from = visit.clientText();
    return room.ask(() -> verified(login.get(), hash, client, from));
  }

  private Claim verified(
      Login login, Optional<String> hash, InetSocketAddress client, String from) {
    var pair = mark(login.user, from);
    var guess =
        guessing.take(
            client,
            login.user,
            seen.getIfPresent(pair) == null
                ? Optional.empty()
                : Optional.of(pair.getBytes(StandardCharsets.US_ASCII)));
    boolean wrong = false;
    try {
      wrong = !table.matches(hash, login.password);
    } finally {
      if (!wrong) {
        guess.giveBack();
      }
    }
    if (wrong) {
      return Claim.refused("Wrong user or password.");
    }
    var identity = new Identity(login.user, plan, Identity.Scheme.BASIC);
    remembered.put(mark(login, hash.orElseThrow()), identity);
    seen.put(pair, true);
    return new Claim.Known(identity);
  }

  private static Optional<Login> parse(String encoded) {
    try {
      var text =
          StandardCharsets.UTF_8
              .newDecoder()
              .decode(ByteBuffer.wrap(Base64.getDecoder().decode(encoded)))
              .toString();
      int colon = text.indexOf(':');
      return colon < 0
          ? Optional.empty()
          : Optional.of(new Login(text.substring(0, colon), text.substring(colon + 1)));
    } catch (IllegalArgumentException | CharacterCodingException e) {
      return Optional.empty();
    }
  }

  private String mark(Login login, String hash) {
    // A user's name has no colon and a hash no NUL, so no two of them run into each other.
    return mark(login.user + ":" + login.password, hash);
  }

  private String mark(String one, String other) {
    try {
      var mac = Mac.getInstance("HmacSHA256");
      mac.init(key);
      mac.update(other.getBytes(StandardCharsets.UTF_8));
      mac.update((byte) 0);
      return Credential.hex(mac.doFinal(one.getBytes(StandardCharsets.UTF_8)));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java has HmacSHA256", e);
    }
  }

  @Override
  public Optional<String> challenge(boolean refused) {
    return Optional.of("Basic realm=\"gatehouse\", charset=\"UTF-8\"");
  }

  @Override
  public Optional<String> field(Visit visit) {
    return Optional.of(Credential.FIELD);
  }
}
