/// The test kit's own tests.
@NullMarked
package dev.gatehouse.testkit;

import org.jspecify.annotations.NullMarked;
