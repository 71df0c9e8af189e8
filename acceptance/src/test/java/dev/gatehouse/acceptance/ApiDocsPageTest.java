package dev.gatehouse.acceptance;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.BrowserType;
import com.microsoft.playwright.Playwright;
import com.microsoft.playwright.assertions.LocatorAssertions.HasCountOptions;
import dev.gatehouse.testkit.ProgramUnderTest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// The API's page as a browser shows it.
@Tag("full")
class ApiDocsPageTest {
  private static final Path CHROMIUM = Path.of("/usr/bin/chromium");
  private static final Pattern LINK = Pattern.compile("http://\\S+/sign-in\\?code=\\S+");
  private static final Set<String> METHODS = Set.of("get", "put", "post", "patch", "delete");
  private static final String ASSEMBLY =
      """
      docs: true
      services: {accounts: {}}
      routes: [{match: {path: /api/**}, to: accounts}]
      """;
  private static final double PATIENCE_MILLIS = 60_000;

  @Test
  void the_page_shows_every_operation_and_one_can_be_tried_out() {
    assertThat(Files.isExecutable(CHROMIUM)).as("bench/setup installs it").isTrue();
    try (var program = ProgramUnderTest.assembly(ASSEMBLY).start();
        var playwright = Playwright.create(driver());
        var browser = playwright.chromium().launch(chromium())) {
      var link = LINK.matcher(program.log());
      assertThat(link.find()).as(program.log()).isTrue();
      var trouble = new ArrayList<String>();
      var page = browser.newPage();
      page.setDefaultTimeout(PATIENCE_MILLIS);
      page.onPageError(trouble::add);
      page.navigate(link.group());
      page.navigate("http://127.0.0.1:" + program.adminPort() + "/admin/docs");

      var operations = page.locator(".opblock");
      operations.first().waitFor();
      assertThat(operations)
          .hasCount(operations(program), new HasCountOptions().setTimeout(PATIENCE_MILLIS));

      var routes = page.locator("#operations-admin-routes");
      routes.locator("button.opblock-summary-control").click();
      routes.locator("button.try-out__btn").click();
      routes.locator("button.execute").click();
      var answer = routes.locator(".live-responses-table tbody tr").first();
      assertThat(answer.locator(".response-col_status")).containsText("200");
      assertThat(answer.locator(".response-col_description")).containsText("\"to\": \"accounts\"");
      assertThat(trouble).isEmpty();
    }
  }

  private static int operations(ProgramUnderTest program) {
    int operations = 0;
    var answer =
        new Http(program.adminPort())
            .get("/admin/openapi.json", "Authorization", "Bearer " + token(program));
    for (var path : Http.json(answer).path("paths")) {
      for (var name : path.propertyNames()) {
        operations += METHODS.contains(name) ? 1 : 0;
      }
    }
    return operations;
  }

  private static String token(ProgramUnderTest program) {
    try {
      return Files.readString(program.data().resolve("admin.token")).strip();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// The browser is the machine's own; nothing is downloaded.
  private static Playwright.CreateOptions driver() {
    return new Playwright.CreateOptions().setEnv(Map.of("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1"));
  }

  /// Its sandbox refuses to work for root, as whom tests in containers run.
  private static BrowserType.LaunchOptions chromium() {
    return new BrowserType.LaunchOptions()
        .setExecutablePath(CHROMIUM)
        .setArgs(List.of("--no-sandbox"));
  }
}
