package dev.gatehouse.app.cli;

import dev.gatehouse.app.supervisor.Supervisor;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/// Rows as aligned columns, such as what runs where.
final class Table {
  private static final List<String> HEAD = List.of("NAME", "STATE", "PID", "RSS", "ADDRESS", "");

  private Table() {}

  record Row(List<String> cells) {
    /// `pid` 0 for none; the memory is read now.
    static Row of(String name, String state, long pid, String address, String note) {
      var resident =
          pid == 0
              ? ""
              : Supervisor.residentKib(pid).map(kib -> (kib + 1023) / 1024 + " MB").orElse("");
      return new Row(
          List.of(name, state, pid == 0 ? "" : Long.toString(pid), resident, address, note));
    }
  }

  static String of(List<Row> rows) {
    return of(HEAD, rows.stream().map(Row::cells).toList());
  }

  /// @param head as many cells as each row has
  static String of(List<String> head, List<List<String>> rows) {
    var all = new ArrayList<List<String>>();
    all.add(head);
    all.addAll(rows);
    var widths = new int[head.size()];
    for (var row : all) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    return all.stream()
        .map(row -> {
          var line = new StringBuilder();
          for (int i = 0; i < widths.length; i++) {
            line.append(row.get(i)).append(" ".repeat(widths[i] - row.get(i).length() + 2));
          }
          return line.toString().stripTrailing();
        })
        .collect(Collectors.joining("\n"));
  }
}
