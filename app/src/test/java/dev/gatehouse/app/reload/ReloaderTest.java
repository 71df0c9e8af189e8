package dev.gatehouse.app.reload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gatehouse.app.PlainError;
import dev.gatehouse.app.config.Changes;
import dev.gatehouse.app.config.ConfigSource;
import dev.gatehouse.app.config.Loaded;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ReloaderTest {
  private static final String ROUTES =
      "routes: [{name: all, match: {path: /**}, to: \"http://127.0.0.1:%d\"}]\n";

  @TempDir private Path directory;
  private final List<String> events = new ArrayList<>();
  private Optional<String> broken = Optional.empty();

  private final Reloader.Target target =
      new Reloader.Target() {
        @Override
        public void apply(Loaded.Good next, byte[] text, Changes changes) {
          broken.ifPresent(reason -> {
            throw new PlainError(reason);
          });
          events.add("applied " + changes.inWords());
        }

        @Override
        public void refused(String reason) {
          events.add("refused " + reason);
        }
      };

  @BeforeEach
  void firstFile() throws IOException {
    write(ROUTES.formatted(1));
  }

  @Test
  void a_changed_file_is_applied_and_what_changed_is_told() throws IOException {
    var reloader = reloader();
    write(ROUTES.formatted(2));

    assertThat(reloader.reload()).endsWith("is in force: 1 setting changed: routes[0].to");

    assertThat(events).containsExactly("applied 1 setting changed: routes[0].to");
  }

  @Test
  void a_file_with_a_mistake_is_refused_with_its_place_and_a_corrected_one_is_applied()
      throws IOException {
    var reloader = reloader();
    write(ROUTES.formatted(2).replace("to:", "too:"));

    assertThatThrownBy(reloader::reload)
        .isInstanceOf(PlainError.class)
        .hasMessageContaining("gatehouse.yaml:1:")
        .hasMessageContaining("did you mean 'to'?");
    write(ROUTES.formatted(3));
    reloader.reload();

    assertThat(events).hasSize(2);
    assertThat(events.getFirst()).startsWith("refused ");
    assertThat(events.getLast()).startsWith("applied ");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "data: elsewhere|data",
        "database: postgres://u:a@127.0.0.1/x|database",
        "edge: {threads: 3}|edge.threads",
        "admin: {listen: 127.0.0.1:9001}|admin.listen",
        "replica: {listen: 127.0.0.1:9200}|replica.listen",
        "services: {accounts: {}}|services.accounts",
        "services: {storage: {replicas: 1}}|services.storage"
      })
  void what_needs_a_restart_is_refused_by_name(String line, String key) throws IOException {
    var reloader = reloader();
    write(line + "\n" + ROUTES.formatted(2));

    assertThatThrownBy(reloader::reload)
        .hasMessageContaining(key)
        .hasMessageContaining("cannot change while Gatehouse runs");

    assertThat(events).hasSize(1).first().asString().startsWith("refused ");
  }

  @Test
  void a_password_of_the_database_is_noticed_though_it_is_masked() throws IOException {
    write("database: postgres://u:one@127.0.0.1/x\n" + ROUTES.formatted(1));
    var reloader = reloader();
    write("database: postgres://u:two@127.0.0.1/x\n" + ROUTES.formatted(1));

    assertThatThrownBy(reloader::reload).hasMessageContaining("database");
  }

  @Test
  void numbers_of_replicas_and_the_log_level_can_change() throws IOException {
    write("services: {storage: {replicas: 1}, multivac: {}}\n" + ROUTES.formatted(1));
    var reloader = reloader();
    write(
        "log: {level: debug}\nservices: {storage: {replicas: 2}, multivac: {workers: 5}}\n"
            + ROUTES.formatted(1));

    assertThat(reloader.reload())
        .contains("log.level", "services.storage.replicas", "services.multivac.workers");
  }

  @Test
  void what_the_target_refuses_is_compared_again_with_what_is_still_in_force() throws IOException {
    var reloader = reloader();
    write(ROUTES.formatted(2));
    broken = Optional.of("cannot listen on :80: the port is in use");

    assertThatThrownBy(reloader::reload).hasMessageContaining("the port is in use");
    broken = Optional.empty();

    assertThat(reloader.reload()).contains("routes[0].to");
  }

  @Test
  void the_assembly_that_ships_with_gatehouse_has_no_file_to_read_again() throws IOException {
    var shipped = new ConfigSource(Optional.empty(), Map.of());
    var loaded = (Loaded.Good) shipped.load();

    assertThatThrownBy(() -> new Reloader(loaded, shipped.text(), target).reload())
        .hasMessageContaining("there is no file to read again");
  }

  @Test
  void the_watch_takes_a_change_over_once_it_is_still() throws IOException {
    try (var watch = new FileWatch(file(), reloader())) {
      watch.look();
      write(ROUTES.formatted(2));
      watch.look();
      assertThat(events).isEmpty();
      watch.look();
      assertThat(events).hasSize(1);
      watch.look();
      assertThat(events).hasSize(1);
    }
  }

  @Test
  void the_watch_sees_a_symbolic_link_that_is_swapped_as_a_config_map_does() throws IOException {
    Files.createDirectories(directory.resolve("one"));
    Files.createDirectories(directory.resolve("two"));
    Files.writeString(directory.resolve("one/gatehouse.yaml"), ROUTES.formatted(1));
    Files.writeString(directory.resolve("two/gatehouse.yaml"), ROUTES.formatted(2));
    Files.createSymbolicLink(directory.resolve("data"), Path.of("one"));
    Files.delete(file());
    Files.createSymbolicLink(file(), Path.of("data/gatehouse.yaml"));
    try (var watch = new FileWatch(file(), reloader())) {
      Files.createSymbolicLink(directory.resolve("data.next"), Path.of("two"));
      Files.move(
          directory.resolve("data.next"),
          directory.resolve("data"),
          StandardCopyOption.ATOMIC_MOVE);
      watch.look();
      watch.look();
    }

    assertThat(events).containsExactly("applied 1 setting changed: routes[0].to");
  }

  @Test
  void the_watch_tells_a_mistake_once_and_leaves_a_touched_file_alone() throws IOException {
    try (var watch = new FileWatch(file(), reloader())) {
      write("routes: []\n");
      watch.look();
      watch.look();
      write("routes: []\n");
      watch.look();
      watch.look();
      watch.look();
    }

    assertThat(events).hasSize(1).first().asString().startsWith("refused ");
  }

  private Reloader reloader() throws IOException {
    var source = new ConfigSource(Optional.of(file()), Map.of());
    return new Reloader((Loaded.Good) source.load(), source.text(), target);
  }

  private Path file() {
    return directory.resolve("gatehouse.yaml");
  }

  /// As an editor does: a new file takes the old one's place.
  private void write(String text) throws IOException {
    var next = directory.resolve("next");
    Files.writeString(next, text);
    Files.move(next, file(), StandardCopyOption.REPLACE_EXISTING);
  }
}
