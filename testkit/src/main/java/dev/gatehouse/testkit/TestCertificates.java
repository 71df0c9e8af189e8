package dev.gatehouse.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/// An authority of the test's own and the certificates it gives, made by the JDK's `keytool`.
public final class TestCertificates {
  private static final String PASSWORD = "changeit";

  private final Path home;

  private TestCertificates(Path home) {
    this.home = home;
  }

  public static TestCertificates create() {
    try {
      var made = new TestCertificates(Files.createTempDirectory("gatehouse-test-ca"));
      made.keytool(
          "-genkeypair",
          "-alias",
          "ca",
          "-keyalg",
          "EC",
          "-dname",
          "CN=Test authority",
          "-ext",
          "bc:c");
      made.keytool("-exportcert", "-alias", "ca", "-rfc", "-file", made.ca().toString());
      return made;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// The authority's own certificate, a PEM file.
  public Path ca() {
    return home.resolve("ca.pem");
  }

  /// What a server of this name needs.
  public SSLContext serving(String host) {
    return serving(host, "good", "-validity", "30");
  }

  /// The same with a certificate of last year.
  public SSLContext servingExpired(String host) {
    return serving(host, "expired", "-startdate", "-400d", "-validity", "30");
  }

  private SSLContext serving(String host, String alias, String... valid) {
    var request = home.resolve(alias + ".csr").toString();
    var certificate = home.resolve(alias + ".pem").toString();
    keytool("-genkeypair", "-alias", alias, "-keyalg", "EC", "-dname", "CN=" + host);
    keytool("-certreq", "-alias", alias, "-file", request);
    var sign =
        new ArrayList<>(
            List.of(
                "-gencert",
                "-alias",
                "ca",
                "-rfc",
                "-infile",
                request,
                "-outfile",
                certificate,
                "-ext",
                "san=dns:" + host));
    sign.addAll(List.of(valid));
    keytool(sign.toArray(String[]::new));
    keytool("-importcert", "-noprompt", "-alias", alias, "-file", certificate);
    return context(alias);
  }

  private SSLContext context(String alias) {
    try (var in = Files.newInputStream(home.resolve("keys.p12"))) {
      var all = KeyStore.getInstance("PKCS12");
      all.load(in, PASSWORD.toCharArray());
      var one = KeyStore.getInstance("PKCS12");
      one.load(null, null);
      one.setKeyEntry(
          alias,
          all.getKey(alias, PASSWORD.toCharArray()),
          PASSWORD.toCharArray(),
          all.getCertificateChain(alias));
      var keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      keys.init(one, PASSWORD.toCharArray());
      var context = SSLContext.getInstance("TLS");
      context.init(keys.getKeyManagers(), null, null);
      return context;
    } catch (IOException | GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private void keytool(String... arguments) {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
    command.addAll(List.of(arguments));
    command.addAll(
        List.of("-keystore", home.resolve("keys.p12").toString(), "-storepass", PASSWORD));
    try {
      var process = new ProcessBuilder(command).redirectErrorStream(true).start();
      var said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (process.waitFor() != 0) {
        throw new IllegalStateException(said);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
