package dev.gatehouse.state;

import com.sun.security.auth.module.UnixSystem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/// How the server is kept from running as root, which PostgreSQL refuses: the words that go before
/// its command, and the user who has to own its files.
///
/// An ordinary user needs nothing. Root enters a user namespace of its own in which it is nobody
/// (`unshare -U`): files stay root's, and no other user of the machine can touch the server. Where
/// namespaces are forbidden (many containers), root changes to an unprivileged user for good
/// (`setpriv`), who then owns the files; later starts keep to the choice that the files show.
record RunAs(List<String> prefix, OptionalInt owner) {
  private static final int ROOT = 0;
  private static final int NOBODY = 65534;

  /// @throws IllegalStateException with one sentence when there is no way
  static RunAs choose(Path cluster, Path workingDirectory) throws IOException {
    return choose(
        // Not the owner of /proc/self: the kernel may show root there for an ordinary user's
        // process.
        Math.toIntExact(new UnixSystem().getUid()),
        Files.isDirectory(cluster) ? OptionalInt.of(DataFiles.owner(cluster)) : OptionalInt.empty(),
        cluster,
        prefix -> {
          var command = new ArrayList<>(prefix);
          command.add("true");
          return Shell.run(workingDirectory, command, "").ok();
        });
  }

  static RunAs choose(
      int self,
      OptionalInt clusterOwner,
      Path cluster,
      java.util.function.Predicate<List<String>> works) {
    if (self != ROOT) {
      if (clusterOwner.isPresent() && clusterOwner.getAsInt() != self) {
        throw new IllegalStateException(
            "The database files in %s belong to user %d: start Gatehouse as that user or as root, or use another data directory."
                .formatted(cluster, clusterOwner.getAsInt()));
      }
      return new RunAs(List.of(), OptionalInt.empty());
    }
    boolean othersFiles = clusterOwner.isPresent() && clusterOwner.getAsInt() != ROOT;
    var namespace = List.of("unshare", "-U", "--");
    if (!othersFiles && works.test(namespace)) {
      return new RunAs(namespace, OptionalInt.empty());
    }
    int user = othersFiles ? clusterOwner.getAsInt() : NOBODY;
    var change =
        List.of(
            "setpriv",
            "--reuid=" + user,
            "--regid=" + user,
            "--clear-groups",
            "--no-new-privs",
            "--");
    if (works.test(change)) {
      return new RunAs(change, OptionalInt.of(user));
    }
    throw new IllegalStateException(
        "PostgreSQL refuses to run as root, and neither `unshare -U` nor `setpriv` (package util-linux) works here: start Gatehouse as an ordinary user, or set `database: postgres://...`.");
  }

  /// Root's files may lie where the user that the server runs as cannot get.
  ///
  /// @throws IllegalStateException with one sentence when they do
  void checkReach(Path program) {
    if (owner.isPresent()
        && !Shell.run(Path.of("/"), command(Path.of("test"), "-r", program.toString()), "").ok()) {
      throw new IllegalStateException(
          "PostgreSQL runs as user %d here, which cannot reach %s: let others pass through its parent directories (chmod o+x), or use another data directory."
              .formatted(owner.getAsInt(), program.getParent()));
    }
  }

  List<String> command(Path program, String... arguments) {
    var command = new ArrayList<>(prefix);
    command.add(program.toString());
    command.addAll(List.of(arguments));
    return command;
  }
}
