package dev.gatehouse.http;

/// One address requests can be sent to.
///
/// @param host a name or an address literal without brackets
/// @param tls whether to speak TLS, checking the certificate against `host`
/// @param trusting PEM certificates of the only issuers that are trusted; empty: those of the
///   system
/// @param via the address literal to connect to, where `host` was looked up already; else empty
public record Origin(String host, int port, boolean tls, String via, String trusting) {
  /// An origin whose host is looked up for every connection.
  public Origin(String host, int port, boolean tls) {
    this(host, port, tls, "");
  }

  public Origin(String host, int port, boolean tls, String via) {
    this(host, port, tls, via, "");
  }

  /// The same, trusting these issuers; the text and not its file, so that one which changed is
  /// another origin, with connections of its own.
  public Origin trusting(String pem) {
    return pem.equals(trusting) ? this : new Origin(host, port, tls, via, pem);
  }

  /// What to connect to.
  String reached() {
    return via.isEmpty() ? host : via;
  }

  /// As it stands in `Host`: without the port where it is the scheme's own.
  public String authority() {
    var name = host.indexOf(':') >= 0 ? "[" + host + "]" : host;
    return port == (tls ? 443 : 80) ? name : name + ":" + port;
  }

  /// `127.0.0.1:9101`, for logs and lists.
  public String address() {
    var name = reached();
    return (name.indexOf(':') >= 0 ? "[" + name + "]" : name) + ":" + port;
  }
}
