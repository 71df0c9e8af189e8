package dev.gatehouse.acceptance;

import static dev.gatehouse.acceptance.Http.header;
import static dev.gatehouse.acceptance.Http.methodNotAllowed;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(Shared.class)
class ComputeContractTest {
  private final Http http = Shared.edge();

  /// 100,000 draws from 0..100 have the mean 5,000,000 and a standard deviation of 9,220.
  @Test
  void cpu_is_a_bare_integer_the_sum_of_100_000_draws() {
    for (int i = 0; i < 20; i++) {
      assertThat(number("/cpu")).isBetween(4_930_000, 5_070_000);
    }
  }

  @Test
  void local_program_is_a_bare_integer_the_exit_status_of_a_run() {
    for (int i = 0; i < 20; i++) {
      assertThat(number("/local_program")).isBetween(0, 99);
    }
  }

  @Test
  void every_answer_is_a_value_of_its_own_even_when_the_buffer_is_empty() throws Exception {
    var values = new HashSet<Integer>();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var answers = new ArrayList<Future<Integer>>();
      for (int i = 0; i < 300; i++) {
        answers.add(threads.submit(() -> number("/cpu")));
      }
      for (var answer : answers) {
        values.add(answer.get());
      }
    }
    // By chance about 1.4 of 300 such sums are equal; a served-twice value would show many more.
    assertThat(values).hasSizeGreaterThan(285);
  }

  @Test
  void other_methods_are_405_with_allow() {
    for (var path : List.of("/cpu", "/local_program")) {
      methodNotAllowed(http.post(path, "1"), "GET", "HEAD");
    }
  }

  private int number(String path) {
    var response = http.get(path);
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    assertThat(header(response, "Content-Type")).isEqualTo("application/json");
    assertThat(response.body()).matches("[0-9]+");
    return Integer.parseInt(response.body());
  }
}
