package dev.gatehouse.acceptance;

import dev.gatehouse.acceptance.KeptOpen.Answer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;

/// Writers and readers through the edge, and a check of every read against the writes that were
/// acknowledged before it started.
///
/// Every key has one writer, whose operations are numbered: it puts the number, or deletes. A read
/// notes the last acknowledged number first. What it then gets must not be less; "unknown" must be
/// explained by a deletion that was begun with that number or a later one. A write that was not
/// acknowledged may be carried out at any later time, so its key is given up for a new one. Ages
/// are checked by the length of their list.
final class ReadRecorder implements AutoCloseable {
  private static final int DOCUMENTS = 24;
  private static final int LONGEST_LIST = 200;

  /// One document or list.
  private static final class Key {
    private final String path;
    private final boolean list;
    private final AtomicLong acknowledged = new AtomicLong();
    private final AtomicLong deletion = new AtomicLong();
    private long begun;

    private Key(String path, boolean list) {
      this.path = path;
      this.list = list;
    }
  }

  private final int port;
  private final AtomicReferenceArray<Key> keys = new AtomicReferenceArray<>(DOCUMENTS);
  private final AtomicLong names = new AtomicLong();
  private final AtomicLong reads = new AtomicLong();
  private final AtomicLong writes = new AtomicLong();
  private final AtomicLong unanswered = new AtomicLong();
  private final ConcurrentLinkedQueue<String> stale = new ConcurrentLinkedQueue<>();
  private final Set<String> servedBy = ConcurrentHashMap.newKeySet();
  private final List<Thread> threads = new ArrayList<>();
  private volatile boolean over;

  ReadRecorder(int port) {
    this.port = port;
    for (int i = 0; i < DOCUMENTS; i++) {
      renew(i);
    }
  }

  private void renew(int index) {
    var name = Long.toString(names.incrementAndGet());
    boolean list = index % 6 == 0;
    keys.set(index, new Key((list ? "/age/recorded-" : "/data/recorded/") + name, list));
  }

  void start(int writers, int readers) {
    for (int i = 0; i < writers; i++) {
      int writer = i;
      threads.add(Thread.ofVirtual().start(() -> run(client -> write(client, writer, writers))));
    }
    for (int i = 0; i < readers; i++) {
      threads.add(Thread.ofVirtual().start(() -> run(this::read)));
    }
  }

  private interface Turn {
    void take(KeptOpen client) throws IOException;
  }

  private void run(Turn turn) {
    while (!over) {
      try (var client = new KeptOpen(port)) {
        while (!over) {
          turn.take(client);
        }
      } catch (IOException broken) {
        unanswered.incrementAndGet();
      }
    }
  }

  private void write(KeptOpen client, int writer, int writers) throws IOException {
    int index = ThreadLocalRandom.current().nextInt(DOCUMENTS / writers) * writers + writer;
    var key = keys.get(index);
    boolean known = false;
    try {
      long number = ++key.begun;
      known = key.list ? append(client, key, number) : change(client, key, number);
    } finally {
      if (!known || (key.list && key.begun >= LONGEST_LIST)) {
        renew(index);
      }
    }
  }

  private boolean change(KeptOpen client, Key key, long number) throws IOException {
    Answer answer;
    if (number % 7 == 0) {
      key.deletion.set(number);
      answer = client.delete(key.path);
    } else {
      answer = client.put(key.path, Long.toString(number));
    }
    return acknowledged(key, number, answer);
  }

  private boolean append(KeptOpen client, Key key, long number) throws IOException {
    var name = key.path.substring("/age/".length());
    return acknowledged(
        key, number, client.put("/age", "{\"name\":\"%s\",\"age\":1}".formatted(name)));
  }

  private boolean acknowledged(Key key, long number, Answer answer) {
    servedBy.add(answer.servedBy());
    if (answer.status() / 100 != 2) {
      unanswered.incrementAndGet();
      return false;
    }
    key.acknowledged.set(number);
    writes.incrementAndGet();
    return true;
  }

  private void read(KeptOpen client) throws IOException {
    var key = keys.get(ThreadLocalRandom.current().nextInt(DOCUMENTS));
    long least = key.acknowledged.get();
    var answer = client.get(key.path);
    if (answer.stale() || answer.status() >= 500) {
      unanswered.incrementAndGet();
      return;
    }
    servedBy.add(answer.servedBy());
    reads.incrementAndGet();
    var got = value(key, answer);
    boolean right =
        got.isPresent() ? got.get() >= least : least == 0 || key.deletion.get() >= least;
    if (!right) {
      stale.add(
          "%s of %s: %s, acknowledged %d"
              .formatted(answer.servedBy(), key.path, answer.body(), least));
    }
  }

  private static Optional<Long> value(Key key, Answer answer) {
    if (key.list) {
      return Optional.of(answer.body().chars().filter(each -> each == '[').count() - 1);
    }
    return answer.status() == 200 ? Optional.of(Long.parseLong(answer.body())) : Optional.empty();
  }

  long reads() {
    return reads.get();
  }

  long writes() {
    return writes.get();
  }

  /// The reads that were older than they may be.
  List<String> stale() {
    return List.copyOf(stale);
  }

  Set<String> servedBy() {
    return Set.copyOf(servedBy);
  }

  void stop() throws InterruptedException {
    over = true;
    for (var thread : threads) {
      thread.join();
    }
  }

  @Override
  public void close() {
    over = true;
  }

  @Override
  public String toString() {
    return "%d reads, %d writes, %d unanswered, %d stale"
        .formatted(reads.get(), writes.get(), unanswered.get(), stale.size());
  }
}
