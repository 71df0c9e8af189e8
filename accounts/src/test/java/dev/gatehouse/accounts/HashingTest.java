package dev.gatehouse.accounts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.gatehouse.accounts.AccountsSettings.HashCost;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HashingTest {
  private final Hashing hashing = new Hashing(HashCost.LEAST, 1, 4, new SecureRandom());

  @AfterEach
  void close() {
    hashing.close();
  }

  /// From the tests of the reference implementation, phc-winner-argon2.
  @Test
  void a_phc_string_of_another_argon2_is_understood() throws Exception {
    var reference =
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    assertThat(hashing.matches("password", Optional.of(reference))).isTrue();
    assertThat(hashing.matches("passwore", Optional.of(reference))).isFalse();
  }

  @Test
  void one_password_hashed_twice_is_two_strings_that_both_match() throws Exception {
    var one = hashing.hash("a quiet heron");
    var two = hashing.hash("a quiet heron");
    assertThat(one).isNotEqualTo(two);
    assertThat(hashing.matches("a quiet heron", Optional.of(one))).isTrue();
    assertThat(hashing.matches("a quiet heron", Optional.of(two))).isTrue();
    assertThat(hashing.matches("A quiet heron", Optional.of(one))).isFalse();
  }

  @Test
  void how_a_keyboard_composes_a_letter_makes_no_difference() throws Exception {
    var composed = hashing.hash("caf\u00e9 noir");
    assertThat(hashing.matches("cafe\u0301 noir", Optional.of(composed))).isTrue();
  }

  @Test
  void without_a_usable_hash_the_answer_is_no_at_the_same_cost() throws Exception {
    assertThat(hashing.matches("a quiet heron", Optional.empty())).isFalse();
    assertThat(hashing.matches("a quiet heron", Optional.of("plain text"))).isFalse();
    assertThat(hashing.work()).isEqualTo(2 * HashCost.LEAST.work());
  }

  @ParameterizedTest
  @CsvSource({"19456, 2, 1", "8192, 1, 1", "19456, 1, 1", "12288, 3, 1", "32768, 1, 1", "8, 1, 1"})
  void a_check_costs_the_same_for_nobody_and_whatever_the_password_was_hashed_for(
      int memoryKib, int passes, int lanes) throws Exception {
    var older = new HashCost(memoryKib, passes, lanes);
    String stored;
    try (var before = new Hashing(older, 1, 4, new SecureRandom())) {
      stored = before.hash("a quiet heron");
    }
    assertThat(hashing.matches("another heron", Optional.empty())).isFalse();
    long nobody = hashing.work();
    assertThat(hashing.matches("another heron", Optional.of(stored))).isFalse();
    long wrong = hashing.work() - nobody;
    assertThat(hashing.matches("a quiet heron", Optional.of(stored))).isTrue();
    long right = hashing.work() - nobody - wrong;
    // Argon2 rounds memory; less than a hundredth is less than what the rest of a request varies.
    assertThat(wrong).isCloseTo(nobody, withinPercentage(1));
    assertThat(right).isEqualTo(wrong);
    assertThat(hashing.isCheap(stored)).isEqualTo(!older.equals(HashCost.LEAST));
  }

  @Test
  void a_password_that_was_hashed_for_more_stays() throws Exception {
    try (var dearer = new Hashing(new HashCost(65_536, 2, 1), 1, 4, new SecureRandom())) {
      assertThat(hashing.isCheap(dearer.hash("a quiet heron"))).isFalse();
    }
    assertThat(hashing.isCheap("plain text")).isFalse();
  }

  @Test
  void no_more_are_computed_at_once_than_there_are_threads_and_all_get_their_turn()
      throws Exception {
    int most = 0;
    try (var two = new Hashing(HashCost.LEAST, 2, 64, new SecureRandom());
        var callers = Executors.newVirtualThreadPerTaskExecutor()) {
      var answers = new ArrayList<Future<String>>();
      for (int i = 0; i < 24; i++) {
        answers.add(callers.submit(() -> two.hash("a quiet heron")));
      }
      while (answers.stream().anyMatch(answer -> !answer.isDone())) {
        most = Math.max(most, two.computing());
        Thread.onSpinWait();
      }
      assertThat(most).isBetween(1, 2);
      assertThat(two.work()).isEqualTo(24 * HashCost.LEAST.work());
    }
  }
}
