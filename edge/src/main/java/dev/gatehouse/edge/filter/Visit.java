package dev.gatehouse.edge.filter;

import dev.gatehouse.edge.limit.Permits;
import dev.gatehouse.edge.route.Identity;
import dev.gatehouse.edge.route.Route;
import dev.gatehouse.http.Exchange;
import dev.gatehouse.http.RequestHead;
import java.net.InetSocketAddress;
import java.util.Optional;

/// One request on its way through the edge: what the filters have found out so far. Confined to its
/// event loop.
public final class Visit {
  private final Exchange exchange;
  private final Route route;
  private final Steps steps;
  private InetSocketAddress client;
  private String clientText;
  private Optional<Identity> identity = Optional.empty();
  private Optional<Permits> permits = Optional.empty();
  private String proto = "http";
  private Optional<String> forwardedHost = Optional.empty();
  private boolean vouched;
  private RequestHead head;
  private Optional<String> originHost = Optional.empty();

  public Visit(Exchange exchange, Route route) {
    this(exchange, route, new Steps());
  }

  private Visit(Exchange exchange, Route route, Steps steps) {
    this.exchange = exchange;
    this.route = route;
    this.steps = steps;
    this.client = exchange.peer();
    this.clientText = exchange.peerText();
    this.head = exchange.head();
  }

  /// The same visit with another request for the origin, such as one that asks whether a stored
  /// answer is still good.
  public Visit asking(RequestHead other) {
    var copy = new Visit(exchange, route, steps);
    copy.client = client;
    copy.clientText = clientText;
    copy.vouched = vouched;
    copy.identity = identity;
    copy.proto = proto;
    copy.forwardedHost = forwardedHost;
    copy.head = other;
    copy.originHost = originHost;
    return copy;
  }

  /// What the origin is asked: the client's request, unless the route changes it or somebody asks
  /// on their own account.
  public RequestHead head() {
    return head;
  }

  public Exchange exchange() {
    return exchange;
  }

  /// How far it has come.
  public Steps steps() {
    return steps;
  }

  public Route route() {
    return route;
  }

  public void head(RequestHead changed) {
    head = changed;
  }

  /// What an origin that is not ours gets as `Host` instead of its own address.
  public Optional<String> originHost() {
    return originHost;
  }

  public void originHost(String host) {
    originHost = Optional.of(host);
  }

  /// Who asks: the peer, or whom a trusted proxy names.
  public InetSocketAddress client() {
    return client;
  }

  /// Whether the peer is a trusted proxy, whose word about the request counts.
  public boolean vouched() {
    return vouched;
  }

  public void vouch() {
    vouched = true;
  }

  /// The client's address as text without the port.
  public String clientText() {
    return clientText;
  }

  public void client(InetSocketAddress address) {
    client = address;
    clientText = address.getAddress().getHostAddress();
  }

  /// Who makes the request, once a filter has found out.
  public Optional<Identity> identity() {
    return identity;
  }

  public void identity(Identity known) {
    identity = Optional.of(known);
  }

  /// The user's name alone.
  public Optional<String> user() {
    return identity.map(Identity::user);
  }

  /// What limits have given so far, while others wait for the identity.
  public Optional<Permits> permits() {
    return permits;
  }

  public void permits(Permits given) {
    permits = Optional.of(given);
  }

  /// `http` or `https`: how the client came, to us or to a trusted proxy.
  public String proto() {
    return proto;
  }

  public void proto(String told) {
    proto = told;
  }

  /// The host that the client asked for, of us or of a trusted proxy; empty if it named none.
  public String forwardedHost() {
    return forwardedHost.orElseGet(() -> head.host());
  }

  public void forwardedHost(String told) {
    forwardedHost = Optional.of(told);
  }
}
