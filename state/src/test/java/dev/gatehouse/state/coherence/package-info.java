@NullMarked
package dev.gatehouse.state.coherence;

import org.jspecify.annotations.NullMarked;
