package dev.gatehouse.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TestPostgresTest {
  @Test
  void every_call_gives_a_database_of_its_own() {
    try (var one = TestPostgres.database();
        var two = TestPostgres.database()) {
      one.with(handle -> handle.execute("CREATE TABLE here (id int)"));

      assertThat(here(one)).isTrue();
      assertThat(here(two)).isFalse();
    }
  }

  private static boolean here(dev.gatehouse.state.Database database) {
    return database.with(handle ->
        handle.createQuery("SELECT to_regclass('here') IS NOT NULL").mapTo(Boolean.class).one());
  }
}
