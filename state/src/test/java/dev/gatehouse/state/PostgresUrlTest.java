package dev.gatehouse.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PostgresUrlTest {
  @Test
  void every_part_of_the_url_reaches_the_driver() {
    var url =
        PostgresUrl.parse(
            "postgresql://us%40er:p%2Fw+d@one:5433,[::1]:5434/d%20b?sslmode=require&connect_timeout=7&target_session_attrs=read-write");

    assertThat(url.jdbc()).isEqualTo("jdbc:postgresql://one:5433,[::1]:5434/d%20b");
    assertThat(url.properties())
        .containsExactlyInAnyOrderEntriesOf(
            Map.of(
                "user", "us@er",
                "password", "p/w+d",
                "sslmode", "require",
                "connectTimeout", "7",
                "targetServerType", "primary"));
  }

  @Test
  void a_missing_database_is_the_one_named_like_the_user() {
    assertThat(PostgresUrl.parse("postgres://joe@db").jdbc()).isEqualTo("jdbc:postgresql://db/joe");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "mysql://u:hush-hush@h/d",
        "u:hush-hush@h/d",
        "postgres://:hush-hush@/d",
        "postgres://u:hush-hush@/d",
        "postgres://u:hush-hush@h:0/d",
        "postgres://u:hush-hush@h:port/d",
        "postgres://u:hush-hush%zz@h/d",
        "postgres://u:hush-hush@h/d?nonsense=1",
        "postgres://u:hush-hush@h/d?target_session_attrs=read-only",
        "postgres://u:hush-hush@h/d?sslmode",
        "postgres://u:hush-hush@h,/d",
        "postgres://u:hush-hush@[::1/d",
        "postgres://u:hush-hush@h/a/b",
        "postgres://hush-hush/d"
      })
  void a_wrong_url_is_refused_without_telling_the_password(String wrong) {
    assertThatThrownBy(() -> PostgresUrl.parse(wrong))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("The database URL is not usable: ")
        .hasMessageNotContaining("hush-hush");
  }

  @Test
  void settings_in_a_log_show_no_password() {
    var settings = new DatabaseSettings("postgres://u:hush-hush@h/d", 3, "edge");

    assertThat(settings.toString())
        .isEqualTo("DatabaseSettings[h/d, poolSize=3, applicationName=edge]");
  }
}
