package dev.gatehouse.state.coherence;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

class CoherenceModelTest {
  private static final int SCHEDULES = Integer.getInteger("gatehouse.schedules", 4000);

  @Test
  void in_thousands_of_random_schedules_no_read_is_older_than_a_write_acknowledged_before_it() {
    long reads = 0;
    long hits = 0;
    long writes = 0;
    for (int i = 0; i < SCHEDULES; i++) {
      long seed = Long.getLong("gatehouse.seed", new Random().nextLong());
      try {
        var world = play(seed);
        reads += world.reads;
        hits += world.hits;
        writes += world.acknowledgedWrites;
      } catch (RuntimeException | AssertionError failure) {
        throw new AssertionError(
            "schedule " + i + "; again with -Dgatehouse.seed=" + seed + ": " + failure, failure);
      }
    }
    // Otherwise nothing was tried.
    assertThat(hits).isGreaterThan(reads / 20);
    assertThat(writes).isGreaterThan(SCHEDULES * 5L);
  }

  private static World play(long seed) {
    var world = new World(new Random(seed));
    for (int i = 0; i < 1500; i++) {
      world.step();
    }
    // In the end nobody is left waiting.
    world.calm = true;
    for (int i = 0; i < 20_000 && isBusy(world); i++) {
      world.step();
    }
    assertThat(world.replicas).allMatch(replica -> replica.announcements.isEmpty());
    return world;
  }

  private static boolean isBusy(World world) {
    return world.replicas.stream().anyMatch(replica -> !replica.announcements.isEmpty());
  }
}
