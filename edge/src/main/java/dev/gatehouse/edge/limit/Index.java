package dev.gatehouse.edge.limit;

import dev.gatehouse.edge.route.Condition;
import dev.gatehouse.edge.route.PathPattern;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// Finds the few rules that may concern a request among all there are.
///
/// Each rule is filed once, under the one thing it asks for that tells requests apart best: the
/// address, a text that must be equal (user, header field, host, ...), the path. What asks for none
/// of these is looked at for every request. A search allocates nothing, and its cost depends on how
/// many kinds of things are asked for, not on how many rules ask.
final class Index {
  private final ByAddress byAddress = new ByAddress();
  private final List<ByText> byText = new ArrayList<>();
  private final ByPath byPath = new ByPath();
  private final List<Rule> rest = new ArrayList<>();
  private final boolean empty;
  private final boolean paths;

  Index(List<Rule> rules) {
    var texts = new LinkedHashMap<String, ByText>();
    boolean anyPath = false;
    for (var rule : rules) {
      var match = rule.limit.match();
      if (!match.clients().isEmpty()) {
        match.clients().forEach(block -> byAddress.add(block, rule));
      } else if (!byEqualText(rule, texts)) {
        var path = match.path().filter(pattern -> !pattern.toString().equals("/**"));
        path.ifPresentOrElse(pattern -> byPath.add(pattern, rule), () -> rest.add(rule));
        anyPath |= path.isPresent();
      }
    }
    byAddress.sort();
    byText.addAll(texts.values());
    empty = rules.isEmpty();
    paths = anyPath;
  }

  private static boolean byEqualText(Rule rule, Map<String, ByText> texts) {
    var match = rule.limit.match();
    if (!match.users().isEmpty()) {
      return file(rule, texts, "user", subject -> subject.user().orElse(null), match.users());
    }
    if (!match.plans().isEmpty()) {
      return file(rule, texts, "plan", subject -> subject.plan().orElse(null), match.plans());
    }
    for (var condition : match.headers()) {
      if (condition.want() instanceof Condition.Want.Exactly(var value)) {
        var name = condition.name();
        return file(
            rule,
            texts,
            "header " + name,
            subject -> subject.head().headers().get(name),
            List.of(value));
      }
    }
    if (!match.userAgents().isEmpty() && match.userAgents().stream().allMatch(Wildcard::exact)) {
      var agents = match.userAgents().stream().map(Wildcard::text).toList();
      return file(rule, texts, "agent", Rule::userAgent, agents);
    }
    if (match.host().isPresent() && !match.host().get().startsWith("*.")) {
      return file(rule, texts, "host", Rule::host, List.of(match.host().get()));
    }
    return !match.routes().isEmpty()
        && match.path().isEmpty()
        && file(rule, texts, "route", Subject::route, match.routes());
  }

  private static boolean file(
      Rule rule,
      Map<String, ByText> texts,
      String what,
      Function<Subject, @Nullable String> of,
      List<String> values) {
    var filed = texts.computeIfAbsent(what, _ -> new ByText(of, new HashMap<>()));
    values.forEach(value -> filed.rules.computeIfAbsent(value, _ -> new ArrayList<>(1)).add(rule));
    return true;
  }

  boolean isEmpty() {
    return empty;
  }

  /// Calls `to` with every rule that may concern this request, and with some that do not.
  void search(Subject subject, Consumer<Rule> to) {
    byAddress.search(subject, to);
    for (int i = 0; i < byText.size(); i++) {
      var filed = byText.get(i);
      var text = filed.of.apply(subject);
      if (text != null) {
        all(filed.rules.get(text), to);
      }
    }
    if (paths) {
      byPath.search(subject.head().target().segments(), 0, to);
    }
    all(rest, to);
  }

  private static void all(@Nullable List<Rule> rules, Consumer<Rule> to) {
    if (rules != null) {
      for (int i = 0; i < rules.size(); i++) {
        to.accept(rules.get(i));
      }
    }
  }

