"""Run the package `docs`, which replaces this script."""

import runpy

runpy.run_module("docs", run_name="__main__")
