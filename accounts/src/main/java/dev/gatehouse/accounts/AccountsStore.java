package dev.gatehouse.accounts;

import dev.gatehouse.state.Database;
import dev.gatehouse.state.coherence.NearCache.WrittenAll;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.Query;

/// All SQL of accounts. Time is the database's, so that replicas whose clocks differ agree on when
/// a session ends.
final class AccountsStore {
  /// Rows removed by one pruning; what is left waits for the next.
  static final int PRUNED_AT_ONCE = 1000;

  /// Browsers remembered for one user, the latest used.
  static final int DEVICES_KEPT = 50;

  /// What the near caches of all processes call sessions; a key is a token's hash in hex.
  static final String SESSIONS = "account_sessions";

  private final Database database;

  AccountsStore(Database database) {
    this.database = database;
  }

  /// What sign-in needs to know.
  ///
  /// @param changes how often the password has been changed
  /// @param device whether this browser has signed in to this account
  record Known(UUID id, String email, String password, long changes, boolean device) {}

  /// A session that lasts.
  ///
  /// @param left until it ends, should it not be used again
  /// @param leftAtMost until it ends, however much it is used
  record Live(UUID user, Duration left, Duration leftAtMost) {}

  /// A new user's id; empty when the email is taken.
  ///
  /// The unique key decides between two who come at once: the second waits for the first's commit
  /// and then inserts nothing.
  Optional<UUID> addUser(Email email, String password) {
    return database.with(handle ->
        handle
            .createQuery(
                """
                INSERT INTO account_users (email, email_key, password)
                VALUES (:email, :key, :password)
                ON CONFLICT (email_key) DO NOTHING
                RETURNING id
                """)
            .bind("email", email.given())
            .bind("key", email.key())
            .bind("password", password)
            .mapTo(UUID.class)
            .findOne());
  }

  /// Whether the email is taken now. Only spares a hash: [#addUser] decides.
  boolean isTaken(Email email) {
    return database.with(handle ->
        handle
            .createQuery("SELECT EXISTS (SELECT FROM account_users WHERE email_key = :key)")
            .bind("key", email.key())
            .mapTo(Boolean.class)
            .one());
  }

  /// The user of an email, and whether this browser is known to them. Reads only; a stale answer
  /// costs a guess from another bucket.
  Optional<Known> find(String emailKey, Optional<Token> device) {
    return database.with(handle ->
        handle
            .createQuery(
                """
                SELECT u.id, u.email_key, u.password, u.password_changes, EXISTS (
                    SELECT FROM account_devices d
                    WHERE d.token_hash = :device AND d.user_id = u.id AND d.expires_at > now()
                  ) AS device
                FROM account_users u
                WHERE u.email_key = :key
                """)
            .bind("key", emailKey)
            .bind("device", device.map(Token::hash).orElse(new byte[0]))
            .map((row, context) -> known(row))
            .findOne());
  }

  /// A user by the id. Reads only; [#changePassword] decides.
  Optional<Known> find(UUID user) {
    return database.with(handle ->
        handle
            .createQuery(
                """
                SELECT id, email_key, password, password_changes, false AS device
                FROM account_users
                WHERE id = :user
                """)
            .bind("user", user)
            .map((row, context) -> known(row))
            .findOne());
  }

  private static Known known(ResultSet row) throws SQLException {
    return new Known(
        row.getObject("id", UUID.class),
        row.getString("email_key"),
        row.getString("password"),
        row.getLong("password_changes"),
        row.getBoolean("device"));
  }

  /// Stores the same password hashed for more. Who changed the password meanwhile wins, and of two
  /// who hash it anew the first.
  void rehash(Known user, String password) {
    database.with(handle ->
        handle
            .createUpdate(
                """
                UPDATE account_users SET password = :new WHERE id = :user AND password = :old
                """)
            .bind("new", password)
            .bind("user", user.id())
            .bind("old", user.password())
            .execute());
  }

