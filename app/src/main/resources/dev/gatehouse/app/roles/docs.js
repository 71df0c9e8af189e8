// Only what this port answers can be tried here: the edge's ports are other origins.
SwaggerUIBundle({
  url: "/admin/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
  plugins: [
    () => ({
      statePlugins: {
        spec: {
          wrapSelectors: {
            allowTryItOutFor: () => (state, path) =>
              /^\/(admin|metrics|prometheus|readyz|healthz)/.test(path),
          },
        },
      },
    }),
  ],
});
