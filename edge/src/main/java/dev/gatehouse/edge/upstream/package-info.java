/// Carries an exchange to a replica or an external origin and back, and knows which replicas are
/// up.
@NullMarked
package dev.gatehouse.edge.upstream;

import org.jspecify.annotations.NullMarked;
