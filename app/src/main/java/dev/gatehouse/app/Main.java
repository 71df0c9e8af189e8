package dev.gatehouse.app;

import dev.gatehouse.app.cli.Cli;

/// The entry point of every process of ours: the supervisor, its children, and the short commands.
public final class Main {
  private Main() {}

  public static void main(String[] args) {
    System.exit(Cli.run(args));
  }
}
