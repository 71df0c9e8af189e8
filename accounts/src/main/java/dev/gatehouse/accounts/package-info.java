@NullMarked
package dev.gatehouse.accounts;

import org.jspecify.annotations.NullMarked;
