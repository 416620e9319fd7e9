"""Predictions brought to what was observed, after training: by source, by Platt's line, by an isotonic curve."""
