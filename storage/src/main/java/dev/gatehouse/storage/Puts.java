package dev.gatehouse.storage;

import dev.gatehouse.http.Refusal;
import dev.gatehouse.state.Database;
import dev.gatehouse.state.Line;
import dev.gatehouse.state.coherence.NearCache;
import dev.gatehouse.storage.StorageSql.Written;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;

/// Puts of documents that come at the same time: they are written together, in one statement and so
/// one transaction, one round trip and one flush (bench/storage).
///
/// Nobody waits for company: who comes first writes at once, and what comes meanwhile is the next
/// statement. A row is in each statement once, and rows are in order, so two replicas that write
/// the same ones do not block each other for good. One row that somebody else holds must not hold
/// up all others: when a statement waits for it too long nothing is written, and each put goes
/// alone then. So does one that has waited as long as for a connection of the pool, since the
/// server may hang.
///
/// Concurrency: whoever has the turn writes what waits, on a connection of its own, and for its own
/// request only once; what is left is a fresh thread's.
final class Puts implements AutoCloseable {
  private static final int MOST_ROWS = 64;
  private static final int MOST_BYTES = 256 << 10;

  /// Longer documents go alone.
  static final int LONGEST = 64 << 10;

  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final Duration LONGEST_WAIT = Duration.ofSeconds(3);
  private static final String SETTINGS = "SET lock_timeout = '100ms'";

  // As PUT, for many.
  private static final String PUT_ALL =
      """
      INSERT INTO storage_documents AS held (partition, id, version, body)
      SELECT given.partition, given.id, nextval('storage_version'), given.body
      FROM unnest(CAST(? AS text[]), CAST(? AS text[]), CAST(? AS bytea[]))
        AS given (partition, id, body)
      ON CONFLICT (partition, id) DO UPDATE
        SET version = nextval('storage_version'), body = excluded.body
      RETURNING partition, id, version, xmax = 0 AS created,
        CASE WHEN ?
          THEN state_note('storage.documents', char_length(partition) || ':' || partition || id, version)
          ELSE 0 END AS noted
      """;

  private record Put(
      String partition,
      String id,
      byte[] body,
      CompletableFuture<Optional<NearCache.Written<Written>>> result) {
    String key() {
      return StorageSql.key(partition, id);
    }
  }

  private final Line line;
  private final boolean noted;
  private final Queue<Put> waiting = new ConcurrentLinkedQueue<>();
  private final ReentrantLock turn = new ReentrantLock();

  Puts(Database database, boolean noted) {
    this.line = new Line(database, PATIENCE, SETTINGS);
    this.noted = noted;
  }

  /// Writes a document, whatever was there; empty when it has to go alone.
  Optional<NearCache.Written<Written>> put(String partition, String id, byte[] body) {
    var put = new Put(partition, id, body, new CompletableFuture<>());
    waiting.add(put);
    if (turn.tryLock()) {
      writeSome();
      if (!waiting.isEmpty()) {
        Thread.startVirtualThread(this::writeAll);
      }
    }
    return await(put);
  }

  private Optional<NearCache.Written<Written>> await(Put put) {
    try {
      return put.result.get(LONGEST_WAIT.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException late) {
      return waiting.remove(put) ? Optional.empty() : join(put);
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      return join(put);
    } catch (ExecutionException failed) {
      return join(put);
    }
  }

  private static Optional<NearCache.Written<Written>> join(Put put) {
    try {
      return put.result.join();
    } catch (CompletionException failed) {
      if (failed.getCause() instanceof RuntimeException failure) {
        throw failure;
      }
      throw failed;
    }
  }

  private void writeAll() {
    while (!waiting.isEmpty() && turn.tryLock()) {
      writeSome();
    }
  }

  /// Gives the turn back, too.
  private void writeSome() {
    try {
      var next = next();
      if (!next.isEmpty()) {
        write(next);
      }
    } finally {
      turn.unlock();
    }
  }

  /// Some of what waits, each row once, in an order that all replicas share.
  private Map<String, Put> next() {
    var next = new TreeMap<String, Put>();
    var again = new ArrayList<Put>();
    long bytes = 0;
    while (next.size() < MOST_ROWS && bytes < MOST_BYTES) {
      var put = waiting.poll();
      if (put == null) {
        break;
      }
      if (next.putIfAbsent(put.key(), put) == null) {
        bytes += put.body.length;
      } else {
        again.add(put);
      }
    }
    waiting.addAll(again);
    return next;
  }

  private void write(Map<String, Put> puts) {
    try {
      var written = puts.size() == 1 ? one(puts.values().iterator().next()) : all(puts);
      puts.forEach((key, put) -> put.result.complete(Optional.ofNullable(written.get(key))));
    } catch (Refusal unreachable) {
      puts.values().forEach(put -> put.result.completeExceptionally(unreachable));
    } catch (RuntimeException failure) {
      // The server has taken all of it back.
      puts.values().forEach(put -> put.result.complete(Optional.empty()));
    } finally {
      // An error must not leave anybody waiting; harmless otherwise.
      puts.values().forEach(put -> put.result.complete(Optional.empty()));
    }
  }

  private Map<String, NearCache.Written<Written>> one(Put put) {
    return line.statement(
        StorageSql.PUT,
        statement -> {
          StorageSql.bindPut(statement, put.partition, put.id, put.body, "{}", noted);
          return rows(statement, row -> put.key());
        });
  }

  private Map<String, NearCache.Written<Written>> all(Map<String, Put> puts) {
    return line.statement(
        PUT_ALL,
        statement -> {
          var connection = statement.getConnection();
          var each = List.copyOf(puts.values());
          statement.setArray(
              1, connection.createArrayOf("text", each.stream().map(Put::partition).toArray()));
          statement.setArray(
              2, connection.createArrayOf("text", each.stream().map(Put::id).toArray()));
          statement.setArray(
              3,
              connection.createArrayOf(
                  "bytea", each.stream().map(Put::body).toArray(byte[][]::new)));
          statement.setBoolean(4, noted);
          return rows(
              statement, row -> StorageSql.key(row.getString("partition"), row.getString("id")));
        });
  }

  private interface Key {
    String of(ResultSet row) throws SQLException;
  }

  private static Map<String, NearCache.Written<Written>> rows(PreparedStatement statement, Key key)
      throws SQLException {
    var written = new HashMap<String, NearCache.Written<Written>>();
    try (var row = statement.executeQuery()) {
      while (row.next()) {
        written.put(key.of(row), StorageSql.written(row));
      }
    }
    return written;
  }

  @Override
  public void close() {
    turn.lock();
    try {
      line.close();
    } finally {
      turn.unlock();
    }
  }
}
