package dev.gatehouse.http;

/// One address requests can be sent to.
///
/// @param host a name or an address literal without brackets
/// @param tls whether to speak TLS, checking the certificate against `host`
public record Origin(String host, int port, boolean tls) {
  /// As it stands in `Host`: without the port where it is the scheme's own.
  public String authority() {
    var name = host.indexOf(':') >= 0 ? "[" + host + "]" : host;
    return port == (tls ? 443 : 80) ? name : name + ":" + port;
  }

  /// `127.0.0.1:9101`, for logs and lists.
  public String address() {
    return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
  }
}
