package dev.gatehouse.observe;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.Set;

/// The bearer token of the admin port: 256 random bits in a file that only its owner can read.
public final class AdminToken {
  private static final int BYTES = 32;

  private final String value;

  private AdminToken(String value) {
    this.value = value;
  }

  /// Reads the token from `file`, or makes one there.
  public static AdminToken in(Path file, SecureRandom random) throws IOException {
    if (Files.exists(file)) {
      var value = Files.readString(file).strip();
      if (value.length() < BYTES) {
        throw new IOException(
            "the admin token in " + file + " is too short; delete the file for a new one");
      }
      return new AdminToken(value);
    }
    var value = random(random);
    Files.createDirectories(file.toAbsolutePath().getParent());
    var owner = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
    try (var channel =
        Files.newByteChannel(
            file, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE), owner)) {
      channel.write(java.nio.ByteBuffer.wrap((value + "\n").getBytes(StandardCharsets.UTF_8)));
    }
    return new AdminToken(value);
  }

  static String random(SecureRandom random) {
    var bytes = new byte[BYTES];
    random.nextBytes(bytes);
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  public String value() {
    return value;
  }

  /// Compares in constant time.
  boolean is(String claimed) {
    return same(value, claimed);
  }

  static boolean same(String one, String other) {
    return MessageDigest.isEqual(
        one.getBytes(StandardCharsets.UTF_8), other.getBytes(StandardCharsets.UTF_8));
  }
}
