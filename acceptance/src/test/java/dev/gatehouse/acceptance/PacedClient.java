package dev.gatehouse.acceptance;

import dev.gatehouse.testkit.RawClient;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/// A client that asks for `/` at a steady rate on one connection, however it is answered, and notes
/// when it was let in.
///
/// What is due is sent at once every few milliseconds and then read, so it costs little. Everything
/// runs on its own thread; what it noted is read after [#close].
final class PacedClient implements AutoCloseable {
  private static final long EVERY_MILLIS = 5;

  /// More than this at once would be a rush that no rate allows, after a pause of the machine.
  private static final int MOST = 400;

  private final RawClient connection;
  private final int rate;
  private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor();
  private final List<Long> admitted = new ArrayList<>();
  private final List<String> failed = new ArrayList<>();
  private long last = System.nanoTime();
  private double due;
  private int asked;

  PacedClient(int port, int rate) {
    this.connection = RawClient.connect(port);
    this.rate = rate;
    thread.scheduleAtFixedRate(this::turn, 0, EVERY_MILLIS, TimeUnit.MILLISECONDS);
  }

  private void turn() {
    long now = System.nanoTime();
    due = Math.min(MOST, due + rate * ((now - last) / 1e9));
    last = now;
    int count = (int) due;
    due -= count;
    try {
      connection.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(count));
      for (int i = 0; i < count; i++) {
        note(connection.read().status());
      }
    } catch (RuntimeException e) {
      failed.add(e.toString());
      throw e;
    }
  }

  private void note(int status) {
    asked++;
    if (status == 200) {
      admitted.add(System.nanoTime());
    } else if (status != 429) {
      failed.add("status " + status);
    }
  }

  /// When each request that was let in was answered.
  List<Long> admitted() {
    return admitted;
  }

  /// Answers that are neither 200 nor 429, and what broke.
  List<String> failed() {
    return failed;
  }

  int asked() {
    return asked;
  }

  @Override
  public void close() {
    thread.close();
    connection.close();
  }
}
