package dev.gatehouse.accounts;

import dev.gatehouse.state.Database;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/// All SQL of accounts. Time is the database's, so that replicas whose clocks differ agree on when
/// a session ends.
final class AccountsStore {
  /// Rows removed by one pruning; what is left waits for the next.
  static final int PRUNED_AT_ONCE = 1000;

  /// Browsers remembered for one user, the latest used.
  static final int DEVICES_KEPT = 50;

  private final Database database;

  AccountsStore(Database database) {
    this.database = database;
  }

  /// What sign-in needs to know.
  ///
  /// @param device whether this browser has signed in to this account
  record Known(UUID id, String password, boolean device) {}

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
                SELECT u.id, u.password, EXISTS (
                    SELECT FROM account_devices d
                    WHERE d.token_hash = :device AND d.user_id = u.id AND d.expires_at > now()
                  ) AS device
                FROM account_users u
                WHERE u.email_key = :key
                """)
            .bind("key", emailKey)
            .bind("device", device.map(Token::hash).orElse(new byte[0]))
            .map((row, context) ->
                new Known(
                    row.getObject("id", UUID.class),
                    row.getString("password"),
                    row.getBoolean("device")))
            .findOne());
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
  /// remembered. All sign-ins lock in the same order, old session and then device, and the limit on
  /// remembered browsers skips what is locked, so none waits in a circle.
  void startSession(UUID user, Token session, Optional<Token> old, Token device) {
    database.inTransaction(handle -> {
      old.ifPresent(token -> delete(handle, token));
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
      return rememberDevice(handle, user, device);
    });
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

  /// Whose session this is, if it lasts.
  Optional<UUID> userOf(Token session) {
    return database.with(handle ->
        handle
            .createQuery(
                """
                SELECT user_id FROM account_sessions
                WHERE token_hash = :hash AND expires_at > now()
                """)
            .bind("hash", session.hash())
            .mapTo(UUID.class)
            .findOne());
  }

  /// Ends a session; committed when this returns, so that no replica finds it any more.
  void endSession(Token session) {
    database.with(handle -> delete(handle, session));
  }

  /// Removes some of what has expired. Replicas that prune at once skip each other's rows.
  int prune() {
    return database.with(handle ->
        handle
                .createUpdate(
                    """
                    DELETE FROM account_sessions WHERE token_hash = ANY(ARRAY(
                      SELECT token_hash FROM account_sessions WHERE expires_at <= now()
                      LIMIT :most FOR UPDATE SKIP LOCKED))
                    """)
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

  private static int delete(Handle handle, Token session) {
    return handle
        .createUpdate("DELETE FROM account_sessions WHERE token_hash = :hash")
        .bind("hash", session.hash())
        .execute();
  }
}
