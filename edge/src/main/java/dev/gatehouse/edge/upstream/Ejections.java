package dev.gatehouse.edge.upstream;

import dev.gatehouse.edge.upstream.UpstreamSettings.Eject;
import java.util.List;

/// The rules by which answers to real requests put a replica out (passive health, or outlier
/// detection; the counts are Envoy's).
///
/// A replica is measured against its siblings: while the others do no better, nobody is put out. So
/// one request that breaks every replica, or a database that is down behind all of them, ejects
/// none.
final class Ejections {
  private Ejections() {}

  /// Whether `replica`, whose latest request was an error, should go out now.
  static boolean due(Eject rules, Replica replica, List<Replica> all, long now) {
    int row = replica.errorsInRow();
    // Only at every so many errors: the rest of this is not for every failing request.
    boolean inRow = row > 0 && row % rules.consecutive() == 0;
    int percent = replica.errorPercent(rules.volume(), now);
    if (!inRow && percent < rules.percent()) {
      return false;
    }
    int out = 0;
    boolean better = false;
    for (var other : all) {
      if (other.ejected()) {
        out++;
      } else if (other != replica && other.fits(Ask.Need.WELL, now)) {
        better |=
            inRow
                ? other.errorsInRow() * 2 < rules.consecutive()
                : other.errorPercent(1, now) * 2 <= percent;
      }
    }
    return better && (out + 1) * 100 <= all.size() * rules.mostPercent();
  }
}
