package dev.gatehouse.acceptance;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.stream.IntStream;

/// Clients that count as fast as they are answered, and what the totals must be afterwards.
///
/// Half of the keys are counted with an `Idempotency-Key` only: whatever happens to a request, it
/// is repeated until it is answered, so these totals are known exactly. The others are counted
/// without; a request of theirs that was not answered may or may not be in the total.
final class CounterRecorder implements AutoCloseable {
  static final int KEYS = 50;
  private static final int EXACT = KEYS / 2;

  private final int port;
  private final String name;
  private final Duration patience;
  private final AtomicLongArray acknowledged = new AtomicLongArray(KEYS);
  private final AtomicLongArray unanswered = new AtomicLongArray(KEYS);
  private final AtomicLong answers = new AtomicLong();
  private final AtomicLong failures = new AtomicLong();
  private final AtomicLong ids = new AtomicLong();
  private final ConcurrentLinkedQueue<String> wrong = new ConcurrentLinkedQueue<>();
  private final List<Thread> threads = new ArrayList<>();
  private final CountDownLatch over = new CountDownLatch(1);

  /// @param name begins the keys, which nobody else may count
  /// @param patience of a client, after which it takes an answer for lost
  CounterRecorder(int port, String name, Duration patience) {
    this.port = port;
    this.name = name;
    this.patience = patience;
  }

  void start(int clients) {
    for (int i = 0; i < clients; i++) {
      var random = new SplittableRandom(i);
      threads.add(Thread.ofVirtual().start(() -> run(random)));
    }
  }

  private void run(SplittableRandom random) {
    var client = new Client();
    while (over.getCount() > 0) {
      switch (random.nextInt(20)) {
        case 0 -> exactly(client, random.nextInt(EXACT), 0, random.nextInt(EXACT));
        case 1, 2, 3, 4, 5, 6 -> exactly(client, 0); // the hot one
        case 7, 8, 9, 10, 11 -> exactly(client, random.nextInt(EXACT));
        default -> once(client, EXACT + random.nextInt(KEYS - EXACT));
      }
    }
    client.forget();
  }

  /// One request, repeated under its name until it is answered; also after the end.
  private void exactly(Client client, int... keys) {
    var items = IntStream.of(keys).mapToObj(this::item).toList();
    var body = items.size() == 1 ? items.getFirst() : "[" + String.join(",", items) + "]";
    var id = "Idempotency-Key: " + name + "-" + ids.incrementAndGet();
    while (!client.accepted(body, id)) {
      failures.incrementAndGet();
    }
    answers.incrementAndGet();
    for (int key : keys) {
      acknowledged.incrementAndGet(key);
    }
  }

  private void once(Client client, int key) {
    if (client.accepted(item(key))) {
      answers.incrementAndGet();
      acknowledged.incrementAndGet(key);
    } else {
      failures.incrementAndGet();
      unanswered.incrementAndGet(key);
    }
  }

  private String item(int key) {
    return "{\"key\":\"" + key(key) + "\",\"value\":1}";
  }

  String key(int index) {
    return name + "-" + index;
  }

  /// The least that a key's total may be.
  long least(int index) {
    return acknowledged.get(index);
  }

  /// The most that a key's total may be: the same where requests had an id.
  long most(int index) {
    return acknowledged.get(index) + unanswered.get(index);
  }

  long answers() {
    return answers.get();
  }

  /// Requests that were not answered, or with 502 and more.
  long failures() {
    return failures.get();
  }

  /// Answers that nothing can explain.
  List<String> wrong() {
    return List.copyOf(wrong);
  }

  /// Returns when every request with an id has been answered.
  void stop() throws InterruptedException {
    over.countDown();
    for (var thread : threads) {
      thread.join();
    }
  }

  @Override
  public void close() {
    over.countDown();
  }

  @Override
  public String toString() {
    return "%d answered, %d not, %d wrong".formatted(answers.get(), failures.get(), wrong.size());
  }

  /// A connection that is made again after it broke.
  private final class Client {
    private final List<KeptOpen> connection = new ArrayList<>(1);

    boolean accepted(String body, String... fields) {
      try {
        if (connection.isEmpty()) {
          connection.add(new KeptOpen(port, patience));
        }
        var answer = connection.getFirst().post("/increment", body, fields);
        if (answer.status() != 202 && answer.status() < 502) {
          wrong.add(answer.status() + " " + answer.body());
        }
        if (answer.status() == 202) {
          return true;
        }
      } catch (IOException broken) {
        forget();
      }
      pause();
      return false;
    }

    /// Nobody is there just now, and whoever starts needs the CPU.
    private void pause() {
      try {
        var _ = over.await(50, TimeUnit.MILLISECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    void forget() {
      try {
        for (var open : connection) {
          open.close();
        }
      } catch (IOException e) {
        wrong.add(e.toString());
      }
      connection.clear();
    }
  }
}
