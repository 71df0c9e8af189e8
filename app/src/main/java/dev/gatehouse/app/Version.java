package dev.gatehouse.app;

/// Which Gatehouse this is, from the jar's manifest.
public final class Version {
  private Version() {}

  /// Such as `0.1.0`; `development` where classes are run without their jar.
  public static String current() {
    var version = Version.class.getPackage().getImplementationVersion();
    return version == null ? "development" : version;
  }
}
