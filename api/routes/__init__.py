"""The routes, a file per noun. Each authorises, calls, and answers with a value of `spec`."""
