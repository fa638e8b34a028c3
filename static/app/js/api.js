// The page that describes the REST API: Swagger UI, in the theme of the portal, with the session of the browser.

const place = document.querySelector("#swagger");

// The colours of Swagger UI are chosen by a class.
const theme = () => {
  const { classList, dataset } = document.documentElement;
  classList.toggle("dark-mode", dataset.bsTheme === "dark");
};
theme();
document.addEventListener("theme:changed", theme);

SwaggerUIBundle({
  domNode: place,
  url: place.dataset.schema,
  docExpansion: "none",
  filter: true,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  syntaxHighlight: { activated: true },
  // No validator of somebody else's is asked.
  validatorUrl: null,
  requestInterceptor: (request) => {
    request.headers["X-CSRFToken"] = place.dataset.csrf;
    return request;
  },
});
