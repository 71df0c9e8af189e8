/// Who comes in: session cookies, passwords, API keys and signed tokens, and what the edge itself
/// shows to upstreams that want to know who it is.
///
/// [Authenticate] is the filter; it asks one [Authenticator] after the other. [Doorkeeper] owns
/// what outlives a configuration: what was verified lately, who guesses, and the threads on which
/// all that blocks is done. Nothing here is loaded before a route asks for it.
@NullMarked
package dev.gatehouse.edge.auth;

import org.jspecify.annotations.NullMarked;
