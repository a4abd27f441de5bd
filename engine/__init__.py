"""The engine: configuration in, result out; no screen, no files, no globals, no printing."""
