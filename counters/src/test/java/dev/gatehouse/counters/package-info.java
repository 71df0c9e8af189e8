@NullMarked
package dev.gatehouse.counters;

import org.jspecify.annotations.NullMarked;
