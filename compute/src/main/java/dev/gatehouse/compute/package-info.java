@NullMarked
package dev.gatehouse.compute;

import org.jspecify.annotations.NullMarked;
