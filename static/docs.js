// The page at /docs: Swagger UI over this server's own description, and nothing from elsewhere.

window.SwaggerUIBundle({
  url: document.body.dataset.description,
  dom_id: "#description",
  deepLinking: true,
  validatorUrl: null,
});
