"""The MLM race: how our pretraining compares with a tuned Hugging Face model, fairly.

`README.md` in this folder holds the rules. The modules, in reading order: `shapes` (sizes that
both sides share), `racefile` (text and frozen masks, hashed), `settings` (who runs how), `models`,
`timed` (one run against the clock), `limits` (useful FLOPs, peaks, MFU), `store` and `driver`
(raw logs, resume), `verdict`, `sweep`, `headline`, `ladder`, `report`, `profile`,
`throughput`; beside them `tuners` and `finetune`, `vocabulary`, and `gpu`, three smaller races.

Run it with ``python -m benchmarks``.
"""