  /// Changes a password, ends every session of its user and starts one, in one transaction; false,
  /// and nothing is changed, when another change came first.
  ///
  /// The user's row is locked first and then the sessions. A sign-in locks in the same order and
  /// looks at `password_changes` under its lock: either it has committed before, and its session is
  /// seen and ended here, or it comes later and starts none.
  WrittenAll<Boolean> changePassword(Known user, String password, Token session) {
    return database.inTransaction(handle -> {
      int changed =
          handle
              .createUpdate(
                  """
                  UPDATE account_users
                  SET password = :password, password_changes = password_changes + 1
                  WHERE id = :user AND password_changes = :changes
                  """)
              .bind("password", password)
              .bind("user", user.id())
              .bind("changes", user.changes())
              .execute();
      if (changed == 0) {
        return ended(false, List.of());
      }
      var gone = deleteAll(handle, user.id());
      insert(handle, user.id(), session);
      return ended(true, gone);
    });
  }

  /// Whether any user has signed in with this browser.
  boolean isDevice(Token device) {
    return database.with(handle ->
        handle
            .createQuery(
                """
                SELECT EXISTS (
                  SELECT FROM account_devices WHERE token_hash = :device AND expires_at > now())
                """)
            .bind("device", device.hash())
            .mapTo(Boolean.class)
            .one());
  }

  /// Starts a session in one transaction: the browser's old one ends with it, and the browser is
  /// remembered. False, and nothing is changed, when the password has been changed since it was
  /// checked: the lock holds back a change until this is committed. All sign-ins lock in the same
  /// order, user, old session, device, and the limit on remembered browsers skips what is locked,
  /// so none waits in a circle.
  WrittenAll<Boolean> startSession(Known user, Token session, Optional<Token> old, Token device) {
    return database.inTransaction(handle -> {
      boolean current =
          handle
              .createQuery(
                  """
                  SELECT password_changes = :changes FROM account_users
                  WHERE id = :user FOR SHARE
                  """)
              .bind("changes", user.changes())
              .bind("user", user.id())
              .mapTo(Boolean.class)
              .findOne()
              .orElse(false);
      if (!current) {
        return ended(false, List.of());
      }
      var gone = old.map(token -> delete(handle, token)).orElse(List.of());
      insert(handle, user.id(), session);
      rememberDevice(handle, user.id(), device);
      return ended(true, gone);
    });
  }

  private static void insert(Handle handle, UUID user, Token session) {
    handle
        .createUpdate(
            """
            INSERT INTO account_sessions (token_hash, user_id, expires_at)
            VALUES (:hash, :user, now() + make_interval(secs => :life))
            """)
        .bind("hash", session.hash())
        .bind("user", user)
        .bind("life", Cookies.SESSION_LIFE.toSeconds())
        .execute();
  }

  private static int rememberDevice(Handle handle, UUID user, Token device) {
    handle
        .createUpdate(
            """
            INSERT INTO account_devices (token_hash, user_id, expires_at)
            VALUES (:hash, :user, now() + make_interval(secs => :life))
            ON CONFLICT (token_hash, user_id)
            DO UPDATE SET used_at = now(), expires_at = EXCLUDED.expires_at
            """)
        .bind("hash", device.hash())
        .bind("user", user)
        .bind("life", Cookies.DEVICE_LIFE.toSeconds())
        .execute();
    return handle
        .createUpdate(
            """
            DELETE FROM account_devices
            WHERE user_id = :user AND token_hash = ANY(ARRAY(
              SELECT token_hash FROM account_devices
              WHERE user_id = :user AND token_hash <> :hash
              ORDER BY used_at DESC
              OFFSET :kept
              FOR UPDATE SKIP LOCKED))
            """)
        .bind("hash", device.hash())
        .bind("user", user)
        .bind("kept", DEVICES_KEPT - 1)
        .execute();
  }

