package dev.gatehouse.state.coherence;

import dev.gatehouse.state.Database;
import dev.gatehouse.state.DatabaseSettings;
import dev.gatehouse.state.coherence.NearCache.Loaded;
import dev.gatehouse.state.coherence.NearCache.Written;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;

/// One process's share of a table of texts: its database, its membership, its cache.
final class Node implements AutoCloseable {
  static final String SECRET = "a secret of the assembly";

  final Database database;
  final Coherence coherence;
  final NearCache<Optional<String>> cache;
  final AtomicInteger loads = new AtomicInteger();

  private Node(Database database, Coherence coherence) {
    this.database = database;
    this.coherence = coherence;
    this.cache = coherence.cache("rows", 1 << 20, text -> text.map(String::length).orElse(0));
  }

  static Node start(String url, String name) {
    return start(url, name, CoherenceSettings.DEFAULTS, () -> {});
  }

  static Node start(String url, String name, CoherenceSettings settings, Runnable beforeAnswer) {
    var database = Database.open(new DatabaseSettings(url, 4, name));
    try {
      return new Node(
          database,
          Coherence.start(
              settings,
              database,
              new Coherence.Member(name, SECRET),
              System::nanoTime,
              new SecureRandom(),
              beforeAnswer));
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  /// One that goes on without a bus where it cannot listen at `address`.
  static Node startAnyway(String url, String name, InetSocketAddress address) {
    var database = Database.open(new DatabaseSettings(url, 4, name));
    return new Node(
        database,
        Coherence.startAnyway(
            CoherenceSettings.DEFAULTS.listening(address),
            database,
            new Coherence.Member(name, SECRET),
            System::nanoTime,
            new SecureRandom()));
  }

  static void createTable(Database database) {
    database.with(handle ->
        handle.execute(
            """
            CREATE TABLE rows (key text PRIMARY KEY, version bigint, value text);
            CREATE SEQUENCE row_version
            """));
  }

  Optional<String> read(String key) {
    return cache.get(key, this::load);
  }

  Loaded<Optional<String>> load(String key) {
    loads.incrementAndGet();
    return database.with(handle ->
        handle
            .createQuery("SELECT version, value FROM rows WHERE key = :key")
            .bind("key", key)
            .map((row, context) ->
                new Loaded<>(Optional.of(row.getString("value")), row.getLong("version")))
            .findOne()
            .orElseGet(() -> new Loaded<>(Optional.empty(), 0)));
  }

  void write(String key, String value) {
    writeLater(key, value).join();
  }

  /// On another thread.
  CompletableFuture<Void> writeSoon(String key, String value) {
    return CompletableFuture.runAsync(() -> write(key, value), Thread::startVirtualThread);
  }

  CompletableFuture<Boolean> writeLater(String key, String value) {
    return cache.changeLater(
        key,
        () ->
            database.with(handle ->
                handle
                    .createQuery(
                        """
                        WITH written AS (
                          INSERT INTO rows (key, version, value)
                          VALUES (:key, nextval('row_version'), :value)
                          ON CONFLICT (key) DO UPDATE
                            SET version = nextval('row_version'), value = excluded.value
                          RETURNING version
                        )
                        SELECT version, state_note('rows', :key, version) AS transaction FROM written
                        """)
                    .bind("key", key)
                    .bind("value", value)
                    .map((row, context) ->
                        new Written<>(true, row.getLong("transaction"), row.getLong("version")))
                    .one()));
  }

  void delete(String key) {
    cache.change(
        key,
        () ->
            database.with(handle ->
                handle
                    .createQuery(
                        """
                        WITH gone AS (
                          DELETE FROM rows WHERE key = :key RETURNING nextval('row_version') AS version
                        )
                        SELECT version, state_note('rows', :key, version) AS transaction FROM gone
                        """)
                    .bind("key", key)
                    .map((row, context) ->
                        new Written<>(true, row.getLong("transaction"), row.getLong("version")))
                    .findOne()
                    .orElseGet(() -> Written.nothing(false))));
  }

  @Override
  public void close() {
    coherence.close();
    database.close();
  }
}
