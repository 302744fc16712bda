// Leads to the sign-in page when the session has ended elsewhere, and loads the page again when it
// may do something else than before. The reasons are those of web/security/gate.py.
"use strict";
addEventListener("DOMContentLoaded", () => {
  const toSignIn = () =>
    location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
  window.socket?.on("disconnect", (_, details) => {
    const reason = details?.context?.reason;
    if (reason === "session ended" || details?.description === 401) toSignIn();
    else if (reason === "rights changed") location.reload();
  });
  window.socket?.on("connect_error", (error) => {
    if (error.description === 401) toSignIn(); // it ended while the line was down
  });
});
