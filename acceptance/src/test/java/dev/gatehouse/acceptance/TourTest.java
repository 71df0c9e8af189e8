package dev.gatehouse.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// Runs `docs/tour.md` as its reader would: every command of its `console` blocks, in order.
///
/// `curl` is played by this class, with the few options that the tour uses, since the everyday
/// tests need no system package. What only reads is repeated until the answer fits: the tour says
/// "a second later" and people wait.
@ExtendWith(Shared.class)
class TourTest {
  private static final Path TOUR = Path.of("../docs/tour.md");
  private static final Pattern BLOCK = Pattern.compile("(?ms)^```console\n(.*?)^```$");
  private static final Pattern WORD = Pattern.compile("(?:'[^']*'|\"[^\"]*\"|[^\\s'\"])+");

  private record Step(String command, String answer) {}

  private final Map<String, String> jars = new HashMap<>();

  @Test
  void every_command_of_the_tour_answers_as_it_says() throws IOException {
    var steps = steps(Files.readString(TOUR));
    assertThat(steps).hasSizeGreaterThan(25);
    for (var step : steps) {
      var expected = pattern(step.answer);
      if (changes(step.command)) {
        assertThat(run(step.command)).as(step.command).matches(expected);
      } else {
        await(step.command)
            .atMost(Duration.ofSeconds(20))
            .untilAsserted(() -> assertThat(run(step.command)).as(step.command).matches(expected));
      }
    }
  }

  private static List<Step> steps(String page) {
    var steps = new ArrayList<Step>();
    var blocks = BLOCK.matcher(page);
    while (blocks.find()) {
      var parts = blocks.group(1).split("(?m)^\\$ ");
      for (var part : Arrays.asList(parts).subList(1, parts.length)) {
        int end = part.indexOf('\n');
        steps.add(new Step(part.substring(0, end), part.substring(end + 1).strip()));
      }
    }
    return steps;
  }

  private static Pattern pattern(String answer) {
    return Pattern.compile(
        Arrays.stream(answer.split("\\.\\.\\.", -1))
            .map(Pattern::quote)
            .collect(Collectors.joining(".*")),
        Pattern.DOTALL | Pattern.CASE_INSENSITIVE);
  }

  private static boolean changes(String command) {
    return command.contains(" -X ") || command.contains(" -d ") || command.contains(" -i ");
  }

  private String run(String command) throws IOException {
    var words = words(command);
    return switch (words.getFirst()) {
      case "curl" -> curl(words.subList(1, words.size()));
      case "./gatehouse" -> {
        var outcome = Shared.program().run(words.subList(1, words.size()).toArray(String[]::new));
        assertThat(outcome.exit()).as(outcome.err()).isZero();
        yield outcome.out().strip();
      }
      default -> throw new AssertionError("the tour has a command that is not known: " + command);
    };
  }

  private static List<String> words(String command) throws IOException {
    var token = Files.readString(Shared.program().data().resolve("admin.token")).strip();
    return WORD.matcher(command.replace("$(cat data/admin.token)", token))
        .results()
        .map(found -> found.group().replaceAll("^(['\"])(.*)\\1$", "$2"))
        .toList();
  }

  private String curl(List<String> words) {
    var headers = new ArrayList<String>();
    var body = BodyPublishers.noBody();
    String method = "GET";
    String url = "";
    String jar = "";
    boolean heads = false;
    boolean typed = false;
    for (var left = words.iterator(); left.hasNext(); ) {
      var word = left.next();
      switch (word) {
        case "-i" -> heads = true;
        case "-X" -> method = left.next();
        case "-c" -> jar = left.next();
        case "-b" -> headers.addAll(List.of("Cookie", jars.getOrDefault(left.next(), "none=")));
        case "-H" -> headers.addAll(List.of(left.next().split(": ", 2)));
        case "-d" -> {
          body = BodyPublishers.ofString(left.next());
          method = method.equals("GET") ? "POST" : method;
          typed = true;
        }
        default -> url = word;
      }
    }
    if (typed) {
      headers.addAll(List.of("Content-Type", "application/x-www-form-urlencoded"));
    }
    var at = Pattern.compile("localhost:([0-9]+)(/.*)").matcher(url);
    assertThat(at.matches()).as(url).isTrue();
    var answer = port(at.group(1)).send(method, at.group(2), body, headers.toArray(String[]::new));
    if (!jar.isEmpty()) {
      jars.put(
          jar,
          answer.headers().allValues("Set-Cookie").stream()
              .map(cookie -> cookie.split(";", 2)[0])
              .collect(Collectors.joining("; ")));
    }
    return (heads ? head(answer) : "") + answer.body();
  }

  private static Http port(String documented) {
    return switch (documented) {
      case "8080" -> Shared.edge();
      case "3333" -> Shared.counters();
      case "9000" -> new Http(Shared.program().adminPort());
      default -> throw new AssertionError("the tour uses a port that is not known: " + documented);
    };
  }

  /// As `curl -i` shows it, with the reasons of the statuses that the tour shows.
  private static String head(HttpResponse<String> answer) {
    var reason =
        switch (answer.statusCode()) {
          case 201 -> "Created";
          case 202 -> "Accepted";
          case 204 -> "No Content";
          case 412 -> "Precondition Failed";
          case 429 -> "Too Many Requests";
          default -> "?";
        };
    var lines = new StringBuilder("HTTP/1.1 " + answer.statusCode() + " " + reason + "\n");
    answer
        .headers()
        .map()
        .forEach((name, values) ->
            values.forEach(value -> lines.append(name).append(": ").append(value).append("\n")));
    return lines.append("\n").toString();
  }
}
