package dev.gatehouse.state.coherence;

import java.io.IOException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The connections to the other replicas: who has been told how much on them, and what was
/// acknowledged. Confined to whoever has the announcer's turn; nothing here waits.
///
/// A listing decides whom there is a connection to ([#listed]). One that broke, owes an
/// acknowledgement for too long or leads to an old address is replaced there; a write is never
/// wrong for want of one, since it then waits for the replica's lease.
final class Peers {
  private static final Logger LOG = LoggerFactory.getLogger(Peers.class);

  /// A connection on which an acknowledgement takes this long is given up.
  private static final Duration SILENCE = Duration.ofSeconds(1);

  /// After a connection broke the next is tried so much later, however many writes come.
  private static final Duration RETRY = Duration.ofMillis(200);

  private enum Stage {
    CONNECTING,
    STANDS,
    LOST
  }

  private static final class Connection {
    private final Peer peer;
    private Stage stage = Stage.CONNECTING;
    private long told;
    private long acknowledged;

    /// Since when it owes an acknowledgement, or was lost.
    private long since;

    private Connection(Peer peer) {
      this.peer = peer;
    }

    private boolean owes() {
      return told != acknowledged;
    }
  }

  private final Announcements announcements;
  private final Selector selector;
  private final LongSupplier nanos;
  private final BusSecret secret;
  private final SecureRandom random;
  private final Peer.Listener listener;
  private final Map<UUID, Connection> connections = new HashMap<>();

  /// @param announcements what is to be told; hears of acknowledgements
  /// @param selector gets the connections that stand
  /// @param listener of the calls that are made here
  Peers(
      Announcements announcements,
      Selector selector,
      LongSupplier nanos,
      BusSecret secret,
      SecureRandom random,
      Peer.Listener listener) {
    this.announcements = announcements;
    this.selector = selector;
    this.nanos = nanos;
    this.secret = secret;
    this.random = random;
    this.listener = listener;
  }

  /// Keeps to who is in a listing.
  ///
  /// @param live of them those that have to be told
  void listed(Listing listing, List<Row> live) {
    for (var row : live) {
      var connection = connections.get(row.replica());
      if (connection != null && isUseless(connection, row)) {
        connection.peer.close();
        connections.remove(row.replica());
        connection = null;
      }
      if (connection == null) {
        call(row);
      }
    }
    connections
        .values()
        .removeIf(connection -> {
          boolean gone =
              listing.rows().stream()
                  .noneMatch(row -> row.replica().equals(connection.peer.replica()));
          if (gone) {
            connection.peer.close();
          }
          return gone;
        });
  }

  private void call(Row row) {
    try {
      connections.put(row.replica(), new Connection(Peer.call(row, secret, random, listener)));
    } catch (IOException | OutOfMemoryError failure) {
      // No descriptor, or no thread, is to be had now.
      LOG.debug("no bus to {} ({}); it is called again", row.name(), failure.getMessage());
    }
  }

  private boolean isUseless(Connection connection, Row row) {
    long since = nanos.getAsLong() - connection.since;
    return !connection.peer.address().equals(row.address())
        || switch (connection.stage) {
          case CONNECTING -> false;
          case STANDS -> connection.owes() && since > SILENCE.toNanos();
          case LOST -> since > RETRY.toNanos();
        };
  }

  /// A call came through.
  ///
  /// @return whether the selector has one more to wait on
  boolean adopt(Peer peer) {
    var now = current(peer);
    if (now.isEmpty()) {
      peer.close();
      return false;
    }
    try {
      peer.adopt(selector);
    } catch (IOException failure) {
      broke(peer, failure);
      return false;
    }
    now.get().stage = Stage.STANDS;
    return true;
  }

  /// Tells each replica what is open and it has not been told, once it has acknowledged all that it
  /// was told before: what comes meanwhile goes together. A new connection thus begins with all
  /// that is open.
  void tell() {
    connections.values().forEach(this::tell);
  }

  private void tell(Connection connection) {
    if (connection.stage != Stage.STANDS || connection.owes()) {
      return;
    }
    var untold = announcements.openTo(connection.peer.replica(), connection.told);
    if (untold.isEmpty()) {
      return;
    }
    long now = nanos.getAsLong();
    var changes = new ArrayList<Change>();
    for (var write : untold) {
      changes.addAll(write.tell(now));
    }
    connection.told = untold.getLast().sequence();
    connection.since = now;
    try {
      connection.peer.tell(Frames.encode(connection.told, changes));
    } catch (IOException failure) {
      broke(connection.peer, failure);
    }
  }

  /// Reads and writes what the selector found ready.
  void selected(SelectionKey key) {
    var peer = (Peer) key.attachment();
    try {
      if (key.isValid() && key.isReadable()) {
        peer.read().ifPresent(through -> acknowledge(peer, through));
      }
      if (key.isValid() && key.isWritable()) {
        peer.write();
      }
    } catch (IOException failure) {
      broke(peer, failure);
    }
  }

  private void acknowledge(Peer peer, long through) {
    current(peer)
        .ifPresent(connection -> {
          connection.acknowledged = through;
          connection.since = nanos.getAsLong();
        });
    announcements.acknowledged(peer.replica(), through, nanos.getAsLong());
  }

  private void broke(Peer peer, IOException failure) {
    peer.close();
    lose(peer, String.valueOf(failure.getMessage()));
  }

  void lose(Peer peer, String why) {
    LOG.debug(
        "no bus to {} at {} ({}); writes wait for what its lease says until there is one",
        peer.name(),
        peer.address(),
        why);
    current(peer)
        .ifPresent(connection -> {
          connection.stage = Stage.LOST;
          connection.since = nanos.getAsLong();
        });
  }

  /// Its connection, unless another has taken its place.
  private Optional<Connection> current(Peer peer) {
    return Optional.ofNullable(connections.get(peer.replica()))
        .filter(connection -> connection.peer == peer);
  }

  void close() {
    connections.values().forEach(connection -> connection.peer.close());
    connections.clear();
  }
}
