package dev.gatehouse.state.journal;

/// A record was not appended: there is no room for it now, for the reason the message gives.
public final class JournalFull extends RuntimeException {
  private static final long serialVersionUID = 1L;

  JournalFull(String why) {
    super(why, null, false, false);
  }
}
