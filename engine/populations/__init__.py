"""Where records come from: bundled sets, their split into contested and public records, membership masks."""
