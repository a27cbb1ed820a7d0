//! What an operator sees, as snapshots.
