package dev.gatehouse.app;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The dependency rule of ARCHITECTURE.md: app on the services, those on jobs and state, all on
/// http.
class ArchitectureTest {
  private static final List<List<String>> LEVELS =
      List.of(
          List.of("app"),
          List.of("edge", "counters", "storage", "compute", "multivac", "accounts", "observe"),
          List.of("jobs", "state"),
          List.of("http"));

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("dev.gatehouse");

  @ParameterizedTest
  @ValueSource(
      strings = {
        "edge",
        "counters",
        "storage",
        "compute",
        "multivac",
        "accounts",
        "observe",
        "jobs",
        "state",
        "http"
      })
  void arrows_point_down_only_and_neighbours_do_not_know_each_other(String module) {
    var name = "dev.gatehouse." + module + "..";
    assertThat(CLASSES).as(module).anyMatch(each -> each.getPackageName().contains("." + module));

    noClasses()
        .that()
        .resideInAPackage(name)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(forbidden(module))
        .check(CLASSES);
  }

  /// So a process that sends no traces loads nothing of it.
  @Test
  void only_the_sender_of_traces_knows_opentelemetry() {
    noClasses()
        .that()
        .haveNameNotMatching("dev\\.gatehouse\\.observe\\.Otlp(Traces|Span)(\\$.*)?")
        .and()
        .resideOutsideOfPackage("dev.gatehouse.testkit..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.opentelemetry..")
        .check(CLASSES);
  }

  /// Everything above, and on the same level all but `jobs -> state`, which is how a queue is
  /// stored.
  private static String[] forbidden(String module) {
    var forbidden = new ArrayList<String>();
    for (var level : LEVELS) {
      for (var other : level) {
        if (!other.equals(module) && !(module.equals("jobs") && other.equals("state"))) {
          forbidden.add("dev.gatehouse." + other + "..");
        }
      }
      if (level.contains(module)) {
        return forbidden.toArray(String[]::new);
      }
    }
    throw new IllegalArgumentException(module);
  }
}
