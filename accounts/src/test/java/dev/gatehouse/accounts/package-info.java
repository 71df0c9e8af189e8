/// Holds accounts to its contract, with a real Postgres.
@NullMarked
package dev.gatehouse.accounts;

import org.jspecify.annotations.NullMarked;
