@NullMarked
package dev.gatehouse.state;

import org.jspecify.annotations.NullMarked;
