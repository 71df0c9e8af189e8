/// Tests of the database pool, the migrations and the embedded server, all against a real one.
@NullMarked
package dev.gatehouse.state;

import org.jspecify.annotations.NullMarked;
