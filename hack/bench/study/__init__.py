"""What the benchmarks have in common that put one question to one bare hub: `agent` and `scale`.

Each has a size, figures that are measured in steps, a result file, and a page that is written from it. What is
measured, and what is said of it, is theirs.
"""
