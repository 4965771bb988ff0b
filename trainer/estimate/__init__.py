"""What a run will take before it is begun: parameters, FLOPs, memory, time, cost. Nothing here imports torch."""
