package dev.gatehouse.app.config;

import dev.gatehouse.http.Json;
import java.util.LinkedHashMap;

/// The JSON Schema of the configuration file, for editors.
///
/// It comes from the declaration that the loader reads. It is a little wider than the loader: what
/// concerns two places at once, such as tying routes, no schema can say.
public final class ConfigSchema {
  private ConfigSchema() {}

  /// JSON Schema 2020-12.
  public static String json() {
    var schema = new LinkedHashMap<String, Object>();
    schema.put("$schema", "https://json-schema.org/draft/2020-12/schema");
    schema.put("title", "Gatehouse configuration");
    schema.putAll(Declaration.ROOT.schema());
    return Json.mapper().writerWithDefaultPrettyPrinter().writeValueAsString(schema);
  }
}
