package dev.gatehouse.accounts;

import static org.assertj.core.api.Assertions.assertThat;

import java.security.SecureRandom;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class HashingTest {
  private final Hashing hashing = new Hashing(1, 4, new SecureRandom());

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
    assertThat(hashing.computed()).isEqualTo(2);
  }
}
