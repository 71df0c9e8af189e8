package dev.gatehouse.app;

/// A failure that one sentence tells in full: it is printed as it stands and ends the program with
/// a code that is not zero.
///
/// It has no stack trace, since its reader can act on the sentence and on nothing else.
public final class PlainError extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public PlainError(String sentence) {
    super(sentence, null, false, false);
  }

  public String sentence() {
    var message = getMessage();
    return message == null ? "it failed" : message;
  }
}
