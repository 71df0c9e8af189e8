package dev.gatehouse.app.supervisor;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// How a child JVM is started: with this one's Java, this one's class path, and flags for a small
/// process.
///
/// The flags here and those in the launcher agree where the AOT cache asks for it (collector,
/// object headers).
public final class JavaCommand {
  private final String java;
  private final String classPath;
  private final String main;
  private final Optional<Path> cache;

  public JavaCommand(String java, String classPath, String main, Optional<Path> cache) {
    this.java = java;
    this.classPath = classPath;
    this.main = main;
    this.cache = cache;
  }

  /// Java and class path of the process we are in.
  public static JavaCommand ofThisProcess(String main, Optional<Path> cache) {
    return new JavaCommand(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        System.getProperty("java.class.path"),
        main,
        cache);
  }

  /// The command that runs main with these arguments.
  List<String> with(ServiceSpec.Jvm jvm, List<String> arguments) {
    var command = new ArrayList<String>();
    command.add(java);
    command.add("-Xmx" + jvm.heap() + "m");
    command.add("-XX:MaxDirectMemorySize=" + jvm.direct() + "m");
    if (jvm.quick()) {
      command.add("-XX:TieredStopAtLevel=1");
    }
    if (jvm.endsWhenFull()) {
      command.add("-XX:+ExitOnOutOfMemoryError");
    }
    if (jvm.cached()) {
      cache.ifPresent(file -> command.add("-XX:AOTCache=" + file));
    }
    command.addAll(
        List.of(
            "-XX:+UseSerialGC",
            "-XX:+UseCompactObjectHeaders",
            // Otherwise the first collection comes when the whole heap has been touched.
            "-Xms8m",
            // Gives back what the compilers took for the start.
            "-XX:TrimNativeHeapInterval=5000",
            "-Xss512k",
            "-XX:-UsePerfData",
            "-Xlog:disable",
            "-Xlog:all=error:stderr",
            "-Xlog:aot*=off",
            "-Xlog:cds*=off",
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-cp",
            classPath,
            main));
    command.addAll(arguments);
    return command;
  }
}