  private record ByText(
      Function<Subject, @Nullable String> of, HashMap<String, List<Rule>> rules) {}

  /// By block of addresses: for each length of prefix a sorted list, searched by halves.
  private static final class ByAddress {
    private record Place(long high, long low) implements Comparable<Place> {
      @Override
      public int compareTo(Place other) {
        int first = Long.compareUnsigned(high, other.high);
        return first != 0 ? first : Long.compareUnsigned(low, other.low);
      }
    }

    private static final class Prefix {
      final TreeMap<Place, List<Rule>> filed = new TreeMap<>();
      long[] highs = {};
      long[] lows = {};
      List<List<Rule>> rules = List.of();
    }

    private final TreeMap<Integer, Prefix> filed = new TreeMap<>();
    private int[] lengths = {};
    private List<Prefix> prefixes = List.of();

    void add(AddressBlock block, Rule rule) {
      filed
          .computeIfAbsent(block.prefix(), _ -> new Prefix())
          .filed
          .computeIfAbsent(new Place(block.high(), block.low()), _ -> new ArrayList<>(1))
          .add(rule);
    }

    void sort() {
      lengths = filed.keySet().stream().mapToInt(Integer::intValue).toArray();
      prefixes = List.copyOf(filed.values());
      for (var prefix : prefixes) {
        prefix.highs = prefix.filed.keySet().stream().mapToLong(Place::high).toArray();
        prefix.lows = prefix.filed.keySet().stream().mapToLong(Place::low).toArray();
        prefix.rules = List.copyOf(prefix.filed.values());
      }
    }

    void search(Subject subject, Consumer<Rule> to) {
      for (int i = 0; i < lengths.length; i++) {
        long high = subject.high() & AddressBlock.mask(lengths[i]);
        long low = subject.low() & AddressBlock.mask(lengths[i] - Long.SIZE);
        var prefix = prefixes.get(i);
        int found = find(prefix, high, low);
        if (found >= 0) {
          all(prefix.rules.get(found), to);
        }
      }
    }

    private static int find(Prefix prefix, long high, long low) {
      int from = 0;
      int to = prefix.highs.length - 1;
      while (from <= to) {
        int middle = (from + to) >>> 1;
        int order = Long.compareUnsigned(prefix.highs[middle], high);
        order = order != 0 ? order : Long.compareUnsigned(prefix.lows[middle], low);
        if (order == 0) {
          return middle;
        }
        if (order < 0) {
          from = middle + 1;
        } else {
          to = middle - 1;
        }
      }
      return -1;
    }
  }

  /// By path, a level for each segment. Unlike a table of routes it gives all that fit.
  private static final class ByPath {
    private final Map<String, ByPath> literals = new HashMap<>();
    private final List<Rule> exact = new ArrayList<>(1);
    private final List<Rule> open = new ArrayList<>(1);
    private @Nullable ByPath parameter;

    void add(PathPattern path, Rule rule) {
      var node = this;
      for (var segment : path.segments()) {
        node = node.below(segment);
      }
      (path.open() ? node.open : node.exact).add(rule);
    }

    private ByPath below(String segment) {
      if (!PathPattern.isParameter(segment)) {
        return literals.computeIfAbsent(segment, _ -> new ByPath());
      }
      var next = parameter;
      if (next == null) {
        next = new ByPath();
        parameter = next;
      }
      return next;
    }

    void search(List<String> segments, int depth, Consumer<Rule> to) {
      all(open, to);
      if (depth == segments.size()) {
        all(exact, to);
        return;
      }
      var literal = literals.get(segments.get(depth));
      if (literal != null) {
        literal.search(segments, depth + 1, to);
      }
      var next = parameter;
      if (next != null && !segments.get(depth).isEmpty()) {
        next.search(segments, depth + 1, to);
      }
    }
  }
}
