package dev.gatehouse.app.cli;

import dev.gatehouse.app.supervisor.Supervisor;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/// What runs where, as aligned columns.
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
    var all = new ArrayList<List<String>>();
    all.add(HEAD);
    rows.forEach(row -> all.add(row.cells));
    var widths = new int[HEAD.size()];
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
