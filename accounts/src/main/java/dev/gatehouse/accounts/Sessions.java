package dev.gatehouse.accounts;

import dev.gatehouse.state.coherence.Coherence;
import dev.gatehouse.state.coherence.NearCache;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Who is signed in: knows sessions from memory, starts and ends them, notes that they are used.
///
/// A session ends a day after it began, and earlier when it is not used for `idle`. Its use is
/// noted at most once in a twentieth of `idle`, and then what was left of it counts from the last
/// note: a session may end by that much too early, never too late. To note every use was refused,
/// it would make every request a write.
///
/// **Concurrency.** What ends a session goes through the near cache's `change`, so that no process
/// knows it any more when that is answered. A session that starts is told to nobody: its token is
/// 256 fresh random bits, so no process can remember that there was none. Nor is a note of its use:
/// an entry only ever thinks too little of what is left, and asks the database before it says that
/// a session is over. Time passes by this process's monotonic clock from *before* the row was read,
/// so an entry never outlives its row, as long as clocks run at about the same rate.
final class Sessions {
  private static final Logger log = LoggerFactory.getLogger(Sessions.class);
  private static final int NOTES = 20;
  private static final long CACHE_BYTES = 8 << 20;
  private static final int WEIGHT = 96;

  private final AccountsStore store;
  private final Duration idle;
  private final LongSupplier nanos;
  private final NearCache<Optional<Known>> cache;

  /// A session as this process knows it; `last` and `note` move on when its use has been noted.
  private static final class Known {
    private final UUID user;
    private final long end;
    private volatile long last;
    private volatile long note;

    Known(AccountsStore.Live live, long readAt, Duration idle) {
      user = live.user();
      end = readAt + live.leftAtMost().toNanos();
      last = readAt + live.left().toNanos();
      note = last - idle.toNanos() + idle.dividedBy(NOTES).toNanos();
    }

    void used(long at, Duration idle) {
      last = at + idle.toNanos();
      note = at + idle.dividedBy(NOTES).toNanos();
    }

    boolean lasts(long now) {
      return now - end < 0 && now - last < 0;
    }

    boolean isWorthNoting(long now) {
      return now - note >= 0;
    }
  }

  Sessions(AccountsStore store, Duration idle, LongSupplier nanos, Coherence coherence) {
    this.store = store;
    this.idle = idle;
    this.nanos = nanos;
    this.cache = coherence.cache(AccountsStore.SESSIONS, CACHE_BYTES, known -> WEIGHT);
  }

  NearCache<?> cache() {
    return cache;
  }

  /// Whose session this is, if it lasts. Without a query, unless this process has not seen it yet
  /// or its use is to be noted.
  Optional<UUID> userOf(Token token) {
    return cache
        .get(token.key(), key -> load(token))
        .filter(session -> isLive(session, token))
        .map(session -> session.user);
  }

  private NearCache.Loaded<Optional<Known>> load(Token token) {
    long readAt = nanos.getAsLong();
    return new NearCache.Loaded<>(
        store.session(token, idle).map(live -> new Known(live, readAt, idle)), 0);
  }

  private boolean isLive(Known session, Token token) {
    long now = nanos.getAsLong();
    if (now - session.end >= 0) {
      return false;
    }
    return session.isWorthNoting(now) ? note(session, token, now) : session.lasts(now);
  }

  /// Where the database cannot be asked, a session that lasts as far as is known here lasts.
  private boolean note(Known session, Token token, long now) {
    try {
      boolean lasts = store.touch(token, idle);
      if (lasts) {
        session.used(now, idle);
      }
      return lasts;
    } catch (RuntimeException e) {
      if (!session.lasts(now)) {
        throw e;
      }
      log.warn("a session's use cannot be noted: {}; its next use is the next try", e.getMessage());
      return true;
    }
  }

  /// Starts a session; the browser's old one is dead everywhere when this returns. False when the
  /// password has been changed since it was checked.
  boolean start(AccountsStore.Known user, Token session, Optional<Token> old, Token device) {
    return old.isEmpty()
        ? store.startSession(user, session, old, device).outcome()
        : cache.changeAll(() -> store.startSession(user, session, old, device));
  }

  /// Ends a session; no process takes it for one any more when this returns.
  void end(Token session) {
    cache.changeAll(() -> store.endSession(session));
  }

  /// Ends every session of a user; a sign-in that commits later starts one that lasts.
  void endAll(UUID user) {
    cache.changeAll(() -> store.endSessions(user));
  }

  /// Changes the password and ends every session but a new one; false when another change was
  /// first.
  boolean changePassword(AccountsStore.Known user, String password, Token session) {
    return cache.changeAll(() -> store.changePassword(user, password, session));
  }
}