  /// A session, if it lasts. Reads only.
  Optional<Live> session(Token session, Duration idle) {
    return database.with(handle ->
        handle
            .createQuery(
                """
                SELECT user_id,
                  extract(epoch FROM used_at - now()) + :idle AS left_s,
                  extract(epoch FROM expires_at - now()) AS left_at_most_s
                FROM account_sessions
                WHERE token_hash = :hash
                  AND expires_at > now() AND used_at > now() - make_interval(secs => :idle)
                """)
            .bind("hash", session.hash())
            .bind("idle", seconds(idle))
            .map((row, context) ->
                new Live(
                    row.getObject("user_id", UUID.class),
                    duration(row.getDouble("left_s")),
                    duration(row.getDouble("left_at_most_s"))))
            .findOne());
  }

  private static double seconds(Duration duration) {
    return duration.toMillis() / 1e3;
  }

  private static Duration duration(double seconds) {
    return Duration.ofNanos((long) (seconds * 1e9));
  }

  /// Notes that a session is used; false when it is over. Replicas that note it at once differ by
  /// nothing that matters; the later time stays.
  boolean touch(Token session, Duration idle) {
    return database.with(handle ->
        handle
            .createUpdate(
                """
                UPDATE account_sessions SET used_at = now()
                WHERE token_hash = :hash
                  AND expires_at > now() AND used_at > now() - make_interval(secs => :idle)
                """)
            .bind("hash", session.hash())
            .bind("idle", seconds(idle))
            .execute())
        > 0;
  }

  /// Ends a session; committed when this returns. A second one who ends it finds nothing.
  WrittenAll<Boolean> endSession(Token session) {
    return database.inTransaction(handle -> ended(true, delete(handle, session)));
  }

  /// Ends every session of a user; committed when this returns.
  WrittenAll<Boolean> endSessions(UUID user) {
    return database.inTransaction(handle -> ended(true, deleteAll(handle, user)));
  }

  /// Removes some of what has expired. Replicas that prune at once skip each other's rows.
  int prune(Duration idle) {
    return database.with(handle ->
        handle
                .createUpdate(
                    """
                    DELETE FROM account_sessions WHERE token_hash = ANY(ARRAY(
                      SELECT token_hash FROM account_sessions
                      WHERE expires_at <= now() OR used_at <= now() - make_interval(secs => :idle)
                      LIMIT :most FOR UPDATE SKIP LOCKED))
                    """)
                .bind("idle", seconds(idle))
                .bind("most", PRUNED_AT_ONCE)
                .execute()
            + handle
                .createUpdate(
                    """
                    DELETE FROM account_devices
                    WHERE expires_at <= now() AND token_hash = ANY(ARRAY(
                      SELECT token_hash FROM account_devices WHERE expires_at <= now()
                      LIMIT :most FOR UPDATE SKIP LOCKED))
                    """)
                .bind("most", PRUNED_AT_ONCE)
                .execute());
  }

  /// A session that was ended, as it was noted for the near caches.
  private record Gone(String key, long transaction) {}

  private static WrittenAll<Boolean> ended(boolean outcome, List<Gone> gone) {
    return new WrittenAll<>(
        outcome,
        gone.isEmpty() ? 0 : gone.getFirst().transaction(),
        gone.stream().map(Gone::key).toList());
  }

  private static List<Gone> delete(Handle handle, Token session) {
    return gone(
        handle
            .createQuery(
                """
                WITH gone AS (
                  DELETE FROM account_sessions WHERE token_hash = :hash RETURNING token_hash),
                keys AS (SELECT encode(token_hash, 'hex') AS key FROM gone)
                SELECT key, state_note(:space, key, 0) AS transaction FROM keys
                """)
            .bind("hash", session.hash()));
  }

  private static List<Gone> deleteAll(Handle handle, UUID user) {
    return gone(
        handle
            .createQuery(
                """
                WITH gone AS (
                  DELETE FROM account_sessions WHERE user_id = :user RETURNING token_hash),
                keys AS (SELECT encode(token_hash, 'hex') AS key FROM gone)
                SELECT key, state_note(:space, key, 0) AS transaction FROM keys
                """)
            .bind("user", user));
  }

  private static List<Gone> gone(Query query) {
    return query
        .bind("space", SESSIONS)
        .map((row, context) -> new Gone(row.getString("key"), row.getLong("transaction")))
        .list();
  }
}
