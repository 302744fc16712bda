// Shows the API on /docs. What is tried there goes out as the person who signed in.
"use strict";
window.addEventListener("DOMContentLoaded", () => {
  SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#reference",
    deepLinking: true,
    docExpansion: "list",
    validatorUrl: null,
  });
});
