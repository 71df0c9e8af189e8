package dev.gatehouse.accounts;

import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Who is signed in: looks sessions up, and notes that they are used.
///
/// A session ends a day after it began, and earlier when it is not used for `idle`. Its use is
/// noted at most once in a twentieth of `idle`, and then what was left of it counts from the last
/// note: a session may end by that much too early, never too late. To note every use was refused,
/// it would make every request a write.
final class Sessions {
  private static final Logger log = LoggerFactory.getLogger(Sessions.class);
  private static final int NOTES = 20;

  private final AccountsStore store;
  private final Duration idle;

  Sessions(AccountsStore store, Duration idle) {
    this.store = store;
    this.idle = idle;
  }

  /// Whose session this is, if it lasts.
  Optional<UUID> userOf(Token token) {
    var live = store.session(token, idle);
    live.filter(session -> isWorthNoting(session.left())).ifPresent(session -> note(token));
    return live.map(AccountsStore.Live::user);
  }

  private boolean isWorthNoting(Duration left) {
    return idle.minus(left).compareTo(idle.dividedBy(NOTES)) >= 0;
  }

  /// The session lasts for now, whatever becomes of the note.
  private void note(Token token) {
    try {
      store.touch(token, idle);
    } catch (RuntimeException e) {
      log.warn("a session's use cannot be noted: {}; its next use is the next try", e.getMessage());
    }
  }
}
