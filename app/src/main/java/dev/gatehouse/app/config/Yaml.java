package dev.gatehouse.app.config;

import java.util.Optional;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.api.lowlevel.Parse;
import org.snakeyaml.engine.v2.events.AliasEvent;
import org.snakeyaml.engine.v2.events.CollectionEndEvent;
import org.snakeyaml.engine.v2.events.CollectionStartEvent;
import org.snakeyaml.engine.v2.events.DocumentStartEvent;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.events.NodeEvent;
import org.snakeyaml.engine.v2.events.ScalarEvent;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.ReaderException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.Node;

/// The part of YAML that configuration uses: one document of mappings, lists and scalars.
///
/// Anchors and aliases are refused: a value would have two places, and a small file could grow
/// without bound. Tags would name types, which the declaration already does.
final class Yaml {
  /// Far deeper than the declaration, and shallow enough for the composer, which recurses.
  private static final int MAX_DEPTH = 50;

  private Yaml() {}

  /// The root of the document, unless it is empty or a mistake was noted.
  static Optional<Node> parse(String text, Reading reading) {
    var settings = LoadSettings.builder().setUseMarks(true).setAllowNonScalarKeys(true).build();
    try {
      if (plain(new Parse(settings).parseString(text), reading)) {
        return new Compose(settings).composeString(text);
      }
    } catch (MarkedYamlEngineException e) {
      reading.mistake(reading.at(e.getProblemMark()), "this is not YAML: " + inWords(e));
    } catch (ReaderException e) {
      var before = text.substring(0, text.offsetByCodePoints(0, e.getPosition()));
      int line = (int) before.chars().filter(c -> c == '\n').count() + 1;
      int column = before.codePointCount(before.lastIndexOf('\n') + 1, before.length()) + 1;
      reading.mistake(
          reading.at(line, column),
          "this character, U+%04X, cannot stand in YAML".formatted(e.getCodePoint()));
    } catch (YamlEngineException e) {
      reading.mistake(reading.at(1, 1), "this is not YAML: " + e.getMessage());
    }
    return Optional.empty();
  }

  private static String inWords(MarkedYamlEngineException e) {
    var context = Optional.ofNullable(e.getContext()).orElse("");
    return context.contains("alias") || context.contains("anchor")
        ? "a value that begins with '*' or '&' must be in quotes"
        : e.getProblem() + (context.isEmpty() ? "" : " " + context);
  }

  private static boolean plain(Iterable<Event> events, Reading reading) {
    int before = reading.mistakes().size();
    int documents = 0;
    int depth = 0;
    for (var event : events) {
      if (event instanceof DocumentStartEvent && ++documents == 2) {
        reading.mistake(
            reading.at(event.getStartMark()), "a second document begins here; one file is one");
      }
      if (event instanceof NodeEvent node) {
        checkNode(node, reading);
      }
      if (event instanceof CollectionStartEvent && ++depth > MAX_DEPTH) {
        reading.mistake(reading.at(event.getStartMark()), "this is nested too deeply");
        return false;
      }
      if (event instanceof CollectionEndEvent) {
        depth--;
      }
    }
    return reading.mistakes().size() == before;
  }

  private static void checkNode(NodeEvent node, Reading reading) {
    if (node instanceof AliasEvent || node.getAnchor().isPresent()) {
      reading.mistake(
          reading.at(node.getStartMark()),
          "anchors (&) and aliases (*) are not supported; write the value out, in quotes if it"
              + " begins with one of these characters");
    }
    var tag =
        switch (node) {
          case ScalarEvent scalar -> scalar.getTag();
          case CollectionStartEvent collection -> collection.getTag();
          default -> Optional.<String>empty();
        };
    tag.ifPresent(name ->
        reading.mistake(
            reading.at(node.getStartMark()),
            "tags such as '"
                + name.replace("tag:yaml.org,2002:", "!!")
                + "' are not supported; leave it out"));
  }
}
