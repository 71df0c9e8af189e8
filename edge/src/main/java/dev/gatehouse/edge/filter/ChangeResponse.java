package dev.gatehouse.edge.filter;

import dev.gatehouse.edge.route.HeaderEdits;

/// Has the header fields of the answer edited, wherever it comes from.
///
/// It is the last filter: what an earlier one answers instead of the destination (401, 429) goes
/// out as it is.
public final class ChangeResponse implements Filter {
  private final HeaderEdits edits;

  public ChangeResponse(HeaderEdits edits) {
    this.edits = edits;
  }

  @Override
  public Verdict apply(Visit visit) {
    visit.exchange().edit(edits::apply);
    return Verdict.PROCEED;
  }
}
