package dev.gatehouse.edge.auth;

import dev.gatehouse.edge.route.Identity;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.apache.commons.codec.digest.Md5Crypt;
import org.bouncycastle.crypto.generators.OpenBSDBCrypt;

/// Users and hashed passwords as Apache's `htpasswd` writes them: bcrypt (`$2a`, `$2b`, `$2y`) and
/// apr1.
///
/// SHA-1, crypt and plain text are refused: they can be undone.
///
/// @param hashes by user
/// @param unreadable the numbers of lines that are none of that, from 1; a second line for a user
///   is one, and one with a bcrypt cost over 16, which would take seconds to check
record Htpasswd(Map<String, String> hashes, List<Integer> unreadable) {
  static final Htpasswd EMPTY = new Htpasswd(Map.of(), List.of());

  private static final Pattern HASH =
      Pattern.compile(
          "\\$2[aby]\\$(0[4-9]|1[0-6])\\$[./A-Za-z0-9]{53}"
              + "|\\$apr1\\$[./A-Za-z0-9]{1,8}\\$[./A-Za-z0-9]{22}");

  /// Hashes of nothing that anybody knows.
  private static final String NOBODY_SALTED =
      "abcdefghijklmnopqrstuuKlsgLUSgqjZoh2ydYn6HgP8J9GvBYmC";

  private static final String NOBODY_APR1 = "$apr1$abcdefgh$abcdefghijklmnopqrstu0";

  static Htpasswd parse(byte[] file) {
    var hashes = new LinkedHashMap<String, String>();
    var unreadable = new ArrayList<Integer>();
    int number = 0;
    for (var raw : new String(file, StandardCharsets.UTF_8).split("\n", -1)) {
      number++;
      var line = raw.strip();
      if (line.isEmpty() || line.startsWith("#")) {
        continue;
      }
      int colon = line.indexOf(':');
      var user = line.substring(0, Math.max(colon, 0));
      var hash = line.substring(colon + 1);
      if (colon < 0
          || !Identity.isName(user)
          || !HASH.matcher(hash).matches()
          || hashes.putIfAbsent(user, hash) != null) {
        unreadable.add(number);
      }
    }
    return new Htpasswd(Map.copyOf(hashes), List.copyOf(unreadable));
  }

  Optional<String> hash(String user) {
    return Optional.ofNullable(hashes.get(user));
  }

  /// Whether this is the password that was hashed. With no hash it is wrong, and takes as long.
  boolean matches(Optional<String> hash, String password) {
    var text = hash.orElseGet(this::nobody);
    boolean same =
        text.startsWith("$apr1$")
            ? MessageDigest.isEqual(
                Md5Crypt.apr1Crypt(password.getBytes(StandardCharsets.UTF_8), text)
                    .getBytes(StandardCharsets.US_ASCII),
                text.getBytes(StandardCharsets.US_ASCII))
            : OpenBSDBCrypt.checkPassword(text, password.toCharArray());
    return same && hash.isPresent();
  }

  /// As costly as the costliest line.
  private String nobody() {
    return hashes.values().stream()
        .filter(hash -> hash.startsWith("$2"))
        .map(hash -> hash.substring(0, 7))
        .max(Comparator.comparing(prefix -> prefix.substring(4, 6)))
        .map(prefix -> prefix + NOBODY_SALTED)
        .orElse(NOBODY_APR1);
  }

  /// Without the hashes.
  @Override
  public String toString() {
    return hashes.size() + " users";
  }
}
