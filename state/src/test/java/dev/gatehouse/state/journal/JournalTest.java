package dev.gatehouse.state.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gatehouse.state.journal.JournalSettings.Durability;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JournalTest {
  private static final int SEGMENT = 4096;

  @TempDir Path root;

  private final AtomicLong ticker = new AtomicLong();
  private final Random salts = new Random(1);
  private int copies;

  @Test
  void what_was_appended_is_there_after_the_process_is_gone() throws IOException {
    cases(
        20,
        random -> {
          var expected = new ArrayList<String>();
          try (var journal = fresh(1 << 20)) {
            for (int i = 0; i < 300; i++) {
              var text = "x".repeat(random.nextInt(100)) + random.nextInt();
              append(journal, 1 + i / 10, text);
              expected.add(1 + i / 10 + ":" + text);
              if (random.nextInt(60) == 0) {
                // As kill -9 leaves it: nothing was closed.
                try (var after = open(copy(journal))) {
                  assertThat(records(after)).isEqualTo(expected);
                  append(after, 99, "on");
                  assertThat(records(after)).hasSize(expected.size() + 1).endsWith("99:on");
                }
              }
            }
            assertThat(records(journal)).isEqualTo(expected);
            assertThat(journal.lastEpoch()).isEqualTo(30);
          }
        });
  }

  @Test
  void a_torn_tail_is_cut_and_what_was_before_it_stays() throws IOException {
    cases(
        200,
        random -> {
          try (var journal = fresh(1 << 20)) {
            append(journal, 1, "first");
            append(journal, 1, "second");
            int end = 128 + 2 * 17 + "firstsecond".length();
            var torn = copy(journal);
            // A record of which any bytes got there, except that its length came last.
            var garbage = new byte[1 + random.nextInt(200)];
            random.nextBytes(garbage);
            write(onlySegment(torn), end + (random.nextBoolean() ? 0 : 4), garbage);
            try (var after = open(torn)) {
              assertThat(records(after)).containsExactly("1:first", "1:second");
              append(after, 2, "x");
              try (var again = open(copy(torn))) {
                assertThat(records(again)).containsExactly("1:first", "1:second", "2:x");
              }
            }
            assertThat(names(torn)).noneMatch(name -> name.endsWith(".damaged"));
          }
        });
  }

  @Test
  void a_corrupt_middle_is_set_aside_and_what_is_intact_is_replayed() throws IOException {
    cases(
        50,
        random -> {
          try (var journal = fresh(1 << 20)) {
            for (int i = 0; i < 20; i++) {
              append(journal, i + 1, "record" + i);
            }
            int bad = random.nextInt(19);
            var damaged = copy(journal);
            int at = 128 + 10 * 24 + (bad > 10 ? (bad - 10) * 25 : (bad - 10) * 24);
            flip(onlySegment(damaged), at + random.nextInt(24));
            try (var after = open(damaged)) {
              var expected = new ArrayList<String>();
              for (int i = 0; i < 20; i++) {
                if (i != bad) {
                  expected.add((i + 1) + ":record" + i);
                }
              }
              assertThat(records(after)).isEqualTo(expected);
              assertThat(names(damaged)).anyMatch(name -> name.endsWith(".damaged"));
              append(after, 30, "x");
            }
            try (var again = open(home(damaged))) {
              assertThat(records(again)).hasSize(20).endsWith("30:x");
            }
          }
        });
  }

  @Test
  void a_key_that_looks_like_a_record_never_becomes_one() throws IOException {
    try (var journal = fresh(1 << 20)) {
      append(journal, 1, "honest");
      var forged = Files.readAllBytes(onlySegment(copy(journal)));
      int size = 17 + "honest".length();
      var record = Arrays.copyOfRange(forged, 128, 128 + size);
      journal.append(1, (byte) 1, record, record.length);
      append(journal, 1, "last");
      var damaged = copy(journal);
      flip(onlySegment(damaged), 128 + size + 8 + 2); // in the record that carries the forged one
      try (var after = open(damaged)) {
        assertThat(records(after)).containsExactly("1:honest", "1:last");
      }
    }
  }

  @Test
  void a_sealed_segment_that_lost_its_end_is_not_taken_for_a_short_one() throws IOException {
    try (var journal = fresh(1 << 20)) {
      fill(journal, 1, 3);
      var damaged = copy(journal);
      var first = segments(damaged).getFirst();
      var bytes = Files.readAllBytes(first);
      int end = ByteBuffer.wrap(bytes).getInt(68);
      write(first, end - 40, new byte[40]);
      try (var after = open(damaged)) {
        assertThat(records(after)).hasSizeLessThan(records(journal).size());
      }
      assertThat(names(damaged)).anyMatch(name -> name.endsWith(".damaged"));
    }
  }

  @Test
  void at_its_size_it_refuses_and_takes_again_once_something_is_not_needed() throws IOException {
    try (var journal = fresh(3 * SEGMENT)) {
      int taken = fillUp(journal, 5);
      assertThat(taken).isGreaterThan(30);
      assertThat(journal.trouble()).isPresent();
      assertThat(records(journal)).hasSize(taken);
      append(journal, 6, "", JournalFull.class);
      journal.release(5);
      ticker.addAndGet(Duration.ofSeconds(1).toNanos());
      journal.tend();
      assertThat(journal.trouble()).isEmpty();
      append(journal, 6, "x".repeat(200));
      assertThat(journal.bytes()).isLessThanOrEqualTo(3 * SEGMENT);
      assertThat(journal.gone()).isEqualTo(5);
    }
  }

  @Test
  void what_is_not_needed_any_more_is_kept_for_its_time_and_then_deleted() throws IOException {
    try (var journal = fresh(1 << 20)) {
      fill(journal, 1, 4);
      journal.release(2);
      ticker.addAndGet(Duration.ofMinutes(59).toNanos());
      journal.tend();
      assertThat(records(journal)).anyMatch(record -> record.startsWith("1:"));
      ticker.addAndGet(Duration.ofMinutes(2).toNanos());
      journal.tend();
      assertThat(records(journal)).noneMatch(record -> record.startsWith("1:"));
      assertThat(records(journal)).anyMatch(record -> record.startsWith("3:"));
      assertThat(journal.gone()).isGreaterThanOrEqualTo(1);
    }
  }

  @Test
  void the_next_process_knows_what_is_not_needed_any_more() throws IOException {
    try (var journal = fresh(1 << 20)) {
      fill(journal, 1, 4);
      journal.release(3);
      append(journal, 5, "x");
      try (var after = open(copy(journal))) {
        assertThat(after.released()).isEqualTo(3);
        assertThat(after.lastEpoch()).isEqualTo(5);
        assertThat(after.id()).isEqualTo(journal.id());
      }
    }
  }

  @Test
  void forced_records_are_acknowledged_together() throws Exception {
    var settings = new JournalSettings(Durability.DISK, 1 << 20, SEGMENT, Duration.ofHours(1));
    try (var home = JournalHome.create(root, UUID.randomUUID());
        var journal = Journal.open(home, settings, means());
        var commit = new GroupCommit(journal)) {
      var all = new ArrayList<CompletableFuture<Void>>();
      for (int i = 0; i < 500; i++) {
        append(journal, i + 1, "record" + i);
        all.add(commit.forced().toCompletableFuture());
      }
      CompletableFuture.allOf(all.toArray(CompletableFuture[]::new)).get();
      assertThat(records(journal)).hasSize(500);
    }
  }

  @Test
  void a_directory_belongs_to_one_process_and_is_adopted_when_it_is_gone() throws IOException {
    try (var home = JournalHome.create(root, UUID.randomUUID())) {
      assertThat(JournalHome.adopt(root, 9)).isEmpty();
      home.close();
      var adopted = JournalHome.adopt(root, 9);
      assertThat(adopted).extracting(JournalHome::id).containsExactly(home.id());
      adopted.getFirst().delete();
      assertThat(root).isEmptyDirectory();
    }
  }

  // --- tools ---

  private static void cases(int cases, Consumer<Random> property) {
    for (int seed = 0; seed < cases; seed++) {
      property.accept(new Random(seed));
    }
  }

  private Journal fresh(long maxBytes) {
    try {
      var home = JournalHome.create(root, UUID.randomUUID());
      var settings =
          new JournalSettings(Durability.PROCESS, maxBytes, SEGMENT, Duration.ofHours(1));
      return Journal.open(home, settings, means());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Journal.Means means() {
    return new Journal.Means(ticker::get, salts::nextLong, Runnable::run);
  }

  private Journal open(Path directory) {
    return open(home(directory));
  }

  private JournalHome home(Path directory) {
    try {
      return JournalHome.adopt(directory.resolve(".."), 1).getFirst();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Closes the home with the journal: the next process needs the lock.
  private Journal open(JournalHome home) {
    try {
      var settings = new JournalSettings(Durability.PROCESS, 1 << 20, SEGMENT, Duration.ofHours(1));
      var journal = Journal.open(home, settings, means());
      home.close();
      return journal;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void append(Journal journal, long epoch, String text) {
    var bytes = text.getBytes(StandardCharsets.UTF_8);
    journal.append(epoch, (byte) 1, bytes, bytes.length);
  }

  private static void append(
      Journal journal, long epoch, String text, Class<? extends Throwable> failure) {
    assertThatThrownBy(() -> append(journal, epoch, text + "x".repeat(3000))).isInstanceOf(failure);
  }

  private static void fill(Journal journal, int fromEpoch, int toEpoch) {
    for (int epoch = fromEpoch; epoch <= toEpoch; epoch++) {
      for (int i = 0; i < 50; i++) {
        append(journal, epoch, "x".repeat(100));
      }
    }
  }

  private static int fillUp(Journal journal, long epoch) {
    int taken = 0;
    try {
      while (true) {
        append(journal, epoch, "x".repeat(200));
        taken++;
      }
    } catch (JournalFull e) {
      return taken;
    }
  }

  private static List<String> records(Journal journal) {
    var records = new ArrayList<String>();
    try {
      journal.replay(
          0,
          Long.MAX_VALUE,
          (epoch, type, payload) ->
              records.add(epoch + ":" + StandardCharsets.UTF_8.decode(payload)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return records;
  }

  /// What another process would find, were this one killed now.
  private Path copy(Journal journal) {
    return copy(root.resolve(journal.id().toString()));
  }

  private Path copy(Path from) {
    var to = root.resolve("copy" + copies++).resolve(from.getFileName());
    try {
      Files.createDirectories(to);
      try (var files = Files.list(from)) {
        for (var file : files.toList()) {
          Files.copy(file, to.resolve(file.getFileName()));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return to;
  }

  private static List<Path> segments(Path directory) {
    try (var files = Files.list(directory)) {
      return files
          .filter(file -> file.toString().endsWith(".journal"))
          .sorted(Comparator.comparing(Path::toString))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path onlySegment(Path directory) {
    return segments(directory).getFirst();
  }

  private static List<String> names(Path directory) {
    try (var files = Files.list(directory)) {
      return files.map(file -> file.getFileName().toString()).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void write(Path file, int at, byte[] bytes) {
    try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(bytes), at);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void flip(Path file, int at) {
    try {
      var bytes = Files.readAllBytes(file);
      write(file, at, new byte[] {(byte) (bytes[at] ^ 0x55)});
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
