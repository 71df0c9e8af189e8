package dev.gatehouse.compute;

import java.util.random.RandomGenerator;
import java.util.random.RandomGenerator.SplittableGenerator;

/// The sum of 100,000 fresh draws from 0..100, both included.
///
/// Every sum has a generator of its own, split off `root`: threads never share one, and a seeded
/// root makes the sums repeatable.
final class CpuSum {
  static final int DRAWS = 100_000;
  private static final int BOUND = 101;

  /// A producer looks this often whether requests come; a whole sum takes about half a millisecond.
  private static final int POLITE_DRAWS = 10_000;

  private final SplittableGenerator root;

  CpuSum(SplittableGenerator root) {
    this.root = root;
  }

  int compute() {
    return draws(split(), DRAWS);
  }

  /// What somebody in no hurry does in between.
  @FunctionalInterface
  interface Pause {
    void run() throws InterruptedException;
  }

  /// The same, with a pause before every part of it.
  int computePolitely(Pause pause) throws InterruptedException {
    var random = split();
    int sum = 0;
    for (int i = 0; i < DRAWS; i += POLITE_DRAWS) {
      pause.run();
      sum += draws(random, POLITE_DRAWS);
    }
    return sum;
  }

  private static int draws(RandomGenerator random, int count) {
    int sum = 0;
    for (int i = 0; i < count; i++) {
      sum += random.nextInt(BOUND);
    }
    return sum;
  }

  private RandomGenerator split() {
    synchronized (root) {
      return root.split();
    }
  }
}
