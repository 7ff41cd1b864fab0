"""Our own pages: plain HTML that works without scripts, by keyboard and by screen reader."""

from html import escape

from fastapi.responses import HTMLResponse

PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in · perdure</title>
<style>
  :root {{ color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }}
  main {{ max-width: 26rem; margin: 15vh auto 0; padding: 0 1rem; }}
  label {{ display: block; font-weight: 600; }}
  input, button {{ box-sizing: border-box; width: 100%; margin: .25rem 0 1rem; padding: .6rem;
                   font: inherit; }}
  #problem {{ border-left: .25rem solid #c62828; padding-left: .75rem; }}
  #hint {{ opacity: .8; margin-top: 0; }}
</style>
</head>
<body>
<main>
<h1>Sign in</h1>
<p>Temporal's web UI shows every project's runs, so it takes the token of an admin of the server.
</p>
{problem}<form method="post" action="/sign-in">
<label for="token">Token</label>
<input id="token" name="token" type="password" required autofocus
       autocomplete="current-password" aria-describedby="hint">
<p id="hint">The first admin's is in the file <code>admin.token</code> of the data directory.</p>
<button type="submit">Sign in</button>
</form>
</main>
</body>
</html>
"""


def sign_in_page(problem: str = "", *, status: int = 200) -> HTMLResponse:
    """The form; `problem` says why the last try did not work."""
    shown = f'<p id="problem" role="alert">{escape(problem)}</p>\n' if problem else ""
    return HTMLResponse(PAGE.format(problem=shown), status_code=status, headers=PAGE_HEADERS)
