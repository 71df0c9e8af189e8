@NullMarked
package dev.gatehouse.multivac;

import org.jspecify.annotations.NullMarked;
