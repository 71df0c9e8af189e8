package dev.gatehouse.app.cli;

import dev.gatehouse.app.PlainError;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Set;

/// `gatehouse init-secrets`: writes the file of credentials that a deployment reads, each new and
/// random, for the owner's eyes only.
///
/// A file that is there is never touched: the database would still have the old password.
final class InitSecrets {
  private static final int BYTES = 24;

  private InitSecrets() {}

  static int run(Path file, SecureRandom random) {
    var owner = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
    try (var channel =
        Files.newByteChannel(
            file, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE), owner)) {
      channel.write(ByteBuffer.wrap(text(random).getBytes(StandardCharsets.UTF_8)));
    } catch (FileAlreadyExistsException e) {
      throw new PlainError(
          file
              + " is there already and stays as it is: a database that was made with it knows only"
              + " its password. Move it away for new secrets.");
    } catch (IOException e) {
      throw new PlainError(file + " cannot be written: " + e);
    }
    System.out.println("wrote " + file + "; keep it, and keep it to yourself");
    return 0;
  }

  private static String text(SecureRandom random) {
    return """
    # Written by `gatehouse init-secrets`. Whoever reads this file owns the assembly.
    # PostgreSQL takes its passwords over only when its volume is new.
    # The database server's own superuser, for repairs.
    POSTGRES_PASSWORD=%s
    # What Gatehouse signs in to the database with.
    DATABASE_PASSWORD=%s
    # What edge and replicas know each other by.
    GATEHOUSE_SECRET=%s
    # The first administrator of Grafana, by the name of admin.
    GRAFANA_PASSWORD=%s
    """
        .formatted(word(random), word(random), word(random), word(random));
  }

  /// Hexadecimal, so that it means the same in a URL, a shell and YAML.
  private static String word(SecureRandom random) {
    var bytes = new byte[BYTES];
    random.nextBytes(bytes);
    return HexFormat.of().formatHex(bytes);
  }
}
