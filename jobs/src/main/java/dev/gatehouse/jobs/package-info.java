@NullMarked
package dev.gatehouse.jobs;

import org.jspecify.annotations.NullMarked;
