"""How well did it do? Language-model losses, task scores with intervals, baselines, plots."""
