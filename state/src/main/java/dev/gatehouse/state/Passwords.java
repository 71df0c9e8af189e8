package dev.gatehouse.state;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Base64;

/// The two passwords of the embedded server, each in a file that only its owner reads: the one of
/// the application's role, and the one of the superuser, which nothing but maintenance needs.
record Passwords(String application, String superuser) {
  private static final int BYTES = 24;

  static Passwords in(Path directory, boolean create) throws IOException {
    return new Passwords(
        kept(directory.resolve("password"), create),
        kept(directory.resolve("superuser-password"), create));
  }

  private static String kept(Path file, boolean create) throws IOException {
    if (!Files.exists(file)) {
      if (!create) {
        throw new IllegalStateException(
            "The database in %s exists, but its password file %s does not: put that file back."
                .formatted(file.getParent(), file.getFileName()));
      }
      byte[] random = new byte[BYTES];
      new SecureRandom().nextBytes(random);
      DataFiles.write(file, Base64.getUrlEncoder().withoutPadding().encodeToString(random) + "\n");
    }
    return Files.readString(file).strip();
  }

  @Override
  public String toString() {
    return "Passwords[not shown]";
  }
}
